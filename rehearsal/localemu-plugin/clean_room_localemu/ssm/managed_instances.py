"""Instances that Systems Manager manages: those that run with an instance profile, once their agent has registered."""
from datetime import UTC, datetime, timedelta
from typing import Any

#: An agent takes 30 seconds to 6 minutes in AWS; long enough here that a caller who does not wait is found out.
REGISTRATION = timedelta(seconds=0.4)


def instances(account_id: str, region: str) -> list[Any]:
    """moto's instances, in the order they were started."""
    from moto.ec2.models import ec2_backends

    registered = datetime.now(UTC) - REGISTRATION
    return [each for each in ec2_backends[account_id][region].all_instances() if each.state == "running" and role_of(each) and _utc(each.launch_time) <= registered]


def role_of(instance: Any) -> Any | None:
    """moto's role behind the instance's profile."""
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association else []
    return roles[0] if roles else None


def is_running(account_id: str, region: str, instance_id: str) -> bool:
    """Whether its processes live."""
    from moto.ec2.models import ec2_backends

    return any(each.id == instance_id and each.state == "running" for each in ec2_backends[account_id][region].all_instances())


def information(instance: Any) -> dict[str, Any]:
    """As DescribeInstanceInformation shows it. The address is the instance's, the host name this emulator's choice."""
    return {
        "InstanceId": instance.id, "PingStatus": "Online", "LastPingDateTime": datetime.now(UTC), "AgentVersion": "3.3.3050.0", "IsLatestVersion": True,
        "PlatformType": "Linux", "PlatformName": "Amazon Linux", "PlatformVersion": "2023", "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip, "ComputerName": f"ip-{instance.private_ip.replace(".", "-")}.{instance.ec2_backend.region_name}.compute.internal",
    }


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
