# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads log-in databases, authentication logs and journald files with dissect's parsers. Meant to run isolated: see isolated.py."""

import itertools
import logging
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from dissect.target.filesystem import VirtualFile, VirtualFilesystem
from dissect.target.helpers import fsutil
from dissect.target.helpers.utils import year_rollover_helper
from dissect.target.plugins.os.unix.log.helpers import RE_LINE, RE_TS, is_iso_fmt, iso_readlines
from dissect.target.plugins.os.unix.log.journal import JournalFile
from dissect.target.plugins.os.unix.log.utmp import UtmpFile

from clean_room_analysis import limits
from clean_room_analysis.model import Entry
from clean_room_analysis.tree import Tree

#: Journal and syslog lines of these programs are about people.
_SERVICES = frozenset(
    {
        "sshd",
        "sshd-session",
        "sudo",
        "su",
        "useradd",
        "usermod",
        "userdel",
        "passwd",
        "groupadd",
        "login",
        "systemd-logind",
        "chpasswd",
        "crontab",
    }
)
_ZONE = re.compile(r"zoneinfo/(?:posix/|right/)?([A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2})$")
# Only JournalFile asks its target for something: where to log.
_LOG = logging.getLogger("clean_room_analysis.dissect")


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `source` is "wtmp", "btmp" or "log"; `at` nanoseconds since 1970; `kind` the utmp type, or the program that logged."""

    source: str
    path: str
    at: int
    kind: str
    user: str
    host: str
    message: str


class _LoggedFile(VirtualFile):
    """A file of the tree in dissect's virtual file system, with its time: log lines without a year get it from there."""

    modified = 0

    def lstat(self) -> fsutil.stat_result:
        status = super().lstat()
        seconds = self.modified // 1_000_000_000
        return fsutil.stat_result([*list(status)[:7], seconds, seconds, seconds])


class _Quiet:
    """What JournalFile takes for a target."""

    log = _LOG


def time_zone(tree: Tree) -> tzinfo:
    """The victim's time zone from /etc/localtime; UTC when it says nothing that is known here."""
    try:
        match = _ZONE.search(tree.link_target("/etc/localtime"))
        return zoneinfo.ZoneInfo(match.group(1)) if match else UTC
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return UTC


def read_records(tree: Tree, entry: Entry) -> Iterator[Record]:
    """Every record of one file. dissect's parsers raise whatever a damaged file provokes: run this isolated."""
    logging.getLogger("dissect").setLevel(logging.CRITICAL)
    _LOG.setLevel(logging.CRITICAL)
    with tree.open(entry.path) as handle:
        files = VirtualFilesystem()
        name = entry.logical.rpartition("/")[2]
        mapped = _LoggedFile(files, f"/{name}", handle)
        mapped.modified = entry.modified
        files.map_file_entry(f"/{name}", mapped)
        path = files.path(f"/{name}")
        if name.startswith(("wtmp", "btmp")):
            yield from _utmp(entry.path, name[:4], UtmpFile(path))
        elif ".journal" in name:
            yield from _journal(entry.path, JournalFile(path.open("rb"), _Quiet()))
        else:
            yield from _log(entry.path, path, time_zone(tree))


def _nanoseconds(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000_000 + when.microsecond * 1000


def _utmp(path: str, source: str, records: UtmpFile) -> Iterator[Record]:
    for record in itertools.islice(records, limits.LOGIN_RECORDS):
        yield Record(
            source,
            path,
            _nanoseconds(record.ts),
            record.ut_type,
            record.ut_user,
            record.ut_host or str(record.ut_addr or ""),
            record.ut_line,
        )


def _journal(path: str, journal: JournalFile) -> Iterator[Record]:
    for entry in itertools.islice(journal, limits.JOURNAL_ENTRIES):
        service = str(entry.get("syslog_identifier") or entry.get("comm") or "")
        message = entry.get("message")
        if service in _SERVICES and isinstance(message, str):
            yield Record("log", path, _nanoseconds(entry["ts"]), service, "", "", message[: limits.LINE_CHARACTERS])


def _log(name: str, path: fsutil.TargetPath, zone: tzinfo) -> Iterator[Record]:
    lines = iso_readlines(path) if is_iso_fmt(path) else year_rollover_helper(path, RE_TS, "%b %d %H:%M:%S", zone)
    for when, line in itertools.islice(lines, limits.LOGIN_RECORDS):
        match = RE_LINE.search(line[: limits.LINE_CHARACTERS])
        if match and match["service"] in _SERVICES:
            yield Record("log", name, _nanoseconds(when), match["service"], "", "", match["message"] or "")
