"""Output of a command in CloudWatch Logs, as the agent writes it there."""

import logging
import time
from typing import Any

from ..settings import endpoint

LOG = logging.getLogger(__name__)
#: Characters of one event: CloudWatch takes 256 KiB, and a character has four bytes at most.
_EVENT_CHARACTERS = 60_000
#: Characters that are kept; the first events are enough to follow a rehearsal.
_MOST_CHARACTERS = 1_000_000


def write(group: str, stream_prefix: str, region: str, credentials: dict[str, str], texts: dict[str, str]) -> None:
    """
    Writes each text to a stream of its own, with the instance's permissions. The agent leaves it at a line in its own log when that
    fails, and so does this.
    """
    try:
        logs = _client(credentials, region)
        for name, text in texts.items():
            if text:
                stream = f"{stream_prefix}/{name}"
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=_events(text[:_MOST_CHARACTERS]))
    except Exception as problem:
        LOG.warning("The output of the command %s could not be written to the log group %s: %s", stream_prefix, group, problem)


def _client(credentials: dict[str, str], region: str) -> Any:
    """CloudWatch Logs as the instance's role."""
    import boto3

    session = boto3.session.Session(
        credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"], credentials["AWS_SESSION_TOKEN"], region
    )
    return session.client("logs", endpoint_url=endpoint())


def _events(text: str) -> list[dict[str, Any]]:
    now = int(time.time() * 1000)
    return [{"timestamp": now, "message": text[start : start + _EVENT_CHARACTERS]} for start in range(0, len(text), _EVENT_CHARACTERS)]
