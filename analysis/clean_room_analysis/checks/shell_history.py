# SPDX-License-Identifier: AGPL-3.0-or-later
"""Command histories: what was typed, and histories that were switched off."""

import re
from collections import deque
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import Suspicion, in_words, suspicions, techniques, worst
from clean_room_analysis.checks.places import temporary_path_in
from clean_room_analysis.checks.theft import Thefts
from clean_room_analysis.model import Entry, Severity, TimelineEvent

_NAMES = frozenset(
    {
        ".bash_history",
        ".zsh_history",
        ".sh_history",
        ".ash_history",
        ".ksh_history",
        ".history",
        ".python_history",
        ".mysql_history",
        ".psql_history",
        ".rediscli_history",
        ".node_repl_history",
        ".local_history",
        "fish_history",
        ".viminfo",
        ".lesshst",
        ".dbshell",
        ".mongosh_repl_history",
        ".sqlite_history",
        ".irb_history",
        ".php_history",
        ".wget-hsts",
        ".influx_history",
        ".bash_history-timestamps",
        ".sudo_history",
        "search_history",
        "mc_history",
        "ConsoleHost_history.txt",
    }
)
_BASH_TIME = re.compile(r"^#(\d{9,10})$")
_ZSH = re.compile(r"^: (\d{9,10}):\d+;(.*)$")
#: Files whose editing matters.
_EDITED = re.compile(
    r"(?:^>|'\d)\s[^\n]{0,40}?(/etc/(?:passwd|shadow|sudoers\S*|ld\.so\.preload|crontab|cron\.d/\S+|pam\.d/\S+|ssh/sshd_config|rc\.local)|\S*authorized_keys)"
)
#: Matching lines quoted in the finding of one history.
_QUOTED = 40
#: A secret that was typed: a report goes to more people than the history did.
_SECRET = re.compile(
    r"(?i)(\b[\w-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api_?key)[\w-]{0,40}[=:]\s?|--password[ =]|\bmysql\w*\s(?:\S+\s)*?-p(?=\S))[^\s\"';|&]+"
)
#: Lines shown before and after one that matches, and characters of all.
_AROUND, _ROOM = 2, 1900


def _plain(name: str, line: str) -> str:
    """A line without what the program that keeps it puts before what was typed."""
    if name == ".lesshst":
        return line.removeprefix('"')
    return re.sub(r"^:!?|^\|\d,\d,\d+,[^,]*,\"", "", line) if name == ".viminfo" else line


class _Lines:
    """The history with what matches marked: whole where it has room, else what matches with the lines around it."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str, bool]] = []
        self._before: deque[tuple[int, str, bool]] = deque(maxlen=_AROUND)
        self._after = 0
        self._marked = 0
        self._whole: list[tuple[int, str, bool]] | None = []
        self._size = 0

    def add(self, number: int, line: str, marked: bool) -> None:
        one = (number, _SECRET.sub(r"\1***", line[:600])[:300], marked)
        if self._whole is not None:
            self._size += len(one[1]) + 16
            self._whole.append(one)
            if self._size > _ROOM:
                self._whole = None
        if marked and self._marked < _QUOTED:
            self._marked += 1
            self._kept.extend((*self._before, one))
            self._before.clear()
            self._after = _AROUND
        elif self._after > 0 and not marked:
            self._after -= 1
            self._kept.append(one)
        else:
            self._before.append(one)

    def shown(self) -> str:
        """One line each: `> ` before what matches, two blanks before what stands around it, `…` where lines are left out."""
        lines, last = [], 0
        # Where not all fits, what stands around goes before what matches does.
        kept = self._whole if self._whole is not None else self._kept
        if sum(len(line) + 16 for _, line, _ in kept) > _ROOM:
            kept = [one for one in kept if one[2]]
        for number, line, marked in kept:
            if last and number > last + 1 and self._whole is None:
                lines.append("  …")
            lines.append(f"{'> ' if marked else '  '}line {number}: {line}")
            last = number
        return "\n".join(lines)


class ShellHistory(Check):
    """T1059.004 (Unix shell), T1070.003 (clear command history)."""

    name = "shell-history"

    def wants(self, entry: Entry) -> bool:
        return not entry.is_directory and entry.name in _NAMES

    def look(self, item: Item) -> Iterator[Result]:
        if item.entry.is_link:
            target = item.tree.link_target(item.entry.path)
            severity = Severity.HIGH if target == "/dev/null" else Severity.MEDIUM
            yield self.found(item, severity, "Command history is a link, so nothing is kept", f"-> {target}", ("T1070.003",))
            return
        when: int | None = None
        lines = _Lines()
        reasons: list[Suspicion] = []
        thefts = Thefts()
        for number, line in item.lines():
            stamp = _BASH_TIME.match(line)
            if stamp:
                when = int(stamp.group(1))
                continue
            timed = _ZSH.match(line)
            if timed:
                when, line = int(timed.group(1)), timed.group(2)
            if not line.strip():
                continue
            if item.entry.name in (".viminfo", ".lesshst", ".wget-hsts"):
                line = _plain(item.entry.name, line)
            if when is not None:
                yield TimelineEvent(
                    when * 1_000_000_000, f"{item.entry.name}: {line[:500]}", "command typed", item.entry.path, item.volume_id
                )
                when = None
            thefts.take(number, line)
            found = suspicions(line)
            if not found and item.entry.name == ".viminfo" and (edited := _EDITED.search(line)):
                found = (Suspicion(Severity.LOW, f"edited {edited.group(1)}", "T1565.001"),)
            temporary = temporary_path_in(line) if not found else None
            if temporary is not None:
                found = (Suspicion(Severity.LOW, "names a path in a temporary directory", "T1059.004"),)
            reasons.extend(found)
            lines.add(number, line, bool(found))
        for theft in thefts.found():
            yield self.found(item, theft.severity, theft.title, theft.evidence, theft.attack)
        if reasons:
            unique = tuple(
                sorted(
                    dict.fromkeys(reasons),
                    key=lambda one: (one.severity is not Severity.CRITICAL, one.severity is not Severity.HIGH, one.reason),
                )
            )
            yield self.found(item, worst(unique), f"Command history: {in_words(unique)}", lines.shown(), techniques(unique, "T1059.004"))
