# SPDX-License-Identifier: AGPL-3.0-or-later
"""Partition tables: every copy and kind is read, a damaged one is said to be, and none hides what lies beside it."""

import os
import struct
from pathlib import Path

import pytest
from disks import MEBIBYTE, Slot, gpt, mbr
from hypothesis import given, settings
from hypothesis import strategies as st
from test_every_byte import EXT, SIZE, raw, read, run, said

from clean_room_analysis.partition_table import read_table

__all__ = ["raw"]  # a fixture of every test here


def test_a_partitioned_disk_is_complete(tmp_path: Path) -> None:
    code, summary = run(tmp_path, gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)]))
    assert code == 0 and read(summary) == [("ext4", MEBIBYTE)], said(summary)


@pytest.mark.parametrize(("primary", "backup"), [(False, True), (True, False)])
def test_either_copy_of_the_gpt_is_enough(primary: bool, backup: bool, tmp_path: Path) -> None:
    disk = gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)], primary=primary, backup=backup)
    code, summary = run(tmp_path, disk)
    assert code == 0 and read(summary) == [("ext4", MEBIBYTE)]
    assert ("primary GPT is damaged" if backup else "backup GPT is damaged") in said(summary)


def test_two_damaged_copies_are_read_and_incomplete(tmp_path: Path) -> None:
    code, summary = run(tmp_path, gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)], primary=False, backup=False))
    assert code == 3 and read(summary) == [("ext4", MEBIBYTE)] and "no copy of the GPT has the right checksums" in said(summary)


def test_a_partition_in_the_backup_alone_is_read(tmp_path: Path) -> None:
    both = gpt(2 * SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT), Slot(MEBIBYTE + SIZE, SIZE, EXT)])
    one = gpt(2 * SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    both[: 34 * 512] = one[: 34 * 512]
    code, summary = run(tmp_path, both)
    assert len(read(summary)) == 2 and "1 partitions are in the backup alone" in said(summary) and code == 0


def test_the_three_hundredth_partition_is_read(tmp_path: Path) -> None:
    slots = [Slot(MEBIBYTE + index * 4096, 4096) for index in range(299)] + [Slot(4 * MEBIBYTE, SIZE, EXT)]
    code, summary = run(tmp_path, gpt(SIZE + 8 * MEBIBYTE, slots, entries=300))
    assert code == 0 and read(summary) == [("ext4", 4 * MEBIBYTE)], said(summary)


def test_mbr_with_logical_partitions(tmp_path: Path) -> None:
    disk = bytearray(4 * SIZE)
    first, second = 2 * MEBIBYTE, 2 * MEBIBYTE + SIZE + MEBIBYTE
    mbr(disk, [(0x83, MEBIBYTE, 4096), (0x05, first, 3 * SIZE)])
    mbr(disk, [(0x83, MEBIBYTE // 2, SIZE), (0x05, second - first, SIZE + MEBIBYTE)], first)
    mbr(disk, [(0x83, MEBIBYTE // 2, SIZE)], second)
    for start in (first, second):
        disk[start + MEBIBYTE // 2 : start + MEBIBYTE // 2 + SIZE] = EXT
    code, summary = run(tmp_path, disk)
    assert code == 0 and read(summary) == [("ext4", first + MEBIBYTE // 2), ("ext4", second + MEBIBYTE // 2)], said(summary)


def test_a_chain_that_bites_its_tail_ends(tmp_path: Path) -> None:
    disk = bytearray(4 * MEBIBYTE)
    mbr(disk, [(0x05, MEBIBYTE, 2 * MEBIBYTE)])
    mbr(disk, [(0, 0, 0), (0x05, 0, MEBIBYTE)], MEBIBYTE)
    with (tmp_path / "x").open("wb+") as handle:
        handle.write(disk)
        assert read_table(handle, len(disk)).partitions == []


def test_a_hybrid_table_gives_what_either_names(tmp_path: Path) -> None:
    disk = gpt(2 * SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    hidden = MEBIBYTE + SIZE
    struct.pack_into("<B3xB3xII", disk, 446 + 16, 0, 0x83, hidden // 512, SIZE // 512)
    disk[hidden : hidden + SIZE] = EXT
    code, summary = run(tmp_path, disk)
    assert code == 0 and len(read(summary)) == 2


def test_a_stale_superblock_under_a_table_hides_no_partition(tmp_path: Path) -> None:
    disk = bytearray(EXT + b"\0" * (SIZE + 2 * MEBIBYTE))
    start = SIZE + MEBIBYTE
    mbr(disk, [(0x83, start, SIZE)])
    disk[start : start + SIZE] = EXT
    _, summary = run(tmp_path, disk)
    assert ("ext4", start) in read(summary) and "under its partition table" in said(summary)


def test_a_partitions_name_makes_no_file_system(tmp_path: Path) -> None:
    """The name of the first entry of a GPT lies where ext4 keeps its magic number."""
    disk = gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT, name="\uef53" * 4)])
    assert disk[1080:1082] == b"\x53\xef"
    code, summary = run(tmp_path, disk)
    assert code == 0 and read(summary) == [("ext4", MEBIBYTE)]


def test_a_primary_table_whose_header_is_gone_is_read_from_its_backup(tmp_path: Path) -> None:
    disk = gpt(SIZE + 4 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    disk[512:1024] = bytes(512)
    code, summary = run(tmp_path, disk)
    assert code == 0 and read(summary) == [("ext4", MEBIBYTE)], said(summary)
    assert "its backup was read" in said(summary)


@settings(max_examples=int(os.environ.get("ANALYSIS_FUZZ_EXAMPLES", "25")), deadline=None)
@given(data=st.data())
def test_damaged_tables_end_in_a_map(data: st.DataObject) -> None:
    """Superblocks and tables with bytes changed: no crash, no hang, and a map that adds up."""
    import io

    from clean_room_analysis.partitions import disk_map

    disk = gpt(SIZE + 3 * MEBIBYTE, [Slot(MEBIBYTE, SIZE, EXT)])
    mbr(disk, [(0xEE, 512, len(disk)), (0x05, MEBIBYTE, SIZE)])
    for _ in range(data.draw(st.integers(1, 60))):
        place = data.draw(st.sampled_from([446, 512, 1024, MEBIBYTE + 1024, len(disk) - 512, len(disk) - 33 * 512])) + data.draw(
            st.integers(0, 500)
        )
        if place < len(disk):
            disk[place] = data.draw(st.integers(0, 255))
    for one in disk_map(io.BytesIO(disk), len(disk)).regions:
        assert 0 <= one.offset < len(disk) and 0 <= one.size <= len(disk) - one.offset


def test_partition_maps_of_other_machines_are_named(tmp_path: Path) -> None:
    disk = bytearray(MEBIBYTE) + EXT
    struct.pack_into(">2sHI", disk, 0, b"ER", 512, len(disk) // 512)
    struct.pack_into(">2sHIII32s32s", disk, 512, b"PM", 0, 1, 1, 63, b"Apple", b"Apple_partition_map")
    code, summary = run(tmp_path, bytes(disk))
    assert code == 3 and [one["type"] for one in summary["volumes"][0]["fileSystems"] if one["filesSeen"]] == ["ext4"]
    assert not summary["volumes"][0]["accounted"]
