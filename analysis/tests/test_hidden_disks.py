# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disks made by somebody who has read this program: tables that claim what is not theirs, journals and swap that are none, disks in
files that look like programs. Each ends with what was hidden, or incomplete with a word for it; each said "complete" once."""

import io
import lzma
import os
import struct
import zlib
from pathlib import Path

import pytest
from conftest import TreeMaker
from disks import BIOS_BOOT, LINUX, MEBIBYTE, Slot, file_system, gpt, mbr
from test_every_byte import raw, read, run, said

from clean_room_analysis.checks.disk_images import disk_inside
from clean_room_analysis.checks.yara import Yara
from clean_room_analysis.model import NotLookedAt
from clean_room_analysis.partitions import identify

__all__ = ["raw"]

RANDOM = os.urandom(64 * 1024)
EXT = file_system()
SIZE = len(EXT)


def test_a_damaged_table_owns_no_more_than_the_sound_one(tmp_path: Path) -> None:
    disk = gpt(SIZE + 8 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)], primary=False)
    struct.pack_into("<I", disk, 512 + 80, 1 << 20)  # room for a million entries: the whole disk
    disk[SIZE + 3 * MEBIBYTE : SIZE + 3 * MEBIBYTE + len(RANDOM)] = RANDOM
    code, summary = run(tmp_path, disk)
    assert code == 3 and f"{len(RANDOM)} bytes at byte {SIZE + 3 * MEBIBYTE}" in said(summary)


def test_unused_entries_of_a_table_hide_nothing(tmp_path: Path) -> None:
    disk = gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)], entries=1024)
    table = disk[1024 : 1024 + 1024 * 128]
    for index in range(10, 500):
        table[index * 128 + 16 : index * 128 + 128] = RANDOM[:112]
    last = len(disk) // 512 - 1
    for header, entries in ((1, 2), (last, last - 256)):
        at = header * 512
        struct.pack_into("<I", disk, at + 88, zlib.crc32(table))
        struct.pack_into("<I", disk, at + 16, 0)
        struct.pack_into("<I", disk, at + 16, zlib.crc32(disk[at : at + 92]))
        disk[entries * 512 : entries * 512 + len(table)] = table
    code, summary = run(tmp_path, disk)
    assert code == 3 and read(summary) == [("ext4", MEBIBYTE)] and not summary["volumes"][0]["accounted"]


@pytest.mark.parametrize("kind", ["gpt", "mbr", "logical", "logical begun"])
def test_partitions_behind_the_end_of_the_disk_make_it_incomplete(kind: str, tmp_path: Path) -> None:
    """An image that was cut between its partitions."""
    if kind == "gpt":
        disk = gpt(2 * SIZE + 8 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT), Slot(SIZE + 4 * MEBIBYTE, SIZE, EXT)])[: SIZE + 3 * MEBIBYTE]
    else:
        disk = bytearray(SIZE + 6 * MEBIBYTE)
        disk[MEBIBYTE : MEBIBYTE + SIZE] = EXT
        begin = SIZE + 2 * MEBIBYTE
        mbr(disk, [(0x83, MEBIBYTE, SIZE), (0x83, 3 * SIZE, SIZE) if kind == "mbr" else (0x05, begin, 4 * SIZE)])
        if kind != "mbr":
            mbr(disk, [(0x83, 2 * SIZE if kind == "logical" else MEBIBYTE, SIZE)], begin)
    code, summary = run(tmp_path, disk)
    assert code == 3 and read(summary) == [("ext4", MEBIBYTE)], said(summary)
    assert ("ends behind it" if kind == "logical begun" else "lies outside the disk") in said(summary)


def test_a_disk_that_ends_before_its_table_says_is_truncated(tmp_path: Path) -> None:
    disk = gpt(SIZE + 12 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])[: SIZE + 4 * MEBIBYTE]
    code, summary = run(tmp_path, disk)
    assert code == 3 and f"ends {8 * MEBIBYTE} bytes before its GPT says" in said(summary)


def test_a_flag_makes_no_journal_of_a_file_system(tmp_path: Path) -> None:
    changed = bytearray(EXT)
    struct.pack_into("<I", changed, 1024 + 96, struct.unpack_from("<I", changed, 1024 + 96)[0] | 0x8)
    _, summary = run(tmp_path, gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, bytes(changed))]))
    assert read(summary) == [("ext4", MEBIBYTE)]


@pytest.mark.parametrize(
    ("content", "named", "at"),
    [
        (b"hsqs" + RANDOM, "squashfs", MEBIBYTE),
        (b"LUKS\xba\xbe\0\2" + RANDOM, "luks", MEBIBYTE + 4096 * 3),
        (b"\0" * 1024 + b"\x10\x20\xf5\xf2" + RANDOM, "f2fs", 2 * MEBIBYTE + 512),
        (b"\0\0\0-FVE-FS-" + RANDOM, "BitLocker", 3 * MEBIBYTE),
    ],
)
def test_swap_hides_no_format_that_can_be_named(content: bytes, named: str, at: int, tmp_path: Path) -> None:
    swap = bytearray(8 * MEBIBYTE)
    struct.pack_into("<II", swap, 1024, 1, len(swap) // 4096 - 1)
    swap[4086:4096] = b"SWAPSPACE2"
    swap[at : at + len(content)] = content
    begin = SIZE + 2 * MEBIBYTE
    code, summary = run(tmp_path, gpt(SIZE + 12 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT), Slot(begin, len(swap), bytes(swap))]))
    assert code == 3 and f"byte {begin + at} | {named} begins inside what says it is swap" in said(summary)


@pytest.mark.parametrize("place", ["behind the MBR", "a partition for it", "a gap", "another partition"])
def test_grub_is_believed_in_its_places_alone(place: str, tmp_path: Path) -> None:
    core = bytearray(RANDOM[:40_000])
    core[16:28] = b"\xbf\xf4\x81\x66\x8b\x2d\x83\x7d\x08\x00\x0f\x84"
    core[0x1F4:0x1FE] = struct.pack("<QH", 2049, 70)
    if place == "behind the MBR":
        disk = mbr(bytearray(SIZE + 8 * MEBIBYTE), [(0x83, 2 * MEBIBYTE, SIZE)])
        disk[2 * MEBIBYTE : 2 * MEBIBYTE + SIZE] = EXT
        disk[512 : 512 + len(core)] = core
    else:
        slots = [Slot(2 * MEBIBYTE, SIZE, EXT)]
        if place != "a gap":
            slots.append(Slot(MEBIBYTE, MEBIBYTE, kind=BIOS_BOOT if place == "a partition for it" else LINUX))
        disk = gpt(SIZE + 8 * MEBIBYTE, slots)
        disk[MEBIBYTE : MEBIBYTE + len(core)] = core
    code, summary = run(tmp_path, disk)
    assert code == (0 if place in ("behind the MBR", "a partition for it") else 3), said(summary)


def test_what_is_no_text_among_the_metadata_of_lvm_is_named(tmp_path: Path) -> None:
    disk = bytearray(lzma.decompress((Path(__file__).parent / "data/lvm-disk.img.xz").read_bytes()))
    at = MEBIBYTE + 512 * 1024
    disk[at : at + len(RANDOM)] = RANDOM
    code, summary = run(tmp_path, disk)
    assert code == 3 and f"{len(RANDOM)} bytes at byte {at}" in said(summary)


@pytest.mark.parametrize(("bitmap", "hidden"), [(True, False), (False, True), (False, False)])
def test_a_mirrors_metadata_is_what_it_needs_and_no_more(bitmap: bool, hidden: bool, tmp_path: Path) -> None:
    member = bytearray(SIZE + MEBIBYTE)
    struct.pack_into("<II", member, 4096, 0xA92B4EFC, 1)
    struct.pack_into("<I", member, 4096 + 72, 1)
    struct.pack_into("<QQ", member, 4096 + 128, MEBIBYTE // 512, SIZE // 512)
    struct.pack_into("<i", member, 4096 + 96, 8)
    if bitmap:
        member[8192 : 8192 + 8000] = b"bitm" + RANDOM[:7996]
    if hidden:
        member[512 * 1024 : 512 * 1024 + len(RANDOM)] = RANDOM
    member[MEBIBYTE:] = EXT
    code, summary = run(tmp_path, member)
    assert code == (3 if hidden else 0) and ("ext4", MEBIBYTE) in read(summary), said(summary)


@pytest.mark.parametrize(
    ("name", "at", "form", "bit"),
    [("ext4", 1024 + 96, "<I", 0x400000), ("xfs", 216, ">I", 0x4000), ("btrfs-mixed", 0x10000 + 0xBC, "<Q", 0x4000)],
)
def test_a_feature_that_nobody_here_knows_is_named(name: str, at: int, form: str, bit: int) -> None:
    disk = bytearray(file_system(name))
    known = identify(io.BytesIO(disk), 0, len(disk))
    assert known.type == name.partition("-")[0] and known.lacking is None
    struct.pack_into(form, disk, at, struct.unpack_from(form, disk, at)[0] | bit)
    changed = identify(io.BytesIO(disk), 0, len(disk))
    assert changed.type == known.type and changed.lacking is not None and hex(bit) in changed.lacking


def _program(end: int) -> bytes:
    """A program of 64 bits that ends at `end` by its own words."""
    head = bytearray(b"\x7fELF\2\1\1".ljust(64, b"\0"))
    struct.pack_into("<Q", head, 40, end - 64)
    struct.pack_into("<HH", head, 58, 64, 1)
    return bytes(head).ljust(end, b"\1")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (bytes(gpt(SIZE + 2 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])), "a disk with partitions (GPT)"),
        (bytes(mbr(bytearray(MEBIBYTE), [(0x83, 512 * 1024, 4096)])), "a disk with partitions (MBR)"),
        (b"\x7fELF" + EXT[4:], "ext4"),
        (b"#!/bin/sh\n" + EXT[10:], "ext4"),
        (_program(8192) + b"hsqs" + RANDOM * 2, "squashfs"),
        (_program(8192) + b"hsqs" + RANDOM[:4000], "squashfs"),
        (b"hsqs" + RANDOM[:4000], "squashfs"),
        (_program(90_000), None),
        (_program(90_000) + RANDOM, None),
        (bytes(mbr(bytearray(512), [(0x83, 1024, 4096)])), None),
        (b"hsqs", None),
    ],
)
def test_a_disk_in_a_file_is_named_whatever_it_begins_with(content: bytes, named: str | None, plain: TreeMaker) -> None:
    assert disk_inside(content[: 32 * MEBIBYTE], len(content)) == named
    plain.file("/srv/x", content)
    told = [one for one in plain.results(Yara()) if isinstance(one, NotLookedAt)]
    assert bool(told) == bool(named) and all(one.incomplete for one in told)
