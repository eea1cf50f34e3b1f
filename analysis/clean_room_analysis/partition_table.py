# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads partition tables: GPT (both copies, each with its checksums), MBR with its extended chain, and both together.

Whatever a damaged or deliberately wrong table says, every partition that any valid copy of it names is listed, and what is odd
about the table is said. Nothing here depends on what lies inside the partitions.
"""

import struct
import uuid
import zlib
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from clean_room_analysis import limits

_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
#: The type of the partition in which GRUB keeps its core image on a disk with a GPT.
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"


@dataclass(frozen=True, slots=True)
class Partition:
    """One entry of a table, in bytes. `number` as the victim's kernel counts; `kind` the GPT type GUID or "mbr-83";
    `uuid` and `name` as fstab's PARTUUID and PARTLABEL say them."""

    number: int
    offset: int
    size: int
    kind: str
    uuid: str | None = None
    name: str | None = None


@dataclass(slots=True)
class Table:
    """What the tables of one disk say together. `spans` are the (offset, size) of the tables themselves; `problems` what is
    wrong with them and is told; `damaged` is True when entries may be missing because no valid copy was left."""

    kinds: list[str] = field(default_factory=list)
    partitions: list[Partition] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    damaged: bool = False
    #: What the tables name and the disk does not have: it is truncated, or they are another's.
    lacking: list[str] = field(default_factory=list)
    sector: int = 512
    #: Whether another partition of the same place and size is known already, from any table.
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def add(self, partition: Partition) -> bool:
        """Keeps a partition once, whichever tables name it. @returns whether it was new"""
        key = (partition.offset, partition.size)
        if key in self._seen:
            return False
        self._seen.add(key)
        self.partitions.append(partition)
        return True


@dataclass(frozen=True, slots=True)
class _Header:
    here: int
    other: int
    entries_at: int
    count: int
    entry_size: int
    entries: bytes
    valid: bool


def read_table(handle: BinaryIO, size: int) -> Table:
    """The partition table of a disk of `size` bytes; no partitions when there is none."""
    table = Table()
    for sector in (512, 4096):
        _read_gpt(handle, size, sector, table)
        if table.kinds:
            table.sector = sector
            break
    _read_mbr(handle, size, table)
    table.partitions.sort(key=lambda one: (one.offset, one.size))
    return table


def _read(handle: BinaryIO, offset: int, count: int) -> bytes:
    handle.seek(offset)
    return handle.read(count)


def _header(handle: BinaryIO, size: int, sector: int, at: int, problems: list[str]) -> _Header | None:
    """The GPT header at sector number `at`; None when none is there. Its entries are read only when its own checksum holds."""
    if at <= 0 or (at + 1) * sector > size:
        return None
    raw = _read(handle, at * sector, sector)
    if raw[:8] != b"EFI PART" or len(raw) < 92:
        return None
    length, checksum = struct.unpack_from("<II", raw, 12)
    here, other = struct.unpack_from("<QQ", raw, 24)
    entries_at, count, entry_size, entries_checksum = struct.unpack_from("<QIII", raw, 72)
    valid = 92 <= length <= sector and zlib.crc32(raw[:16] + b"\0\0\0\0" + raw[20:length]) == checksum and here == at
    if not 128 <= entry_size <= 4096 or entry_size % 8:
        return _Header(at, other, entries_at, 0, 128, b"", False)
    if count > limits.PARTITIONS:
        problems.append(f"the GPT at sector {at} has room for {count} partitions, of which {limits.PARTITIONS} were read")
    entries = _read(handle, entries_at * sector, min(count, limits.PARTITIONS) * entry_size) if entries_at * sector < size else b""
    valid = valid and len(entries) == count * entry_size and zlib.crc32(entries) == entries_checksum
    return _Header(at, other, entries_at, count, entry_size, entries, valid)


def _read_gpt(handle: BinaryIO, size: int, sector: int, table: Table) -> None:
    problems: list[str] = []
    last = size // sector - 1
    primary = _header(handle, size, sector, 1, problems)
    places = dict.fromkeys([primary.other if primary is not None and primary.valid else last, last])
    copies = [one for one in (_header(handle, size, sector, at, problems) for at in places) if one is not None and one.here != 1]
    backup = next((one for one in copies if one.valid), copies[0] if copies else None)
    headers = [one for one in (primary, backup) if one is not None]
    if not headers:
        return
    table.kinds.append("GPT")
    valid = [one for one in headers if one.valid]
    if primary is None or not primary.valid:
        problems.append("the primary GPT is damaged or missing" + (": its backup was read" if valid else ""))
    if backup is None or not backup.valid:
        problems.append("the backup GPT is damaged or missing")
    if not valid:
        table.damaged = True
        problems.append("no copy of the GPT has the right checksums: what the damaged ones say was read")
    for header in valid or headers:
        new = sum(table.add(one) for one in _entries(header, size, sector, table.lacking))
        if header is not (valid or headers)[0] and new:
            problems.append(f"the two copies of the GPT differ: {new} partitions are in the backup alone")
    for header in headers:
        table.spans.append((header.here * sector, sector))
        # Of a damaged copy that much which the sound one says as well: it could call anything its entries.
        if header.valid or not valid or header.entries == valid[0].entries:
            table.spans += _owned_entries(header, sector)
    if primary is not None and primary.valid and primary.other > last:
        missing = (primary.other - last) * sector
        table.lacking.append(f"the disk ends {missing} bytes before its GPT says: it is truncated, or was copied to a smaller one")
    # Where the primary header is gone, its entries may still be there: they are what they are when they equal the backup's.
    for one in valid:
        if primary is None and one.entries and _read(handle, 2 * sector, len(one.entries)) == one.entries:
            table.spans += _owned_entries(replace(one, entries_at=2), sector)
    table.problems += problems


def _owned_entries(header: _Header, sector: int) -> list[tuple[int, int]]:
    """The (offset, size) of the entries that are used or empty. What else stands there is judged as everything that nobody owns."""
    spans: list[tuple[int, int]] = []
    for index in range(len(header.entries) // header.entry_size):
        raw = header.entries[index * header.entry_size : (index + 1) * header.entry_size]
        if any(raw[128:] if any(raw[:16]) else raw):
            continue
        at = header.entries_at * sector + index * header.entry_size
        if spans and sum(spans[-1]) == at:
            spans[-1] = (spans[-1][0], spans[-1][1] + header.entry_size)
        else:
            spans.append((at, header.entry_size))
    return spans


def _entries(header: _Header, size: int, sector: int, lacking: list[str]) -> list[Partition]:
    """The partitions of one copy; what lies behind the end of the disk is added to `lacking`."""
    found = []
    for index in range(len(header.entries) // header.entry_size):
        raw = header.entries[index * header.entry_size : (index + 1) * header.entry_size]
        if raw[:16] == bytes(16):
            continue
        first, final = struct.unpack_from("<QQ", raw, 32)
        if not 0 < first <= final or first * sector >= size:
            said = f"partition {index + 1} of the GPT lies outside the disk"
            lacking += [] if said in lacking else [said]
            continue
        name = raw[56:128].decode("utf-16-le", "replace").split("\0")[0] or None
        identity = str(uuid.UUID(bytes_le=raw[16:32]))
        found.append(Partition(index + 1, first * sector, (final - first + 1) * sector, str(uuid.UUID(bytes_le=raw[:16])), identity, name))
    return found


def _read_mbr(handle: BinaryIO, size: int, table: Table) -> None:
    raw = _read(handle, 0, 512)
    if raw[510:512] != b"\x55\xaa" or any(raw[446 + 16 * index] not in (0, 0x80) for index in range(4)):
        return
    # The kernel counts sectors of the disk's own size, which an image does not tell: the GPT's, else 512.
    sector = table.sector
    identity = struct.unpack_from("<I", raw, 440)[0]
    extended: list[tuple[int, int]] = []
    real = 0
    for index in range(4):
        kind, first, count = _mbr_entry(raw, index)
        if kind == 0 or count == 0:
            continue
        if kind == _PROTECTIVE:
            if not table.kinds:
                table.problems.append("the MBR announces a GPT, of which neither copy was found")
                table.damaged = True
            continue
        offset = first * sector
        if not 0 < offset < size:
            table.lacking.append(f"partition {index + 1} of the MBR lies outside the disk")
            continue
        real += 1
        if kind in _EXTENDED:
            extended.append((offset, count * sector))
        else:
            table.add(Partition(index + 1, offset, count * sector, f"mbr-{kind:02x}", f"{identity:08x}-{index + 1:02x}"))
    if real:
        table.kinds.append("MBR")
        table.spans.append((0, 512))
    elif table.kinds:
        table.spans.append((0, 512))  # protective
    number = 5
    for start, length in extended:
        number = _chain(handle, size, sector, start, length, number, identity, table)


def _mbr_entry(raw: bytes, index: int) -> tuple[int, int, int]:
    entry = raw[446 + 16 * index : 462 + 16 * index]
    first, count = struct.unpack_from("<II", entry, 8)
    return entry[4], first, count


def _chain(handle: BinaryIO, size: int, sector: int, start: int, length: int, number: int, identity: int, table: Table) -> int:
    """The logical partitions of one extended partition. @returns the number of the next one"""
    at, visited = start, set[int]()
    while at not in visited:
        visited.add(at)
        if len(visited) > limits.PARTITIONS:
            table.problems.append(f"only the first {limits.PARTITIONS} logical partitions were read")
            table.damaged = True
            break
        raw = _read(handle, at, 512) if 0 < at < size else b""
        if raw[510:512] != b"\x55\xaa":
            table.problems.append(f"the chain of logical partitions is broken at byte {at}")
            table.damaged = True
            break
        table.spans.append((at, 512))
        following = None
        for index in range(4):
            kind, first, count = _mbr_entry(raw, index)
            if kind in _EXTENDED and following is None:
                following = start + first * sector
            elif kind and count and not 0 < at + first * sector < size:
                table.lacking.append(f"logical partition {number} lies outside the disk")
                number += 1
            elif kind and count:
                table.add(Partition(number, at + first * sector, count * sector, f"mbr-{kind:02x}", f"{identity:08x}-{number:02x}"))
                number += 1
        if following is None:
            break
        at = following
    return number
