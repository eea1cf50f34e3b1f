"""Instances that Systems Manager manages: those that run with a profile whose role lets their agent register, once it has, and whose groups let it out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .credentials import may_register
from .reach import reaches_systems_manager

#: An agent takes 30 seconds to 6 minutes in AWS; long enough here that a caller who does not wait is found out.
REGISTRATION = timedelta(seconds=0.4)


def instances(account_id: str, region: str) -> list[Any]:
    """moto's instances, in the order they were started."""
    registered = datetime.now(UTC) - REGISTRATION
    return [
        each
        for each in _running(account_id, region)
        if _utc(each.launch_time) <= registered and may_register(each) and reaches_systems_manager(each)
    ]


def is_running(account_id: str, region: str, instance_id: str) -> bool:
    """Whether its processes live."""
    return any(each.id == instance_id for each in _running(account_id, region))


def _running(account_id: str, region: str) -> list[Any]:
    from moto.ec2.models import ec2_backends

    return [each for each in ec2_backends[account_id][region].all_instances() if each.state == "running"]


def information(instance: Any) -> dict[str, Any]:
    """As DescribeInstanceInformation shows it."""
    return {
        "InstanceId": instance.id,
        "PingStatus": "Online",
        "LastPingDateTime": datetime.now(UTC),
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": f"ip-{instance.private_ip.replace('.', '-')}.{instance.ec2_backend.region_name}.compute.internal",
    }


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
