"""What goes wrong in AWS, on request: faults of single calls, AWS's documented throttling, and reads that lag behind writes."""


def install() -> None:
    """Puts the faults around the services, and their control at /_localemu/clean-room/faults."""
    from . import control, injection

    injection.install()
    control.install()
