"""
Reads that answer as before the last write. Nothing of the services' state is kept: what a read of the same parameters answered before the
last write of its service is answered again, and what the last write created is not found.
"""

import json
import re
import threading
import time
from dataclasses import dataclass, field

from localemu.aws.api import RequestContext
from localemu.http import Response

_EC2_ID = re.compile(r"\b(?:i|vol|snap|sg|eni|ami)-[0-9a-f]{8,17}\b")
_NOT_FOUND = {
    "i": "InvalidInstanceID.NotFound",
    "vol": "InvalidVolume.NotFound",
    "snap": "InvalidSnapshot.NotFound",
    "sg": "InvalidGroup.NotFound",
    "eni": "InvalidNetworkInterfaceID.NotFound",
    "ami": "InvalidAMIID.NotFound",
}
READS = ("Describe", "Get", "List", "Query", "Scan", "BatchGet", "Search")
#: Answers kept for a service of an account and Region.
MOST_ANSWERS = 500


@dataclass
class _Past:
    """Of one service in one account and Region."""

    written_at: float = 0.0
    created: set[str] = field(default_factory=set)
    #: Operation and parameters -> when it was answered, and the answer before the last write.
    answers: dict[str, tuple[float, Response]] = field(default_factory=dict)
    before_write: dict[str, Response] = field(default_factory=dict)


_pasts: dict[tuple[str, str, str], _Past] = {}
_lock = threading.Lock()


def is_read(operation: str) -> bool:
    """By its name, as AWS names them."""
    return operation.startswith(READS)


def is_consistent(request: RequestContext) -> bool:
    """Whether the caller asked DynamoDB for a consistent read."""
    return bool((request.service_request or {}).get("ConsistentRead"))


def remember(request: RequestContext, response: Response) -> None:
    """After a call that succeeded, by whomever."""
    with _lock:
        past = _pasts.setdefault(_place(request), _Past())
        if is_read(request.operation.name):
            if len(past.answers) >= MOST_ANSWERS:
                past.answers.pop(next(iter(past.answers)))
            past.answers[_signature(request)] = (time.monotonic(), _copy(response))
            return
        past.before_write |= {key: answer for key, (_, answer) in past.answers.items()}
        past.answers.clear()
        past.written_at = time.monotonic()
        named = set(_EC2_ID.findall(json.dumps(request.service_request or {}, default=str)))
        past.created = set(_EC2_ID.findall(response.get_data(as_text=True))) - named if request.service.service_name == "ec2" else set()


def answer_of_before(request: RequestContext, within_seconds: float | None) -> Response | str | None:
    """
    What the read said before the last write: the answer, or the error code when what it names was not there yet. None when there is
    no earlier state, or the last write is longer ago than that.
    """
    with _lock:
        past = _pasts.get(_place(request))
        if past is None or (within_seconds is not None and time.monotonic() - past.written_at > within_seconds):
            return None
        named = set(_EC2_ID.findall(json.dumps(request.service_request or {}, default=str)))
        missing = sorted(named & past.created)
        if missing:
            return _NOT_FOUND[missing[0].split("-", 1)[0]]
        found = past.before_write.get(_signature(request))
        return _copy(found) if found else None


def _place(request: RequestContext) -> tuple[str, str, str]:
    return request.account_id, request.region, request.service.service_name


def _signature(request: RequestContext) -> str:
    return f"{request.operation.name} {json.dumps(request.service_request or {}, default=str, sort_keys=True)}"


def _copy(response: Response) -> Response:
    copy = Response(response.get_data(), status=response.status_code)
    for name, value in response.headers:
        copy.headers[name] = value
    return copy
