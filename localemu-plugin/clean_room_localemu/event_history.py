"""
CloudTrail's event history as AWS answers it. LocalEmu keeps one list for every account and Region, from the first call to CloudTrail on, and
shows each caller as an IAM user named after its access key: anybody would read anybody's calls, and no session would be found by its name.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: management events of the account in the Region, one attribute.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html: who a caller is.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html: what is global is recorded in us-east-1.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-supported-resource-types.html: resources that an event is found by.

What differs still: AWS brings an event up to 15 minutes after its call, and refuses more than two lookups a second.
"""

from datetime import UTC, datetime
from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext
from localemu.utils.patch import patch

GLOBAL_SERVICES = ("iam.amazonaws.com", "organizations.amazonaws.com", "support.amazonaws.com")
GLOBAL_REGION = "us-east-1"
PAGE = 50
#: Resources of EC2's events that LocalEmu does not name, by the parameter of the request.
EC2_RESOURCES = {
    "groupId": "AWS::EC2::SecurityGroup",
    "networkAclId": "AWS::EC2::NetworkAcl",
    "networkInterfaceId": "AWS::EC2::NetworkInterface",
    "volumeId": "AWS::EC2::Volume",
}
#: userIdentity by the event's id, and the order in which they came.
_identities: dict[str, dict[str, Any]] = {}
#: Events that LocalEmu keeps.
_MOST = 10_000


def install() -> None:
    """Corrects what is recorded, and to whom it is answered."""
    import json

    from localemu.services.cloudtrail import event_store, provider, recording_hook

    @patch(event_store.CloudTrailEventStore.record)
    def record(fn: Any, self: Any, event: Any) -> None:
        event.username, identity = identity_of(event)
        if event.event_source in GLOBAL_SERVICES:
            event.aws_region = GLOBAL_REGION
        if event.event_source == "ec2.amazonaws.com":
            event.resources = [*event.resources, *_resources_of(event.request_parameters or {})]
        _identities[event.event_id] = identity
        if len(_identities) > 2 * _MOST:
            for old in list(_identities)[:_MOST]:
                del _identities[old]
        fn(self, event)

    @patch(event_store.CloudTrailEvent.to_cloudtrail_event_json)
    def to_cloudtrail_event_json(fn: Any, self: Any) -> str:
        shown = json.loads(fn(self))
        shown["userIdentity"] = _identities.get(self.event_id, shown["userIdentity"])
        # AWS shows who was given which session, though the call changes nothing.
        if self.event_name.startswith("AssumeRole") and self.response_elements:
            shown["responseElements"] = without_secrets(self.response_elements)
        return json.dumps(shown, default=str)

    provider._INTERCEPTED_OPS["LookupEvents"] = lookup_events
    # It begins with the account, not with the first question.
    recording_hook.register_recording_hook()


def _resources_of(parameters: dict[str, Any]) -> list[dict[str, str]]:
    by_name = {name[:1].lower() + name[1:]: value for name, value in parameters.items()}
    return [
        {"ResourceType": kind, "ResourceName": by_name[name]} for name, kind in EC2_RESOURCES.items() if isinstance(by_name.get(name), str)
    ]


def identity_of(event: Any) -> tuple[str, dict[str, Any]]:
    """The event's Username and its userIdentity."""
    from localemu.services.iam_enforcement.identity import resolve_caller

    from .iam.callers import role_arn, role_id

    key, account = event.access_key_id, event.account_id
    caller = resolve_caller(key, account, event.aws_region) if key and key != "ANONYMOUS" else None
    if caller is None:
        return event.username, {"type": "Unknown", "accountId": account, "accessKeyId": key}
    if caller.principal_type == "AssumedRole":
        session = caller.session_name or caller.arn.rpartition("/")[2]
        issuer = {
            "type": "Role",
            "principalId": role_id(caller),
            "arn": role_arn(caller) or "",
            "accountId": caller.account_id,
            "userName": caller.role_name,
        }
        return session, {
            "type": "AssumedRole",
            "principalId": f"{role_id(caller)}:{session}",
            "arn": caller.arn,
            "accountId": caller.account_id,
            "accessKeyId": key,
            "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}},
        }
    if caller.principal_type == "Root":
        return "root", {"type": "Root", "principalId": account, "arn": caller.arn, "accountId": account, "accessKeyId": key}
    name = caller.username or ""
    return name, {"type": "IAMUser", "arn": caller.arn, "accountId": account, "accessKeyId": key, "userName": name}


def without_secrets(value: Any) -> Any:
    """CloudTrail records a session's key id and never its secret."""
    if isinstance(value, dict):
        return {
            name: "HIDDEN_DUE_TO_SECURITY_REASONS" if name == "secretAccessKey" else without_secrets(each) for name, each in value.items()
        }
    return [without_secrets(each) for each in value] if isinstance(value, list) else value


def lookup_events(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """The newest first, in pages of at most 50."""
    from localemu.services.cloudtrail.event_store import _ATTRIBUTE_FILTERS, get_event_store

    attributes = request.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise CommonServiceException("InvalidLookupAttributesException", "You can only specify one LookupAttribute per request.", 400, True)
    store = get_event_store()
    with store._lock:
        events = list(store._events)
    start, end = _time(request.get("StartTime")), _time(request.get("EndTime"))
    seen = [
        each
        for each in events
        if (each.account_id, each.aws_region) == (context.account_id, context.region)
        and (each.event_category or "Management") == "Management"
        and (start is None or each.event_time >= start)
        and (end is None or each.event_time <= end)
        and all(_ATTRIBUTE_FILTERS[name["AttributeKey"]](each, name["AttributeValue"]) for name in attributes)
    ]
    token = request.get("NextToken")
    first = next((index + 1 for index, each in enumerate(seen) if each.event_id == token), None) if token else 0
    if first is None:
        raise CommonServiceException("InvalidNextTokenException", "The NextToken is invalid.", 400, True)
    size = max(1, min(PAGE, int(request.get("MaxResults") or PAGE)))
    page = seen[first : first + size]
    more = {"NextToken": page[-1].event_id} if first + size < len(seen) else {}
    return {"Events": [each.to_lookup_event() for each in page], **more}


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
