"""
The condition keys that AWS sends when one service calls another, out of service_calls.json, where each row has AWS's page or the public
report beside it. A call that has no row sends none: what AWS is not known to do must not work here.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .evaluation import Need


@dataclass(frozen=True)
class Call:
    """One row: `service` calls `to` as itself or by a role; `through` is the service that needs the key, for calls to KMS."""

    id: str
    service: str
    to: str
    by_role: bool
    keys: tuple[str, ...]
    through: str | None


@cache
def table() -> dict[str, Any]:
    """The file as it stands."""
    return json.loads((Path(__file__).parent / "service_calls.json").read_text())


@cache
def _calls() -> tuple[Call, ...]:
    return tuple(
        Call(
            each["id"],
            each["from"],
            each["to"],
            each["as"] == "role",
            tuple(each["keys"]),
            each.get("through"),
        )
        for each in table()["calls"]
    )


@cache
def encryption_context_key(service: str) -> str | None:
    """Condition key of the encryption context that a service gives to KMS; None for a service without a row."""
    row = next((each for each in table()["through"] if each["service"] == service), None)
    return f"kms:EncryptionContext:{row['context']}" if row else None


def keys_of_service_call(service: str, need: Need, source_arn: str, source_account: str, by_role: bool = False) -> dict[str, str]:
    """
    The keys of a call that a service makes for the resource `source_arn`: all of a call by the service itself, beyond the role's own of a
    call by a role.
    """
    general = {} if by_role else dict(table()["everyService"]["keys"])
    through = through_service(need)
    to, found = ("kms" if through else need.action), need.context
    row = next((c for c in _calls() if (c.service, c.to, c.through, c.by_role) == (service, to, through, by_role)), None)
    given = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_account, "aws:SourceOwner": source_account, **found}
    return {**general, **{key: str(given[key]) for key in (row.keys if row else ()) if key in given}}


def through_service(need: Need) -> str | None:
    """Service that calls KMS, such as sqs; None when the need is no service's call to KMS."""
    via = need.context.get("kms:ViaService") if need.action.startswith("kms:") else None
    return str(via).split(".", 1)[0] if via else None
