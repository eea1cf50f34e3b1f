"""One JSON line for every AWS API call that reaches this LocalEmu from outside of it."""

import json
import os
from datetime import UTC, datetime
from typing import Any

from localemu.aws.api import RequestContext
from localemu.http import Response

from .settings import settings


def install() -> None:
    """Creates the file and writes a line as each request ends."""
    from localemu.aws import handlers

    # One unbuffered write a line: lines of concurrent requests never mix, and none is lost when the process is killed.
    file = os.open(settings().call_log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log_call(_chain: object, context: RequestContext, response: Response) -> None:
        if context.service is None or context.operation is None or context.is_internal_call:
            return
        os.write(file, (json.dumps(describe_call(context, response), default=str) + "\n").encode())

    begin = RequestContext.__init__

    def begin_and_note(context: RequestContext, *args: Any, **kwargs: Any) -> None:
        begin(context, *args, **kwargs)
        context.clean_room_started = now()

    RequestContext.__init__ = begin_and_note
    handlers.run_custom_finalizers.append(log_call)


def now() -> str:
    """ISO 8601 with milliseconds, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe_call(context: RequestContext, response: Response) -> dict[str, Any]:
    """The line's fields: time (of its end), startedAt, account, region, service, operation, principal, status, error, resource, requestId and the fault it met."""
    error = context.service_exception
    line = {
        "time": now(),
        "startedAt": getattr(context, "clean_room_started", None),
        "account": context.account_id,
        "region": context.region,
        "service": context.service.service_name,
        "operation": context.operation.name,
        "principal": principal(context),
        "status": response.status_code,
        "error": error.code if error is not None else response.headers.get("x-amzn-errortype"),
        "resource": resource_hint(context.service_request),
        "requestId": context.request_id,
        "fault": getattr(getattr(context, "clean_room_fault", None), "kind", None),
    }
    return {key: value for key, value in line.items() if value is not None}


def principal(context: RequestContext) -> str:
    """ARN of the caller, or its access key when no identity has it."""
    from localemu.services.iam_enforcement.enforcer import _extract_access_key
    from localemu.services.iam_enforcement.identity import resolve_caller

    key = _extract_access_key(context)
    caller = resolve_caller(key, context.account_id, context.region) if key else None
    return caller.arn if caller else (key or "anonymous")


def resource_hint(request: Any) -> str | None:
    """First parameter that names something, at most 200 characters."""
    if not isinstance(request, dict):
        return None
    for name, value in request.items():
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and name.lower().endswith(("id", "ids", "name", "names", "arn", "bucket", "key")):
            return f"{name}={value}"[:200]
    return None
