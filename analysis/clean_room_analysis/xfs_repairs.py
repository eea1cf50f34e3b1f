# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where dissect.xfs 3.13 reads XFS differently from the kernel, put right until a release of it does.

The differences: directory blocks larger than blocks, extended attributes (not read at all), extents that were reserved and not
written, dates before 1970, symbolic links that do not fit into the inode, files on a realtime device.
tests/test_raw_and_mounted.py compares with the kernel.
"""

import errno
import stat
import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from dissect.util.stream import RunlistStream
from dissect.xfs import xfs
from dissect.xfs.c_xfs import FILETYPES

_LOCAL, _EXTENTS, _BTREE = 1, 2, 3
_DIRECTORY_MAGIC = {b"XD2B": 16, b"XD2D": 16, b"XDB3": 64, b"XDD3": 64}
#: Behind this byte of a directory there are its indexes, not its entries.
_LEAVES_AT = 32 * 1024**3
_REALTIME = 0x1


def status(node: Any) -> dict[str, int | None]:
    """Owner, group, links and times of an inode as the kernel says them; times in nanoseconds since 1970."""
    inode = node.inode
    big = node._has_bigtime()

    def time_of(value: int) -> int:
        if big:
            seconds, nanoseconds = divmod(value, 1_000_000_000)
            return (seconds - (1 << 31)) * 1_000_000_000 + nanoseconds
        seconds, nanoseconds = struct.unpack(">iI", struct.pack(">Q", value & (1 << 64) - 1))
        return int(seconds) * 1_000_000_000 + int(nanoseconds)

    return {
        "mode": inode.di_mode,
        "user": inode.di_uid,
        "group": inode.di_gid,
        "links": inode.di_nlink if inode.di_version > 1 else inode.di_onlink,
        "accessed": time_of(inode.di_atime),
        "modified": time_of(inode.di_mtime),
        "changed": time_of(inode.di_ctime),
        # Inodes of version 3 alone say when they were made.
        "born": time_of(inode.di_crtime) if inode.di_version >= 3 else None,
    }


_iterdir_of_dissect = xfs.INode.iterdir


def _iterdir(node: Any) -> Iterator[Any]:
    if node.filetype != stat.S_IFDIR or node.inode.di_format == _LOCAL:
        yield from _iterdir_of_dissect(node)
        return
    size = node.xfs.block_size << node.xfs.sb.sb_dirblklog
    handle = node.open()
    for start in range(0, min(node.size, _LEAVES_AT), size):
        handle.seek(start)
        block = handle.read(size)
        header = _DIRECTORY_MAGIC.get(block[:4])
        if header is None:
            if any(block):
                raise xfs.Error(f"a block of the directory {node!r} is damaged")
            continue
        end = len(block)
        if block[3:4] == b"B" or block[2:3] == b"B":  # one block alone: its index lies at its end
            end -= 8 + 8 * struct.unpack_from(">I", block, len(block) - 8)[0]
        yield from _entries(node, block, header, end)


def _entries(node: Any, block: bytes, offset: int, end: int) -> Iterator[Any]:
    typed = bool(node.xfs._has_ftype)
    while offset + 8 <= end:
        if block[offset : offset + 2] == b"\xff\xff":
            length = struct.unpack_from(">H", block, offset + 2)[0]
            if length < 8:
                raise xfs.Error(f"a free entry of the directory {node!r} is damaged")
            offset += length
            continue
        number, length = struct.unpack_from(">QB", block, offset)
        name = block[offset + 9 : offset + 9 + length]
        if length == 0 or len(name) < length:
            raise xfs.Error(f"an entry of the directory {node!r} is damaged")
        kind = FILETYPES.get(block[offset + 9 + length]) if typed else None
        yield node.xfs.get_inode(number, name.decode(errors="surrogateescape"), kind)
        # Number, length, name, type, tag; to the next multiple of eight.
        offset += (8 + 1 + length + typed + 2 + 7) & ~7


def _dataruns(node: Any) -> list[tuple[int | None, int]]:
    return _runs(node, node._iter_blocks(), -(-node.size // node.xfs.block_size))


def _runs(node: Any, extents: Iterator[tuple[int, int, int, int]], blocks: int) -> list[tuple[int | None, int]]:
    runs: list[tuple[int | None, int]] = []
    at = 0
    for offset, block, count, unwritten in extents:
        if offset < at:
            raise xfs.Error(f"the extents of {node!r} are out of order")
        if offset > at:
            runs.append((None, offset - at))
        group, within = xfs.fsb_to_bb(block, node.ag.sb.sb_agblklog)
        runs.append((None if unwritten else group * node.xfs.sb.sb_agblocks + within, count))
        at = offset + count
    if at < blocks:
        runs.append((None, blocks - at))
    return runs


def _link(node: Any) -> str:
    if node.filetype != stat.S_IFLNK:
        raise xfs.NotASymlinkError(f"{node!r} is not a symlink")
    if node.inode.di_format == _LOCAL:
        return str(node.open().read().decode(errors="surrogateescape"))
    runs = node.dataruns
    blocks = RunlistStream(node.xfs.fh, runs, sum(count for _, count in runs) * node.xfs.block_size, node.xfs.block_size)
    content = b""
    while len(content) < node.size and (block := blocks.read(node.xfs.block_size)):
        content += block[56:] if block[:4] == b"XSLM" else block
    return content[: node.size].decode(errors="surrogateescape")


_open_of_dissect = xfs.INode.open


def _open(node: Any) -> Any:
    if node.inode.di_flags & _REALTIME and node.inode.di_format != _LOCAL:
        raise OSError(errno.ENXIO, "its content lies on a realtime device, which is not among the volumes")
    return _open_of_dissect(node)


class Attribute:
    """One extended attribute, as dissect's users expect it."""

    def __init__(self, name: str, value: bytes) -> None:
        self.name = name
        self.value = value


def _attribute(flags: int, name: bytes, value: bytes) -> Attribute:
    prefix = "security." if flags & 0x4 else "trusted." if flags & 0x2 else "user."
    return Attribute(prefix + name.decode(errors="surrogateescape"), value)


def _xattr(node: Any) -> list[Attribute]:
    if not node.inode.di_forkoff:
        return []
    fork = node.attrfork()
    if node.inode.di_aformat == _LOCAL:
        return list(_short_attributes(fork.read(fork.size)))
    blocks = _attribute_stream(node, fork)
    return list(_long_attributes(node, blocks))


def _short_attributes(area: bytes) -> Iterator[Attribute]:
    total, count = struct.unpack_from(">HB", area, 0)
    offset = 4
    for _ in range(count):
        if offset + 3 > min(total, len(area)):
            return
        name, value, flags = struct.unpack_from(">BBB", area, offset)
        start = offset + 3
        if not flags & 0x8:  # a pointer to the parent directory is no attribute
            yield _attribute(flags, area[start : start + name], area[start + name : start + name + value])
        offset = start + name + value


def _attribute_stream(node: Any, fork: Any) -> Any:
    if node.inode.di_aformat == _EXTENTS:
        raw = fork.read(node.attr_extents * 16)
        extents = [xfs.parse_fsblock(raw[at : at + 16]) for at in range(0, len(raw) - 15, 16)]
    elif node.inode.di_aformat == _BTREE:
        _, records = struct.unpack(">HH", fork.read(4))
        most = (fork.size - 4) // 16
        fork.seek(4 + most * 8)
        pointers = struct.unpack(f">{records}Q", fork.read(8 * records))
        extents = [one for pointer in pointers for one in node.ag.walk_extents(pointer)]
    else:
        raise xfs.Error(f"the attributes of {node!r} have an unknown format")
    runs = _runs(node, iter(extents), 0)
    size = sum(count for _, count in runs) * node.xfs.block_size
    return RunlistStream(node.xfs.fh, runs, size, node.xfs.block_size)


def _long_attributes(node: Any, stream: Any) -> Iterator[Attribute]:
    size = node.xfs.block_size
    for start in range(0, stream.size, size):
        stream.seek(start)
        block = stream.read(size)
        magic = block[8:10]
        if magic not in (b"\x3b\xee", b"\xfb\xee"):
            continue
        crc = magic == b"\x3b\xee"
        (count,) = struct.unpack_from(">H", block, 56 if crc else 12)
        table = 80 if crc else 32
        for index in range(min(count, (size - table) // 8)):
            place, flags = struct.unpack_from(">HB", block, table + index * 8 + 4)
            if place + 9 > size or flags & (0x8 | 0x80):  # a parent pointer, or being written
                continue
            if flags & 0x1:
                length, name = struct.unpack_from(">HB", block, place)
                yield _attribute(flags, block[place + 3 : place + 3 + name], block[place + 3 + name : place + 3 + name + length])
            else:
                at, length, name = struct.unpack_from(">IIB", block, place)
                yield _attribute(flags, block[place + 9 : place + 9 + name], _remote(stream, at * size, length, size, crc))


def _remote(stream: Any, offset: int, length: int, size: int, crc: bool) -> bytes:
    if not crc:
        stream.seek(offset)
        return bytes(stream.read(min(length, 65536)))
    value = b""
    while len(value) < min(length, 65536):
        stream.seek(offset)
        block = stream.read(size)
        if block[:4] != b"XARM":
            break
        value += block[56:]
        offset += size
    return value[:length]


def apply() -> None:
    """Puts the repairs in the place of what they repair."""
    node: Any = xfs.INode
    for name, function in (("dataruns", _dataruns), ("link", _link), ("xattr", _xattr)):
        prop: Any = cached_property(function)
        prop.__set_name__(node, name)
        setattr(node, name, prop)
    node.iterdir = _iterdir
    node.open = _open


apply()
