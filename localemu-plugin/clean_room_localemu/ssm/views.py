"""Commands and invocations as the API shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .commands import Command, Invocation

#: What ListCommandInvocations shows of each step's output, in characters.
_PLUGIN_OUTPUT_LIMIT = 2_500
_DEFAULT_DELIVERY_SECONDS = 3600


def command(shown: Command) -> dict[str, Any]:
    """As in SendCommand and ListCommands."""
    invocations, request = shown.invocations.values(), shown.request
    seconds = request.get("TimeoutSeconds") or _DEFAULT_DELIVERY_SECONDS
    return {
        "CommandId": shown.id,
        "DocumentName": request["DocumentName"],
        "DocumentVersion": request.get("DocumentVersion") or "$DEFAULT",
        "Comment": request.get("Comment") or "",
        "Parameters": request.get("Parameters") or {},
        "InstanceIds": list(request.get("InstanceIds") or []),
        "Targets": request.get("Targets") or [],
        "RequestedDateTime": shown.requested,
        "ExpiresAfter": shown.requested + timedelta(seconds=seconds + shown.script.timeout_seconds),
        "TimeoutSeconds": seconds,
        "Status": shown.status(),
        "StatusDetails": shown.status(),
        "TargetCount": len(invocations),
        "CompletedCount": sum(not each.is_under_way() for each in invocations),
        "ErrorCount": sum(each.status in ("Failed", "TimedOut") for each in invocations),
        "DeliveryTimedOutCount": 0,
        "MaxConcurrency": request.get("MaxConcurrency") or "50",
        "MaxErrors": request.get("MaxErrors") or "0",
        "OutputS3BucketName": request.get("OutputS3BucketName") or "",
        "OutputS3KeyPrefix": request.get("OutputS3KeyPrefix") or "",
        "CloudWatchOutputConfig": _cloud_watch(shown),
    }


def invocation_in_list(shown: Command, part: Invocation, details: bool) -> dict[str, Any]:
    """As in ListCommandInvocations."""
    plugin = {
        "Name": shown.script.step,
        "Status": part.status,
        "StatusDetails": part.status_details,
        "ResponseCode": part.exit_code,
        "Output": (part.output + ("\n----------ERROR-------\n" + part.errors if part.errors else ""))[:_PLUGIN_OUTPUT_LIMIT],
        **({"ResponseStartDateTime": part.started} if part.started else {}),
        **({"ResponseFinishDateTime": part.ended} if part.ended else {}),
    }
    return {
        "CommandId": shown.id,
        "InstanceId": part.instance_id,
        "InstanceName": "",
        "Comment": shown.request.get("Comment") or "",
        "DocumentName": shown.request["DocumentName"],
        "DocumentVersion": shown.request.get("DocumentVersion") or "$DEFAULT",
        "RequestedDateTime": shown.requested,
        "Status": part.status,
        "StatusDetails": part.status_details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [plugin] if details else [],
        "CloudWatchOutputConfig": _cloud_watch(shown),
    }


def invocation(shown: Command, part: Invocation) -> dict[str, Any]:
    """As in GetCommandInvocation."""
    elapsed = ((part.ended or datetime.now(UTC)) - part.started).total_seconds() if part.started else 0
    return {
        "CommandId": shown.id,
        "InstanceId": part.instance_id,
        "Comment": shown.request.get("Comment") or "",
        "DocumentName": shown.request["DocumentName"],
        "DocumentVersion": shown.request.get("DocumentVersion") or "$DEFAULT",
        "PluginName": shown.script.step,
        "ResponseCode": part.exit_code,
        "ExecutionStartDateTime": _iso(part.started),
        "ExecutionElapsedTime": f"PT{elapsed:.3f}S" if part.started else "",
        "ExecutionEndDateTime": _iso(part.ended),
        "Status": part.status,
        "StatusDetails": part.status_details,
        "StandardOutputContent": part.output,
        "StandardOutputUrl": "",
        "StandardErrorContent": part.errors,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": _cloud_watch(shown),
    }


def _cloud_watch(shown: Command) -> dict[str, Any]:
    return shown.request.get("CloudWatchOutputConfig") or {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else ""
