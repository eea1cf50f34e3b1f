"""Lambda functions as local Node processes."""


def install() -> None:
    """The executor is found through its entry point; this is what else functions need."""
    from . import logs

    logs.install()
