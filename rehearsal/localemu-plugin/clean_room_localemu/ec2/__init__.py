"""
EC2 and EBS as AWS behaves. LocalEmu 1.3.2 keeps its EC2 resources in moto's model classes and answers most operations by
moto's code; these modules correct the models, or answer an operation themselves where moto's answer lacks too much.
"""


def install() -> None:
    """Before LocalEmu loads its EC2 provider, which collects the operations it answers from its class."""
    from . import disk_images, interfaces, snapshot_copies, snapshot_locks, snapshot_sharing, snapshots, tags, volumes

    for module in (interfaces, snapshots, snapshot_sharing, snapshot_copies, snapshot_locks, volumes, disk_images, tags):
        module.install()
