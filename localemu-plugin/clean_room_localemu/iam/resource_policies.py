"""Finds the policy attached to a resource, where LocalEmu keeps it."""

import json
from typing import Any

from ..kms_keys import find_key
from .evaluation import Policy


def resource_policy(arn: str) -> Policy | None:
    """Policy of a bucket, topic, queue, key, function or event bus; None when it has none or is of another kind."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return None
    service, region, account, resource = parts[2:]
    find = _FINDERS.get(service)
    return _parsed(find(arn, region, account, resource)) if find else None


def bucket_owner(bucket: str) -> str | None:
    """Account that owns a bucket, whose ARN does not say."""
    from localemu.services.s3.models import s3_stores

    for account in list(s3_stores):
        for store in s3_stores[account].values():
            return store.global_bucket_map.get(bucket)
    return None


def find_bucket(name: str) -> Any:
    """LocalEmu's bucket, whoever owns it, or None."""
    from localemu.services.s3.models import s3_stores

    owner = bucket_owner(name)
    stores = list(s3_stores[owner].values()) if owner else []
    return next((store.buckets[name] for store in stores if name in store.buckets), None)


def queue_arn(url: str, region: str, account: str) -> str:
    """ARN of the queue at a URL, whose path names the owner's account."""
    owner, name = [account, *url.rstrip("/").split("/")][-2:]
    return f"arn:aws:sqs:{region}:{owner if owner.isdigit() else account}:{name}"


def find_queue(arn: str) -> Any:
    """LocalEmu's queue, or None."""
    from localemu.services.sqs.models import sqs_stores

    _, _, _, region, account, name = arn.split(":", 5)
    return sqs_stores[account][region].queues.get(name)


def _parsed(policy: Any) -> Policy | None:
    if isinstance(policy, str):
        return json.loads(policy) if policy else None
    return policy


def _bucket(_arn: str, _region: str, _account: str, resource: str) -> Any:
    bucket = find_bucket(resource.split("/", 1)[0])
    return bucket.policy if bucket else None


def _topic(arn: str, region: str, account: str, _resource: str) -> Any:
    from localemu.services.sns.models import sns_stores

    topic = sns_stores[account][region].topics.get(arn)
    return topic["attributes"].get("Policy") if topic else None


def _queue(arn: str, _region: str, _account: str, _resource: str) -> Any:
    queue = find_queue(arn)
    return queue.attributes.get("Policy") if queue else None


def _key(_arn: str, region: str, account: str, resource: str) -> Any:
    key = find_key(resource, account, region)
    return key.policy if key else None


def _function(_arn: str, region: str, account: str, resource: str) -> Any:
    from localemu.services.lambda_.invocation.models import lambda_stores

    name, _, qualifier = resource.removeprefix("function:").partition(":")
    function = lambda_stores[account][region].functions.get(name)
    held = function.permissions.get(qualifier or "$LATEST") if function else None
    return {"Statement": held.policy.Statement} if held else None


def _event_bus(_arn: str, region: str, account: str, resource: str) -> Any:
    from localemu.services.events.models import events_stores

    bus = events_stores[account][region].event_buses.get(resource.removeprefix("event-bus/"))
    return bus.policy if bus else None


_FINDERS = {"s3": _bucket, "sns": _topic, "sqs": _queue, "kms": _key, "lambda": _function, "events": _event_bus}
