# SPDX-License-Identifier: AGPL-3.0-or-later
"""What no extent of a btrfs file system has: its extent tree against its chunks, on one device.

The trees are read by dissect; nodes are taken apart here, since its objects would take minutes for millions of extents.
Structures: kernel.org, "btrfs on-disk format" (btrfs.readthedocs.io/en/latest/dev/On-disk-format.html).
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from dissect.btrfs import btrfs

from clean_room_analysis import btrfs_repairs

_EXTENT_TREE = 2
_EXTENT_ITEM, _METADATA_ITEM = 168, 169
_HEADER, _ITEM, _POINTER = 101, 25, 33
_SUPERBLOCKS = (0x10000, 0x4000000, 0x4000000000)
_MOST_NODES = 10_000_000


def opened(handle: BinaryIO) -> btrfs.Btrfs:
    """A file system, with the repairs in force that end what damage would make endless. dissect raises what damage leads to"""
    btrfs_repairs.apply()
    return btrfs.Btrfs(handle)


def free_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each run of the device that no extent has, the space before the first chunk too.

    @raises ValueError when it lies on several devices or stripes, or a tree is damaged; dissect raises more
    """
    size = handle.seek(0, 2)
    system = opened(handle)
    chunks = [(one.offset, one.length, [stripe.offset for stripe in one.stripes]) for one in system._logical_fh.chunks]
    for one in system._logical_fh.chunks:
        copies = len(one.stripes) // max(1, one.data_stripes)
        if len(system.devices) > 1 or one.data_stripes != 1 or copies != len(one.stripes):
            raise ValueError("its content is striped, or lies on several devices")
    used = [(place, 4096) for place in _SUPERBLOCKS]
    index = 0
    for logical, length in sorted(_extents(system)):
        while index < len(chunks) and chunks[index][0] + chunks[index][1] <= logical:
            index += 1
        if index < len(chunks) and chunks[index][0] <= logical:
            start, _, stripes = chunks[index]
            used += [(stripe + logical - start, length) for stripe in stripes]
    at = 0
    end = min(size, int(system.sb.dev_item.total_bytes))
    for place, length in sorted(used):
        if at < place <= end:
            yield at, place - at
        at = max(at, place + length)
    if at < end:
        yield at, end - at


def _extents(system: btrfs.Btrfs) -> Iterator[tuple[int, int]]:
    """(logical address, bytes) of every extent, of data and of trees."""
    for logical, kind, length, _ in leaf_items(system, int(system._open_tree(_EXTENT_TREE).root_offset)):
        if kind in (_EXTENT_ITEM, _METADATA_ITEM):
            yield logical, length if kind == _EXTENT_ITEM else system.node_size


def leaf_items(system: btrfs.Btrfs, root: int) -> Iterator[tuple[int, int, int, memoryview]]:
    """(object, type, offset, content) of every item of a tree, in no order. @raises ValueError when it is damaged"""
    pending, seen = [root], set[int]()
    while pending:
        address = pending.pop()
        if address in seen or len(seen) > _MOST_NODES:
            raise ValueError("a tree of the file system is a circle")
        seen.add(address)
        node = memoryview(system._read_node(address))
        if len(node) < system.node_size or struct.unpack_from("<Q", node, 48)[0] != address:
            raise ValueError("a tree of the file system is damaged")
        count, level = struct.unpack_from("<IB", node, 96)
        if _HEADER + count * (_POINTER if level else _ITEM) > len(node):
            raise ValueError("a tree of the file system is damaged")
        for index in range(count):
            if level:
                pending.append(struct.unpack_from("<Q", node, _HEADER + index * _POINTER + 17)[0])
                continue
            number, kind, offset, place, size = struct.unpack_from("<QBQII", node, _HEADER + index * _ITEM)
            yield number, kind, offset, node[_HEADER + place : _HEADER + place + size]
