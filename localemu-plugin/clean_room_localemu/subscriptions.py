"""
Subscriptions that nobody has confirmed. LocalEmu lists them with an ARN, as if they were confirmed.

https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html: in the place of an ARN stands PendingConfirmation until the
link in the mail is followed.
"""

from typing import Any


def install() -> None:
    """Corrects how a topic's subscriptions are listed."""
    from localemu.services.sns import provider

    listed = provider.get_topic_subscriptions
    provider.get_topic_subscriptions = lambda store, topic_arn: [_as_seen(each) for each in listed(store, topic_arn)]


def _as_seen(subscription: Any) -> Any:
    pending = subscription.get("PendingConfirmation") == "true"
    return {**subscription, "SubscriptionArn": "PendingConfirmation"} if pending else subscription
