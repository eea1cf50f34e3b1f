"""Who makes a request, and which policies speak about it."""

from typing import Any

from localemu.aws.api import RequestContext
from localemu.services.iam_enforcement.identity import CallerIdentity

from .evaluation import Policies, Policy, Principal
from .organizations import principal_keys

#: Instance ARN by access key, for credentials that were handed to an instance.
_instances: dict[str, str] = {}


def remember_instance(access_key: str, instance_arn: str) -> None:
    """From now on calls with this key carry ec2:SourceInstanceARN, wherever they come from."""
    _instances[access_key] = instance_arn


def role_arn(caller: CallerIdentity) -> str | None:
    """ARN of the role behind a session."""
    from moto.iam.models import iam_backends

    if not caller.role_name:
        return None
    roles = iam_backends[caller.account_id]["global"].roles.values()
    return next((each.arn for each in roles if each.name == caller.role_name), None)


def role_id(caller: CallerIdentity) -> str:
    """The unique id of the role behind a session, such as AROAEXAMPLEID."""
    from moto.iam.models import iam_backends

    roles = iam_backends[caller.account_id]["global"].roles.values()
    return next((each.id for each in roles if each.name == caller.role_name), "")


def principal_of(caller: CallerIdentity) -> Principal:
    """A session is named by its own ARN or by its role's."""
    if caller.principal_type == "Anonymous":
        return Principal(account=None)
    return Principal(caller.account_id, tuple(each for each in (caller.arn, role_arn(caller)) if each))


def policies_of(caller: CallerIdentity, resource: Policy | None) -> Policies:
    """Policies of the caller, with the one of the resource."""
    from localemu.services.iam_enforcement.identity import get_identity_policies, get_permission_boundary, get_session_policies

    return Policies(get_identity_policies(caller), resource, get_permission_boundary(caller), tuple(get_session_policies(caller)))


def context_of(request: RequestContext, caller: CallerIdentity) -> dict[str, Any]:
    """
    Global condition keys. LocalEmu finds most of them; what it gets wrong is the ARN of a session's role, and tags, which
    belong to a resource and not to a request. The loopback connection stands for the TLS connection of the real endpoint.
    """
    from localemu.services.iam_enforcement.enforcer import _build_conditions

    found = {
        key: value
        for key, value in _build_conditions(request, caller).items()
        if not key.startswith(("aws:ResourceTag/", "aws:RequestTag/", "aws:TagKeys", "aws:ResourceAccount", "aws:PrincipalOrgID"))
    }
    found.update(principal_keys(caller.account_id))
    found.update(caller.tags)
    found["aws:SecureTransport"] = "true"
    found["aws:ViaAWSService"] = "false"
    found["aws:SourceOwner"] = caller.account_id
    if arn := role_arn(caller):
        found["aws:PrincipalArn"] = arn
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
        found["aws:userid"] = f"{role_id(caller)}:{caller.session_name or caller.arn.rpartition('/')[2]}"
    if instance := _instances.get(caller.access_key_id or ""):
        found["ec2:SourceInstanceARN"] = instance
    return found
