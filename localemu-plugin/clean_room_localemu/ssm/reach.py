"""
Whether an agent's calls leave its instance: through the security groups of the primary interface, at 443, to the VPC's own endpoint where it has
one with private DNS, and anywhere else where it has none. Routes are not looked at.
https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
"""

from ipaddress import ip_address, ip_network
from typing import Any

#: What an agent cannot do without.
SERVICES = ("ssm", "ssmmessages")


def reaches_systems_manager(instance: Any) -> bool:
    """All of the services."""
    interface = instance.nics.get(0) or instance.nics.get("0")
    if interface is None:
        return True
    return all(_reaches(instance.ec2_backend, interface, service) for service in SERVICES)


def _reaches(backend: Any, interface: Any, service: str) -> bool:
    egress = [rule for group in interface.group_set for rule in group.egress_rules if _covers_https(rule)]
    name = f"com.amazonaws.{backend.region_name}.{service}"
    endpoint = next(
        (
            each
            for each in list(backend.vpc_end_points.values())
            if (each.vpc_id, each.service_name, each.state) == (interface.subnet.vpc_id, name, "available") and each.private_dns_enabled
        ),
        None,
    )
    if endpoint is None:
        return any(_ranges(rule) for rule in egress)
    theirs = [group for each in endpoint.security_group_ids or [] if (group := backend.get_security_group_from_id(each))]
    out = any(_ranges(rule) or _names(rule, [each.id for each in theirs]) for rule in egress)
    ours = [each.id for each in interface.group_set]
    address = ip_address(interface.private_ip_address)
    admitted = [rule for group in theirs for rule in group.ingress_rules if _covers_https(rule)]
    return out and any(_names(rule, ours) or any(address in each for each in _ranges(rule)) for rule in admitted)


def _covers_https(rule: Any) -> bool:
    if str(rule.ip_protocol) == "-1":
        return True
    first, last = rule.from_port, rule.to_port
    return str(rule.ip_protocol) in ("tcp", "6") and int(first or 0) <= 443 <= int(last if last not in (None, "") else 65_535)


def _ranges(rule: Any) -> list[Any]:
    """Of IPv4, in which the agents of the rehearsals speak."""
    found = rule.ip_range.get("CidrIp") if isinstance(rule.ip_range, dict) else None
    return [ip_network(found, strict=False)] if found else []


def _names(rule: Any, groups: list[str]) -> bool:
    source = rule.source_group if isinstance(rule.source_group, dict) else {}
    return source.get("GroupId") in groups
