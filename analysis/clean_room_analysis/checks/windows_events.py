# SPDX-License-Identifier: AGPL-3.0-or-later
"""What Windows' event logs tell: log-ins, new services and tasks, new accounts and administrators, cleared logs, PowerShell."""

import functools
import re
import time
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.windows_commands import on_windows
from clean_room_analysis.checks.windows_event_kinds import DISTINCT, HERE, Sums, meaning
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity, TimelineEvent, iso_time
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows.event_log import Event, read_events

_LOG = re.compile(r"/winevt/logs/([^/]{1,200})\.evtx$", re.IGNORECASE)
#: The events that are read, by the name of the log.
_WANTED: dict[str, frozenset[int]] = {
    "security": frozenset({1102, 4624, 4625, 4648, 4672, 4688, 4697, 4698, 4702, 4719, 4720, 4722, 4724, 4726, 4728, 4732, 4738, 4756}),
    "system": frozenset({104, 7045}),
    "microsoft-windows-powershell%4operational": frozenset({4104}),
    "powershellcore%4operational": frozenset({4104}),
    "windows powershell": frozenset({400, 800}),
    "microsoft-windows-taskscheduler%4operational": frozenset({129, 200}),
    "microsoft-windows-terminalservices-localsessionmanager%4operational": frozenset({21, 25}),
    "microsoft-windows-terminalservices-remoteconnectionmanager%4operational": frozenset({1149}),
    "microsoft-windows-windows defender%4operational": frozenset({1006, 1116, 1117, 5001, 5007, 5010, 5012, 5013}),
    "microsoft-windows-wmi-activity%4operational": frozenset({5861}),
    "microsoft-windows-sysmon%4operational": frozenset({1}),
    "openssh%4operational": frozenset({4}),
}
_GUESSES = 10
_SECONDS, _SECONDS_PER_LOG = 600.0, 240.0


class WindowsEvents(Check):
    """T1078, T1110, T1021.001, T1543.003, T1136.001, T1098, T1070.001, T1059.001, T1053.005, T1562, T1546.003."""

    name = "windows-events"

    def __init__(self) -> None:
        self._entries: list[tuple[Entry, str]] = []
        self._events = 0

    def wants(self, entry: Entry) -> bool:
        return on_windows(entry) and entry.is_file and (log := _LOG.search(entry.path)) is not None and log[1].lower() in _WANTED

    def look(self, item: Item) -> Iterator[Result]:
        self._entries.append((item.entry, item.volume_id))
        return iter(())

    def leave(self, tree: Tree) -> Iterator[Result]:
        """Reads all event logs of the file system that was just walked, each in a process of its own."""
        entries, self._entries = self._entries, []
        sums = Sums()
        end = time.monotonic() + _SECONDS
        errors: list[str] = []
        order = list(_WANTED)
        for entry, volume_id in sorted(entries, key=lambda one: order.index(_name(one[0]))):
            read = functools.partial(read_events, tree, entry, _WANTED[_name(entry)])
            try:
                for event in run_isolated(read, min(_SECONDS_PER_LOG, max(1.0, end - time.monotonic()))):
                    if isinstance(event, NotLookedAt):
                        yield event
                    else:
                        yield from self._take(event, sums, volume_id)
            except IsolatedError as error:
                errors.append(f"{entry.path}: {error}")
        if entries:
            yield from self._judge(sums, entries[0][1])
        if errors:
            raise ValueError("; ".join(errors[:5]))

    def _take(self, event: Event, sums: Sums, volume_id: str) -> Iterator[Result]:
        for result in meaning(event, sums):
            if isinstance(result, str):
                if self._events < limits.LOGIN_EVENTS:
                    self._events += 1
                    yield TimelineEvent(event.at, result[:600], f"Windows event {event.number}", event.path, volume_id)
                continue
            severity, title, evidence, attack = result
            key = (title, evidence[:2000])
            if key not in sums.told and len(sums.told) < DISTINCT:
                sums.told.add(key)
                yield Finding(self.name, severity, title, volume_id, event.path, evidence, attack, event.at)

    def _judge(self, sums: Sums, volume_id: str) -> Iterator[Result]:
        entered: set[str] = set()
        for (user, host, way), (first, last, count) in sorted(sums.successes.items(), key=lambda one: one[0]):
            guesses = sums.failures.get(host, 0)
            where = "the machine itself" if host in HERE else host
            shown = f"{count} times, first {iso_time(first)}, last {iso_time(last)}, by {way}"
            path = sums.logs[user, host, way]
            if guesses >= _GUESSES and last >= sums.first_failure[host]:
                entered.add(host)
                title = f"{user} logged in from {where} after {guesses} failed attempts from there"
                yield Finding(self.name, Severity.CRITICAL, title, volume_id, path, shown, ("T1110.001", "T1078"), last)
                continue
            tunnel = way == "remote desktop" and host.startswith(("127.", "::1"))
            severity = (
                Severity.HIGH
                if tunnel
                else Severity.MEDIUM
                if host not in HERE and user.rpartition("\\")[2].lower() in ("administrator", "admin", "root")
                else Severity.INFORMATIONAL
            )
            title = f"{user} logged in from {where} ({way}){', as through a tunnel' if tunnel else ''}"
            attack = ("T1021.001", "T1572") if tunnel else ("T1021.001", "T1078") if way == "remote desktop" else ("T1078",)
            yield Finding(self.name, severity, title, volume_id, path, shown, attack, last)
        for host, count in sums.failures.most_common():
            if count >= _GUESSES and host not in HERE:
                severity = Severity.MEDIUM if host in entered else Severity.LOW
                said = f"first {iso_time(sums.first_failure[host])}; {'one succeeded later' if host in entered else 'none succeeded'}"
                yield Finding(
                    self.name,
                    severity,
                    f"{count} failed log-ins from {host}",
                    volume_id,
                    sums.logs[host],
                    said,
                    ("T1110.001",),
                    sums.first_failure[host],
                )


def _name(entry: Entry) -> str:
    return entry.name.lower().removesuffix(".evtx")
