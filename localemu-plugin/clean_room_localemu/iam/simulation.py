"""
SimulatePrincipalPolicy, decided by the same rules as a real call: identity policies and permissions boundary of a role or user, each
action on each resource, with the condition keys that the caller gives. LocalEmu's own knows neither conditions nor boundaries, and
wants resources, which AWS takes as `*` where they are left out.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext

from .evaluation import Decision, Need, Policies, Principal, applies, decide, statements

_DECISIONS = {Decision.ALLOW: "allowed", Decision.EXPLICIT_DENY: "explicitDeny", Decision.IMPLICIT_DENY: "implicitDeny"}


def install() -> None:
    """Replaces LocalEmu's simulator."""
    from localemu.services.iam.resources.policy_simulator import BasicIAMPolicySimulator

    BasicIAMPolicySimulator.simulate_principal_policy = lambda _self, context, request: simulate(context, request)


def simulate(context: RequestContext, request: Any) -> dict[str, Any]:
    """The whole answer in one page."""
    source = request.get("PolicySourceArn") or ""
    policies = policies_of_source(context.account_id, source)
    keys = {each["ContextKeyName"]: _value(each.get("ContextKeyValues") or []) for each in request.get("ContextEntries") or []}
    principal = Principal(account=context.account_id, arns=(source,))
    results = []
    for action in request.get("ActionNames") or []:
        for resource in request.get("ResourceArns") or ["*"]:
            need = Need(action, resource)
            result = {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _DECISIONS[decide(need, keys, principal, policies, same_account=True)],
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            if policies.boundary:
                within = any(applies(each, "Allow", need, keys) for each in statements(policies.boundary))
                result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within}
            results.append(result)
    return {"EvaluationResults": results, "IsTruncated": False}


def _value(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def policies_of_source(account: str, arn: str) -> Policies:
    """Raises NoSuchEntity when the account has no such role or user."""
    from localemu.services.iam_enforcement.identity import CallerIdentity, get_identity_policies, get_permission_boundary

    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    backend = _backend(account)
    known = [each.name for each in (backend.roles if kind == "role" else backend.users).values()]
    if kind not in ("role", "user") or name not in known:
        raise CommonServiceException("NoSuchEntity", f"The policy source {arn} cannot be found.", 404, True)
    caller = (
        CallerIdentity("AssumedRole", account, arn, role_name=name)
        if kind == "role"
        else CallerIdentity("User", account, arn, username=name)
    )
    return Policies(get_identity_policies(caller), None, get_permission_boundary(caller))


def _backend(account: str) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[account]["global"]
