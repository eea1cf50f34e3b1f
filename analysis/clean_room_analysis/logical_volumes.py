# SPDX-License-Identifier: AGPL-3.0-or-later
"""The logical volumes of LVM: where their extents lie, on one disk or on several.

Most logical volumes are linear and lie in one piece: such a one is a part of the disk like a partition, and is mounted, replayed
and read like one. Those that were extended, are striped, or span several volumes are read through a stream over their pieces.
"""

import io
import re
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from dissect.util.stream import AlignedStream, MappingStream, RangeStream
from dissect.volume.lvm import LVM2
from dissect.volume.lvm.metadata import LogicalVolume, StripedSegment
from dissect.volume.lvm.physical import LVM2Device, parse_metadata

from clean_room_analysis.errors import cause_of
from clean_room_analysis import limits

_SECTOR = 512
_CRC_START = 0xF597A6CF


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of a logical volume: `start` and `length` in bytes of the volume; `stripes` the (physical volume's id, byte in it)
    among which chunks of `chunk` bytes go round. One stripe is a linear run."""

    start: int
    length: int
    stripes: tuple[tuple[str, int], ...]
    chunk: int


@dataclass(frozen=True, slots=True)
class LogicalVolumePlace:
    """A logical volume by its name, `group/volume`.

    `offset` is where it lies in bytes from the start of the physical volume, None when it is in several pieces or elsewhere.
    `extents` is empty for kinds that are not read (thin, cache, RAID); `kind` is LVM's word for it.
    """

    name: str
    offset: int | None
    size: int
    kind: str = "linear"
    extents: tuple[Extent, ...] = ()
    visible: bool = True


@dataclass(frozen=True, slots=True)
class PhysicalVolume:
    """What the metadata on one physical volume says: its own id, the group, where extents begin, and all logical volumes."""

    identity: str
    group: str
    data_offset: int
    volumes: tuple[LogicalVolumePlace, ...]
    #: (first byte, bytes) of metadata behind the extents, from the start of the physical volume.
    metadata_behind: tuple[tuple[int, int], ...] = ()


def physical_volume(handle: BinaryIO, offset: int, size: int) -> PhysicalVolume:
    """Reads the metadata of the physical volume at `offset`. @raises ValueError when it is not that of LVM2, or damaged"""
    try:
        device = LVM2Device(_ends(handle, offset, size))
        text = _metadata_text(device)
        if text is None:
            raise ValueError("it belongs to no group, or its group's metadata lies on other volumes")
        device.metadata = parse_metadata(text)
        for value in device.metadata.values():
            if isinstance(value, dict):
                value.setdefault("logical_volumes", {})  # a group that was just made has none
        lvm = LVM2(device)
        group = lvm.volume_group
        own = next(iter(lvm.devices))
        identities = {name: volume.id.replace("-", "") for name, volume in group.physical_volumes.items()}
        starts = {identities[name]: volume.pe_start * _SECTOR for name, volume in group.physical_volumes.items()}
        extent = group.extent_size * _SECTOR
        if own not in starts or extent <= 0:
            raise ValueError("the group does not know this physical volume")
        places = tuple(_place(volume, extent, own, identities, starts, size) for volume in group.lv[: limits.LOGICAL_VOLUMES])
        areas = [(int(header.start), int(header.size)) for header, _ in device._metadata_areas]
        return PhysicalVolume(own, str(group.name), starts[own], places, tuple(one for one in areas if one[0] >= starts[own]))
    except Exception as error:  # dissect raises whatever damaged metadata leads to.
        raise ValueError(f"its LVM metadata cannot be read: {cause_of(error)}"[:300]) from error


def _ends(handle: BinaryIO, offset: int, size: int) -> BinaryIO:
    """The start and the end of a physical volume, where its metadata may lie: a damaged length must not make us read all of it."""
    if size <= 2 * limits.LVM_METADATA_BYTES:
        return io.BufferedReader(RangeStream(handle, offset, size))
    stream = MappingStream(size)
    for start in (0, size - limits.LVM_METADATA_BYTES):
        stream.add(start, limits.LVM_METADATA_BYTES, handle, offset + start)
    return io.BufferedReader(stream)


def _metadata_text(device: LVM2Device) -> str | None:
    """What the newest sound metadata area says, None when no area says anything. dissect reads the first alone, and none that has gone
    round: the areas are rings, whose first sector is their header."""
    found: list[tuple[bool, int, str]] = []
    for header, places in device._metadata_areas:
        for place in places:
            if not place.offset or not 0 < place.size < limits.LVM_METADATA_BYTES or place.offset >= header.size:
                continue
            first = min(place.size, header.size - place.offset)
            device.fh.seek(header.start + place.offset)
            raw = device.fh.read(first)
            if first < place.size:
                device.fh.seek(header.start + _SECTOR)
                raw += device.fh.read(place.size - first)
            # A cyclic sum as zlib's, with LVM's own start and without its last inversion.
            sound = zlib.crc32(raw, _CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF == place.checksum
            number = re.search(rb"^\s*seqno = (\d{1,9})", raw, re.MULTILINE)
            found.append((sound, int(number[1]) if number else 0, raw.rstrip(b"\0").decode()))
            break  # the second is one that was not committed
    return max(found, key=lambda one: one[:2])[2] if found else None


def logical_volumes(handle: BinaryIO, offset: int, size: int) -> list[LogicalVolumePlace]:
    """The visible logical volumes of the physical volume at `offset`. @raises ValueError as `physical_volume` does"""
    return [one for one in physical_volume(handle, offset, size).volumes if one.visible]


def _place(
    volume: LogicalVolume, extent: int, own: str, identities: dict[str, str], starts: dict[str, int], size_of_disk: int
) -> LogicalVolumePlace:
    name = f"{volume.volume_group.name}/{volume.name}"
    size = sum(int(segment.extent_count) for segment in volume.segments) * extent
    kinds = sorted({str(segment.type) for segment in volume.segments})
    kind = ", ".join(kinds) or "empty"
    extents = []
    for segment in sorted(volume.segments, key=lambda one: int(one.start_extent)):
        if not isinstance(segment, StripedSegment) or not segment.stripes:
            return LogicalVolumePlace(name, None, size, kind, (), volume.is_visible)
        stripes = tuple((identities[on], starts[identities[on]] + int(first) * extent) for on, first in segment.stripes)
        chunk = int(segment.stripe_size or 0) * _SECTOR if len(stripes) > 1 else int(segment.extent_count) * extent
        if chunk <= 0 or int(segment.start_extent) * extent != sum(one.length for one in extents):
            return LogicalVolumePlace(name, None, size, kind, (), volume.is_visible)
        extents.append(Extent(int(segment.start_extent) * extent, int(segment.extent_count) * extent, stripes, chunk))
    extents_ = tuple(extents)
    offset = _in_one_piece(extents_, own)
    if offset is not None and not 0 < offset <= size_of_disk - size:
        offset = None
    if any(on not in starts for one in extents for on, _ in one.stripes):
        extents_ = ()
    return LogicalVolumePlace(name, offset if size > 0 else None, size, kind, extents_, volume.is_visible)


def _in_one_piece(extents: tuple[Extent, ...], own: str) -> int | None:
    if not extents or any(len(one.stripes) != 1 or one.stripes[0][0] != own for one in extents):
        return None
    first = extents[0].stripes[0][1]
    return first if all(one.stripes[0][1] == first + one.start for one in extents) else None


class PiecesStream(AlignedStream):
    """A logical volume as one stream over the pieces it lies in."""

    def __init__(self, extents: tuple[Extent, ...], disks: dict[str, tuple[BinaryIO, int]]) -> None:
        """@param disks by physical volume's id: the disk and where the physical volume begins on it"""
        super().__init__(extents[-1].start + extents[-1].length)
        self._extents = extents
        self._disks = disks

    def _read(self, offset: int, length: int) -> bytes:
        parts = []
        for one in self._extents:
            while length > 0 and one.start <= offset < one.start + one.length:
                within = offset - one.start
                row, rest = divmod(within, one.chunk)
                turn, which = divmod(row, len(one.stripes))
                count = min(length, one.chunk - rest, one.start + one.length - offset)
                identity, start = one.stripes[which]
                handle, begins = self._disks[identity]
                handle.seek(begins + start + turn * one.chunk + rest)
                part = handle.read(count)
                parts.append(part + b"\0" * (count - len(part)))
                offset += count
                length -= count
        return b"".join(parts)
