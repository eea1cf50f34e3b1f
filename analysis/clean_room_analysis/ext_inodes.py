# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the inodes of ext2 to ext4 by their numbers, whether or not a directory names them.

Structures: kernel.org, "ext4 Data Structures and Algorithms".
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from clean_room_analysis.ext_groups import group_descriptors

_EXTENT_MAGIC = 0xF30A
_JOURNAL_DEVICE = 0x8
_MOST_NODES = 1 << 16
_EXTENTS, _INLINE = 0x80000, 0x10000000


@dataclass(frozen=True, slots=True)
class Inode:
    """One state of an inode. Times in seconds since 1970; `pieces` are (first byte in the file, first byte of the file system, bytes)."""

    number: int
    mode: int
    links: int
    size: int
    user: int
    changed: int
    modified: int
    deleted: int
    generation: int
    pieces: tuple[tuple[int, int, int], ...]


class ExtFileSystem:
    """As much of a file system as is needed to read inodes by number. @raises ValueError when it is none"""

    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle
        head = self.at(1024, 1024)
        if head[56:58] != b"\x53\xef":
            raise ValueError("no superblock of ext2 to ext4")
        self.inodes = struct.unpack_from("<I", head, 0)[0]
        log_block, self._per_group_inodes = struct.unpack_from("<I", head, 24)[0], struct.unpack_from("<I", head, 40)[0]
        compatible, incompatible = struct.unpack_from("<II", head, 92)
        self._descriptors = group_descriptors(head)
        self.inode_size = struct.unpack_from("<H", head, 88)[0] if struct.unpack_from("<I", head, 76)[0] else 128
        #: Whether the disk lacks what stands in the journal: it was taken of a running machine and is not replayed.
        self.dirty = bool(incompatible & 0x4)
        #: The inode of its journal, 0 when it has none of its own.
        self.journal = struct.unpack_from("<I", head, 224)[0] if compatible & 0x4 and not incompatible & _JOURNAL_DEVICE else 0
        #: Inodes that are the file system's own: quotas, the list of orphans.
        self.own_inodes = frozenset(
            struct.unpack_from("<II", head, 0x240) + struct.unpack_from("<I", head, 0x26C) + struct.unpack_from("<I", head, 0x280)
        )
        self.first_inode = struct.unpack_from("<I", head, 84)[0] if struct.unpack_from("<I", head, 76)[0] else 11
        if log_block > 6 or not self._per_group_inodes or self.inode_size < 128 or self.inode_size > 1024 << log_block:
            raise ValueError("the sizes in the superblock make no sense")
        self.block = 1024 << log_block
        self._tables: dict[int, int] = {}

    def at(self, offset: int, count: int) -> bytes:
        """Bytes of the file system. @raises ValueError when there are fewer"""
        if not 0 <= offset < 1 << 62:
            raise ValueError("a structure lies outside the file system")
        self.handle.seek(offset)
        content = self.handle.read(count)
        if len(content) < count:
            raise ValueError("a structure lies outside the file system")
        return content

    def _table(self, group: int) -> int:
        """The first block of a group's inodes."""
        if group not in self._tables:
            known = self._descriptors
            raw = self.at(known.place(group), known.size)
            low, high = struct.unpack_from("<I", raw, 8)[0], struct.unpack_from("<I", raw, 40)[0] if known.wide else 0
            self._tables[group] = low | high << 32
        return self._tables[group]

    def tables(self) -> dict[int, int]:
        """Block of an inode table -> number of the first inode in it."""
        each = self.block // self.inode_size
        blocks: dict[int, int] = {}
        for group in range(min(-(-self.inodes // self._per_group_inodes), 1 << 20)):
            first = self._table(group)
            for index in range(-(-self._per_group_inodes // each)):
                blocks[first + index] = group * self._per_group_inodes + index * each + 1
        return blocks

    def groups(self) -> Iterator[tuple[int, bytes]]:
        """(number of the first inode, table) of each group. @raises ValueError when a table lies outside the file system"""
        for group in range(min(-(-self.inodes // self._per_group_inodes), 1 << 20)):
            table = self.at(self._table(group) * self.block, self._per_group_inodes * self.inode_size)
            yield group * self._per_group_inodes + 1, table

    def inode(self, number: int) -> Inode:
        """An inode as it is on the disk. @raises ValueError"""
        return self.parse(number, self.at(self.place(number), self.inode_size))

    def place(self, number: int) -> int:
        """The byte at which an inode lies."""
        group, index = divmod(number - 1, self._per_group_inodes)
        return self._table(group) * self.block + index * self.inode_size

    def parse(self, number: int, raw: bytes) -> Inode:
        """An inode from its bytes. @raises ValueError when its map of blocks is damaged"""
        mode, low_user, size, _, changed, modified, deleted, _, links = struct.unpack_from("<HHIIIIIHH", raw, 0)
        flags, generation = struct.unpack_from("<I", raw, 32)[0], struct.unpack_from("<I", raw, 100)[0]
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            size |= struct.unpack_from("<I", raw, 108)[0] << 32
        pieces: list[tuple[int, int, int]] = []
        if links and not flags & _INLINE and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            pieces = list(self._extents(raw[40:100], 0)) if flags & _EXTENTS else list(self._mapped(raw[40:100]))
        user = low_user | struct.unpack_from("<H", raw, 120)[0] << 16
        return Inode(number, mode, links, size, user, changed, modified, deleted, generation, tuple(sorted(pieces)))

    def out_of_sight(self, raw: bytes) -> tuple[tuple[int, int], ...]:
        """(first byte of the file system, bytes) of content that an inode has and that nobody who opens it reads: behind the end of a file,
        or of what is no file, directory or link. Reserved and unwritten blocks are none. @raises ValueError when its map is damaged"""
        mode, size = struct.unpack_from("<H", raw, 0)[0], struct.unpack_from("<I", raw, 4)[0]
        blocks, flags, attributes = (
            struct.unpack_from("<I", raw, 28)[0],
            struct.unpack_from("<I", raw, 32)[0],
            struct.unpack_from("<I", raw, 104)[0],
        )
        taken = blocks * 512 - (self.block if attributes else 0)
        if flags & _INLINE or stat.S_ISDIR(mode):
            return ()
        if stat.S_ISREG(mode):
            size |= struct.unpack_from("<I", raw, 108)[0] << 32
        elif not stat.S_ISLNK(mode):
            size = 0
        end = -(-size // self.block) * self.block
        extents = bool(flags & _EXTENTS) and struct.unpack_from("<H", raw, 40)[0] == _EXTENT_MAGIC
        if (stat.S_ISLNK(mode) or not extents) and taken <= end:
            return ()
        # A tree of extents is read where more is taken than the size needs: each is a read of the disk.
        if extents and struct.unpack_from("<H", raw, 46)[0] and taken <= end:
            return ()
        pieces = self._extents(raw[40:100], 0) if extents else self._mapped(raw[40:100])
        return tuple((place, length) for first, place, length in pieces if first >= end)

    def _extents(self, node: bytes, depth: int) -> Iterator[tuple[int, int, int]]:
        magic, count, _, level = struct.unpack_from("<HHHH", node, 0)
        if magic != _EXTENT_MAGIC or 12 + 12 * count > len(node) or depth > 5:
            raise ValueError("a map of extents is damaged")
        for index in range(count):
            first, *rest = struct.unpack_from("<IHHI" if level == 0 else "<IIHH", node, 12 + 12 * index)
            if level == 0:
                length, high, low = rest
                if 0 < length <= 32768:  # more: reserved and never written
                    yield first * self.block, (low | high << 32) * self.block, length * self.block
            else:
                low, high, _ = rest
                yield from self._extents(self.at((low | high << 32) * self.block, self.block), depth + 1)

    def _mapped(self, raw: bytes) -> Iterator[tuple[int, int, int]]:
        """The blocks of an inode of ext2 and ext3 by its list and its trees of blocks, as runs."""
        begun = (0, 0, 0)
        for index, block in self._listed(raw):
            first, place, length = begun
            if length and (first + length, place + length) == (index * self.block, block * self.block):
                begun = (first, place, length + self.block)
                continue
            if length:
                yield begun
            begun = (index * self.block, block * self.block, self.block)
        if begun[2]:
            yield begun

    def _listed(self, raw: bytes) -> Iterator[tuple[int, int]]:
        words = struct.unpack("<15I", raw[:60])
        yield from ((index, block) for index, block in enumerate(words[:12]) if block)
        seen, index = set[int](), 12
        for level, block in enumerate(words[12:]):
            yield from self._tree_of_blocks(block, level, index, seen)
            index += (self.block // 4) ** (level + 1)

    def _tree_of_blocks(self, block: int, level: int, index: int, seen: set[int]) -> Iterator[tuple[int, int]]:
        if not block:
            return
        if block in seen or len(seen) > _MOST_NODES:
            raise ValueError("a map of blocks is a circle, or too large")
        seen.add(block)
        each = self.block // 4
        for at, one in enumerate(struct.unpack(f"<{each}I", self.at(block * self.block, self.block))):
            if one and level:
                yield from self._tree_of_blocks(one, level - 1, index + at * each**level, seen)
            elif one:
                yield index + at, one

    def content(self, inode: Inode, most: int) -> Iterator[bytes]:
        """The content of a file in order, holes as zeros, at most `most` bytes. @raises ValueError"""
        at, end = 0, min(inode.size, most)
        for first, place, length in inode.pieces:
            if at >= end:
                return
            if first > at:
                yield bytes(min(first, end) - at)
                at = min(first, end)
            offset = place
            left = min(length, end - at)
            while left > 0:
                count = min(left, 1 << 20)
                yield self.at(offset, count)
                offset, left, at = offset + count, left - count, at + count
