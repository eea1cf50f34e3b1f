"""
Decides every request, in place of LocalEmu's own enforcement, which knows one resource a call, takes `:root` in a resource policy as
a grant to every role of the account, and lets all calls between its services pass.
"""

import logging
from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext

from ..ec2.shared_vpcs import OF_THE_OWNER
from .callers import context_of, policies_of, principal_of
from .dry_runs import end_dry_run
from .ebs_keys import decide_key_use
from .encryption_needs import is_of_aws
from .endpoints import endpoint_of
from .evaluation import Decision, Need, Policies, Principal, decide
from .needs import needs
from .organizations import resource_keys
from .resource_policies import bucket_owner, resource_policy
from .service_calls import keys_of_service_call, through_service

LOG = logging.getLogger(__name__)

#: Need no permission.
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"}
#: What one service does to a resource of another on the strength of the resource's policy alone.
BY_RESOURCE_POLICY = {"lambda:InvokeFunction", "sns:Publish", "sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"}


def install() -> None:
    """Replaces the enforcement in LocalEmu's chain of handlers."""
    from localemu.services.iam_enforcement.enforcer import IAMEnforcementHandler

    IAMEnforcementHandler.__call__ = lambda _self, _chain, context, _response: (authorize(context), end_dry_run(context))


def authorize(request: RequestContext) -> None:
    """Returns when the request is allowed; raises the service's own kind of access error when it is not."""
    from localemu.services.iam_enforcement.enforcer import _extract_access_key
    from localemu.services.iam_enforcement.identity import resolve_caller

    if request.service is None or request.operation is None:
        return
    needed = needs(request.service.service_name, request.operation.name, request.service_request, request.region, request.account_id)
    if needed[0].action in FREE:
        return
    refuse_participants(request, needed)
    caller = resolve_caller(_extract_access_key(request), request.account_id, request.region)
    if request.is_internal_call and (caller is None or caller.principal_type in ("Root", "Anonymous")):
        authorize_service(request, needed)
        return
    if caller is None:
        raise CommonServiceException("InvalidClientTokenId", "The security token included in the request is invalid.", status_code=403)
    if caller.principal_type == "Root":
        decide_key_use(request, None, None, {})
        return
    context, principal = context_of(request, caller), principal_of(caller)
    decide_key_use(request, caller, principal, context)
    service, source_arn = calling_service(request)
    endpoint = endpoint_of(request)
    if endpoint:
        context |= endpoint.context()
    for need in needed:
        if is_of_aws(need):
            continue
        by_service = (
            keys_of_service_call(service, need, source_arn, source_account(source_arn), by_role=True) if service and source_arn else {}
        )
        owner = account_of(need.resource) or caller.account_id
        # What a service calls of KMS for the caller does not come through the caller's endpoint.
        if endpoint and not through_service(need) and not endpoint.admits(need, principal, {**context, **resource_keys(owner)}):
            refuse(
                request,
                f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {need.resource} "
                f"because no VPC endpoint policy allows the {need.action} action ({endpoint.id})",
            )
        decision = decide(
            need,
            {**context, **by_service, **resource_keys(owner)},
            principal,
            policies_of(caller, policy_for(need)),
            same_account=owner == caller.account_id,
            key_policy=need.action.startswith("kms:") and need.resource != "*",
        )
        if decision is not Decision.ALLOW:
            refuse(
                request,
                f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {need.resource} because {decision.value}",
            )


def refuse_participants(request: RequestContext, needed: list[Need]) -> None:
    """The network of a shared VPC is its owner's, whatever the policies of a participant say."""
    if request.service.service_name != "ec2" or request.operation.name not in OF_THE_OWNER:
        return
    foreign = next((each for each in needed if (each.resource.split(":") + [""] * 5)[4] not in ("", request.account_id)), None)
    if foreign:
        refuse(request, f"You are not authorized to perform this operation: {foreign.resource} is shared with you.")


def calling_service(request: RequestContext) -> tuple[str | None, str | None]:
    """Which service calls, such as sns, and the ARN of the resource it does it for; None where no service does."""
    params: Any = request.internal_request_params or {}
    service, source_arn = params.get("service_principal"), params.get("source_arn")
    if service == "sns" and source_arn and source_arn.count(":") == 6:
        # LocalEmu names the subscription where AWS names its topic.
        source_arn = source_arn.rpartition(":")[0]
    return service, source_arn


def authorize_service(request: RequestContext, needed: list[Need]) -> None:
    """A call by an AWS service without a role. Calls within one service, such as reading its own store, are free."""
    service, source_arn = calling_service(request)
    for need in needed:
        if not service or not source_arn or need.action not in BY_RESOURCE_POLICY:
            continue
        context = keys_of_service_call(service, need, source_arn, source_account(source_arn))
        principal = Principal(account=None, service=f"{service}.amazonaws.com")
        # KMS is told of a caller's account and the service on the way only for principals of accounts.
        decision = decide(Need(need.action, need.resource), context, principal, Policies([], policy_for(need)), same_account=False)
        if decision is not Decision.ALLOW:
            refuse(
                request,
                f"{principal.service} is not authorized to perform: {need.action} on resource: {need.resource} for {source_arn} "
                f"because {decision.value}; it sends {', '.join(sorted(context)) or 'no condition keys'}",
            )


def policy_for(need: Need) -> Any:
    """The resource's own policy; a role's is its trust policy, which the STS correction decides."""
    return resource_policy(need.resource)


def account_of(arn: str) -> str | None:
    """Account that owns a resource; None where the ARN does not say, as with what may be shared."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return None
    if parts[2] == "s3":
        return bucket_owner(parts[5].split("/", 1)[0])
    # Whom a document is shared with is no policy of it: Run Command itself looks (ssm/operations.py).
    may_be_shared = parts[2] in ("iam", "ec2") or (parts[2] == "ssm" and parts[5].startswith("document/"))
    return None if may_be_shared else parts[4] or None


def source_account(arn: str) -> str:
    """Account of the resource a service acts for."""
    return account_of(arn) or arn.split(":")[4]


def refuse(request: RequestContext, message: str) -> None:
    """Raises with the error code of the service's protocol, which callers tell errors by."""
    LOG.info("Refused: %s", message)
    protocol, service = request.service.protocol, request.service.service_name
    by_protocol = "AccessDeniedException" if protocol in ("json", "rest-json") and service != "sqs" else "AccessDenied"
    code = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}.get(service, by_protocol)
    raise CommonServiceException(code, message, status_code=403, sender_fault=True)
