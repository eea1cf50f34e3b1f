"""One JSON line for every AWS API call that reaches this LocalEmu from outside of it."""

import json
import os
from collections.abc import Iterator
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
    """
    The line's fields: time (of its end), startedAt, account, region, service, operation, principal, status, error, resource, requestId, the fault
    it met, and what of the reply no earlier reply of the operation had.
    """
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
        "reply": new_parts(f"{context.service.service_name}:{context.operation.name}", context.service_response),
    }
    return {key: value for key, value in line.items() if value is not None}


#: Operation -> what its replies have had.
parts: dict[str, set[str]] = {}


def new_parts(operation: str, reply: Any) -> list[str] | None:
    """Members of a reply with their types, as `Volumes[].State:string`, that no earlier reply of the operation had; None where there are none."""
    known = parts.setdefault(operation, set())
    found = sorted(set(members("", reply)) - known) if isinstance(reply, dict) else []
    known.update(found)
    return found or None


def members(path: str, value: Any) -> Iterator[str]:
    """The members of a value by their paths; what has no members of its own is named by its type as JSON has it, or `other`."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from members(f"{path}.{name}" if path else str(name), part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from members(f"{path}[]", part)
    elif value is not None:
        yield f"{path}:{type_of(value)}"


def type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "time" if isinstance(value, datetime) else "string" if isinstance(value, str) else "other"


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
