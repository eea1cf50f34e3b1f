"""What the corrections of EC2 operations share."""
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext
from localemu.aws.api.core import handler
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.utils import generic_filter

Request = dict[str, Any]
Operation = Callable[[Any, RequestContext, Request], dict[str, Any]]


def answer(name: str) -> Callable[[Operation], Operation]:
    """Makes a function LocalEmu's answer to an EC2 operation. It gets the provider, the context and the parsed request."""

    def register(function: Operation) -> Operation:
        from localemu.services.ec2.provider import Ec2Provider

        setattr(Ec2Provider, function.__name__, handler(name, expand=False)(function))
        return function

    return register


def error(code: str, message: str) -> CommonServiceException:
    """An error of EC2's, as its clients see it."""
    return CommonServiceException(code, message, status_code=400, sender_fault=True)


def backend_of(context: RequestContext) -> EC2Backend:
    """The caller's resources in the Region of the call."""
    return ec2_backends[context.account_id][context.region]


def refuse_dry_run(request: Request) -> None:
    """What EC2 answers to DryRun once it knows that the caller has the permissions."""
    if request.get("DryRun"):
        raise CommonServiceException("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status_code=412, sender_fault=True)


def tags_for(request: Request, resource_type: str) -> dict[str, str]:
    """Tags that the request's TagSpecifications give to a type of resource."""
    return {tag["Key"]: tag.get("Value", "") for spec in request.get("TagSpecifications") or [] if spec.get("ResourceType") == resource_type for tag in spec.get("Tags") or []}


def tag_list(resource: Any) -> list[dict[str, str]]:
    """A resource's tags as EC2 answers them."""
    return [{"Key": key, "Value": value} for key, value in resource.ec2_backend.tags.get(resource.id, {}).items()]


def matching(request: Request, resources: Iterable[Any]) -> list[Any]:
    """Resources to which all of the request's Filters apply."""
    filters = {each["Name"]: each.get("Values") or [] for each in request.get("Filters") or []}
    return generic_filter(filters, list(resources))


def page(request: Request, key: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The items from NextToken on, MaxResults at most, under the answer's key."""
    start = int(request.get("NextToken") or 0)
    size = int(request.get("MaxResults") or 1000)
    answered: dict[str, Any] = {key: items[start:start + size]}
    if start + size < len(items):
        answered["NextToken"] = str(start + size)
    return answered


def moment(text: str) -> datetime:
    """moto keeps times as ISO 8601 text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """EC2 leaves out what has no value."""
    return {key: value for key, value in fields.items() if value is not None}
