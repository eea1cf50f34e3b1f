"""What EventBridge cannot deliver."""

import json
from typing import Any


def install() -> None:
    """
    EventBridge sends to a dead-letter queue as events.amazonaws.com for the rule, which the queue's policy must allow. LocalEmu sends as
    the queue's account and so past the policy, and with an attribute set of its own.
    """
    from localemu.services.events.target import TargetSender

    TargetSender._send_to_dlq = send_to_dead_letter_queue


def send_to_dead_letter_queue(sender: Any, event: Any, queue_arn: str, error: Exception) -> None:
    """Never raises: an event that cannot be left there is lost, as in AWS, and the log says so."""
    import logging

    from localemu.aws.connect import connect_to
    from localemu.utils.aws.arns import sqs_queue_url_for_arn

    code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
    denied = "Access" in code or "Authorization" in code
    attributes = {
        "RULE_ARN": sender.rule_arn,
        "TARGET_ARN": sender.arn,
        "ERROR_CODE": "NO_PERMISSIONS" if denied else "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": str(error)[:256],
    }
    try:
        sqs = connect_to(region_name=queue_arn.split(":")[3]).sqs.request_metadata(source_arn=sender.rule_arn, service_principal="events")
        sqs.send_message(
            QueueUrl=sqs_queue_url_for_arn(queue_arn),
            MessageBody=json.dumps(event, default=str),
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
        )
    except Exception:
        logging.getLogger(__name__).warning("The event for %s could not be left in %s and is lost", sender.arn, queue_arn, exc_info=True)
