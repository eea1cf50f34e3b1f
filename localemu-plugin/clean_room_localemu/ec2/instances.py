"""Launching, changing and ending instances as EC2 does."""

import threading
from collections.abc import Callable
from typing import Any

from localemu.utils.patch import patch
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociationBackend
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.tags import TagResponse
from moto.ec2.utils import parse_user_data

from .errors import error
from .snapshot_sharing import own_snapshot

#: Seconds an instance is pending.
PENDING_SECONDS = 0.3
#: Attributes of ModifyInstanceAttribute that are sent as `<name>.Value`, and the instance's field.
VALUES = {
    "InstanceType": "instance_type",
    "Kernel": "kernel",
    "UserData": "user_data",
    "DisableApiTermination": "disable_api_termination",
    "DisableApiStop": "disable_api_stop",
    "SourceDestCheck": "source_dest_check",
    "EbsOptimized": "ebs_optimized",
    "InstanceInitiatedShutdownBehavior": "instance_initiated_shutdown_behavior",
}

#: Parameters that must be the same when a ClientToken comes again.
LAUNCH = (
    "ImageId",
    "InstanceType",
    "MinCount",
    "MaxCount",
    "SubnetId",
    "SecurityGroupIds",
    "NetworkInterfaces",
    "BlockDeviceMappings",
    "IamInstanceProfile",
    "UserData",
    "TagSpecifications",
)
_launching = threading.Lock()


def install() -> None:
    """See each function."""

    @patch(InstanceResponse.run_instances)
    def run_instances(fn: Any, self: InstanceResponse) -> ActionResult:
        """Knows the AMI; the same ClientToken gives the same instances; takes DisableApiTermination."""
        image = self._get_param("ImageId")
        if image and not self.ec2_backend.describe_images(filters={"image-id": image}):
            raise error("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
        with _launching:
            return once(fn, self)

    @patch(InstanceResponse.modify_instance_attribute)
    def modify_instance_attribute(_fn: Any, self: InstanceResponse) -> ActionResult:
        """One attribute a call. moto takes what it does not know for an empty list of security groups."""
        instance_id = self._get_param("InstanceId")
        instance = self.ec2_backend.get_instance(instance_id)
        changes = changes_asked(self, instance)
        if len(changes) != 1:
            raise error(
                "InvalidParameterCombination", f"Exactly one attribute can be changed in a call; found {sorted(changes) or 'none'}."
            )
        self.error_on_dryrun()
        next(iter(changes.values()))()
        return EmptyResult()

    @patch(InstanceBackend.modify_instance_metadata_options)
    def modify_instance_metadata_options(
        _fn: Any,
        self: Any,
        instance_id: str,
        http_tokens: str | None = None,
        hop_limit: int | None = None,
        http_endpoint: str | None = None,
        dry_run: bool = False,
        http_protocol: str | None = None,
        metadata_tags: str | None = None,
    ) -> Any:
        """What is not passed stays."""
        options = self.get_instance(instance_id).metadata_options
        asked = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": hop_limit,
            "http_endpoint": http_endpoint,
            "http_protocol_ipv6": http_protocol,
            "instance_metadata_tags": metadata_tags,
        }
        for name, value in asked.items():
            if value is not None:
                setattr(options, name, value)
        return options

    @patch(IamInstanceProfileAssociationBackend.replace_iam_instance_profile_association)
    def replace_iam_instance_profile_association(fn: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        """Shows on the instance."""
        association = fn(self, *args, **kwargs)
        association.instance.iam_instance_profile = association.iam_instance_profile
        return association

    _take_time_to_start()
    for operation in ("create_tags", "delete_tags"):
        _refuse_unknown_resources(operation)


def once(fn: Any, self: InstanceResponse) -> ActionResult:
    """Launches, or gives what a launch with the same ClientToken gave."""
    token = self._get_param("ClientToken")
    # On the account's backend of the Region, since that is where a token counts.
    launches: dict[str, tuple[list[Any], ActionResult]] = self.ec2_backend.__dict__.setdefault("_launches_by_token", {})
    asked = [self._get_param(each) for each in LAUNCH]
    if token in launches:
        first, result = launches[token]
        if first != asked:
            raise error("IdempotentParameterMismatch", "The client token was used before with other parameters.")
        if any(instance.state == "terminated" for instance in result.result.instances):
            raise error("IdempotentInstanceTerminated", "The client token was used before, for an instance that has been terminated.")
        return result
    result = fn(self)
    for instance in result.result.instances:
        instance.disable_api_termination = str(self._get_param("DisableApiTermination", False)).lower() == "true"
    give_profile(self, result.result.instances[1:])
    if token:
        launches[token] = (asked, result)
    return result


def give_profile(response: InstanceResponse, instances: list[Any]) -> None:
    """
    The instance profile of a launch is that of each of its instances; moto gives it to the first alone.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    arn, name = response._get_param("IamInstanceProfile.Arn"), response._get_param("IamInstanceProfile.Name")
    for instance in instances if arn or name else []:
        response.ec2_backend.associate_iam_instance_profile(
            instance_id=instance.id, iam_instance_profile_arn=arn, iam_instance_profile_name=name
        )


def _take_time_to_start() -> None:
    """moto's instances run at once; on AWS they are pending for some seconds, in which much is refused."""

    @patch(InstanceBackend.run_instances)
    def run_instances(fn: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        reservation = fn(self, *args, **kwargs)
        for instance in reservation.instances:
            be_pending(instance)
        return reservation

    @patch(Instance.start)
    def start(fn: Any, self: Instance) -> Any:
        previous = fn(self)
        if previous.name != "running":
            be_pending(self)
        return previous


def be_pending(instance: Instance) -> None:
    """For a moment; then it runs, unless something else has become of it."""
    instance._state = pending = InstanceState("pending", 0)

    def run() -> None:
        if instance._state is pending and pending.name == "pending":
            instance._state = InstanceState("running", 16)

    timer = threading.Timer(PENDING_SECONDS, run)
    timer.daemon = True
    timer.start()


def _refuse_unknown_resources(operation: str) -> None:
    @patch(getattr(TagResponse, operation))
    def tags(fn: Any, self: TagResponse) -> Any:
        backend = self.ec2_backend
        finders = {
            "i-": backend.get_instance,
            "vol-": backend.get_volume,
            "eni-": backend.get_network_interface,
            "snap-": lambda each: own_snapshot(backend, each),
        }
        for resource_id in self._get_param("Resources", []):
            for prefix, find in finders.items():
                if resource_id.startswith(prefix):
                    find(resource_id)
        return fn(self)


def changes_asked(response: InstanceResponse, instance: Instance) -> dict[str, Callable[[], Any]]:
    """By attribute, what would make the change."""
    changes: dict[str, Callable[[], Any]] = {}
    attribute, value = response._get_param("Attribute"), response._get_param("Value")
    asked = {name: response._get_param(f"{name}.Value") for name in VALUES}
    if attribute is not None and value is not None:
        asked[attribute[0].upper() + attribute[1:]] = value
    for name, new in asked.items():
        if new is not None:
            changes[name] = _setter(instance, name, new)
    if groups := response._get_param("Groups", []):
        changes["Groups"] = lambda: response.ec2_backend.modify_instance_security_groups(instance.id, groups)
    if mappings := response._get_param("BlockDeviceMappings", []):
        changes["BlockDeviceMappings"] = lambda: _set_delete_on_termination(instance, mappings)
    return changes


def _setter(instance: Instance, name: str, value: Any) -> Callable[[], None]:
    if name not in VALUES:
        raise error("InvalidParameterValue", f"Value ({name}) for parameter attribute is invalid. Unknown attribute.")
    if name == "UserData":
        value = parse_user_data(value)
    if name in ("InstanceType", "Kernel", "UserData", "EbsOptimized") and instance.state != "stopped":
        raise error("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    if name.startswith("Disable") or name == "SourceDestCheck":
        value = str(value).lower() == "true"
    return lambda: setattr(instance, VALUES[name], value)


def _set_delete_on_termination(instance: Instance, mappings: list[dict[str, Any]]) -> None:
    for mapping in mappings:
        device, wanted = mapping.get("DeviceName"), mapping.get("Ebs", {}).get("DeleteOnTermination")
        if device not in instance.block_device_mapping:
            raise error("InvalidInstanceAttributeValue", f"No device is currently mapped at {device}")
        if wanted is not None:
            instance.block_device_mapping[device].delete_on_termination = str(wanted).lower() == "true"
