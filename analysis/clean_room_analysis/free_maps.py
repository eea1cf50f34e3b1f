# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the free space of a file system lies, by its own maps: ext2 to ext4 and XFS here, FAT, NTFS and btrfs in files of their own."""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from clean_room_analysis import btrfs_space, fat_space, ntfs_space
from clean_room_analysis.bits import clear_bits
from clean_room_analysis.ext_groups import group_descriptors


def free_runs(handle: BinaryIO, kind: str) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each run that the file system's maps call free, in order within each group.

    @param kind as `partitions.Region.type` has it: ext4 (and ext2, ext3), xfs, btrfs, vfat, ntfs
    @raises ValueError when the maps make no sense
    """
    yield from _MAPS[kind](handle)


def _at(handle: BinaryIO, offset: int, count: int) -> bytes:
    if not 0 <= offset < 1 << 62:
        raise ValueError("a map of free space lies outside the file system")
    handle.seek(offset)
    content = handle.read(count)
    if len(content) < count:
        raise ValueError("a map of free space lies outside the file system")
    return content


def _ext_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    head = _at(handle, 1024, 1024)
    blocks, first_block, log_block, log_cluster, per_group = (
        struct.unpack_from("<I", head, 4)[0],
        *struct.unpack_from("<III", head, 20),
        struct.unpack_from("<I", head, 32)[0],
    )
    descriptors = group_descriptors(head)
    wide = descriptors.wide
    if wide:
        blocks |= struct.unpack_from("<I", head, 336)[0] << 32
    if not log_block <= log_cluster <= log_block + 20:
        raise ValueError("the sizes in the superblock make no sense")
    block = 1024 << log_block
    ratio = 1 << (log_cluster - log_block)
    groups = -(-(blocks - first_block) // per_group)
    for group in range(groups):
        descriptor = _at(handle, descriptors.place(group), descriptors.size)
        bitmap = struct.unpack_from("<I", descriptor, 0)[0]
        flags = struct.unpack_from("<H", descriptor, 18)[0]
        if wide:
            bitmap |= struct.unpack_from("<I", descriptor, 32)[0] << 32
        start = first_block + group * per_group
        count = min(per_group, blocks - start)
        if flags & 0x2:  # its bitmap was never written: nothing of this file system is there, perhaps something of an earlier one
            yield start * block, count * block
            continue
        clusters = -(-count // ratio)
        for first, length in clear_bits(_at(handle, bitmap * block, -(-clusters // 8)), clusters):
            yield (start + first * ratio) * block, min(length * ratio, count - first * ratio) * block


def _xfs_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    head = _at(handle, 0, 264)
    block, per_group, groups = (
        struct.unpack_from(">I", head, 4)[0],
        struct.unpack_from(">I", head, 84)[0],
        struct.unpack_from(">I", head, 88)[0],
    )
    sector = struct.unpack_from(">H", head, 102)[0]
    if head[:4] != b"XFSB" or not 512 <= block <= 65536 or not 512 <= sector <= 32768 or per_group == 0:
        raise ValueError("the sizes in the superblock make no sense")
    for group in range(groups):
        start = group * per_group * block
        records = xfs_tree_records(handle, start, block, sector, b"XAGF", 16, (b"AB3B", b"ABTB"), 8)
        for first, length in sorted(struct.unpack(">II", record) for record in records):
            if first + length <= per_group:
                yield start + first * block, length * block


def xfs_tree_records(
    handle: BinaryIO, start: int, block: int, header_at: int, header_magic: bytes, root_at: int, magics: tuple[bytes, bytes], size: int
) -> Iterator[bytes]:
    """The records of one of the trees that an allocation group of XFS has.

    @param start where the group begins, in bytes; `block` the bytes of a block
    @param header_at where in the group its header lies, which begins with `header_magic` and has the tree's root at `root_at`
    @param magics what the tree's blocks begin with, with checksums and without
    @param size bytes of a record
    @raises ValueError when the tree is damaged
    """
    table = _at(handle, start + header_at, 64)
    if table[:4] != header_magic:
        raise ValueError(f"the group at byte {start} has no {header_magic.decode()}")
    pending, seen = [struct.unpack_from(">I", table, root_at)[0]], set[int]()
    while pending:
        number = pending.pop()
        if number in seen or len(seen) > 1_000_000:
            raise ValueError("a tree of the file system is a circle")
        seen.add(number)
        content = _at(handle, start + number * block, block)
        if content[:4] not in magics:
            raise ValueError("a tree of the file system is damaged")
        level, count = struct.unpack_from(">HH", content, 4)
        header = 56 if content[:4] == magics[0] else 16
        # Keys of inner blocks are as long as a start and, of free space, a length.
        key = 8 if size == 8 else 4
        most = (block - header) // (size if level == 0 else key + 4)
        if count > most:
            raise ValueError("a tree of the file system is damaged")
        if level == 0:
            yield from (content[header + size * index : header + size * (index + 1)] for index in range(count))
        else:
            # Keys first, for as many as fit; then as many pointers.
            pending += struct.unpack_from(f">{count}I", content, header + key * most)


_MAPS: dict[str, Callable[[BinaryIO], Iterator[tuple[int, int]]]] = {
    "ext4": _ext_runs,
    "xfs": _xfs_runs,
    "btrfs": btrfs_space.free_runs,
    "vfat": fat_space.free_runs,
    "ntfs": ntfs_space.free_runs,
}
