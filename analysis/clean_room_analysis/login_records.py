# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads log-in databases, authentication logs and journald files, the text and SQLite ones with dissect's parsers. Meant to run
isolated: see isolated.py."""

import io
import itertools
import logging
import re
import zoneinfo
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import BinaryIO

from dissect.database.sqlite3 import SQLite3

from clean_room_analysis import limits
from clean_room_analysis.audit_log import read_audit
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.journal_file import JournalError, JournalReader
from clean_room_analysis.model import Entry
from clean_room_analysis.syslog_file import read_syslog
from clean_room_analysis.text import decode, decompressed, stream_lines
from clean_room_analysis.tree import Tree
from clean_room_analysis.utmp import LASTLOG_ALIGNMENT, USER_PROCESS, Gap, Login, read_lastlog, read_utmp

#: Journal and syslog lines of these programs are about people.
_SERVICES = frozenset(
    {
        "sshd",
        "sshd-session",
        "sshd-auth",
        "dropbear",
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
        # What scheduled jobs ran, and what the kernel says of modules.
        "CRON",
        "cron",
        "crond",
        "CROND",
        "anacron",
        "kernel",
    }
)
_PROGRAMS = frozenset(service.encode() for service in _SERVICES)
#: The kernel logs much; of it only this is about an intruder.
_KERNEL = re.compile(r"module verification failed|out-of-tree module|taint|promiscuous mode|segfault at")
_ZONE = re.compile(r"zoneinfo/(?:posix/|right/)?([A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2})$")


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `at` is in nanoseconds since 1970.

    `source` is "wtmp", "btmp", "lastlog" or "log"; or "zeros" for records that were overwritten (`kind` their number, 0 when they do
    not come out even; `message` "last" when nothing follows). `kind` is the utmp type, or the program that logged.
    """

    source: str
    path: str
    at: int
    kind: str
    user: str
    host: str
    message: str


def time_zone(tree: Tree) -> tzinfo:
    """The victim's time zone from /etc/localtime; UTC when it says nothing that is known here."""
    try:
        match = _ZONE.search(tree.link_target("/etc/localtime"))
        return zoneinfo.ZoneInfo(match.group(1)) if match else UTC
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return UTC


def read_records(tree: Tree, entry: Entry) -> Iterator[Record]:
    """Every record of one file. Parsers raise whatever a damaged file provokes: run this isolated.

    @raises ValueError at the end, when parts of the file could not be read or were left out; the message says which
    """
    logging.getLogger("dissect").setLevel(logging.CRITICAL)
    name = entry.logical.rpartition("/")[2]
    with tree.open(entry.path) as handle:
        if name.endswith(".db"):
            yield from _database(tree, entry)
        elif name.startswith("lastlog"):
            yield from _lastlog(tree, entry.path)
        elif name.startswith(("wtmp", "btmp")):
            yield from _utmp(entry.path, name[:4], decompressed(handle, name))
        elif ".journal" in name:
            yield from _journal(entry.path, handle.read())
        elif name.startswith("audit.log"):
            yield from _audit(entry.path, decompressed(handle, name))
        else:
            yield from _log(tree, entry, decompressed(handle, name))


def _utmp(path: str, source: str, handle: BinaryIO) -> Iterator[Record]:
    torn, first, count = 0, 0, 0
    # The newest are kept: a flood before a log-in does not hide it.
    kept: deque[Login] = deque(maxlen=limits.LOGIN_RECORDS)
    for one in read_utmp(handle):
        if isinstance(one, Gap) and one.zeros and one.records:
            yield Record("zeros", path, 0, str(one.records), "", "", "last" if one.last else "")
        elif isinstance(one, Gap):
            first = first if torn else one.offset
            torn += one.length
        else:
            count += 1
            kept.append(one)
    for one in kept:
        yield Record(source, path, one.at, "USER_PROCESS" if one.kind == USER_PROCESS else str(one.kind), one.user, one.host, one.line)
    if count > len(kept):
        raise ValueError(f"its {count - len(kept)} oldest records were left out")
    if torn:
        raise ValueError(f"{torn} of its bytes, from byte {first} on, hold no log-in record (damaged, torn or of an unknown format)")


def _lastlog(tree: Tree, path: str) -> Iterator[Record]:
    names: dict[int, str] = {}
    passwd = tree.resolve("/etc/passwd")
    if passwd is not None and passwd.is_file:
        for _, line in tree.lines(passwd.path):
            fields = line.split(":")
            if len(fields) > 3 and fields[2].isdigit():
                names.setdefault(int(fields[2]), fields[0])
    # A file of holes up to the highest user number, which a directory service makes huge.
    with tree.open(path) as handle:
        end, read = handle.seek(0, io.SEEK_END), 0
        at = tree.next_data(handle, 0)
        while at is not None and at < end:
            if read >= limits.LOG_BYTES:
                raise ValueError(f"only {read} of its bytes were read, to byte {at}")
            at -= at % LASTLOG_ALIGNMENT
            handle.seek(at)
            content = handle.read(16 * LASTLOG_ALIGNMENT)
            for one in read_lastlog(content, at):
                yield Record("lastlog", path, one.at, "USER_PROCESS", names.get(one.user, f"user {one.user}"), one.host, one.line)
            # Read raw, holes are zeros: they are many, quick, and hold nothing.
            read += len(content) if content.strip(b"\0") else 0
            at = tree.next_data(handle, at + len(content))


def _database(tree: Tree, entry: Entry) -> Iterator[Record]:
    """wtmpdb and lastlog2, with what is still in the write-ahead log."""
    log = tree.entry(entry.path + "-wal")
    wal = io.BytesIO(tree.read(log.path, limits.LOG_BYTES)) if log is not None and log.is_file and log.size > 32 else None
    with SQLite3(io.BytesIO(tree.read(entry.path, limits.LOG_BYTES)), wal=wal) as database:
        tables = {table.name.lower(): table for table in database.tables()}
        for row in itertools.islice(tables["wtmp"].rows(), limits.LOGIN_RECORDS) if "wtmp" in tables else ():
            kind = "USER_PROCESS" if int(row.Type or 0) == 3 else str(row.Type)  # wtmpdb numbers its types itself
            yield Record("wtmp", entry.path, int(row.Login or 0) * 1000, kind, _said(row.User), _said(row.RemoteHost), _said(row.TTY))
        for row in itertools.islice(tables["lastlog2"].rows(), limits.LOGIN_RECORDS) if "lastlog2" in tables else ():
            if row.Time:
                at = int(row.Time) * 1_000_000_000
                yield Record("lastlog", entry.path, at, "USER_PROCESS", _said(row.Name), _said(row.RemoteHost), _said(row.TTY))
        if not {"wtmp", "lastlog2"} & set(tables):
            raise ValueError("it has neither the table wtmp nor Lastlog2")


def _said(value: object) -> str:
    return decode(value) if isinstance(value, bytes) else str(value or "")


def _journal(path: str, content: bytes) -> Iterator[Record]:
    reader = JournalReader(content)
    for entry in reader.entries(_PROGRAMS, limits.JOURNAL_ENTRIES):
        if entry.program != "kernel" or _KERNEL.search(entry.message):
            yield Record("log", path, entry.at, entry.program, "", "", entry.message[: limits.LINE_CHARACTERS])
    if reader.cut:
        raise JournalError(f"its {reader.cut} oldest entries of log-in services were left out")
    if reader.skipped:
        raise JournalError(f"{reader.skipped} of its bytes hold no entry (damaged)")


def _audit(path: str, handle: BinaryIO) -> Iterator[Record]:
    count = 0
    for one in read_audit(stream_lines(handle, limits.STREAM_BYTES)):
        # Commands are asked about by the thousand; only those that stand out leave this process.
        if one.type in ("EXECVE", "PROCTITLE", "TTY", "USER_TTY") and not persistent_suspicions(
            one.command.replace("\n", " "), "T1059.004"
        ):
            continue
        count += 1
        if count > limits.LOGIN_RECORDS:
            raise ValueError(f"only its first {limits.LOGIN_RECORDS} records of log-ins and commands were read")
        user = one.fields.get("acct") or one.fields.get("id") or one.fields.get("auid") or ""
        host = one.fields.get("addr") or one.fields.get("hostname") or ""
        said = one.command or " ".join(f"{name}={value}" for name, value in one.fields.items() if name not in ("subj", "ses", "pid"))
        result = one.fields.get("res", "")
        yield Record(
            "audit", path, one.at, f"{one.type} {result}".strip(), user, "" if host == "?" else host, said[: limits.LINE_CHARACTERS]
        )


def _log(tree: Tree, entry: Entry, handle: BinaryIO) -> Iterator[Record]:
    lines = stream_lines(handle, limits.STREAM_BYTES)
    read = read_syslog(lines, _SERVICES, entry.modified, time_zone(tree), limits.LOGIN_RECORDS)
    for one in read.lines:
        if one.program != "kernel" or _KERNEL.search(one.message):
            yield Record("log", entry.path, one.at, one.program, "", "", one.message[: limits.LINE_CHARACTERS])
    if read.left_out:
        raise ValueError(f"its {read.left_out} oldest lines of log-in services were left out")
    if read.unknown:
        raise ValueError(f"{read.unknown} of its lines speak of log-ins and have no form that is known here")
