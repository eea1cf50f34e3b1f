"""
Python 3.12. LocalEmu says that it runs on it, but takes `deprecated` from `warnings`, where Python has it since 3.13.
"""

import warnings


def install() -> None:
    """Puts it there, before a module that wants it is loaded."""
    if not hasattr(warnings, "deprecated"):
        from typing_extensions import deprecated

        warnings.deprecated = deprecated
