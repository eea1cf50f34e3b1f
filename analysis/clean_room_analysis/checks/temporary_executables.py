# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs where none belong: in temporary directories, under hidden names, among devices, disguised as kernel threads."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.model import Entry, Severity

#: Kernel threads are shown in brackets; a file of that name wants to be taken for one.
_KERNEL_THREAD = re.compile(
    r"^(?:\[[\w/:.+-]{2,40}\]|(?:kworker|kswapd|ksoftirqd|kthreadd|rcu_sched|kdevtmpfs|khugepaged|jbd2)(?![\w/:.-]*\.(?:ko|service|h|c|rst|txt|md)\b)[/:\w.-]*)$"
)
#: Characters that make a name break out of a list, a page or a command line it is shown in.
_DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069<>\"'`;|&$]")
#: Hidden files below these are the business of whoever made the tree.
_TREES = re.compile(r"/(?:node_modules|site-packages|dist-packages|\.git|containers|overlay2?|snap)/")


#: Where the system's own programs lie: a hidden script there is nobody's tool. Elsewhere projects keep their hooks and helpers.
_SYSTEM = re.compile(r"^/(?:usr|etc|s?bin|lib\w*|boot|dev|run|var/(?!www/))")
#: The string that every virus scanner reports, made to be found.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$"


_WEB_PAGES = re.compile(r"^/(?:var/www|srv/www|usr/share/nginx/html|home/[^/]+/public_html)/(?!.*/(?:vendor|cgi-bin)/)", re.DOTALL)


class TemporaryExecutables(Check):
    """T1036 (masquerading), T1564.001 (hidden files), T1059."""

    name = "temporary-executables"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file or entry.size == 0:
            return False
        return (
            in_temporary(path)
            or path.startswith("/dev/")
            or "/." in path
            or path[-1] in " ."
            or "/ " in path
            or _KERNEL_THREAD.match(entry.name) is not None
            or 68 <= entry.size <= 128
            or (entry.executable and _WEB_PAGES.match(path) is not None)
        )

    def look(self, item: Item) -> Iterator[Result]:
        path, entry = item.path, item.entry
        if 68 <= entry.size <= 128 and item.head.startswith(_EICAR):
            yield self.found(
                item, Severity.MEDIUM, "Test file of virus scanners (EICAR)", "harmless; somebody put it there", ("T1204.002",), hashed=True
            )
        hidden = hidden_part(path)
        if hidden is None and _WEB_PAGES.match(path) and item.head.startswith(b"\x7fELF") and not _TREES.search(path):
            detail = f"mode {entry.mode & 0o7777:04o}, owner {entry.user}:{entry.group}, {entry.size} bytes"
            yield self.found(item, Severity.MEDIUM, "Program among the pages of a web server", detail, ("T1505.003", "T1036"), hashed=True)
            return
        if hidden is None and not in_temporary(path) and not path.startswith("/dev/") and not _KERNEL_THREAD.match(entry.name):
            return
        if hidden is not None and not hidden.strip(" .") and path.startswith("/"):
            yield self.found(item, Severity.HIGH, "File below a name of blanks and dots", repr(hidden), ("T1564.001", "T1036"), hashed=True)
            return
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
            if kind == "Script" and not _SYSTEM.match(path):
                severity = Severity.LOW
            yield self.found(item, severity, f"{kind} under a hidden name", detail, ("T1564.001",), hashed=True)
