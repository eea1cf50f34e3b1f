"""Decides one action on one resource. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .conditions import Context, conditions_met, matches_arn, matches_glob, substitute

Policy = Mapping[str, Any]
Statement = Mapping[str, Any]


class Decision(Enum):
    ALLOW = "allowed"
    IMPLICIT_DENY = "no policy allows it"
    EXPLICIT_DENY = "a policy denies it"


@dataclass(frozen=True)
class Need:
    """What a call must be allowed: an action on a resource, with the condition keys of that pair."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    """Who calls. Roles' sessions match by the role's ARN as well as by their own."""

    #: Account the caller belongs to; None for an AWS service and for nobody.
    account: str | None
    arns: tuple[str, ...] = ()
    #: Such as events.amazonaws.com.
    service: str | None = None


def statements(policy: Policy | None) -> Iterator[Statement]:
    """`Statement` may be one object or a list."""
    found = (policy or {}).get("Statement", [])
    yield from (found if isinstance(found, list) else [found])


def _values(statement: Statement, key: str) -> list[str]:
    value = statement.get(key, [])
    return value if isinstance(value, list) else [value]


def applies(statement: Statement, effect: str, need: Need, context: Context, resource_optional: bool = False) -> bool:
    """Whether effect, action, resource and conditions of the statement fit. Its principal is another question."""
    if statement.get("Effect") != effect:
        return False
    actions, not_actions = _values(statement, "Action"), _values(statement, "NotAction")
    in_actions = any(matches_glob(each, need.action, ignore_case=True) for each in actions or not_actions)
    if in_actions != bool(actions):
        return False
    resources, not_resources = _values(statement, "Resource"), _values(statement, "NotResource")
    if resources or not_resources:
        fits = any(matches_arn(substitute(each, context), need.resource) for each in resources or not_resources)
        if fits != bool(resources):
            return False
    elif not resource_optional:
        return False
    return conditions_met(statement.get("Condition"), context)


class Grant(Enum):
    """How directly a resource policy's statement names the caller."""

    NONE = 0
    #: The caller's account: the account's own policies must allow as well.
    ACCOUNT = 1
    #: The caller itself, its service, or everybody.
    DIRECT = 2


def grant_to(statement: Statement, principal: Principal) -> Grant:
    """Which grant the statement's Principal element is. NotPrincipal is taken as its negation for Deny statements."""
    if "NotPrincipal" in statement:
        return Grant.DIRECT if _names(statement["NotPrincipal"], principal) is Grant.NONE else Grant.NONE
    return _names(statement.get("Principal"), principal)


def _names(element: Any, principal: Principal) -> Grant:
    if element == "*":
        return Grant.DIRECT
    if not isinstance(element, Mapping):
        return Grant.NONE
    best = Grant.NONE
    for value in _values(element, "AWS"):
        if value == "*" or value in principal.arns:
            return Grant.DIRECT
        if principal.account is not None and value in (principal.account, f"arn:aws:iam::{principal.account}:root"):
            best = Grant.ACCOUNT
    if principal.service is not None and principal.service in _values(element, "Service"):
        return Grant.DIRECT
    return best


@dataclass(frozen=True)
class Policies:
    """All policies that have a say about a caller; None where there is none."""

    identity: list[Policy]
    resource: Policy | None = None
    boundary: Policy | None = None
    #: Policies passed to AssumeRole; each narrows the session.
    session: tuple[Policy, ...] = ()


def decide(
    need: Need, context: Context, principal: Principal, policies: Policies, same_account: bool, key_policy: bool = False
) -> Decision:
    """
    Same account: one of identity policy and resource policy suffices, the latter only where it names the caller directly.
    Other account: both must allow. A KMS key's policy must always allow, be it by leaving it to the account.
    """
    everything = {**context, **need.context}
    mine = [*policies.identity, *([policies.boundary] if policies.boundary else []), *policies.session]
    if any(applies(each, "Deny", need, everything) for policy in mine for each in statements(policy)):
        return Decision.EXPLICIT_DENY
    theirs = list(statements(policies.resource))
    if any(
        grant_to(each, principal) is not Grant.NONE and applies(each, "Deny", need, everything, resource_optional=True) for each in theirs
    ):
        return Decision.EXPLICIT_DENY

    grants = [grant_to(each, principal) for each in theirs if applies(each, "Allow", need, everything, resource_optional=True)]
    by_resource = max((each.value for each in grants), default=0)
    if principal.account is None:
        return Decision.ALLOW if by_resource == Grant.DIRECT.value else Decision.IMPLICIT_DENY
    by_identity = any(applies(each, "Allow", need, everything) for policy in policies.identity for each in statements(policy))
    limits = ([policies.boundary] if policies.boundary else []) + list(policies.session)
    within_limits = all(any(applies(each, "Allow", need, everything) for each in statements(policy)) for policy in limits)
    if key_policy:
        allowed = (by_resource == Grant.DIRECT.value and same_account) or (by_resource > 0 and by_identity)
    elif same_account:
        allowed = by_identity or by_resource == Grant.DIRECT.value
    else:
        allowed = by_identity and by_resource > 0
    return Decision.ALLOW if allowed and within_limits else Decision.IMPLICIT_DENY
