"""
Security groups and their rules. AWS makes one group of a name in a VPC however many ask at once, takes all rules of a call or none, and
says that a rule is not there when asked to revoke it, also one for IPv6 in a VPC without.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import threading
from collections.abc import Callable
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.exceptions import InvalidPermissionNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses import security_groups as responses

_creating = threading.Lock()
_changing_rules = threading.Lock()


def install() -> None:
    """Corrects moto's groups."""

    @patch(SecurityGroupBackend.create_security_group)
    def create_security_group(fn: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        """One at a time, so that of many who ask at once all but one are told InvalidGroup.Duplicate."""
        with _creating:
            return fn(self, *args, **kwargs)

    def same(rule: SecurityGroupRule, other: SecurityGroupRule) -> bool:
        """moto compares the address family of one side only."""
        ranges = [(each.ip_range.get("CidrIp"), each.ip_range.get("CidrIpv6")) for each in (rule, other)]
        return ranges[0] == ranges[1] and compare(rule, other)

    compare = SecurityGroupRule.__eq__
    SecurityGroupRule.__eq__ = same
    for direction in ("ingress", "egress"):
        for verb in ("authorize", "revoke"):
            _all_or_none(f"{verb}_security_group_{direction}", f"{direction}_rules")
    revoke = SecurityGroupBackend.revoke_security_group_egress

    def revoke_security_group_egress(
        self: Any, group_name_or_id: str, ip_protocol: str, from_port: str, to_port: str, ip_ranges: list[Any], *args: Any, **kwargs: Any
    ) -> None:
        """moto leaves IPv6 ranges out in a VPC without IPv6, and so says that it revoked what it did not."""
        group = self.get_security_group_by_name_or_id(group_name_or_id, kwargs.get("vpc_id"))
        six = {each["CidrIpv6"] for each in ip_ranges or [] if isinstance(each, dict) and each.get("CidrIpv6")}
        gone = [
            rule
            for rule in (group.egress_rules if group and six else [])
            if rule.ip_range.get("CidrIpv6") in six
            and rule.ip_protocol == ip_protocol
            and (ip_protocol == "-1" or [str(rule.from_port), str(rule.to_port)] == [str(from_port), str(to_port)])
        ]
        if {rule.ip_range["CidrIpv6"] for rule in gone} != six:
            raise InvalidPermissionNotFoundError()
        four = [each for each in ip_ranges or [] if not (isinstance(each, dict) and each.get("CidrIpv6"))]
        if four or not six:
            revoke(self, group_name_or_id, ip_protocol, from_port, to_port, four, *args, **kwargs)
        if gone:
            group.egress_rules = [rule for rule in group.egress_rules if not any(rule is each for each in gone)]

    SecurityGroupBackend.revoke_security_group_egress = revoke_security_group_egress


def _all_or_none(operation: str, rules: str) -> None:
    """
    moto takes the rules of a call one by one, up to the one that it refuses. One call at a time: what a refused call puts back must
    not be what another call took away meanwhile.
    """
    act: Callable[..., Any] = getattr(responses.SecurityGroups, operation)

    def act_on_all(self: Any) -> Any:
        name = self._get_param("GroupId") or self._get_param("GroupName")
        group = self.ec2_backend.get_security_group_by_name_or_id(name, None) if name else None
        with _changing_rules:
            before = list(getattr(group, rules)) if group else []
            try:
                return act(self)
            except Exception:
                if group:
                    setattr(group, rules, before)
                raise

    setattr(responses.SecurityGroups, operation, act_on_all)
