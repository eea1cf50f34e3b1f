"""
Security groups of network interfaces.

AWS: a change replaces an interface's groups; each interface of an instance has its own; an instance has those of its primary
interface. LocalEmu: shows the union of the interface's and the instance's groups, gives every interface made with an instance
the groups of all, and accepts groups that do not exist.
"""

from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceBackend

from .errors import error

SecurityGroups = list[Any]


def install() -> None:
    """Corrects moto's interfaces and the parts of its instances that make them."""
    NetworkInterface.group_set = property(lambda interface: interface._group_set)
    Instance.network_interfaces = property(lambda instance: [] if instance.state == "terminated" else list(instance.nics.values()))
    patch(NetworkInterfaceBackend.create_network_interface)(create_with_known_groups)
    patch(NetworkInterfaceBackend.modify_network_interface_attribute)(replace_groups)
    patch(NetworkInterfaceBackend.attach_network_interface)(attach_when_free)
    patch(NetworkInterfaceBackend.delete_network_interface)(delete_when_detached)
    patch(InstanceBackend.modify_instance_security_groups)(replace_groups_of_instance)
    patch(Instance.prep_nics)(make_interfaces)
    patch(Instance.terminate)(release_interfaces)


def existing_groups(backend: Any, group_ids: list[str], vpc_id: str) -> SecurityGroups:
    """Raises as EC2 does when one does not exist or belongs to another VPC."""
    groups = []
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise error("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != vpc_id:
            raise error(
                "InvalidParameter",
                f"You have specified two resources that belong to different networks: {group_id} is in {group.vpc_id}, the interface in {vpc_id}.",
            )
        if group not in groups:
            groups.append(group)
    return groups


def create_with_known_groups(
    fn: Any,
    self: Any,
    subnet: Any,
    private_ip_address: Any,
    private_ip_addresses: Any = None,
    group_ids: list[str] | None = None,
    *args: Any,
    **kwargs: Any,
) -> NetworkInterface:
    if group_ids:
        vpc_id = (self.get_subnet(subnet) if isinstance(subnet, str) else subnet).vpc_id
        group_ids = [group.id for group in existing_groups(self, group_ids, vpc_id)]
    return fn(self, subnet, private_ip_address, private_ip_addresses, group_ids, *args, **kwargs)


def set_groups(interface: NetworkInterface, groups: SecurityGroups) -> None:
    """Replaces the interface's groups, and shows the primary one's on the instance."""
    interface._group_set = groups
    if interface.instance is not None and interface.device_index == 0:
        interface.instance.security_groups = list(groups)


def replace_groups(fn: Any, self: Any, eni_id: str, group_ids: list[str], *args: Any, **kwargs: Any) -> None:
    interface = self.get_network_interface(eni_id)
    groups = existing_groups(self, group_ids or [], interface.vpc_id)
    fn(self, eni_id, [], *args, **kwargs)
    if groups:
        set_groups(interface, groups)


def attach_when_free(fn: Any, self: Any, eni_id: str, instance_id: str, device_index: int) -> Any:
    interface, instance = self.get_network_interface(eni_id), self.get_instance(instance_id)
    if interface.instance is not None:
        raise error("InvalidNetworkInterface.InUse", f"Interface: [{eni_id}] in use.")
    if int(device_index) in instance.nics:
        raise error(
            "InvalidParameterValue", f"Instance '{instance_id}' already has an interface attached at device index '{device_index}'."
        )
    return fn(self, eni_id, instance_id, device_index)


def delete_when_detached(fn: Any, self: Any, eni_id: str) -> None:
    interface = self.get_network_interface(eni_id)
    if interface.instance is not None and not getattr(interface.instance, "terminating", False):
        raise error("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
    fn(self, eni_id)


def replace_groups_of_instance(_fn: Any, self: Any, instance_id: str, new_group_id_list: list[str]) -> Instance:
    instance = self.get_instance(instance_id)
    if len(instance.nics) > 1:
        raise error(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{instance_id}'. Please specify an interface ID for the operation instead.",
        )
    interface = instance.nics[0]
    set_groups(interface, existing_groups(self, new_group_id_list, interface.vpc_id))
    return instance


def make_interfaces(
    fn: Any, self: Instance, nic_spec: list[dict[str, Any]], *args: Any, security_groups: SecurityGroups | None = None, **kwargs: Any
) -> None:
    """Each interface in the request gets its own groups, and goes with the instance unless the request says otherwise."""
    for nic in nic_spec:
        if not nic.get("NetworkInterfaceId"):
            nic.setdefault("DeleteOnTermination", True)
    fn(self, nic_spec, *args, security_groups=None if nic_spec else security_groups, **kwargs)
    if not nic_spec:
        self.nics[0].delete_on_termination = True
    self.security_groups = list(self.nics[0]._group_set)


def release_interfaces(fn: Any, self: Instance) -> Any:
    """Those that outlive the instance are free again; moto leaves them attached. Ending twice changes nothing."""
    if self.state == "terminated":
        return self._state
    self.terminating = True
    previous = fn(self)
    for interface in self.nics.values():
        interface.instance = interface.attachment_id = interface.attach_time = None
        interface.status = "available"
    return previous
