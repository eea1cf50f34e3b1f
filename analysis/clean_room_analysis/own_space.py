# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where ext2 to ext4 and XFS keep what is theirs and no file's: the journal, room for more groups, inodes that were never used, the boot
block. None of it is free by the maps and no walk meets it, so that whoever writes to the device can hide there."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from clean_room_analysis.ext_groups import group_descriptors
from clean_room_analysis.ext_inodes import ExtFileSystem

_MOST_GROUPS = 1 << 20


def own_runs(handle: BinaryIO, kind: str) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each such run. @param kind ext4 or xfs @raises ValueError when the superblock makes no sense"""
    yield from _ext(handle) if kind == "ext4" else _xfs(handle)


def _ext(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    fs = ExtFileSystem(handle)
    head = fs.at(1024, 1024)
    known = group_descriptors(head)
    blocks = struct.unpack_from("<I", head, 4)[0] | (struct.unpack_from("<I", head, 336)[0] << 32 if known.wide else 0)
    per_group_inodes = struct.unpack_from("<I", head, 40)[0]
    groups = min(-(-(blocks - known.first_block) // known.per_group), _MOST_GROUPS)
    yield 0, 1024
    reserved = struct.unpack_from("<H", head, 0xCE)[0] if known.first_meta is None else 0
    descriptors = -(-groups * known.size // fs.block)
    counted = struct.unpack_from("<I", head, 100)[0] & 0x410  # gdt_csum or metadata_csum: groups say how much of them is unused
    for group in range(groups):
        if reserved and known.has_superblock(group):
            first = max(known.first_block + group * known.per_group, 1024 // fs.block) + 1 + descriptors
            yield first * fs.block, reserved * fs.block
        if not counted:
            continue
        raw = fs.at(known.place(group), known.size)
        flags, unused = struct.unpack_from("<H", raw, 18)[0], struct.unpack_from("<H", raw, 28)[0]
        if known.wide:
            unused |= struct.unpack_from("<H", raw, 50)[0] << 16
        unused = per_group_inodes if flags & 0x1 else min(unused, per_group_inodes)
        if unused:
            end = fs.place(group * per_group_inodes + 1) + per_group_inodes * fs.inode_size
            yield end - unused * fs.inode_size, unused * fs.inode_size
    if fs.journal:
        for _, place, length in fs.inode(fs.journal).pieces:
            yield place, length


def _xfs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    handle.seek(0)
    head = handle.read(512)
    if len(head) < 512 or head[:4] != b"XFSB":
        raise ValueError("no superblock of XFS")
    block, per_group = struct.unpack_from(">I", head, 4)[0], struct.unpack_from(">I", head, 84)[0]
    start, count, bits = struct.unpack_from(">Q", head, 48)[0], struct.unpack_from(">I", head, 96)[0], head[124]
    if start and bits < 32:
        yield ((start >> bits) * per_group + (start & (1 << bits) - 1)) * block, count * block
