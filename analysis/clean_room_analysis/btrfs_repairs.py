# SPDX-License-Identifier: AGPL-3.0-or-later
"""What dissect.btrfs 1.10 does not read: dates before 1970, extended attributes; and where a damaged tree makes it go round for ever."""

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from dissect.btrfs import btrfs, tree

_XATTR_ITEM = 24


class Attribute:
    """One extended attribute, as dissect's users expect it."""

    def __init__(self, name: str, value: bytes) -> None:
        self.name = name
        self.value = value


def status(node: Any) -> dict[str, int | None]:
    """Owner, group, links and times of an inode as the kernel says them; times in nanoseconds since 1970."""

    def time_of(value: Any) -> int:
        seconds = int(value.sec)
        return (seconds - (1 << 64) if seconds >= 1 << 63 else seconds) * 1_000_000_000 + int(value.nsec)

    inode = node.inode
    return {
        "mode": node.mode,
        "user": node.uid,
        "group": node.gid,
        "links": inode.nlink,
        "accessed": time_of(inode.atime),
        "modified": time_of(inode.mtime),
        "changed": time_of(inode.ctime),
        "born": time_of(inode.otime),
    }


def _xattr(node: Any) -> list[Attribute]:
    found = []
    for _, data in node.subvolume.tree.cursor().iter(node.inum, _XATTR_ITEM, 0, ignore_offset=True):
        found += _attributes(bytes(data))
    return found


def _attributes(item: bytes) -> Iterator[Attribute]:
    """Names with the same hash share an item: key, transaction, lengths, type, name, value, one behind the other."""
    offset = 0
    while offset + 30 <= len(item):
        size, length = struct.unpack_from("<HH", item, offset + 25)
        start = offset + 30
        yield Attribute(item[start : start + length].decode(errors="surrogateescape"), item[start + length : start + length + size])
        offset = start + length + size


def _push(cursor: Any, address: int, initial_index: int = 0) -> None:
    """As dissect's, but a node that cannot be one is an error: an empty one, or one below itself, would be searched without end."""
    if len(cursor._path) > _LEVELS:
        raise ValueError("a tree of the file system is a circle")
    _original_push(cursor, address, initial_index)
    header = cursor._header
    size = 33 if header.level else 25
    if header.level > _LEVELS or 101 + int(header.nritems) * size > len(cursor._node) or (not header.nritems and len(cursor._path) > 1):
        raise ValueError("a tree of the file system is damaged")


def _search(cursor: Any, objectid: int | None = None, type: int | None = None, offset: int | None = None) -> bool:
    return bool(cursor._header.nritems) and bool(_original_search(cursor, objectid, type, offset))


_LEVELS = 8
_original_push, _original_search = tree.Cursor.push, tree.Cursor.search


def apply() -> None:
    """Adds the attributes to dissect's inodes, and bounds to its cursors."""
    cursor: Any = tree.Cursor
    cursor.push, cursor.search = _push, _search
    prop: Any = cached_property(_xattr)
    node: Any = btrfs.INode
    prop.__set_name__(node, "xattr")
    node.xattr = prop


apply()
