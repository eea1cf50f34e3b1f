# SPDX-License-Identifier: AGPL-3.0-or-later
"""Block groups of ext2 to ext4 by any layout of their descriptors, against what e2fsprogs says of them."""

import io
import re
import struct

import pytest
from ext_layout_images import LAYOUTS, image, said_of
from test_free_space import SCRIPT, results

from clean_room_analysis.ext_groups import group_descriptors
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.free_space import free_runs
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.unnamed_files import inodes_in_use

MEBIBYTE = 1024 * 1024


def told(text: str) -> tuple[dict[int, int], set[int], set[int]]:
    """By dumpe2fs: group -> first block of its inodes, the free blocks, and the blocks of groups whose map was never written."""
    tables: dict[int, int] = {}
    free: set[int] = set()
    unwritten: set[int] = set()
    group, clusters = 0, 4 if "bigalloc" in text else 1  # it names the first block of a cluster
    for line in text.splitlines():
        if found := re.match(r"Group (\d+): \(Blocks (\d+)-(\d+)\)(.*)", line):
            group = int(found[1])
            if "BLOCK_UNINIT" in found[4]:
                unwritten.update(range(int(found[2]), int(found[3]) + 1))
        elif found := re.match(r" +Inode table at (\d+)-", line):
            tables[group] = int(found[1])
        elif line.startswith("  Free blocks: "):
            for run in filter(None, line.removeprefix("  Free blocks: ").split(", ")):
                first, _, last = run.partition("-")
                free.update(range(int(first), int(last or first) + clusters))
    return tables, free, unwritten


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_are_where_dumpe2fs_says(layout: str) -> None:
    disk = image(layout)
    tables, free, unwritten = told(said_of(layout))
    fs = ExtFileSystem(io.BytesIO(disk))
    each = fs.block // group_descriptors(disk[1024:2048]).size
    assert layout == "clusters" or len(tables) > each
    per_group = struct.unpack_from("<I", disk, 1024 + 40)[0]
    assert {(number - 1) // per_group: block for block, number in fs.tables().items() if number % per_group == 1} == tables
    ours = {
        block for first, length in free_runs(io.BytesIO(disk), "ext4") for block in range(first // fs.block, (first + length) // fs.block)
    }
    assert ours - unwritten == free - unwritten and free <= ours
    # Both readers see the same files, and none that no directory names.
    walked = {entry.inode for entry in RawTree(io.BytesIO(disk), "ext4").walk(lambda path, why: None)}
    assert {one.number for one in inodes_in_use(io.BytesIO(disk), "ext4")} == walked and len(walked) == 41


def test_the_free_space_of_a_far_meta_group_is_searched() -> None:
    disk = bytearray(image("64bit"))
    first, _ = [run for run in free_runs(io.BytesIO(disk), "ext4") if run[0] > 14 * MEBIBYTE and run[1] > 4096][-1]
    before = len(results(bytes(disk), "ext4"))
    disk[first + 1024 : first + 1024 + len(SCRIPT)] = SCRIPT
    assert len(results(bytes(disk), "ext4")) == before + 1


@pytest.mark.parametrize(("at", "value"), [(0x104, 2**32 - 1), (0x24C, 7), (32, 0), (254, 48), (254, 60000)])
def test_sizes_that_make_no_sense_are_refused_or_harmless(at: int, value: int) -> None:
    disk = bytearray(image("64bit-small"))
    struct.pack_into("<I" if value > 65535 or at < 254 else "<H", disk, 1024 + at, value)
    try:
        assert len(list(inodes_in_use(io.BytesIO(disk), "ext4"))) <= 2048
    except ValueError:
        pass
