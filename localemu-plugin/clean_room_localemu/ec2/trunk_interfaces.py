"""
Branch interfaces, which EKS gives to pods with security groups of their own and ECS to tasks. They hang on an instance's trunk interface,
stand in no instance's NetworkInterfaces, and are told by DescribeNetworkInterfaces (InterfaceType branch) and
DescribeTrunkInterfaceAssociations. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTrunkInterfaceAssociations.html
https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
"""

from typing import Any

from localemu.utils.patch import patch
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_resource_id

from .errors import error


def install() -> None:
    """LocalEmu has none of the three operations."""
    EC2Response.associate_trunk_interface = associate
    EC2Response.disassociate_trunk_interface = disassociate
    EC2Response.describe_trunk_interface_associations = describe

    @patch(NetworkInterface.get_filter_value)
    def get_filter_value(fn: Any, self: Any, filter_name: str) -> Any:
        return self.interface_type if filter_name == "interface-type" else fn(self, filter_name)


def associations_of(backend: Any) -> dict[str, dict[str, Any]]:
    """By id, of one account and Region."""
    return backend.__dict__.setdefault("_trunk_associations", {})


def join(backend: Any, branch_id: str, trunk_id: str, vlan_id: int | None) -> dict[str, Any]:
    """Puts a free interface on a trunk. Raises as EC2 does when one is not there or not free."""
    branch, trunk = backend.get_network_interface(branch_id), backend.get_network_interface(trunk_id)
    if branch.instance is not None or branch.status != "available":
        raise error("InvalidNetworkInterface.InUse", f"Interface: [{branch_id}] in use.")
    branch.interface_type, branch.status = "branch", "in-use"
    trunk.interface_type = "trunk"
    found = {
        "AssociationId": f"trunk-assoc-{random_resource_id(17)}",
        "BranchInterfaceId": branch_id,
        "TrunkInterfaceId": trunk_id,
        "InterfaceProtocol": "VLAN",
        "VlanId": vlan_id or len(associations_of(backend)) + 1,
    }
    associations_of(backend)[found["AssociationId"]] = found
    return found


def associate(self: Any) -> ActionResult:
    """AssociateTrunkInterface."""
    self.error_on_dryrun()
    vlan = self._get_param("VlanId")
    joined = join(self.ec2_backend, self._get_param("BranchInterfaceId"), self._get_param("TrunkInterfaceId"), int(vlan) if vlan else None)
    return ActionResult({"InterfaceAssociation": joined})


def disassociate(self: Any) -> ActionResult:
    """DisassociateTrunkInterface."""
    found = associations_of(self.ec2_backend).pop(self._get_param("AssociationId"), None)
    if found is None:
        raise error("InvalidTrunkInterfaceAssociation.NotFound", "The trunk association does not exist.")
    branch = self.ec2_backend.get_network_interface(found["BranchInterfaceId"])
    branch.interface_type, branch.status = "interface", "available"
    return ActionResult({"Return": True})


def describe(self: Any) -> ActionResult:
    """DescribeTrunkInterfaceAssociations, by id and by the filters of AWS."""
    wanted, filters = self._get_param("AssociationIds", []), self._filters_from_querystring()
    names = {
        "trunk-interface-association.trunk-interface-id": "TrunkInterfaceId",
        "trunk-interface-association.branch-interface-id": "BranchInterfaceId",
    }
    found = [
        each
        for each in associations_of(self.ec2_backend).values()
        if (not wanted or each["AssociationId"] in wanted)
        and all(str(each.get(names.get(name, name))) in values for name, values in filters.items())
    ]
    return ActionResult({"InterfaceAssociations": found})
