# SPDX-License-Identifier: AGPL-3.0-or-later
"""The logical volumes of LVM: where their extents lie, on one disk or on several.

Most logical volumes are linear and lie in one piece: such a one is a part of the disk like a partition, and is mounted, replayed
and read like one. Those that were extended, are striped, or span several volumes are read through a stream over their pieces.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

from dissect.util.stream import AlignedStream, RangeStream
from dissect.volume.lvm import LVM2
from dissect.volume.lvm.metadata import LogicalVolume, StripedSegment

from clean_room_analysis import limits

_SECTOR = 512


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


def physical_volume(handle: BinaryIO, offset: int, size: int) -> PhysicalVolume:
    """Reads the metadata of the physical volume at `offset`. @raises ValueError when it is not that of LVM2, or damaged"""
    # The metadata is at the start; a damaged length must not make us read the disk into memory.
    head = io.BufferedReader(RangeStream(handle, offset, min(size, limits.LVM_METADATA_BYTES)))
    try:
        lvm = LVM2(head)
        group = lvm.volume_group
        own = next(iter(lvm.devices))
        identities = {name: volume.id.replace("-", "") for name, volume in group.physical_volumes.items()}
        starts = {identities[name]: volume.pe_start * _SECTOR for name, volume in group.physical_volumes.items()}
        extent = group.extent_size * _SECTOR
        if own not in starts or extent <= 0:
            raise ValueError("the group does not know this physical volume")
        places = tuple(_place(volume, extent, own, identities, starts, size) for volume in group.lv[: limits.LOGICAL_VOLUMES])
        return PhysicalVolume(own, str(group.name), starts[own], places)
    except Exception as error:  # dissect raises whatever damaged metadata leads to.
        raise ValueError(f"its LVM metadata cannot be read: {type(error).__name__}") from error


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
