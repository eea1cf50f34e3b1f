# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the journal of ext3 and ext4 still holds of deleted files: older copies of their inodes, and of the directories that named them.

The kernel empties an inode when its file is deleted; the copy that the journal took before says where the content lay. It stays until
the journal's ring comes round. Structures: kernel.org, "ext4 Data Structures and Algorithms" (inodes, directories, jbd2).
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_JOURNAL_MAGIC, _EXTENT_MAGIC = 0xC03B3998, 0xF30A
_DESCRIPTOR = 1
_LAST, _SAME_UUID, _ESCAPED = 8, 2, 1
_META_BG, _JOURNAL_DEVICE = 0x10, 0x8
_EXTENTS, _INLINE = 0x80000, 0x10000000
#: Bounds on what damaged structures may ask for.
_MOST_BLOCKS, _MOST_PIECES = 1 << 20, 100_000
_MOST_COPIES, _MOST_NAMES = 200_000, 500_000


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


@dataclass(slots=True)
class Deleted:
    """A file that is gone. `names` are the paths that directories gave it, as far as the journal tells; `at` when it went, 0 if unknown."""

    inode: Inode
    at: int
    names: list[str] = field(default_factory=list)


class ExtFileSystem:
    """As much of a file system as is needed to read inodes by number. @raises ValueError when it is none, or has no journal of its own"""

    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle
        head = self.at(1024, 1024)
        if head[56:58] != b"\x53\xef":
            raise ValueError("no superblock of ext2 to ext4")
        self.inodes = struct.unpack_from("<I", head, 0)[0]
        log_block, self._per_group_inodes = struct.unpack_from("<I", head, 24)[0], struct.unpack_from("<I", head, 40)[0]
        self._first_block = struct.unpack_from("<I", head, 20)[0]
        compatible, incompatible = struct.unpack_from("<II", head, 92)
        size = struct.unpack_from("<H", head, 254)[0]
        self._wide = bool(incompatible & 0x80) and size >= 64
        self._descriptor = size if self._wide else 32
        self.inode_size = struct.unpack_from("<H", head, 88)[0] if struct.unpack_from("<I", head, 76)[0] else 128
        #: Whether the disk lacks what stands in the journal: it was taken of a running machine and is not replayed.
        self.dirty = bool(incompatible & 0x4)
        self.journal = struct.unpack_from("<I", head, 224)[0]
        if log_block > 6 or not self._per_group_inodes or self.inode_size < 128 or self.inode_size > 1024 << log_block:
            raise ValueError("the sizes in the superblock make no sense")
        if incompatible & _META_BG:
            raise ValueError("meta block groups are not looked at for deleted files")
        if not compatible & 0x4 or incompatible & _JOURNAL_DEVICE or not self.journal:
            raise ValueError("it has no journal of its own, and so no older copies of inodes")
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
            raw = self.at((self._first_block + 1) * self.block + group * self._descriptor, self._descriptor)
            low, high = struct.unpack_from("<I", raw, 8)[0], struct.unpack_from("<I", raw, 40)[0] if self._wide else 0
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

    def inode(self, number: int) -> Inode:
        """An inode as it is on the disk. @raises ValueError"""
        group, index = divmod(number - 1, self._per_group_inodes)
        return self.parse(number, self.at(self._table(group) * self.block + index * self.inode_size, self.inode_size))

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
        """The blocks of an inode of ext2 and ext3, up to those of its first indirect block."""
        blocks = list(struct.unpack("<13I", raw[:52]))
        indirect = blocks.pop()
        if indirect:
            blocks += struct.unpack(f"<{self.block // 4}I", self.at(indirect * self.block, self.block))
        for index, block in enumerate(blocks):
            if block:
                yield index * self.block, block * self.block, self.block

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

    def journal_blocks(self) -> Iterator[tuple[int, int, bytes]]:
        """(transaction, block of the file system, content) of every copy that the journal still holds, in the order of the ring."""
        inode = self.inode(self.journal)
        places: list[int] = []
        for _, place, length in inode.pieces:
            places += range(place, place + length, self.block)
            if len(places) > _MOST_BLOCKS:
                break
        head = self.at(places[0], 1024) if places else b""
        magic, _, _, size, _, first = struct.unpack_from(">IIIIII", head.ljust(24, b"\0"), 0)
        if magic != _JOURNAL_MAGIC or size != self.block:
            raise ValueError("its journal has no superblock")
        features = struct.unpack_from(">I", head, 40)[0]
        index = max(1, first)
        while index < len(places):
            content = self.at(places[index], self.block)
            index += 1
            if struct.unpack_from(">II", content, 0) != (_JOURNAL_MAGIC, _DESCRIPTOR):
                continue
            transaction = struct.unpack_from(">I", content, 8)[0]
            for block, flags in _tags(content, features):
                if index >= len(places):
                    return
                copy = self.at(places[index], self.block)
                if copy[:4] == _JOURNAL_MAGIC.to_bytes(4, "big"):
                    break  # a later transaction wrote over the rest of this one
                index += 1
                yield transaction, block, _JOURNAL_MAGIC.to_bytes(4, "big") + copy[4:] if flags & _ESCAPED else copy


def _tags(descriptor: bytes, features: int) -> Iterator[tuple[int, int]]:
    """(block, flags) of each tag of a descriptor."""
    newest, wide, second = bool(features & 0x10), bool(features & 0x2), bool(features & 0x8)
    size = 16 if newest else (12 if wide else 8)
    end = len(descriptor) - (4 if newest or second else 0)
    at = 12
    while at + size <= end:
        if newest:
            low, flags, high = struct.unpack_from(">III", descriptor, at)
        else:
            low, _, flags = struct.unpack_from(">IHH", descriptor, at)
            high = struct.unpack_from(">I", descriptor, at + 8)[0] if wide else 0
        yield low | (high << 32 if wide else 0), flags
        at += size + (0 if flags & _SAME_UUID else 16)
        if flags & _LAST:
            return


def directory_entries(block: bytes) -> list[tuple[int, str]]:
    """(inode, name) of a block of a directory; nothing when it is none."""
    at, found = 0, []
    while at < len(block):
        if at + 8 > len(block):
            return []
        inode, length, size, kind = struct.unpack_from("<IHBB", block, at)
        if length < 12 or length % 4 or at + length > len(block) or size > length - 8 or (kind > 7 and kind != 0xDE):
            return []
        name = block[at + 8 : at + 8 + size]
        if inode and size:
            if b"\0" in name or b"/" in name:
                return []
            found.append((inode, name.decode("utf-8", "surrogateescape")))
        at += length
    return found


def deleted_files(fs: ExtFileSystem) -> Iterator[Deleted]:
    """The regular files that the journal knows and that are gone, each with its last state before. @raises ValueError"""
    tables = fs.tables()
    #: By number and generation: an inode is used again for other files.
    alive: dict[tuple[int, int], tuple[int, Inode]] = {}
    latest: dict[int, tuple[int, Inode]] = {}
    #: Inode of a file -> (directory, name); a directory of 0 is not known.
    named: dict[int, dict[tuple[int, str], None]] = {}
    blocks_of: dict[int, int] = {}
    listed: list[tuple[int, list[tuple[int, str]]]] = []
    names = 0
    for transaction, block, content in fs.journal_blocks():
        first = tables.get(block)
        if first is None:
            entries = directory_entries(content)
            if entries and names < _MOST_NAMES:
                names += len(entries)
                listed.append((block, entries))
            continue
        for index in range(fs.block // fs.inode_size):
            raw = content[index * fs.inode_size : (index + 1) * fs.inode_size]
            mode = struct.unpack_from("<H", raw, 0)[0]
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or len(latest) > _MOST_COPIES:
                continue
            try:
                inode = fs.parse(first + index, raw)
            except (ValueError, struct.error):
                continue
            if stat.S_ISDIR(mode):
                blocks_of.update(
                    {place // fs.block + one: inode.number for _, place, size in inode.pieces for one in range(min(size // fs.block, 64))}
                )
                continue
            if inode.number not in latest or transaction >= latest[inode.number][0]:
                latest[inode.number] = (transaction, inode)
            life = (inode.number, inode.generation)
            if inode.links and inode.size and inode.pieces and (life not in alive or transaction >= alive[life][0]):
                alive[life] = (transaction, inode)
    for block, entries in listed:
        own = next((inode for inode, name in entries if name == "."), blocks_of.get(block, 0))
        for inode, name in entries:
            if name not in (".", ".."):
                named.setdefault(inode, {})[own, name] = None
    paths = _Paths(fs, named)
    for (number, generation), (_, inode) in sorted(alive.items()):
        now, newest = fs.inode(number), latest[number][1]
        if fs.dirty and max(now.changed, now.deleted) <= newest.changed:
            now = newest
        if now.links > 0 and now.generation == generation:
            continue
        # What has the inode now says nothing of when this one went.
        at = next((one.deleted for one in (now, newest) if one.generation == generation and not one.links), 0)
        found = Deleted(inode, at)
        found.names = [paths.of(directory, name) for directory, name in list(named.get(number, {}))[:8]]
        yield found


class _Paths:
    """Paths of directories by their numbers, looked up as they are needed."""

    def __init__(self, fs: ExtFileSystem, named: dict[int, dict[tuple[int, str], None]]) -> None:
        self._fs = fs
        self._named = named
        self._known: dict[int, str] = {2: ""}

    def of(self, directory: int, name: str) -> str:
        """The path of a name in a directory, beginning with "?" where it is not known."""
        return f"{self._path(directory, 0)}/{name}"

    def _path(self, number: int, depth: int) -> str:
        if number not in self._known:
            self._known[number] = "?"
            self._known[number] = self._looked_up(number, depth)
        return self._known[number]

    def _looked_up(self, number: int, depth: int) -> str:
        if number == 0 or depth > 100:
            return "?"
        try:
            parent = next((inode for inode, name in self._entries(number) if name == ".."), 0)
            name = (
                next((name for inode, name in self._entries(parent) if inode == number and name not in (".", "..")), None)
                if parent
                else None
            )
        except (ValueError, struct.error):
            parent, name = 0, None
        if name is None:  # it is gone itself: what named it then
            before = next(iter(self._named.get(number, {})), None)
            if before is None:
                return "?"
            parent, name = before
        return f"{self._path(parent, depth + 1)}/{name}"

    def _entries(self, number: int) -> Iterator[tuple[int, str]]:
        inode = self._fs.inode(number)
        if not stat.S_ISDIR(inode.mode):
            return
        for _, place, length in inode.pieces[:1000]:
            for offset in range(place, place + length, self._fs.block):
                yield from directory_entries(self._fs.at(offset, self._fs.block))
