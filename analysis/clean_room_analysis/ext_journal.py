# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the journal of ext3 and ext4 still holds of deleted files: older copies of their inodes, and of the directories that named them.

The kernel empties an inode when its file is deleted; the copy that the journal took before says where the content lay. It stays until
the journal's ring comes round. Structures: kernel.org, "ext4 Data Structures and Algorithms" (directories, jbd2).
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from clean_room_analysis.ext_inodes import ExtFileSystem, Inode

_JOURNAL_MAGIC = 0xC03B3998
_DESCRIPTOR = 1
_LAST, _SAME_UUID, _ESCAPED = 8, 2, 1
#: Bounds on what damaged structures may ask for.
_MOST_BLOCKS = 1 << 20
_MOST_COPIES, _MOST_NAMES = 200_000, 500_000


@dataclass(slots=True)
class Deleted:
    """A file that is gone. `names` are the paths that directories gave it, as far as the journal tells; `at` when it went, 0 if unknown."""

    inode: Inode
    at: int
    names: list[str] = field(default_factory=list)


def journal_blocks(fs: ExtFileSystem) -> Iterator[tuple[int, int, bytes]]:
    """(transaction, block of the file system, content) of every copy that the journal still holds, in the order of the ring.

    @raises ValueError when it has no journal of its own
    """
    if not fs.journal:
        raise ValueError("it has no journal of its own, and so no older copies of inodes")
    inode = fs.inode(fs.journal)
    places: list[int] = []
    for _, place, length in inode.pieces:
        places += range(place, place + length, fs.block)
        if len(places) > _MOST_BLOCKS:
            break
    head = fs.at(places[0], 1024) if places else b""
    magic, _, _, size, _, first = struct.unpack_from(">IIIIII", head.ljust(24, b"\0"), 0)
    if magic != _JOURNAL_MAGIC or size != fs.block:
        raise ValueError("its journal has no superblock")
    features = struct.unpack_from(">I", head, 40)[0]
    index = max(1, first)
    while index < len(places):
        content = fs.at(places[index], fs.block)
        index += 1
        if struct.unpack_from(">II", content, 0) != (_JOURNAL_MAGIC, _DESCRIPTOR):
            continue
        transaction = struct.unpack_from(">I", content, 8)[0]
        for block, flags in _tags(content, features):
            if index >= len(places):
                return
            copy = fs.at(places[index], fs.block)
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
    for transaction, block, content in journal_blocks(fs):
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
