"""
EC2 and EBS as AWS behaves. LocalEmu 1.3.2 keeps its EC2 resources in moto's classes and answers most operations by moto's code,
so it is those classes that are corrected.
"""


def install() -> None:
    """Before LocalEmu takes requests."""
    from . import disk_images, instances, interfaces, snapshot_locks, snapshot_sharing, snapshots, volumes

    for module in (interfaces, instances, snapshots, snapshot_sharing, snapshot_locks, volumes, disk_images):
        module.install()
