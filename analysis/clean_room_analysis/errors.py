# SPDX-License-Identifier: AGPL-3.0-or-later
"""What went wrong, for the people who read the report."""


def cause_of(error: BaseException) -> str:
    """Our own sentences as they are; what others raise with its kind before it, which may be all that it says."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
