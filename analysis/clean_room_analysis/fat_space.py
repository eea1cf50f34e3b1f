# SPDX-License-Identifier: AGPL-3.0-or-later
"""What no file of a FAT file system has: free clusters, those called bad, chains that no directory names, what lies behind the ends of
files, and what no table speaks of.

Structures: Microsoft, "FAT: General Overview of On-Disk Format" (fatgen103). Where Windows and Linux differ, as Linux reads it:
entries behind the end mark of a directory are entries.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOST_CLUSTERS = 1 << 26
_LABEL, _DIRECTORY, _LONG_NAME = 0x8, 0x10, 0xF
_DELETED = 0xE5
_FREE = re.compile(rb"\0+")


@dataclass(frozen=True, slots=True)
class _Volume:
    """Sizes in bytes; `clusters` counts those that hold data, whose numbers begin at 2."""

    handle: BinaryIO
    cluster: int
    clusters: int
    data: int
    end: int
    bits: int
    tables: tuple[int, ...]
    table_bytes: int
    root_at: int
    root_bytes: int
    root_cluster: int

    def place(self, number: int) -> int:
        return self.data + (number - 2) * self.cluster


def free_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each run that no file has. @raises ValueError when the superblock or the table make no sense"""
    volume = _volume(handle)
    table = _entries(volume)
    owned = bytearray(volume.clusters + 2)
    owned[:2] = b"\1\1"
    tails: list[tuple[int, int]] = []
    _walk(volume, table, owned, tails)
    for run in _FREE.finditer(owned):
        yield volume.place(run.start()), (run.end() - run.start()) * volume.cluster
    yield from tails
    # Behind the entries that the tables need, and behind the last whole cluster.
    needed = -(-(volume.clusters + 2) * volume.bits // 8)
    for at in volume.tables:
        yield at + needed, volume.table_bytes - needed
    last = volume.place(volume.clusters + 2)
    if last < volume.end:
        yield last, volume.end - last
    first = _read(handle, volume.tables[0], volume.table_bytes)
    for at in volume.tables[1:]:
        if _read(handle, at, volume.table_bytes) != first:
            yield at, volume.table_bytes


def _read(handle: BinaryIO, offset: int, count: int) -> bytes:
    handle.seek(offset)
    return handle.read(count)


def _volume(handle: BinaryIO) -> _Volume:
    head = _read(handle, 0, 512)
    if len(head) < 512:
        raise ValueError("no superblock of FAT")
    sector, per_cluster, reserved, copies, root_entries, small, _, small_table = struct.unpack_from("<HBHBHHBH", head, 11)
    large, large_table, root_cluster = struct.unpack_from("<I", head, 32)[0], *struct.unpack_from("<I4xI", head, 36)
    sectors, table_sectors = small or large, small_table or large_table
    root_sectors = -(-root_entries * 32 // sector) if sector else 0
    first = reserved + copies * table_sectors + root_sectors
    if sector not in (512, 1024, 2048, 4096) or not per_cluster or not reserved or not copies or not table_sectors or first >= sectors:
        raise ValueError("the sizes in the superblock make no sense")
    clusters = (sectors - first) // per_cluster
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    if clusters > _MOST_CLUSTERS:
        raise ValueError(f"it has {clusters} clusters, of which this version reads {_MOST_CLUSTERS}")
    if table_sectors * sector * 8 < (clusters + 2) * bits:
        raise ValueError("its table is too small for its clusters")
    return _Volume(
        handle,
        sector * per_cluster,
        clusters,
        first * sector,
        sectors * sector,
        bits,
        tuple((reserved + copy * table_sectors) * sector for copy in range(copies)),
        table_sectors * sector,
        (first - root_sectors) * sector,
        root_sectors * sector,
        root_cluster if bits == 32 else 0,
    )


def _entries(volume: _Volume) -> "memoryview[int] | list[int]":
    """What the table says of each cluster by its number: the next one of its chain."""
    count = volume.clusters + 2
    raw = _read(volume.handle, volume.tables[0], -(-count * volume.bits // 8))
    if len(raw) * 8 < count * volume.bits:
        raise ValueError("its table lies outside the file system")
    if volume.bits == 12:
        raw += b"\0"
        return [struct.unpack_from("<H", raw, one + one // 2)[0] >> (4 if one & 1 else 0) & 0xFFF for one in range(count)]
    return memoryview(raw).cast("H" if volume.bits == 16 else "I")


def _walk(volume: _Volume, table: "memoryview[int] | list[int]", owned: bytearray, tails: list[tuple[int, int]]) -> None:
    """Marks the clusters that directories and files have; adds what lies behind the end of a file within its last cluster."""

    def take(number: int, most: int) -> Iterator[int]:
        """At most `most` clusters of a chain; it ends where another file has begun to own it."""
        while most > 0 and 2 <= number < len(owned) and not owned[number]:
            owned[number] = 1
            yield number
            number, most = table[number] & 0x0FFFFFFF, most - 1

    pending: list[bytes | int] = [_read(volume.handle, volume.root_at, volume.root_bytes)] if volume.root_bytes else [volume.root_cluster]
    while pending:
        one = pending.pop()
        content = (
            one
            if isinstance(one, bytes)
            else b"".join(_read(volume.handle, volume.place(number), volume.cluster) for number in take(one, len(owned)))
        )
        for at in range(0, len(content) - 31, 32):
            kind, first = content[at + 11], content[at]
            if first in (0, _DELETED) or kind & _LONG_NAME == _LONG_NAME or kind & _LABEL or content[at : at + 2] in (b". ", b".."):
                continue
            number = struct.unpack_from("<H", content, at + 26)[0]
            if volume.bits == 32:
                number |= (struct.unpack_from("<H", content, at + 20)[0] & 0x0FFF) << 16
            if kind & _DIRECTORY:
                pending.append(number)
                continue
            size = struct.unpack_from("<I", content, at + 28)[0]
            chain = list(take(number, -(-size // volume.cluster)))
            rest = size % volume.cluster
            if chain and rest and len(chain) * volume.cluster >= size:
                tails.append((volume.place(chain[-1]) + rest, volume.cluster - rest))
