"""
VPC endpoints that a call from an instance comes through: their policies bind it, and it carries aws:SourceVpc and aws:SourceVpce. A call
comes from an instance when Run Command started it there: the AWS CLI and SDKs then name the instance as the application in their user
agent. Whether an instance without an endpoint has another way out is not decided.
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from localemu.aws.api import RequestContext

from .evaluation import Grant, Need, Policy, Principal, applies, grant_to, statements

#: Put into the environment of commands; the AWS SDKs write it into the user agent as app/VALUE.
APPLICATION_VARIABLE = "AWS_SDK_UA_APP_ID"
_INSTANCE = re.compile(r"\bapp/(i-[0-9a-f]{8,17})\b")
#: Name in an endpoint's service name where it is another than LocalEmu's.
_NAMES = {"cloudwatch": "monitoring", "stepfunctions": "states", "elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing"}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, as a call meets it."""

    id: str
    vpc_id: str
    policy: Policy

    def context(self) -> dict[str, str]:
        """Condition keys of a call through it."""
        return {"aws:SourceVpc": self.vpc_id, "aws:SourceVpce": self.id}

    def admits(self, need: Need, principal: Principal, context: dict[str, Any]) -> bool:
        """Its policy must allow the caller the action on the resource; it grants nothing by itself."""
        everything = {**context, **need.context}

        def any_statement(effect: str) -> bool:
            return any(
                grant_to(each, principal) is not Grant.NONE and applies(each, effect, need, everything) for each in statements(self.policy)
            )

        return any_statement("Allow") and not any_statement("Deny")


def endpoint_of(request: RequestContext) -> Endpoint | None:
    """The endpoint the call comes through; None when it comes from elsewhere, or its VPC has none for the service."""
    from moto.ec2.models import ec2_backends

    found = _INSTANCE.search(request.request.headers.get("User-Agent", ""))
    if not found:
        return None
    for account in list(ec2_backends):
        backend = ec2_backends[account].get(request.region)
        reservations = backend.reservations.values() if backend else []
        instance = next((each for one in reservations for each in one.instances if each.id == found[1]), None)
        if instance:
            return _endpoint_in(backend, instance, request.service.service_name)
    return None


def _endpoint_in(backend: Any, instance: Any, service: str) -> Endpoint | None:
    name = f"com.amazonaws.{backend.region_name}.{_NAMES.get(service, service)}"
    for each in list(backend.vpc_end_points.values()):
        if each.vpc_id != instance.vpc_id or each.service_name != name or each.state != "available":
            continue
        if each.vpc_endpoint_type == "Interface" or set(each.route_table_ids or []) & _route_tables(backend, instance):
            return Endpoint(each.id, each.vpc_id, json.loads(each.policy_document))
    return None


def _route_tables(backend: Any, instance: Any) -> set[str]:
    """The subnet's own route table, or the VPC's main one."""
    tables = [each for each in list(backend.route_tables.values()) if each.vpc_id == instance.vpc_id]
    own = {each.id for each in tables if instance.subnet_id in each.associations.values()}
    return own or {each.id for each in tables if each.main_association_id}
