"""
Load balancers are records. LocalEmu opens a port on all of this machine's interfaces for each listener, and takes what listens on this
machine for a target's health.
"""

from typing import Any


def install() -> None:
    """Leaves all operations to moto's records, before LocalEmu makes its table of operations."""
    from localemu.services.elbv2 import provider
    from moto.elbv2.models import FakeTargetGroup

    provider._INTERCEPTED_OPS.clear()
    FakeTargetGroup.deregister = deregister


def deregister(target_group: Any, targets: list[dict[str, Any]]) -> None:
    """Says nothing about targets that are not there, as AWS; moto refuses them."""
    for target in targets:
        if (known := target_group.targets.pop(target["Id"], None)) is not None:
            target_group.deregistered_targets[target["Id"]] = known
