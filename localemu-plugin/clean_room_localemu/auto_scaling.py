"""
Membership in Auto Scaling groups.

AWS refuses to detach instances that are not in the group, those on their way in or out (Pending, Pending:Wait, Warmed:Stopped,
Terminating ...) and a capacity below the group's minimum, and takes detached instances off the group's load balancers. LocalEmu lowers the
capacity by whatever is named and leaves the instance registered.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from typing import Any

from localemu.utils.patch import patch
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend


def install() -> None:
    """Corrects moto's groups."""
    patch(AutoScalingBackend.attach_instances)(attach)
    patch(AutoScalingBackend.detach_instances)(detach)
    patch(AutoScalingBackend.enter_standby_instances)(enter_standby)
    AutoScalingBackend.update_attached_target_groups = register_members


def group_of(backend: Any, name: str) -> Any:
    """Raises ValidationError when there is none."""
    if name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - null ({name})")
    return backend.autoscaling_groups[name]


def check_members(group: Any, instance_ids: list[str], should_decrement: bool, states: tuple[str, ...]) -> None:
    """Raises ValidationError when one is no member or in none of the states, or the group would have fewer than its minimum."""
    members = {each.instance.id: each.lifecycle_state for each in group.instance_states}
    for instance_id in instance_ids:
        if instance_id not in members:
            raise ValidationError(f"The instance {instance_id} is not part of Auto Scaling group {group.name}.")
        if members[instance_id] not in states:
            raise ValidationError(f"The instance {instance_id} is not in {' or '.join(states)}; it is in {members[instance_id]}.")
    if should_decrement and group.desired_capacity - len(set(instance_ids)) < group.min_size:
        raise ValidationError(
            f"Cannot detach or stand by {len(set(instance_ids))} instances of {group.name}: the capacity would be below its minimum size of {group.min_size}."
        )


def attach(fn: Any, self: Any, group_name: str, instance_ids: list[str]) -> Any:
    group_of(self, group_name)
    for instance_id in instance_ids:
        if self.ec2_backend.get_instance(instance_id).state != "running":
            raise ValidationError(
                f"Invalid Instance ID(s): [{instance_id}] provided. If you are trying to attach an instance, it must be running."
            )
        if holder := next(
            (
                name
                for name, group in self.autoscaling_groups.items()
                if any(each.instance.id == instance_id for each in group.instance_states)
            ),
            None,
        ):
            raise ValidationError(f"Instance {instance_id} is already part of AutoScalingGroup:{holder}")
    return fn(self, group_name, instance_ids)


def detach(fn: Any, self: Any, group_name: str, instance_ids: list[str], should_decrement: bool) -> Any:
    group = group_of(self, group_name)
    check_members(group, instance_ids, should_decrement, ("InService", "Standby"))
    activities = fn(self, group_name, instance_ids, should_decrement)
    for target_group in target_groups_of(self, group):
        target_group.deregister([{"Id": each} for each in instance_ids])
    for name in group.load_balancer_names:
        self.elb_backend.deregister_instances(name, instance_ids, from_autoscaling=True)
    return activities


def target_groups_of(backend: Any, group: Any) -> list[Any]:
    """Those that still exist."""
    known = backend.elbv2_backend.target_groups
    return [known[arn] for arn in group.target_group_arns if arn in known]


def register_members(backend: Any, group_name: str) -> None:
    """Also those that are still starting, which moto refuses; AWS registers them once they run."""
    group = group_of(backend, group_name)
    for target_group in target_groups_of(backend, group):
        for member in group.instance_states:
            target_group.targets.setdefault(member.instance.id, {"Id": member.instance.id, "Port": target_group.port})
            target_group.deregistered_targets.pop(member.instance.id, None)


def enter_standby(fn: Any, self: Any, group_name: str, instance_ids: list[str], should_decrement: bool) -> Any:
    check_members(group_of(self, group_name), instance_ids, should_decrement, ("InService",))
    return fn(self, group_name, instance_ids, should_decrement)
