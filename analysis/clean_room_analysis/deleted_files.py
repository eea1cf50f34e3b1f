# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at what the journal of ext3 and ext4 still knows of deleted files: names, times, and the content that nothing wrote over."""

import bisect
import re
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.checks.commands import in_words, suspicions, techniques, worst
from clean_room_analysis.checks.places import TEMPORARY, hidden_part
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.ext_journal import Deleted, deleted_files
from clean_room_analysis.free_maps import free_runs
from clean_room_analysis.model import Finding, NotLookedAt, Severity, TimelineEvent, iso_time
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.text import decode, display_name

_LOG = re.compile(r"/var/log/(?:wtmp|btmp|lastlog|secure|auth\.log|messages|syslog|audit/audit\.log|journal/[^/]+/system\.journal)$")
_HISTORY = re.compile(r"/\.(?:\w{1,10}_history|lesshst|viminfo)$")
_CRON = re.compile(r"/(?:cron|at)(?:tabs|\.\w+)?/|/systemd/system/[^/]+\.(?:service|timer)$")


def scan_deleted(open_stream: Callable[[], BinaryIO], volume_id: str, seconds: float) -> Iterator[Finding | TimelineEvent | NotLookedAt]:
    """What deleted files tell. Meant to run isolated: see isolated.py.

    @param seconds after which it ends and says how far it came
    """
    end = time.monotonic() + seconds
    scanner = scanner_of()
    with open_stream() as handle:
        fs = ExtFileSystem(handle)
        free = sorted(free_runs(handle, "ext4"))
        starts = [first for first, _ in free]

        def unused(first: int, length: int) -> bool:
            index = bisect.bisect_right(starts, first) - 1
            return index >= 0 and first + length <= free[index][0] + free[index][1]

        seen = 0
        for one in deleted_files(fs):
            if time.monotonic() > end:
                yield NotLookedAt(
                    f"{volume_id}: deleted files in the journal, after {seen} of them",
                    f"the time for deleted files was over after {seconds:.0f} seconds",
                    incomplete=False,
                )
                return
            seen += 1
            # Where something wrote over a part of it, the rest would be another file's content.
            kept = sum(
                min(length, fs.block)
                for _, place, length in one.inode.pieces
                for offset in range(place, place + min(length, limits.DELETED_BYTES), fs.block)
                if unused(offset, fs.block)
            )
            whole = all(unused(place, length) for _, place, length in one.inode.pieces)
            if seen <= limits.DELETED_EVENTS:
                moment = one.at or one.inode.changed
                state = (
                    "its content is there still"
                    if whole
                    else "parts of its content were written over"
                    if kept
                    else "its content was written over"
                )
                what = f"{_shown(one)} was deleted, {one.inode.size} bytes, owner {one.inode.user}; {state}"
                yield TimelineEvent(moment * 10**9, what, "deleted, by the journal", _path(one) or "?", volume_id)
            yield from _judge(one, fs, scanner, volume_id, whole)
        if seen > limits.DELETED_EVENTS:
            why = f"the timeline tells of {limits.DELETED_EVENTS}; all were looked at"
            yield NotLookedAt(f"{volume_id}: rows of {seen - limits.DELETED_EVENTS} more deleted files", why, incomplete=False)


def _path(one: Deleted) -> str | None:
    return next((name for name in one.names if not name.startswith("?")), one.names[0] if one.names else None)


def _shown(one: Deleted) -> str:
    path = _path(one)
    return display_name(path, 500) if path else f"inode {one.inode.number}, whose name is not known,"


def _judge(one: Deleted, fs: ExtFileSystem, scanner: yara_x.Scanner, volume_id: str, whole: bool) -> Iterator[Finding | NotLookedAt]:
    path = _path(one)
    content = b""
    if whole:
        content = b"".join(fs.content(one.inode, limits.DELETED_BYTES))
    about = (
        f"inode {one.inode.number}, {one.inode.size} bytes, owner {one.inode.user}, gone {iso_time((one.at or one.inode.changed) * 10**9)}"
    )

    def found(severity: Severity, title: str, evidence: str, attack: tuple[str, ...], rule: str | None = None) -> Finding:
        return Finding(
            "deleted",
            severity,
            title,
            volume_id,
            path,
            f"{about}: {evidence}" if evidence else about,
            tuple(dict.fromkeys((*attack, "T1070.004"))),
            one.inode.modified * 10**9,
            None,
            rule,
        )

    matched = matches(scanner, content) if content else ()
    if matched is None:
        yield NotLookedAt(f"{volume_id}: {about}", f"the rules took more than {limits.YARA_SECONDS} seconds", incomplete=False)
    for match in matched or ():
        # Its place and name are known, but not whether it ever ran.
        severity = Severity.HIGH if match.severity is Severity.CRITICAL else match.severity
        yield found(severity, f"A deleted file: {match.description}", match.around(content), match.attack, match.rule)
    if path is None:
        return
    if content.startswith((b"\x7fELF", b"#!")) and (path.startswith(TEMPORARY) or hidden_part(path)) and not path.startswith("?"):
        yield found(Severity.MEDIUM, "A program in a temporary or hidden place was deleted", decode(content[:80]), ("T1036",))
    if _LOG.search(path) and one.inode.size:
        yield found(Severity.LOW, "A log was deleted, or replaced by a new one", "", ("T1070.002",))
    if _HISTORY.search(path) or _CRON.search(path) or content.startswith(b"#!"):
        told: set[str] = set()
        for line in decode(content[: limits.MEBIBYTE]).splitlines():
            reasons = suspicions(line[: limits.LINE_BYTES])
            if (
                reasons
                and worst(reasons) in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
                and in_words(reasons) not in told
                and len(told) < 8
            ):
                told.add(in_words(reasons))
                yield found(worst(reasons), f"A deleted file has a line that {in_words(reasons)}", line, techniques(reasons, "T1059.004"))
