"""
Systems Manager's Run Command as AWS behaves, with the commands run for real on this machine. LocalEmu 1.3.2 wants a docker container
for each instance, takes unknown instances and documents, and has moto's records, which are born successful.
"""


def install() -> None:
    """Before LocalEmu makes its Systems Manager provider."""
    from . import operations

    operations.install()
