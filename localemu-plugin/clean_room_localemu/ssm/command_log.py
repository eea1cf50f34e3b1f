"""
Output of a command in CloudWatch Logs, as the agent writes it there: while the command runs, in whole lines
(https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-rc-setting-up-cwlogs.html).
"""

import logging
import time
from pathlib import Path
from typing import Any

from ..settings import endpoint

LOG = logging.getLogger(__name__)
#: Characters of one event: CloudWatch takes 256 KiB, and a character has four bytes at most.
_EVENT_CHARACTERS = 60_000
#: Bytes of one stream that are kept; the first events are enough to follow a rehearsal.
_MOST_BYTES = 1_000_000
#: Seconds between two looks at what a running command has written.
_EVERY_SECONDS = 1.0


class CommandLog:
    """
    Follows the files that a command writes to, each to a stream of its own, with the instance's permissions. The agent leaves it at a
    line in its own log when that fails, and so does this.
    """

    def __init__(self, group: str, stream_prefix: str, region: str, credentials: dict[str, str]) -> None:
        self._group, self._prefix = group, stream_prefix
        self._region, self._credentials = region, credentials
        self._logs: Any = None
        self._written: dict[str, int] = {}
        self._next = 0.0
        self._failed = False

    def follow(self, folder: Path, *, ended: bool = False) -> None:
        """Writes what came since the last look; `ended` also an unfinished line. Cheap when called too often."""
        if self._failed or (time.monotonic() < self._next and not ended):
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        try:
            for name in ("stdout", "stderr"):
                self._more(name, folder / name, ended)
        except Exception as problem:
            self._failed = True
            LOG.warning("The output of the command %s could not be written to the log group %s: %s", self._prefix, self._group, problem)

    def _more(self, name: str, file: Path, ended: bool) -> None:
        done = self._written.get(name, 0)
        with file.open("rb") as stream:
            stream.seek(done)
            data = stream.read(_MOST_BYTES - done)
        if not ended:
            data = data[: data.rfind(b"\n") + 1]
        if not data:
            return
        if self._logs is None:
            self._logs = _client(self._credentials, self._region)
        stream_name = f"{self._prefix}/{name}"
        if name not in self._written:
            self._logs.create_log_stream(logGroupName=self._group, logStreamName=stream_name)
        self._written[name] = done + len(data)
        self._logs.put_log_events(
            logGroupName=self._group, logStreamName=stream_name, logEvents=_events(data.decode("utf-8", errors="replace"))
        )


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
