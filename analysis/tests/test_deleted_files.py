# SPDX-License-Identifier: AGPL-3.0-or-later
"""Deleted files by the older copies of their inodes in the journal of ext4."""

import io
import lzma
import struct
from pathlib import Path

import pytest
from conftest import VOLUME
from disks import file_system
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis import limits
from clean_room_analysis.deleted_files import scan_deleted
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.ext_journal import deleted_files, directory_entries
from clean_room_analysis.isolated import run_isolated
from clean_room_analysis.model import Finding, NotLookedAt, Severity, TimelineEvent

DISK = lzma.decompress((Path(__file__).parent / "data/deleted-ext4.img.xz").read_bytes())


def results(disk: bytes, seconds: float = 60) -> list[Finding | TimelineEvent | NotLookedAt]:
    return list(scan_deleted(lambda: io.BytesIO(disk), VOLUME, seconds))


def test_names_times_and_content_of_deleted_files_come_back() -> None:
    said = results(DISK)
    assert [one.path for one in said if isinstance(one, TimelineEvent)] == [
        "/tmp/.x/kworker",  # whose directory is gone, too
        "/root/.bash_history",
        "/root/job.sh",
        "/var/log/wtmp",
        "/root/plain.txt",
    ]
    assert all(
        "its content is there still" in one.message and one.at > 1_700_000_000 * 10**9 for one in said if isinstance(one, TimelineEvent)
    )
    assert {(one.path, one.severity, one.title) for one in said if isinstance(one, Finding)} == {
        ("/tmp/.x/kworker", Severity.HIGH, "A deleted file: Text or program of a cryptocurrency miner"),
        ("/tmp/.x/kworker", Severity.MEDIUM, "A program in a temporary or hidden place was deleted"),
        (
            "/root/.bash_history",
            Severity.HIGH,
            "A deleted file has a line that downloads and runs in one line, downloads from a bare IP address",
        ),
        ("/root/job.sh", Severity.HIGH, "A deleted file: Script that gives a shell to a remote machine"),
        ("/root/job.sh", Severity.HIGH, "A deleted file has a line that opens a reverse shell"),
        ("/var/log/wtmp", Severity.LOW, "A log was deleted, or replaced by a new one"),
    }
    assert all("T1070.004" in one.attack for one in said if isinstance(one, Finding))


def test_content_that_was_written_over_is_not_taken_for_that_of_the_file() -> None:
    fs = ExtFileSystem(io.BytesIO(DISK))
    (script,) = [one for one in deleted_files(fs) if one.names == ["/root/job.sh"]]
    disk = bytearray(DISK)
    # Its block is in use again, by the map of the group.
    block = script.inode.pieces[0][1] // 1024
    group, index = divmod(block - 1, 8192)
    bitmap = struct.unpack_from("<I", disk, 2048 + group * 64)[0] * 1024
    disk[bitmap + index // 8] |= 1 << index % 8
    said = results(bytes(disk))
    assert not [one for one in said if isinstance(one, Finding) and one.path == "/root/job.sh"]
    assert "was written over" in next(one.message for one in said if isinstance(one, TimelineEvent) and one.path == "/root/job.sh")


def test_files_that_are_there_are_not_told_as_deleted() -> None:
    assert "/root/kept.txt" not in {one.path for one in results(DISK) if isinstance(one, TimelineEvent)}
    for name in ("ext4", "ext4-few-inodes", "ext4-no-extents", "ext4-meta_bg"):
        assert results(file_system(name)) == []


def test_more_rows_than_the_timeline_tells_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DELETED_EVENTS", 2)
    said = [one for one in results(DISK) if isinstance(one, NotLookedAt)]
    assert len(said) == 1 and not said[0].incomplete and "more deleted files" in said[0].what


def test_time_is_bounded_and_said() -> None:
    (said,) = results(DISK, seconds=-1)
    assert isinstance(said, NotLookedAt) and not said.incomplete and "after 0 of them" in said.what


@pytest.mark.parametrize(("name", "why"), [("ext2-old", "no journal"), ("xfs", "no superblock")])
def test_what_has_no_journal_says_so(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        results(file_system(name))


@given(st.integers(0, 2048 + 400_000), st.binary(min_size=1, max_size=64))
def test_damage_ends_in_an_error_or_in_less_and_never_in_a_loop(at: int, damage: bytes) -> None:
    disk = bytearray(DISK)
    at += 1024
    disk[at : at + len(damage)] = damage
    try:
        results(bytes(disk))
    except (ValueError, struct.error):
        pass


@given(st.binary(min_size=0, max_size=1024))
def test_any_bytes_are_a_directory_or_none(content: bytes) -> None:
    assert all("/" not in name for _, name in directory_entries(content))


def test_it_works_confined() -> None:
    assert len(list(run_isolated(lambda: iter(results(DISK)), 60))) == len(results(DISK))
