# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that no directory names: hidden by whoever wrote to the device, or deleted while they were open."""

import contextlib
import io
import json
import stat
import struct
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import VOLUME
from disks import file_system, places_of
from ext_layout_images import FEATURES, image, name_of
from hypothesis import given
from hypothesis import strategies as st
from test_free_space import SCRIPT

from clean_room_analysis.cli import supervised
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.unnamed_files import inodes_in_use, scan_unnamed

EXT = ("ext2-old", "ext4", "ext4-inode1024-inline", "ext4-no-extents", "ext4-few-inodes")
XFS = ("xfs", "xfs-big-directories")
_IMAGES = {name: file_system(name)[: 24 * 1024 * 1024] for name in ("ext2-old", "xfs")}


def walked(disk: bytes, kind: str) -> dict[str, Entry]:
    return {entry.path: entry for entry in RawTree(io.BytesIO(disk), kind).walk(lambda path, why: None)}


def results(disk: bytes, kind: str, without: tuple[str, ...] = (), **given: object) -> list[Finding | NotLookedAt]:
    named = array("Q", (entry.inode for path, entry in walked(disk, kind).items() if path not in without))
    options = {"replayed": True, "seconds": 60.0, **given}
    return list(scan_unnamed(lambda: io.BytesIO(disk), lambda: io.BytesIO(disk), kind, VOLUME, named, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*EXT, *XFS])
def test_inodes_in_use_are_those_that_directories_name(name: str) -> None:
    kind = "xfs" if name in XFS else "ext4"
    disk = file_system(name)
    entries = walked(disk, kind)
    in_use = {one.number: one for one in inodes_in_use(io.BytesIO(disk), kind)}
    assert in_use.keys() == {entry.inode for entry in entries.values()}
    for entry in entries.values():
        one = in_use[entry.inode]
        assert (one.mode, one.links, one.user) == (entry.mode, entry.links, entry.user)
        # ext4 keeps what 32 bits cannot say in a field of its own.
        assert one.modified % 2**32 == entry.modified // 10**9 % 2**32
        assert not stat.S_ISREG(one.mode) or one.size == entry.size
    assert results(disk, kind) == []


@pytest.mark.parametrize("name", [*EXT, *XFS])
def test_a_file_that_no_directory_names_is_found_and_scanned(name: str) -> None:
    kind = "xfs" if name in XFS else "ext4"
    disk = bytearray(file_system(name))
    at = disk.find(b"start" * 300)
    disk[at : at + len(SCRIPT)] = SCRIPT
    found = results(bytes(disk), kind, ("/holes",))
    assert [(one.check, one.severity, one.rule) for one in found if isinstance(one, Finding)] == [
        ("unnamed-files", Severity.MEDIUM, None),
        ("unnamed-files", Severity.HIGH, "reverse_shell_script"),
    ]
    (loose,) = [one for one in results(bytes(disk), kind, ("/holes",), replayed=False) if isinstance(one, Finding) and one.rule is None]
    assert loose.severity is Severity.LOW and "journal was not replayed" in loose.title


def test_a_hidden_directory_and_many_files_are_told_and_counted() -> None:
    disk = file_system()
    below = tuple(path for path in walked(disk, "ext4") if path.startswith("/many"))
    found = [one for one in results(disk, "ext4", below) if isinstance(one, Finding)]
    assert len(found) == 51 and found[-1].title == f"{len(below) - 50} more files that no directory names"
    assert found[0].title.startswith("A directory") or any(one.title.startswith("A directory") for one in found)


def hidden(name: str, links: int | None = None) -> bytes:
    """A disk whose file `holes` gives a shell, and which no directory names. @param links what its inode says"""
    disk = bytearray(file_system(name))
    at = disk.find(b"start" * 300)
    disk[at : at + len(SCRIPT)] = SCRIPT
    number = walked(bytes(disk), "ext4")["/holes"].inode
    entry = disk.find(struct.pack("<I", number)[:4] + struct.pack("<HB", 16, 5))
    if entry < 0:  # the last of its block is longer
        entry = next(place - 8 for place in places_of(disk, b"holes") if disk[place - 8 : place - 4] == struct.pack("<I", number))
    disk[entry : entry + 4] = bytes(4)
    if links is not None:
        struct.pack_into("<H", disk, ExtFileSystem(io.BytesIO(bytes(disk))).place(number) + 26, links)
    return bytes(disk)


def test_what_was_deleted_while_it_was_open_is_found() -> None:
    disk = hidden("ext2-old", links=0)
    found = [one for one in results(disk, "ext4") if isinstance(one, Finding)]
    assert [(one.check, one.severity, one.rule) for one in found] == [
        ("deleted", Severity.LOW, None),
        ("deleted", Severity.HIGH, "reverse_shell_script"),
    ]


@pytest.mark.parametrize("mounted", [False, True])
def test_a_run_tells_them(mounted: bool, tmp_path: Path) -> None:
    image, work = tmp_path / "disk.img", tmp_path / "work.img"
    image.write_bytes(hidden("ext2-old"))
    work.write_bytes(image.read_bytes())
    arguments = ["--evidence", str(image), "--out", str(tmp_path / "out"), "--role", "data"]
    supervised([*arguments, "--work", str(work)] if mounted else arguments)
    found = [json.loads(line) for line in (tmp_path / "out/findings.jsonl").open()]
    assert {(one["check"], one["severity"]) for one in found} >= {("unnamed-files", "medium"), ("unnamed-files", "high")}


@pytest.mark.parametrize("mode", [0o170644, 0o000644, 0o140644, 0o020644, 0o010644])
def test_content_of_what_is_no_file_is_scanned(mode: int) -> None:
    assert _after("ext2-old", lambda disk, place: struct.pack_into("<H", disk, place, mode)) == MEDIUM_AND_SCRIPT


@pytest.mark.parametrize("name", ["ext2-old", "ext4", "ext4-no-extents"])
def test_content_behind_the_end_of_a_file_is_scanned(name: str) -> None:
    assert _after(name, lambda disk, place: struct.pack_into("<I", disk, place + 4, 0)) == MEDIUM_AND_SCRIPT


@pytest.mark.parametrize("features", FEATURES)
def test_the_tables_are_found_with_any_features(features: str) -> None:
    assert [one.number for one in inodes_in_use(io.BytesIO(image(name_of(features))), "ext4")] == [11]  # lost+found


def test_content_behind_the_end_of_a_large_file_of_ext2_is_scanned() -> None:
    """In blocks that only the tree of a tree of blocks names."""
    found = [one for one in results(image("large-file-of-ext2"), "ext4") if isinstance(one, Finding)]
    assert [(one.check, one.severity, one.rule) for one in found] == MEDIUM_AND_SCRIPT


def test_xfs_has_no_content_in_what_is_no_file() -> None:
    disk = bytearray(file_system("xfs"))
    at = disk.find(b"start" * 300)
    disk[at : at + len(SCRIPT)] = SCRIPT
    place = next(
        start
        for start in range(0, 4 * 1024 * 1024, 512)
        if disk[start : start + 2] == b"IN"
        and struct.unpack_from(">H", disk, start + 2)[0] == 0o100644
        and struct.unpack_from(">Q", disk, start + 56)[0] == 1_500_000
    )
    struct.pack_into(">H", disk, place + 2, 0o140644)
    found = [one for one in results(bytes(disk), "xfs") if isinstance(one, Finding)]
    assert [(one.check, one.severity, one.rule) for one in found] == MEDIUM_AND_SCRIPT


def test_files_that_the_file_system_encrypts_are_counted_as_not_looked_at() -> None:
    disk = bytearray(file_system("ext4"))
    place = ExtFileSystem(io.BytesIO(bytes(disk))).place(walked(bytes(disk), "ext4")["/holes"].inode)
    struct.pack_into("<I", disk, place + 32, struct.unpack_from("<I", disk, place + 32)[0] | 0x800)
    (said,) = results(bytes(disk), "ext4")
    assert isinstance(said, NotLookedAt) and said.incomplete and "content of 1 files" in said.what


MEDIUM_AND_SCRIPT = [("unnamed-files", Severity.MEDIUM, None), ("unnamed-files", Severity.HIGH, "reverse_shell_script")]


def _after(name: str, change: Callable[[bytearray, int], None]) -> list[tuple[str, Severity, str | None]]:
    """What is said of a disk whose file `holes` gives a shell, after its inode was changed."""
    disk = bytearray(file_system(name))
    at = disk.find(b"start" * 300)
    disk[at : at + len(SCRIPT)] = SCRIPT
    change(disk, ExtFileSystem(io.BytesIO(bytes(disk))).place(walked(bytes(disk), "ext4")["/holes"].inode))
    return [(one.check, one.severity, one.rule) for one in results(bytes(disk), "ext4") if isinstance(one, Finding)]


def test_a_file_in_use_that_the_rules_had_no_time_for_makes_the_run_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clean_room_analysis.unnamed_files.matches", lambda *_: None)
    said = [one for one in results(file_system("ext4"), "ext4", ("/holes",)) if isinstance(one, NotLookedAt)]
    assert said and all(one.incomplete and "the rules took more than" in one.why for one in said)


def test_time_is_bounded_and_said() -> None:
    (said,) = results(file_system(), "ext4", ("/holes",), seconds=-1.0)
    # They are in use: who makes the look long must not get a run that counts as complete.
    assert isinstance(said, NotLookedAt) and said.incomplete and "time for them was over" in said.why


@given(st.sampled_from(["ext2-old", "xfs"]), st.integers(0, 300_000), st.binary(min_size=1, max_size=16))
def test_damage_ends_in_an_error_or_in_less_and_never_in_a_loop(name: str, at: int, damage: bytes) -> None:
    disk = bytearray(_IMAGES[name])
    disk[at : at + len(damage)] = damage
    with contextlib.suppress(ValueError, OverflowError, struct.error):
        assert sum(1 for _ in inodes_in_use(io.BytesIO(disk), "xfs" if name == "xfs" else "ext4")) < 1_000_000
