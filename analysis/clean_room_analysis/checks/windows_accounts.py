# SPDX-License-Identifier: AGPL-3.0-or-later
"""What judges a hive of the registry, and the judge of SAM: the accounts of a Windows machine."""

import re
import struct
from collections.abc import Iterator
from dataclasses import replace

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import techniques, in_words, worst
from clean_room_analysis.checks.windows_commands import windows_suspicions
from clean_room_analysis.model import Severity, TimelineEvent
from clean_room_analysis.windows import nanoseconds
from clean_room_analysis.windows.registry import Value

_GUEST = 501


class Judge:
    """Judges the values of one hive as they come."""

    def __init__(self, check: Check, item: Item) -> None:
        self._check = check
        self._item = item

    def take(self, value: Value) -> Iterator[Result]:
        """One value."""
        return iter(())

    def end(self) -> Iterator[Result]:
        """When there are no more."""
        return iter(())

    def found(self, value: Value, severity: Severity, title: str, *attack: str, shown: str | None = None) -> Result:
        """A finding about one value, dated by its key."""
        said = f"{value.key}: {value.name} = {value.text}" if shown is None else shown
        finding = self._check.found(self._item, severity, title, said, attack)
        return _at(finding, value.at)

    def started(self, value: Value, what: str, attack: str, ordinary: Severity = Severity.INFORMATIONAL) -> Iterator[Result]:
        """A finding about a value that starts a program, by what it starts."""
        reasons = windows_suspicions(value.text, attack)
        if reasons:
            yield self.found(value, worst(reasons), f"{what} {in_words(reasons)}", *techniques(reasons, attack))
        else:
            yield self.found(value, ordinary, f"{what} starts a program", attack)


def _at(finding: Result, moment: int) -> Result:
    return replace(finding, modified=moment or None)  # type: ignore[type-var]


class Accounts(Judge):
    """SAM: the accounts of the machine, and who is an administrator."""

    def __init__(self, check: Check, item: Item) -> None:
        super().__init__(check, item)
        self._accounts: dict[int, dict[str, Value]] = {}
        self._administrators: set[int] = set()
        self._group: Value | None = None

    def take(self, value: Value) -> Iterator[Result]:
        last = value.key.rpartition("\\")[2]
        if not isinstance(value.data, bytes) or not re.fullmatch(r"[0-9A-Fa-f]{8}", last):
            return
        if "\\Aliases\\" in value.key and value.name == "C":
            self._group = value
            self._administrators = set(_members(value.data))
        elif value.name in ("F", "V"):
            self._accounts.setdefault(int(last, 16), {})[value.name] = value
        yield from ()

    def end(self) -> Iterator[Result]:
        for number, values in sorted(self._accounts.items()):
            name = _name_in(values["V"].data) if "V" in values else f"number {number}"
            fixed = values.get("F")
            if fixed is None or not isinstance(fixed.data, bytes) or len(fixed.data) < 0x44:
                continue
            log_on, password = (
                nanoseconds(int(one)) for one in (struct.unpack_from("<Q", fixed.data, 8)[0], struct.unpack_from("<Q", fixed.data, 24)[0])
            )
            true_number, flags = struct.unpack_from("<I", fixed.data, 0x30)[0], struct.unpack_from("<H", fixed.data, 0x38)[0]
            shown = f"account {name}, number {number}, log-ins {struct.unpack_from('<H', fixed.data, 0x42)[0]}"
            for moment, what in ((log_on, f"{name} logged in last"), (password, f"the password of {name} was set")):
                if moment:
                    yield TimelineEvent(moment, what, "account database", self._item.entry.path, self._item.volume_id)
            enabled = not flags & 1
            if true_number != number:
                title = f"The account {name} acts with the number of another account ({true_number})"
                yield self.found(fixed, Severity.CRITICAL, title, "T1098", "T1078.003", shown=shown)
            if name.endswith("$"):
                yield self.found(
                    fixed, Severity.HIGH, f"The account {name} is named so that lists leave it out", "T1564.002", "T1136.001", shown=shown
                )
            if number == _GUEST and enabled:
                yield self.found(fixed, Severity.MEDIUM, "The guest account is enabled", "T1078.001", shown=shown)
            elif number >= 1000 and enabled:
                grave = number in self._administrators
                title = f"The account {name} is {'an administrator' if grave else 'a user'} of this machine"
                yield self.found(fixed, Severity.LOW if grave else Severity.INFORMATIONAL, title, "T1136.001", shown=shown)
            if enabled and flags & 4:
                yield self.found(fixed, Severity.MEDIUM, f"The account {name} needs no password", "T1078.003", shown=shown)


def _name_in(data: object) -> str:
    if not isinstance(data, bytes) or len(data) < 0xCC:
        return "?"
    offset, length = struct.unpack_from("<II", data, 12)
    return data[0xCC + offset : 0xCC + offset + length].decode("utf-16-le", "replace")[:100]


def _members(data: bytes) -> Iterator[int]:
    """The last numbers of the members' SIDs of a group."""
    if len(data) < 0x34:
        return
    offset, _, count = struct.unpack_from("<III", data, 0x28)
    at = 0x34 + offset
    for _ in range(min(count, 10_000)):
        if at + 8 > len(data):
            return
        size = 8 + 4 * data[at + 1]
        if data[at + 1] and at + size <= len(data):
            yield struct.unpack_from("<I", data, at + size - 4)[0]
        at += size
