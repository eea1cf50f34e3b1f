# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sum over a disk: whatever a table says, each byte is read, known to hold no files, or named and the run incomplete."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ANALYSIS, VOLUME, TreeMaker
from disks import BIOS_BOOT, MEBIBYTE, Slot, file_system, gpt
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis import evidence, mounting
from clean_room_analysis.accounting import Account
from clean_room_analysis.checks.yara import Yara
from clean_room_analysis.cli import main
from clean_room_analysis.model import Finding, NotLookedAt, Severity

RANDOM = os.urandom(64 * 1024)
EXT = file_system()
SIZE = len(EXT)


@pytest.fixture(autouse=True)
def raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are read raw: whether this machine may mount changes nothing here."""
    for module in (evidence, mounting):
        monkeypatch.setattr(module, "is_root", lambda: False)


def run(tmp_path: Path, content: bytes | bytearray, *more: str, role: str = "data") -> tuple[int, dict[str, Any]]:
    """The program over one disk. @returns its exit code and summary.json"""
    image = tmp_path / "disk.img"
    image.write_bytes(content)
    code = main(["--evidence", str(image), "--volume-id", VOLUME, "--role", role, "--out", str(tmp_path / "out"), *more])
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    volume = summary["volumes"][0]
    # The spans are the disk: in order, without hole or overlap, whatever was on it.
    at = 0
    for span in volume["regions"]:
        assert span["offsetBytes"] == at
        at += span["sizeBytes"]
    assert at == len(content) == volume["sizeBytes"]
    assert summary["complete"] is (code == 0)
    image.unlink()
    return code, summary


def read(summary: dict[str, Any]) -> list[tuple[str, int]]:
    """(type, offset) of the file systems that were read."""
    return [(one["type"], one["offsetBytes"]) for one in summary["volumes"][0]["fileSystems"] if one["filesSeen"]]


def said(summary: dict[str, Any]) -> str:
    """All of notLookedAt as one text."""
    return "\n".join(f"{one['what']} | {one['why']}" for one in summary["notLookedAt"])


def test_a_file_system_outside_every_partition_is_read_and_told(tmp_path: Path) -> None:
    start = MEBIBYTE + SIZE + 37 * 512
    disk = gpt(2 * SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    disk[start : start + SIZE] = EXT
    code, summary = run(tmp_path, disk)
    assert code == 0 and ("ext4", start) in read(summary) and "lies outside every partition" in said(summary)


@pytest.mark.parametrize("where", ["behind", "between", "before", "partition", "tail"])
def test_bytes_that_nobody_owns_are_named_and_incomplete(where: str, tmp_path: Path) -> None:
    """One non-zero sector is enough."""
    disk = gpt(
        3 * SIZE + 16 * MEBIBYTE,
        [Slot(2 * MEBIBYTE, SIZE + MEBIBYTE, EXT), Slot(SIZE + 6 * MEBIBYTE, SIZE), Slot(2 * SIZE + 8 * MEBIBYTE, SIZE, EXT)],
    )
    place = {
        "before": MEBIBYTE,
        "tail": 2 * MEBIBYTE + SIZE + 1024,
        "between": SIZE + 4 * MEBIBYTE,
        "partition": SIZE + 7 * MEBIBYTE,
        "behind": len(disk) - 2 * MEBIBYTE,
    }[where]
    assert run(tmp_path / "clean" if (tmp_path / "clean").mkdir() is None else tmp_path, disk)[0] == 0
    disk[place : place + 512] = RANDOM[:512]
    code, summary = run(tmp_path, disk)
    unread = [one for one in summary["volumes"][0]["regions"] if one["state"] == "unread"]
    assert code == 3 and [(one["offsetBytes"], one["sizeBytes"]) for one in unread] == [(place, 512)]
    assert f"512 bytes at byte {place}" in said(summary)


@pytest.mark.parametrize(
    ("offset", "content", "named"),
    [
        (0, b"LUKS\xba\xbe\0\2", "LUKS"),
        (3, b"-FVE-FS-", "BitLocker"),
        (0, b"hsqs" + b"\1" * 92, "squashfs"),
        (3, b"EXFAT   ", "exfat"),
        (1024, b"\x10\x20\xf5\xf2" + b"\1" * 100, "f2fs"),
        (0, RANDOM, "no format known here"),
    ],
)
def test_what_is_not_read_is_named(offset: int, content: bytes, named: str, tmp_path: Path) -> None:
    filled = (b"\0" * offset + content).ljust(MEBIBYTE, b"\0")
    code, summary = run(tmp_path, gpt(SIZE + 8 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT), Slot(SIZE + 2 * MEBIBYTE, MEBIBYTE, filled)]))
    assert code == 3 and named.lower() in said(summary).lower() and not summary["volumes"][0]["accounted"]


def _swap(size: int) -> bytearray:
    swap = bytearray(size)
    struct.pack_into("<II", swap, 1024, 1, size // 4096 - 1)
    swap[4086:4096] = b"SWAPSPACE2"
    return swap


def test_swap_hides_no_file_system_and_nothing_behind_its_end(tmp_path: Path) -> None:
    inside = _swap(SIZE + 4 * MEBIBYTE)
    inside[MEBIBYTE + 512 : MEBIBYTE + 512 + SIZE] = EXT
    code, summary = run(tmp_path, gpt(len(inside) + 4 * MEBIBYTE, [Slot(MEBIBYTE, len(inside), bytes(inside))]))
    assert code == 0 and read(summary) == [("ext4", 2 * MEBIBYTE + 512)], said(summary)


def test_swap_is_as_large_as_it_says(tmp_path: Path) -> None:
    behind = _swap(MEBIBYTE) + b"\0" * MEBIBYTE + RANDOM
    slots = [Slot(MEBIBYTE, SIZE, EXT), Slot(SIZE + 2 * MEBIBYTE, 3 * MEBIBYTE, bytes(behind))]
    code, summary = run(tmp_path, gpt(SIZE + 8 * MEBIBYTE, slots))
    assert code == 3 and f"bytes at byte {SIZE + 4 * MEBIBYTE}" in said(summary)


def test_a_mirrors_metadata_is_not_as_large_as_it_says(tmp_path: Path) -> None:
    """What lies between the superblock of md and the content it points to is judged as everything else."""
    member = bytearray(SIZE + 8 * MEBIBYTE)
    struct.pack_into("<II", member, 4096, 0xA92B4EFC, 1)
    struct.pack_into("<I", member, 4096 + 72, 1)
    struct.pack_into("<QQ", member, 4096 + 128, 8 * MEBIBYTE // 512, SIZE // 512)
    member[8 * MEBIBYTE :] = EXT
    assert run(tmp_path, member)[0] == 0
    shutil.rmtree(tmp_path / "out")
    member[4 * MEBIBYTE : 4 * MEBIBYTE + 4096] = RANDOM[:4096]
    code, summary = run(tmp_path, member)
    assert code == 3 and f"4096 bytes at byte {4 * MEBIBYTE}" in said(summary)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (EXT, "ext4"),
        (b"hsqs" + RANDOM * 5, "squashfs"),
        (b"LUKS\xba\xbe\0\2" + RANDOM * 5, "luks"),
        (b"QFI\xfb\0\0\0\3" + RANDOM * 5, "qcow2"),
        (b"\xfd7zXZ\0" + RANDOM * 5, None),
        (bytes(_swap(MEBIBYTE)), None),
        (RANDOM * 5, None),
    ],
)
def test_a_disk_in_a_file_is_named_and_counts(content: bytes, named: str | None, plain: TreeMaker) -> None:
    plain.file("/srv/store/x.bin", content)
    results = plain.results(Yara())
    told = [one for one in results if isinstance(one, NotLookedAt)]
    assert (len(told) == 1 and told[0].incomplete and f"holds {named}" in told[0].why) if named else told == []
    assert [one.severity for one in results if isinstance(one, Finding) and one.rule is None] == ([Severity.LOW] if named else [])


def test_swap_and_empty_partitions_hold_no_files(tmp_path: Path) -> None:
    swap = _swap(MEBIBYTE)
    swap[8192:12288] = RANDOM[:4096]
    slots = [Slot(MEBIBYTE, SIZE, EXT), Slot(SIZE + 2 * MEBIBYTE, MEBIBYTE, bytes(swap)), Slot(SIZE + 4 * MEBIBYTE, MEBIBYTE)]
    assert run(tmp_path, gpt(SIZE + 8 * MEBIBYTE, slots))[0] == 0


def test_grub_in_its_place_holds_no_files_and_nothing_else_may_hide_there(tmp_path: Path) -> None:
    core = bytearray(RANDOM[:40_000])
    core[16:28] = b"\xbf\xf4\x81\x66\x8b\x2d\x83\x7d\x08\x00\x0f\x84"
    core[0x1F4:0x1FE] = struct.pack("<QH", 2049, 70)
    size = SIZE + 8 * MEBIBYTE
    slots = [Slot(MEBIBYTE, MEBIBYTE, bytes(core), BIOS_BOOT), Slot(2 * MEBIBYTE, SIZE, EXT)]
    (tmp_path / "a").mkdir()
    assert run(tmp_path / "a", gpt(size, slots))[0] == 0
    slots[0].content = RANDOM[:40_000]
    code, summary = run(tmp_path, gpt(size, slots))
    assert code == 3 and "partition 1" in said(summary)


def test_ntfs_is_read_whole_and_says_what_of_windows_is_not_looked_at(tmp_path: Path) -> None:
    """$Secure, $ObjId and their like have no content: they are entries all the same."""
    code, summary = run(tmp_path, file_system("ntfs"))
    assert code == 0 and summary["volumes"][0]["fileSystems"][0]["filesSeen"] >= 14
    assert "WMI's repository, shadow copies" in said(summary)


def test_a_file_system_that_ends_before_it_says_is_truncated(tmp_path: Path) -> None:
    code, summary = run(tmp_path, EXT[: SIZE - MEBIBYTE])
    assert code == 3 and "truncated" in said(summary)


def test_a_root_volume_without_an_operating_system_is_incomplete(tmp_path: Path) -> None:
    code, summary = run(tmp_path, EXT, role="root")
    assert code == 3 and "no directory of it holds an operating system" in said(summary)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"QFI\xfb\0\0\0\3", "qcow2"),
        (b"KDMV\1\0\0\0", "VMDK"),
        (b"# Disk DescriptorFile\nversion=1\n", "VMDK"),
        (b"<<< QEMU VM Virtual Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe", "VDI"),
        (b"vhdxfile", "VHDX"),
        (b"EVF\t\r\n\xff\0\1", "E01"),
    ],
)
def test_containers_are_refused_by_name(head: bytes, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "disk"
    image.write_bytes(head + RANDOM)
    assert main(["--evidence", str(image), "--out", str(tmp_path / "out")]) == 2
    assert named in capsys.readouterr().err and not (tmp_path / "out/manifest.sha256").exists()


def test_a_containers_magic_number_hides_no_disk(tmp_path: Path) -> None:
    """The first bytes of a disk are boot code, where anybody may write anything."""
    disk = gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    disk[:4] = b"QFI\xfb"
    code, summary = run(tmp_path, disk)
    assert code == 0 and read(summary) == [("ext4", MEBIBYTE)]


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000), st.sampled_from(["read", "empty", "unread"])), max_size=12),
    st.binary(max_size=4000),
)
def test_spans_always_add_up_to_the_disk(
    tmp_path_factory: pytest.TempPathFactory, owners: list[tuple[int, int, Any]], content: bytes
) -> None:
    path = tmp_path_factory.mktemp("account") / "disk"
    path.write_bytes(content)
    account = Account(len(content))
    for offset, size, state in owners:
        account.own(offset, size, state, state)
    with path.open("rb") as handle:
        spans = account.spans(handle, None, lambda offset, size: "unknown")
    assert sum(one.size for one in spans) == len(content)
    assert all(one.offset + one.size == other.offset for one, other in zip(spans, spans[1:], strict=False))
    for one in spans:  # nothing that holds a byte is called zeros
        assert one.what != "zeros" or not any(content[one.offset : one.offset + one.size])


def test_sigterm_leaves_a_manifest(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(EXT)
    program = (
        "import os, signal, sys\n"
        "from clean_room_analysis.walker import Walker\n"
        "from clean_room_analysis.cli import main\n"
        "Walker.content = lambda self: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["--evidence", str(image), "--role", "data", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ANALYSIS, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert (tmp_path / "out/manifest.sha256").exists() and "stopped by SIGTERM" in said(summary) and not summary["complete"]


@pytest.mark.parametrize("hidden", [False, True])
def test_what_lies_in_the_reserved_sectors_of_fat_is_no_part_of_its_files(tmp_path: Path, hidden: bool) -> None:
    """FAT16 with 4,096 reserved sectors, its table and root directory empty."""
    sectors = 4096 + 2 * 64 + 32 + 16_000
    disk = bytearray(sectors * 512)
    struct.pack_into("<3s8sHBHBHHBHHHII", disk, 0, b"\xeb\x3c\x90", b"mkfs.fat", 512, 1, 4096, 2, 512, sectors, 0xF8, 64, 32, 2, 0, 0)
    struct.pack_into("<BBBI11s8s", disk, 36, 0x80, 0, 0x29, 1, b"NO NAME    ", b"FAT16   ")
    disk[510:512] = b"\x55\xaa"
    for table in (4096, 4096 + 64):
        disk[table * 512 : table * 512 + 4] = b"\xf8\xff\xff\xff"
    if hidden:
        disk[1_000_000:1_040_000] = RANDOM[:40_000]
    _, summary = run(tmp_path, bytes(disk))
    (one,) = summary["volumes"][0]["fileSystems"]
    assert (one["type"], one["method"]) == ("vfat", "dissect")
    assert summary["volumes"][0]["accounted"] is not hidden
    regions = summary["volumes"][0]["regions"]
    assert any(one["state"] == "empty" and one["offsetBytes"] == 32 * 512 for one in regions)
    unread = [one for one in regions if one["state"] == "unread"]
    assert [one["offsetBytes"] <= 1_000_000 < one["offsetBytes"] + one["sizeBytes"] for one in unread] == ([True] if hidden else [])
