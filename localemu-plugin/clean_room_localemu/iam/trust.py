"""AssumeRole as STS decides it: the role must exist, and its trust policy must hold with all its conditions."""

import json
import threading
from typing import Any

from localemu.aws.api import CommonServiceException

from .evaluation import Grant, Need, Principal, applies, grant_to, statements
from .organizations import principal_keys
from .service_calls import keys_of_service_call

#: ARN of the resource for which a service assumes the role in this thread's call; the functions below are not given the request.
_call = threading.local()


def install() -> None:
    """Replaces two functions that AssumeRole calls."""
    from localemu.services.sts import provider

    find_role = provider._resolve_role

    def existing_role(account_id: str, role_arn: str) -> Any:
        role = find_role(account_id, role_arn)
        if role is None or role.arn != role_arn:
            # AWS does not tell a role that is not there from one that does not trust the caller.
            raise CommonServiceException(
                "AccessDenied",
                f"The caller is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                status_code=403,
                sender_fault=True,
            )
        return role

    assume = provider.StsProvider.assume_role

    def assume_role(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        _call.source_arn = (context.internal_request_params or {}).get("source_arn")
        try:
            return assume(self, context, *args, **kwargs)
        finally:
            _call.source_arn = None

    assume_role.__dict__.update(assume.__dict__)
    provider.StsProvider.assume_role = assume_role
    provider._resolve_role = existing_role
    provider._evaluate_trust_policy = trusts


def trusts(
    role: Any,
    caller_arn: str,
    caller_account_id: str,
    external_id: str | None = None,
    serial_number: str | None = None,
    service_principal: str | None = None,
) -> bool:
    """
    Same signature as the function it replaces. `caller_arn` is the role's ARN for a session. `service_principal` is an AWS
    service's short name; a service assumes roles of the account it acts for.
    """
    document = role.assume_role_policy_document
    need = Need("sts:AssumeRole", role.arn)
    policy = json.loads(document) if isinstance(document, str) else document
    if service_principal:
        principal = Principal(account=None, service=f"{service_principal}.amazonaws.com")
        source_arn = getattr(_call, "source_arn", None)
        account = role.arn.split(":")[4]
        context = keys_of_service_call(service_principal, need, source_arn or "", account)
        if not source_arn:
            # LocalEmu does not say for which state machine or flow log.
            context.pop("aws:SourceArn", None)
    else:
        principal = Principal(caller_account_id, (caller_arn,))
        context = {"aws:PrincipalArn": caller_arn, "aws:PrincipalAccount": caller_account_id, **principal_keys(caller_account_id)}
    if external_id is not None:
        context["sts:ExternalId"] = external_id
    if serial_number is not None:
        context["aws:MultiFactorAuthPresent"] = "true"

    def any_statement(effect: str) -> bool:
        return any(
            grant_to(each, principal) is not Grant.NONE and applies(each, effect, need, context, resource_optional=True)
            for each in statements(policy)
        )

    return any_statement("Allow") and not any_statement("Deny")
