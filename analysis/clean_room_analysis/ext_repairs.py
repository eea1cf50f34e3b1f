# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where dissect.extfs 3.15 reads ext2 to ext4 differently from the kernel, put right until a release of it does.

The differences: the inode with the highest number and a last directory entry of 12 bytes are passed over; owners above 65,535, dates
before 1970 and after 2038, extents that were reserved and not written, holes in indirect blocks, inline data of more than 60 bytes,
attributes in inodes of other sizes than 256, meta block groups and bigalloc. tests/test_raw_and_mounted.py compares with the kernel.
"""

import io
import stat
import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any, BinaryIO

from dissect.extfs import extfs
from dissect.extfs.c_ext import FILETYPES, XATTR_NAME_MAP, XATTR_PREFIX_MAP, c_ext
from dissect.util.stream import MappingStream, RunlistStream

from clean_room_analysis.ext_groups import group_descriptors

_INLINE = 0x10000000
_EXTENTS = 0x00080000
_XATTR_MAGIC = 0xEA020000
_ENTRIES = 1_000_000


def without_clusters(handle: BinaryIO) -> BinaryIO:
    """The file system with a superblock that says it has no clusters: they are about free space alone, but dissect refuses them."""
    handle.seek(0)
    head = bytearray(handle.read(4096))
    if len(head) < 2048 or head[1024 + 24 : 1024 + 28] == head[1024 + 28 : 1024 + 32]:
        return handle
    head[1024 + 28 : 1024 + 32] = head[1024 + 24 : 1024 + 28]
    size = handle.seek(0, io.SEEK_END)
    stream = MappingStream(size)
    stream.add(0, len(head), io.BytesIO(head), 0)
    stream.add(len(head), size - len(head), handle, len(head))
    return io.BufferedReader(stream)


def _raw_inode(node: Any) -> bytes:
    """The whole inode, as large as the file system makes them."""
    fs = node.extfs
    group, index = divmod(node.inum - 1, fs.sb.s_inodes_per_group)
    descriptor = fs._read_group_desc(group)
    table = descriptor.bg_inode_table_lo
    if fs._group_desc_struct == c_ext.ext4_group_desc:
        table |= descriptor.bg_inode_table_hi << 32
    fs.fh.seek(table * fs.block_size + index * fs.sb.s_inode_size)
    return bytes(fs.fh.read(fs.sb.s_inode_size))


def _inode(node: Any) -> Any:
    # Padded: the structure is one of 256 bytes, and reads on into the next inode where they are smaller.
    raw = _raw_inode(node)
    if len(raw) < 128:
        raise extfs.Error("the inode lies outside the file system")
    return c_ext.ext4_inode(io.BytesIO(raw[:256].ljust(512, b"\0")))


def status(node: Any) -> dict[str, int | None]:
    """Owner, group, links and times of an inode as the kernel says them; times in nanoseconds since 1970."""
    raw = _raw_inode(node)
    mode, low_user = struct.unpack_from("<HH", raw, 0)
    accessed, changed, modified = struct.unpack_from("<iii", raw, 8)
    low_group, links = struct.unpack_from("<HH", raw, 24)
    high_user, high_group = struct.unpack_from("<HH", raw, 120)
    extra = struct.unpack_from("<H", raw, 128)[0] if len(raw) > 132 else 0

    def time_of(seconds: int, place: int) -> int:
        if place + 4 > 128 + extra or place + 4 > len(raw):
            return seconds * 1_000_000_000
        more = struct.unpack_from("<I", raw, place)[0]
        return (seconds + ((more & 3) << 32)) * 1_000_000_000 + (more >> 2)

    born = time_of(struct.unpack_from("<i", raw, 144)[0], 148) if extra >= 20 and len(raw) >= 148 else None
    return {
        "mode": mode,
        "user": low_user | high_user << 16,
        "group": low_group | high_group << 16,
        "links": links,
        "accessed": time_of(accessed, 140),
        "modified": time_of(modified, 136),
        "changed": time_of(changed, 132),
        "born": born,
    }


def _iterdir(node: Any) -> Iterator[Any]:
    if node.filetype != stat.S_IFDIR:
        raise extfs.NotADirectoryError(f"{node!r} is not a directory")
    fs = node.extfs
    if node.inode.i_flags & _INLINE:
        # The parent's number in place of the two first entries; what does not fit into the inode is an attribute.
        content = _inline(node)
        yield from _entries(node, content[4:60])
        yield from _entries(node, content[60:])
        return
    handle = node.open()
    for _ in range(-(-node.size // fs.block_size)):
        # Entries do not cross blocks.
        yield from _entries(node, handle.read(fs.block_size))


def _entries(node: Any, block: bytes) -> Iterator[Any]:
    fs = node.extfs
    typed = fs._dirtype == c_ext.ext2_dir_entry_2
    offset = 0
    while offset + 8 <= len(block):
        number, length, name_length, kind = struct.unpack_from("<IHBB", block, offset)
        if length in (0, 0xFFFC, 0xFFFF) and fs.block_size >= 65536:
            length = len(block) - offset
        if length < 8 or length % 4 or offset + length > len(block):
            if not any(block[offset:]):
                return  # a block that was never written
            raise extfs.Error(f"a directory entry of {node!r} is damaged")
        if not typed:
            name_length |= kind << 8
        if 0 < number <= fs.sb.s_inodes_count and 0 < name_length <= length - 8:
            name = block[offset + 8 : offset + 8 + name_length].decode(errors="surrogateescape")
            yield fs.get_inode(number, name, FILETYPES.get(kind) if typed else None)
        offset += length


def _inline(node: Any) -> bytes:
    content = bytes(node.inode.i_block)
    for attribute in node.xattr:
        if attribute.name == "system.data":
            content += attribute.value
    return content


def _open(node: Any) -> BinaryIO:
    inline = node.inode.i_flags & _INLINE
    if inline or (node.filetype == stat.S_IFLNK and node.size < 60):
        buffer = io.BytesIO((_inline(node) if inline else bytes(node.inode.i_block))[: node.size])
        buffer.size = node.size  # type: ignore[attr-defined]
        return buffer
    return RunlistStream(node.extfs.fh, node.dataruns(), node.size, node.extfs.block_size)


def _dataruns(node: Any) -> list[tuple[int | None, int]]:
    if node._runlist is None:
        blocks = -(-node.size // node.extfs.block_size)
        node._runlist = _runs_of_extents(node, blocks) if node.inode.i_flags & _EXTENTS else _runs_of_blocks(node, blocks)
    return list(node._runlist)


def _runs_of_extents(node: Any, blocks: int) -> list[tuple[int | None, int]]:
    runs: list[tuple[int | None, int]] = []
    at = 0
    for extent in extfs._parse_extents(node, io.BytesIO(node.inode.i_block)):
        if extent.ee_block < at:
            raise extfs.Error(f"the extents of {node!r} are out of order")
        if extent.ee_block > at:
            runs.append((None, extent.ee_block - at))
        written = extent.ee_len <= 0x8000
        count = extent.ee_len if written else extent.ee_len - 0x8000
        runs.append(((extent.ee_start_hi << 32) | extent.ee_start_lo if written else None, count))
        at = extent.ee_block + count
    if at < blocks:
        runs.append((None, blocks - at))
    return runs


def _runs_of_blocks(node: Any, blocks: int) -> list[tuple[int | None, int]]:
    runs: list[tuple[int | None, int]] = []

    def add(block: int | None, count: int) -> None:
        if runs and (runs[-1][0] is None) == (block is None):
            start, length = runs[-1]
            if start is None or start + length == block:
                runs[-1] = (start, length + count)
                return
        runs.append((block, count))

    each = node.extfs.block_size // 4
    left = blocks

    def visit(pointer: int, level: int) -> None:
        nonlocal left
        covers = min(left, each**level)
        if pointer == 0 or level == 0:
            add(pointer or None, covers)
            left -= covers
            return
        node.extfs.fh.seek(pointer * node.extfs.block_size)
        for below in struct.unpack(f"<{each}I", node.extfs.fh.read(node.extfs.block_size)):
            if left <= 0:
                return
            visit(below, level - 1)

    pointers = struct.unpack("<15I", bytes(node.inode.i_block))
    for index, pointer in enumerate(pointers):
        if left <= 0:
            break
        visit(pointer, max(0, index - 11))
    if left > 0:
        add(None, left)
    return runs


class Attribute:
    """One extended attribute, as dissect's users expect it."""

    def __init__(self, name: str, value: bytes) -> None:
        self.name = name
        self.value = value


def _xattr(node: Any) -> list[Attribute]:
    raw = _raw_inode(node)
    found = []
    extra = struct.unpack_from("<H", raw, 128)[0] if len(raw) > 132 else 0
    start = 128 + extra
    if extra and start + 4 <= len(raw) and struct.unpack_from("<I", raw, start)[0] == _XATTR_MAGIC:
        found += _attributes(node, raw[start + 4 :], 0)
    block = node.inode.i_file_acl_lo | node.inode.i_file_acl_high << 32
    if block:
        node.extfs.fh.seek(block * node.extfs.block_size)
        content = node.extfs.fh.read(node.extfs.block_size)
        if struct.unpack_from("<I", content, 0)[0] != _XATTR_MAGIC:
            raise extfs.Error("the block of extended attributes is damaged")
        found += _attributes(node, content, 32)
    return found


def _attributes(node: Any, area: bytes, first: int) -> Iterator[Attribute]:
    """The attributes of an area whose entries begin at `first`; values lie at offsets from its start."""
    offset = first
    while offset + 16 <= len(area) and struct.unpack_from("<I", area, offset)[0]:
        length, kind, place, elsewhere, size = struct.unpack_from("<BBHII", area, offset)
        name = area[offset + 16 : offset + 16 + length].decode(errors="surrogateescape")
        if elsewhere:
            value = node.extfs.get_inode(elsewhere).open().read(size)
        else:
            value = area[place : place + size]
        yield Attribute(XATTR_PREFIX_MAP.get(kind, "") + XATTR_NAME_MAP.get(kind, name), bytes(value))
        offset += (16 + length + 3) & ~3


def _read_group_desc(fs: Any, number: int) -> Any:
    if number >= fs.groups_count:
        raise extfs.Error("Group number exceeds amount of groups")
    known = getattr(fs, "_descriptors", None)
    if known is None:
        fs.fh.seek(1024)
        known = fs._descriptors = group_descriptors(fs.fh.read(1024))
    fs.fh.seek(known.place(number))
    return fs._group_desc_struct(fs.fh)


def apply() -> None:
    """Puts the repairs in the place of what they repair."""
    node: Any = extfs.INode
    for name, function in (("inode", _inode), ("xattr", _xattr)):
        prop: Any = cached_property(function)
        prop.__set_name__(node, name)
        setattr(node, name, prop)
    node.iterdir = _iterdir
    node.open = _open
    node.dataruns = _dataruns
    fs: Any = extfs.ExtFS
    fs._read_group_desc = _read_group_desc


apply()
