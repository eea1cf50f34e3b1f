# SPDX-License-Identifier: AGPL-3.0-or-later
"""Log-in databases and logs, ordinary and hostile, and the process that reads them."""

import gzip
import os
import struct
import time
from collections.abc import Iterator

import pytest
from conftest import VOLUME, TreeMaker

from clean_room_analysis.checks import logins
from clean_room_analysis.checks.base import Item
from clean_room_analysis.checks.logins import Logins
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Finding, Severity, TimelineEvent
from clean_room_analysis.mounted_tree import MountedTree

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


def test_a_journal_that_turns_in_a_circle_ends(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    from dissect.target.plugins.os.unix.log.journal import c_journal

    header = bytearray(len(c_journal.Header))
    header[:8] = b"LPKSHHRH"
    offset = 512
    names = list(c_journal.Header.fields)
    place = next(field.offset for field in (c_journal.Header.fields[name] for name in names) if field.name == "entry_array_offset")
    struct.pack_into("<Q", header, place, offset)
    array = struct.pack("<B7xQQQQ", 6, 32, offset, 0, 0)  # an array without entries that names itself as the next
    plain.file("/var/log/journal/a/system.journal", bytes(header).ljust(offset, b"\0") + array.ljust(512, b"\0"))
    plain.file("/var/log/wtmp", utmp(7, "root", "192.0.2.10", BASE))
    monkeypatch.setattr(logins, "_SECONDS_PER_FILE", 2.0)
    check = Logins()
    found: list[str] = []
    began = time.monotonic()
    tree = MountedTree(str(plain.root))
    for entry in tree.walk(lambda path, why: None):
        if check.wants(entry):
            assert list(check.look(Item(entry, tree, VOLUME))) == []
    with pytest.raises(ValueError, match="system.journal: stopped after 2 seconds"):
        found.extend(one.title for one in check.leave(tree) if isinstance(one, Finding))
    tree.close()
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
