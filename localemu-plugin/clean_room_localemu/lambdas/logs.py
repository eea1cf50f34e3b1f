"""A function's log in CloudWatch Logs."""

import logging
import time
from typing import Any

LOG = logging.getLogger(__name__)
#: Most events PutLogEvents takes.
MAX_EVENTS = 10_000


def install() -> None:
    """
    Lambda makes the stream in a log group that is there, and the group only when it is not. LocalEmu tries to make the group each time,
    so that a role that may not make groups, as it should be, leaves no log.
    """
    from localemu.services.lambda_.invocation.logs import LogHandler

    LogHandler.run_log_loop = run_log_loop


def run_log_loop(handler: Any, *_args: object, **_kwargs: object) -> None:
    """Writes what is in the queue until the function goes, with the permissions of its role."""
    from localemu.aws.connect import connect_to
    from localemu.services.lambda_.invocation.logs import QUEUE_SHUTDOWN

    logs = connect_to.with_assumed_role(region_name=handler.region, role_arn=handler.role_arn, service_principal="lambda").logs
    known: set[str] = set()
    while not handler._shutdown_event.is_set():
        item = handler.log_queue.get()
        if item is QUEUE_SHUTDOWN:
            return
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line + "\n"} for line in item.logs.split("\n") if line][:MAX_EVENTS]
        try:
            if item.log_stream not in known:
                _make_stream(logs, item.log_group, item.log_stream)
                known.add(item.log_stream)
            logs.put_log_events(logGroupName=item.log_group, logStreamName=item.log_stream, logEvents=events)
        except Exception as error:
            LOG.warning("The log of a function could not be written to %s: %s", item.log_group, error)


def _make_stream(logs: Any, group: str, stream: str) -> None:
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        return
    except logs.exceptions.ResourceNotFoundException:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
