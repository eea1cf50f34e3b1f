# SPDX-License-Identifier: AGPL-3.0-or-later
"""Command histories: what was typed, and histories that were switched off."""

import re
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


def _plain(name: str, line: str) -> str:
    """A line without what the program that keeps it puts before what was typed."""
    if name == ".lesshst":
        return line.removeprefix('"')
    return re.sub(r"^:!?|^\|\d,\d,\d+,[^,]*,\"", "", line) if name == ".viminfo" else line


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
        quoted: list[str] = []
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
            if found and len(quoted) < _QUOTED:
                quoted.append(f"line {number}: {line[:300]}")
        for theft in thefts.found():
            yield self.found(item, theft.severity, theft.title, theft.evidence, theft.attack)
        if reasons:
            unique = tuple(
                sorted(
                    dict.fromkeys(reasons),
                    key=lambda one: (one.severity is not Severity.CRITICAL, one.severity is not Severity.HIGH, one.reason),
                )
            )
            yield self.found(
                item, worst(unique), f"Command history: {in_words(unique)}", "\n".join(quoted), techniques(unique, "T1059.004")
            )
