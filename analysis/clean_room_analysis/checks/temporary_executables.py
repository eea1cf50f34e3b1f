# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs where none belong: in temporary directories, under hidden names, among devices, disguised as kernel threads."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.model import Entry, Severity

#: Kernel threads are shown in brackets; a file of that name wants to be taken for one.
_KERNEL_THREAD = re.compile(
    r"^\[?(?:kworker|kswapd|ksoftirqd|kthreadd|migration|rcu_sched|watchdog|kdevtmpfs|khugepaged|jbd2)[/\]:\w.-]*\]?$"
)
#: Characters that make a name break out of a list, a page or a command line it is shown in.
_DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069<>\"'`;|&$]")
#: Hidden files below these are the business of whoever made the tree.
_TREES = re.compile(r"/(?:node_modules|site-packages|dist-packages|\.git|containers|overlay2?|snap)/")


class TemporaryExecutables(Check):
    """T1036 (masquerading), T1564.001 (hidden files), T1059."""

    name = "temporary-executables"

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file or entry.size == 0:
            return False
        return (
            in_temporary(path)
            or path.startswith("/dev/")
            or "/." in path
            or path[-1] in " ."
            or _KERNEL_THREAD.match(entry.name) is not None
        )

    def look(self, item: Item) -> Iterator[Result]:
        path, entry = item.path, item.entry
        hidden = hidden_part(path)
        kind = "Program" if item.head.startswith(b"\x7fELF") else "Script"
        masked = ("T1036.004",) if _KERNEL_THREAD.match(entry.name) else ("T1036",) if _DECEPTIVE.search(path) else ()
        detail = f"mode {entry.mode & 0o7777:04o}, owner {entry.user}:{entry.group}, {entry.size} bytes"
        if path.startswith("/dev/") and not in_temporary(path):
            yield self.found(item, Severity.HIGH, "Ordinary file among the devices", detail, ("T1564.001",), hashed=True)
        elif not item.runnable:
            return
        elif in_temporary(path):
            severity = (
                Severity.HIGH
                if hidden or (entry.executable and kind == "Program")
                else Severity.MEDIUM
                if entry.executable
                else Severity.LOW
            )
            yield self.found(
                item,
                severity,
                f"{'Hidden ' + kind.lower() if hidden else kind} in a temporary directory",
                detail,
                ("T1564.001", *masked, "T1059.004") if hidden else (*masked, "T1059.004"),
                hashed=True,
            )
        elif _KERNEL_THREAD.match(entry.name) and kind == "Program":
            yield self.found(item, Severity.HIGH, "Program named like a kernel thread", detail, ("T1036.004",), hashed=True)
        elif hidden and not _TREES.search(path) and (kind == "Program" or not in_home(path)):
            severity = Severity.MEDIUM if in_home(path) else Severity.HIGH
            yield self.found(item, severity, f"{kind} under a hidden name", detail, ("T1564.001",), hashed=True)
