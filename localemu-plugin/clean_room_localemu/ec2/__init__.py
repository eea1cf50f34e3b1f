"""
EC2 and EBS as AWS behaves. LocalEmu 1.3.2 keeps its EC2 resources in moto's classes and answers most operations by moto's code,
so it is those classes that are corrected.
"""


def install() -> None:
    """Before LocalEmu takes requests."""
    from . import (
        console,
        direct_apis,
        disk_images,
        instances,
        interfaces,
        marketplace,
        security_groups,
        snapshot_locks,
        snapshot_sharing,
        snapshots,
        trunk_interfaces,
        volumes,
        vpc_endpoints,
    )

    for module in (
        security_groups,
        interfaces,
        trunk_interfaces,
        instances,
        console,
        snapshots,
        snapshot_sharing,
        snapshot_locks,
        volumes,
        marketplace,
        disk_images,
        direct_apis,
        vpc_endpoints,
    ):
        module.install()
