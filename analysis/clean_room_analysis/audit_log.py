# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the logs of the Linux audit daemon (audit.log): who logged in, what was run, what became of auditing itself.

Format: one record a line, `type=X msg=audit(seconds.milliseconds:serial): field=value …`; values with blanks or quotes in them are
written in hexadecimal (auditd's documentation of its event fields).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_RECORD = re.compile(
    r"^(?:node=\S{1,256} )?type=(?P<type>[A-Z0-9_]{2,40}) msg=audit\((?P<seconds>\d{1,12})\.(?P<fraction>\d{1,9}):(?P<serial>\d{1,12})\): ?(?P<fields>.*)$",
    re.DOTALL,
)
_FIELD = re.compile(r"(?P<name>[A-Za-z][\w-]{0,40})=(?P<value>\"[^\"]{0,4096}\"|'[^']{0,8192}'|[^\s']{0,8192})")
_HEX = re.compile(r"^(?:[0-9A-Fa-f]{2})+$")
#: What is read of a log; the rest (system calls, paths) says how, not what.
_TYPES = frozenset(
    [
        "EXECVE",
        "PROCTITLE",
        "USER_CMD",
        "TTY",
        "USER_TTY",
        "USER_LOGIN",
        "USER_AUTH",
        "ADD_USER",
        "DEL_USER",
        "ADD_GROUP",
        "USER_CHAUTHTOK",
        "CONFIG_CHANGE",
        "DAEMON_END",
        "DAEMON_ABORT",
        "KERN_MODULE",
        "ANOM_PROMISCUOUS",
    ]
)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record. `at` is in nanoseconds since 1970; `command` is what was run, where the record says that."""

    at: int
    type: str
    fields: dict[str, str]
    command: str


def _said(value: str, *, encoded: bool) -> str:
    if value[:1] in "\"'":
        return value[1:-1]
    if encoded and len(value) > 1 and _HEX.match(value):
        return bytes.fromhex(value).decode("utf-8", "surrogateescape")
    return value


def _fields(text: str) -> dict[str, str]:
    found = {match["name"]: match["value"] for match in _FIELD.finditer(text)}
    if "msg" in found and found["msg"].startswith("'"):
        found |= {match["name"]: match["value"] for match in _FIELD.finditer(found.pop("msg")[1:-1])}
    return found


def read_audit(lines: Iterable[tuple[int, str]]) -> Iterator[AuditRecord]:
    """The records that say who did what."""
    for _, line in lines:
        match = _RECORD.match(line)
        if match is None or match["type"] not in _TYPES:
            continue
        raw = _fields(match["fields"].split("\x1d")[0])
        fields = {name: _said(value, encoded=name in ("acct", "cmd", "exe", "proctitle", "data", "name")) for name, value in raw.items()}
        command = fields.get("cmd", "") or fields.get("proctitle", "").replace("\0", " ") or fields.get("data", "").replace("\r", "\n")
        if match["type"] == "EXECVE":
            # Arguments in several pieces are a1[0], a1[1]; they are long and rare, and their pieces are looked at as they come.
            arguments = re.findall(r"\ba\d{1,5}(?:\[\d{1,5}\])?=(\"[^\"]{0,4096}\"|[^\s\"]{0,8192})", match["fields"])
            command = " ".join(_said(one, encoded=True) for one in arguments)
        at = int(match["seconds"]) * 1_000_000_000 + int((match["fraction"] + "000000000")[:9])
        yield AuditRecord(at, match["type"], fields, command)
