# SPDX-License-Identifier: AGPL-3.0-or-later
"""Block groups of ext2 to ext4 by any layout of their descriptors, against what e2fsprogs says of them."""

import io
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from test_free_space import SCRIPT, results

from clean_room_analysis.ext_groups import group_descriptors
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.free_space import free_runs
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.unnamed_files import inodes_in_use

MEBIBYTE = 1024 * 1024
#: Blocks of 1 KiB with small groups: a descriptor's block holds 16 or 32 groups, so each image has several of them.
LAYOUTS = {
    "64bit": ("-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode"),
    "32bit": ("-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode,^64bit"),
    "every group its own": ("-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode,^flex_bg"),
    "a copy in each group": ("-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode,^sparse_super"),
    "two copies": ("-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode,sparse_super2"),
    "2 KiB": ("-b", "2048", "-g", "256", "-O", "meta_bg,^resize_inode"),
    "clusters": ("-b", "1024", "-O", "meta_bg,^resize_inode,bigalloc", "-C", "4096", "-g", "8192"),
    "no meta groups": ("-b", "1024", "-g", "256", "-O", "^resize_inode"),
}


def made(path: Path, options: tuple[str, ...], size: int = 20) -> bytes:
    path.write_bytes(b"")
    os.truncate(path, size * MEBIBYTE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-N", "2048", *options, str(path)], check=True, capture_output=True)
    script = path.with_suffix(".txt")
    script.write_bytes(SCRIPT)
    commands = "".join(f"mkdir /d{one}\nwrite {script} /d{one}/file\n" for one in range(20))
    subprocess.run(["debugfs", "-w", "-f", "-", str(path)], input=commands, text=True, check=True, capture_output=True)
    return path.read_bytes()


def told(path: Path) -> tuple[dict[int, int], set[int], set[int]]:
    """By dumpe2fs: group -> first block of its inodes, the free blocks, and the blocks of groups whose map was never written."""
    text = subprocess.run(["dumpe2fs", str(path)], check=True, capture_output=True, text=True).stdout
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
def test_groups_are_where_dumpe2fs_says(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    disk = made(path, LAYOUTS[layout])
    tables, free, unwritten = told(path)
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


def test_the_free_space_of_a_far_meta_group_is_searched(tmp_path: Path) -> None:
    disk = bytearray(made(tmp_path / "disk.img", LAYOUTS["64bit"]))
    first, _ = [run for run in free_runs(io.BytesIO(disk), "ext4") if run[0] > 14 * MEBIBYTE and run[1] > 4096][-1]
    before = len(results(bytes(disk), "ext4"))
    disk[first + 1024 : first + 1024 + len(SCRIPT)] = SCRIPT
    assert len(results(bytes(disk), "ext4")) == before + 1


@pytest.mark.parametrize(("at", "value"), [(0x104, 2**32 - 1), (0x24C, 7), (32, 0), (254, 48), (254, 60000)])
def test_sizes_that_make_no_sense_are_refused_or_harmless(at: int, value: int, tmp_path: Path) -> None:
    disk = bytearray(made(tmp_path / "disk.img", LAYOUTS["64bit"], 8))
    struct.pack_into("<I" if value > 65535 or at < 254 else "<H", disk, 1024 + at, value)
    try:
        assert len(list(inodes_in_use(io.BytesIO(disk), "ext4"))) <= 2048
    except ValueError:
        pass
