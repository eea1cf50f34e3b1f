"""What EventBridge delivers as whom, and what it cannot deliver."""

import json
from typing import Any


def install() -> None:
    """
    EventBridge sends to a dead-letter queue as events.amazonaws.com for the rule, which the queue's policy must allow. LocalEmu sends as
    the queue's account and so past the policy, and with an attribute set of its own. EventBridge names the rule when it assumes the
    role of a target, and does not try again what it has no permission for (eb-rule-dlq).
    """
    from localemu.services.events.target import TargetSender

    TargetSender._send_to_dlq = send_to_dead_letter_queue
    TargetSender._initialize_client = client_of
    for sender in _all_subclasses(TargetSender):
        if "send_event" in sender.__dict__:
            sender.send_event = _without_retries_of_refusals(sender.send_event)


def _all_subclasses(kind: type) -> list[Any]:
    return [each for direct in kind.__subclasses__() for each in (direct, *_all_subclasses(direct))]


def _without_retries_of_refusals(send: Any) -> Any:
    """A sender is shared by threads, so nothing of an event is kept on it."""

    def send_event(sender: Any, event: Any, trace_header: Any) -> None:
        try:
            send(sender, event, trace_header)
        except Exception as error:
            if not _is_refusal(error):
                raise
            sender._send_to_dlq(event, (sender.target.get("DeadLetterConfig") or {}).get("Arn"), error)

    return send_event


def client_of(sender: Any) -> Any:
    """Client of the target's service: the execution role's where the target has one, else EventBridge's own for the rule."""
    from localemu.aws.connect import connect_to

    metadata = {"service_principal": sender.caller_service_principal, "source_arn": sender.rule_arn}
    account, role_arn = {"aws_access_key_id": sender.account_id}, sender.target.get("RoleArn")
    if role_arn:
        sts = connect_to(region_name=sender.region).sts.request_metadata(**metadata)
        session = sts.assume_role(RoleArn=role_arn, RoleSessionName=sender.rule_name[:64])["Credentials"]
        account = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
    client = connect_to(region_name=sender.region, **account).get_client(sender.service).request_metadata(**metadata)
    sender._register_client_hooks(client)
    return client


def _is_refusal(error: Exception) -> bool:
    code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
    return "Access" in code or "Authorization" in code


def send_to_dead_letter_queue(sender: Any, event: Any, queue_arn: str | None, error: Exception) -> None:
    """Never raises: an event that cannot be left there, or for which there is no queue, is lost, as in AWS, and the log says so."""
    import logging

    from localemu.aws.connect import connect_to
    from localemu.utils.aws.arns import sqs_queue_url_for_arn

    count(sender, "FailedInvocations")
    if queue_arn is None:
        logging.getLogger(__name__).warning("The event for %s is lost: %s", sender.arn, error)
        return
    denied = _is_refusal(error)
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
        count(sender, "InvocationsSentToDlq")
    except Exception:
        count(sender, "InvocationsFailedToBeSentToDlq")
        logging.getLogger(__name__).warning("The event for %s could not be left in %s and is lost", sender.arn, queue_arn, exc_info=True)


def count(sender: Any, metric: str) -> None:
    """
    Puts one into the rule's metric, which alarms watch: by the rule's name, on a bus of its own by the bus's too.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    import logging

    from localemu.aws.connect import connect_to

    bus = sender.rule_arn.split(":rule/", 1)[1].rpartition("/")[0]
    dimensions = [{"Name": "RuleName", "Value": sender.rule_name}, *([{"Name": "EventBusName", "Value": bus}] if bus else [])]
    cloudwatch = connect_to(aws_access_key_id=sender.account_id, region_name=sender.region).cloudwatch
    try:
        cloudwatch.put_metric_data(
            Namespace="AWS/Events", MetricData=[{"MetricName": metric, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}]
        )
    except Exception:
        logging.getLogger(__name__).warning("The metric %s of %s could not be counted", metric, sender.rule_arn, exc_info=True)
