# SPDX-License-Identifier: AGPL-3.0-or-later
"""What ran on Windows and what lies where nothing is installed: prefetch, start folders, PowerShell's histories, programs in odd places."""

import functools
import re
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.windows_commands import odd_place, on_windows, windows_suspicions
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity, TimelineEvent, iso_time
from clean_room_analysis.tree import Tree

_PREFETCH = re.compile(r"^/win(?:dows|nt)/prefetch/[^/]+\.pf$", re.IGNORECASE)
_HISTORY = re.compile(r"/psreadline/[^/]+_history\.txt$", re.IGNORECASE)
_START = re.compile(r"/start menu/programs/startup/(?!desktop\.ini$)[^/]+$", re.IGNORECASE)
_USER_DATA = re.compile(r"^/programdata/amazon/ec2(?:launch/log|-windows/launch/log)/[^/]+\.log$", re.IGNORECASE)
#: By extension what Windows runs.
_RUNS = re.compile(r"\.(?:exe|dll|scr|com|pif|sys|ps1|bat|cmd|vbs|vbe|js|jse|wsf|hta|cpl|msi)$", re.IGNORECASE)
_BY_NAME = re.compile(
    r"^(?:psexe(?:c|svc)(?:64)?|paexec|mimi(?:katz|drv|lib)|procdump(?:64)?|nc(?:64|at)?|netcat|plink|chisel\w{0,20}|ngrok|frpc|rclone|winpeas\w{0,10}|sharphound|rubeus|lazagne|adfind|xmrig|wce|pwdump\d?|fgdump|cobaltstrike|beacon|advanced_ip_scanner)\.exe$",
    re.IGNORECASE,
)
_SECONDS = 300.0


class WindowsPrograms(Check):
    """T1059, T1036.005, T1547.001, T1588.002."""

    name = "windows-programs"

    def __init__(self) -> None:
        self._entries: list[tuple[Entry, str]] = []

    def wants(self, entry: Entry) -> bool:
        if not on_windows(entry) or not entry.is_file or entry.size == 0:
            return False
        path = entry.path
        if path[-3:].lower() == ".pf":
            return _PREFETCH.match(path) is not None
        return (
            _HISTORY.search(path) is not None
            or _START.search(path) is not None
            or _USER_DATA.match(path) is not None
            or (_RUNS.search(path) is not None and (odd_place(_as_windows(path)) or _BY_NAME.match(entry.name) is not None))
        )

    def look(self, item: Item) -> Iterator[Result]:
        entry, path = item.entry, item.entry.path
        if _PREFETCH.match(path):
            self._entries.append((entry, item.volume_id))
        elif _HISTORY.search(path) or _USER_DATA.match(path):
            what = "A PowerShell history" if _HISTORY.search(path) else "What the machine was given at launch"
            for number, line in item.lines():
                if reasons := windows_suspicions(line):
                    title = f"{what} has a line that {in_words(reasons)}"
                    yield self.found(item, worst(reasons), title, f"line {number}: {line}", techniques(reasons, "T1059.001"))
        elif _START.search(path):
            severity = Severity.LOW if entry.name.lower().endswith(".lnk") else Severity.MEDIUM
            if entry.size < limits.MEBIBYTE and not item.head.startswith(b"MZ"):
                text = item.tree.read(path, limits.MEBIBYTE).replace(b"\0", b"").decode("utf-8", "replace")
                if reasons := windows_suspicions(text, "T1547.001"):
                    yield self.found(
                        item,
                        worst(reasons),
                        f"A start folder holds what {in_words(reasons)}",
                        text[:500],
                        techniques(reasons, "T1547.001"),
                        hashed=True,
                    )
                    return
            yield self.found(item, severity, "A start folder holds what every log-on starts", "", ("T1547.001",), hashed=True)
        elif _BY_NAME.match(entry.name):
            yield self.found(item, Severity.MEDIUM, "A file is named like a tool of intruders", "", ("T1588.002",), hashed=True)
        elif item.head.startswith(b"MZ") or not re.search(r"\.(?:exe|dll|scr|com|pif|sys|cpl)$", path, re.IGNORECASE):
            severity = Severity.MEDIUM if item.head.startswith(b"MZ") and "/temp/" not in path.lower() else Severity.LOW
            yield self.found(item, severity, "A program or script lies where nothing is installed", "", ("T1036.005",), hashed=True)

    def leave(self, tree: Tree) -> Iterator[Result]:
        """Reads all prefetch files of the file system that was just walked."""
        entries, self._entries = self._entries, []
        if not entries:
            return
        # Here and not above: it takes half a second, which every other disk would pay.
        from clean_room_analysis.windows.prefetch import read_prefetch

        volume_id = entries[0][1]
        try:
            for run in run_isolated(functools.partial(read_prefetch, tree, [one for one, _ in entries]), _SECONDS):
                if isinstance(run, NotLookedAt):
                    yield run
                    continue
                for moment in run.times:
                    yield TimelineEvent(moment, f"{run.program} ran ({run.count} times in all)", "prefetch", run.path, volume_id)
                place, named = odd_place(run.program), _BY_NAME.match(run.name) is not None
                if place or named:
                    title = f"{run.name} ran{' from where nothing is installed' if place else ', named like a tool of intruders'}"
                    last = max(run.times, default=0)
                    severity = Severity.HIGH if place and named else Severity.MEDIUM
                    yield Finding(
                        self.name,
                        severity,
                        title,
                        volume_id,
                        run.path,
                        f"{run.program}, {run.count} times, last {iso_time(last)}",
                        ("T1204.002",),
                        last or None,
                    )
        except IsolatedError as error:
            raise ValueError(f"prefetch: {error}") from error


def _as_windows(path: str) -> str:
    return path.replace("/", "\\")
