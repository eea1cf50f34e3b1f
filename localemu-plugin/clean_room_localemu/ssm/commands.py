"""Commands and their invocations, one for each instance, from Pending to their end."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from . import command_log, execution, managed_instances
from .credentials import environment_of
from .documents import Document, Script

#: What GetCommandInvocation shows of an invocation's output, in characters.
OUTPUT_LIMIT, ERROR_LIMIT = 24_000, 8_000
#: Time until a command is shown.
_LAG = timedelta(seconds=0.2)
_CUT = "\n---Output truncated---"


@dataclass
class Invocation:
    """One instance's part of a command. Written by its thread and, before its end, by cancel()."""

    instance_id: str
    status: str = "Pending"
    status_details: str = "Pending"
    exit_code: int = -1
    output: str = ""
    errors: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def is_under_way(self) -> bool:
        return self.ended is None

    def end(self, status: str, details: str, exit_code: int) -> None:
        self.status, self.status_details, self.exit_code = status, details, exit_code
        self.ended = datetime.now(UTC)


@dataclass(frozen=True)
class Command:
    """What a caller sent."""

    account_id: str
    region: str
    document: Document
    script: Script
    #: SendCommand's parameters as they came.
    request: dict[str, Any]
    invocations: dict[str, Invocation]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(UTC))

    def is_visible(self) -> bool:
        """Run Command shows a command some time after it has taken it."""
        return datetime.now(UTC) - self.requested > _LAG

    def status(self) -> str:
        """Of all its invocations together, the worst first."""
        statuses = {each.status for each in self.invocations.values()}
        return next(each for each in ("InProgress", "Pending", "TimedOut", "Failed", "Cancelled", "Success") if each in statuses)

    def start(self, instances: list[Any]) -> None:
        """Runs it on each instance, on a thread of its own."""
        for instance in instances:
            threading.Thread(target=self._run, args=(instance,), name=f"command-{self.id}", daemon=True).start()

    def _run(self, instance: Any) -> None:
        invocation = self.invocations[instance.id]
        invocation.started = datetime.now(UTC)
        invocation.status = invocation.status_details = "InProgress"

        def stopped() -> bool:
            return invocation.cancelled.is_set() or not managed_instances.is_running(self.account_id, self.region, instance.id)

        try:
            credentials = environment_of(instance)
            outcome = execution.run(
                f"{self.id}-{instance.id}", self.script, instance, credentials, stopped, self._log(instance.id, credentials)
            )
        except Exception as problem:
            invocation.errors = shortened(f"The script could not be run on {instance.id}: {problem}", ERROR_LIMIT)
            invocation.end("Failed", "Failed", 1)
            return
        failure = f"\nfailed to run commands: exit status {outcome.exit_code}" if outcome.exit_code != 0 else ""
        invocation.output = shortened(outcome.output, OUTPUT_LIMIT)
        invocation.errors = shortened(outcome.errors + failure, ERROR_LIMIT)
        if invocation.cancelled.is_set():
            invocation.end("Cancelled", "Cancelled", outcome.exit_code)
        elif outcome.timed_out or not managed_instances.is_running(self.account_id, self.region, instance.id):
            # An agent that is gone reports nothing more, and its command ends by its time-out.
            invocation.end("TimedOut", "ExecutionTimedOut", outcome.exit_code)
        else:
            status = "Success" if outcome.exit_code == 0 else "Failed"
            invocation.end(status, status, outcome.exit_code)

    def _log(self, instance_id: str, credentials: dict[str, str]) -> command_log.CommandLog | None:
        """Where SendCommand asked for it."""
        config = self.request.get("CloudWatchOutputConfig") or {}
        if not config.get("CloudWatchOutputEnabled"):
            return None
        group = config.get("CloudWatchLogGroupName") or f"/aws/ssm/{self.document.name}"
        return command_log.CommandLog(group, f"{self.id}/{instance_id}/{self.script.step}", self.region, credentials)


def shortened(text: str, limit: int) -> str:
    """The beginning, with a note where more followed."""
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


class Commands:
    """The commands of all accounts and Regions, in the order they came."""

    def __init__(self) -> None:
        self._all: list[Command] = []

    def add(self, command: Command) -> None:
        self._all.append(command)

    def newest_first(self, account_id: str, region: str, command_id: str | None = None) -> Iterator[Command]:
        """Those of one account and Region; only the one with the id when there is one."""
        for each in reversed(self._all):
            if (each.account_id, each.region) == (account_id, region) and command_id in (None, each.id):
                yield each
