"""
Permissions of an event bus. AWS keeps all statements of a bus as one document, reads it, adds to it and writes it back: of statements that
are put at the same time the last one written stays, and every call answers 200.
https://github.com/hashicorp/terraform-provider-aws/issues/4031
"""

import copy
import json
import time
from typing import Any

#: Seconds between reading the document and writing it back.
READ_TO_WRITE_SECONDS = 0.1


def install() -> None:
    """Corrects LocalEmu's bus, which adds each statement to the document in place."""
    from localemu.services.events.event_bus import EventBusService

    put = EventBusService.put_permission
    remove = EventBusService.revoke_put_events_permission

    def on_a_copy(change: Any, self: Any, *args: Any) -> None:
        bus = self.event_bus
        before = copy.deepcopy(bus.policy)
        time.sleep(READ_TO_WRITE_SECONDS)
        bus.policy = before
        change(self, *args)

    def put_permission(self: Any, action: Any, principal: Any, statement_id: Any, condition: Any, policy: Any) -> None:
        """A whole document replaces all; a statement of an id that is there replaces that one."""
        if policy:
            put(self, action, principal, statement_id, condition, policy)
            return

        def add(self: Any) -> None:
            if self.event_bus.policy and statement_id in _ids(self.event_bus.policy):
                remove(self, statement_id)
            put(self, action, principal, statement_id, condition, policy)

        on_a_copy(add, self)

    EventBusService.put_permission = put_permission
    EventBusService.revoke_put_events_permission = lambda self, statement_id: on_a_copy(remove, self, statement_id)


def _ids(policy: Any) -> list[str]:
    found = json.loads(policy) if isinstance(policy, str) else policy
    statements = found.get("Statement", [])
    return [each.get("Sid", "") for each in (statements if isinstance(statements, list) else [statements])]
