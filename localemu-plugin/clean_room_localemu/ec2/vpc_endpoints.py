"""
VPC endpoints as EC2 has them: born pending, a while deleting, then gone; one private name in a VPC at a time, also while the last one goes; the
same ClientToken gives the same endpoint.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
"""

import threading
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint

from .errors import error
from .first_state import FirstState

#: Seconds an interface endpoint is pending; AWS takes one to three minutes.
PENDING_SECONDS = 0.3
#: Seconds an endpoint is deleting.
DELETING_SECONDS = 0.3
#: Parameters that must be the same when a ClientToken comes again.
CREATION = ("vpc_id", "service_name", "endpoint_type", "policy_document", "subnet_ids", "security_group_ids", "private_dns_enabled")
_creating = threading.Lock()


def install() -> None:
    """See each function."""
    VPCEndPoint.state = property(state, lambda endpoint, value: endpoint.__dict__.update(_state=value))

    @patch(VPCBackend.create_vpc_endpoint)
    def create_vpc_endpoint(fn: Any, self: Any, **kwargs: Any) -> Any:
        with _creating:
            return create(fn, self, **kwargs)

    @patch(VPCBackend.delete_vpc_endpoints)
    def delete_vpc_endpoints(fn: Any, self: Any, vpce_ids: list[str] | None = None) -> None:
        live = [each for each in vpce_ids or [] if each in self.vpc_end_points and "_going" not in self.vpc_end_points[each].__dict__]
        fn(self, vpce_ids=live)
        for each in live:
            self.vpc_end_points[each]._going = FirstState(DELETING_SECONDS)

    @patch(VPCBackend.describe_vpc_endpoints)
    def describe_vpc_endpoints(fn: Any, self: Any, *args: Any, **kwargs: Any) -> list[VPCEndPoint]:
        for endpoint_id in [each.id for each in list(self.vpc_end_points.values()) if _is_gone(each)]:
            del self.vpc_end_points[endpoint_id]
        return fn(self, *args, **kwargs)


def state(endpoint: VPCEndPoint) -> str:
    """pending, available, deleting or deleted."""
    going, coming = endpoint.__dict__.get("_going"), endpoint.__dict__.get("_coming")
    if going:
        return "deleting" if going.is_seen() else "deleted"
    return "pending" if coming and coming.is_seen() else endpoint.__dict__["_state"]


def _is_gone(endpoint: VPCEndPoint) -> bool:
    going = endpoint.__dict__.get("_going")
    return going is not None and not going.lasts()


def create(fn: Any, backend: Any, **kwargs: Any) -> VPCEndPoint:
    """Creates an endpoint, or gives what a call with the same ClientToken gave. Raises where its private name is taken."""
    token = kwargs.get("client_token")
    asked = [kwargs.get(each) for each in CREATION]
    made: dict[str, tuple[list[Any], VPCEndPoint]] = backend.__dict__.setdefault("_endpoints_by_token", {})
    if token in made:
        first, endpoint = made[token]
        if first != asked:
            raise error("IdempotentParameterMismatch", "The client token was used before with other parameters.")
        return endpoint
    interface = str(kwargs.get("endpoint_type")).lower() == "interface"
    named = interface and kwargs.get("private_dns_enabled")
    if named and any(
        each.vpc_id == kwargs["vpc_id"]
        and each.service_name == kwargs["service_name"]
        and str(each.vpc_endpoint_type).lower() == "interface"
        and each.private_dns_enabled
        and not _is_gone(each)
        for each in list(backend.vpc_end_points.values())
    ):
        region, service = kwargs["service_name"].split(".")[-2:]
        raise error(
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{service}.{region}.amazonaws.com in the VPC {kwargs['vpc_id']}",
        )
    endpoint = fn(self=backend, **kwargs)
    if interface:
        endpoint._coming = FirstState(PENDING_SECONDS)
    if token:
        made[token] = (asked, endpoint)
    return endpoint
