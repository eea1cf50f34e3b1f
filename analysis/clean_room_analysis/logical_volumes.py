# SPDX-License-Identifier: AGPL-3.0-or-later
"""The logical volumes of an LVM physical volume, as places on its disk.

Almost every logical volume is linear and lies in one piece, since nobody has extended it: such a one is a part of the disk like a
partition, and is mounted, replayed and read like one. One in several pieces would need the device mapper.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

from dissect.util.stream import RangeStream
from dissect.volume.lvm import LVM2
from dissect.volume.lvm.metadata import LogicalVolume, StripedSegment

from clean_room_analysis import limits

_SECTOR = 512


@dataclass(frozen=True, slots=True)
class LogicalVolumePlace:
    """A logical volume by its name, `group/volume`; where it lies in bytes from the start of the physical volume, None when in several pieces."""

    name: str
    offset: int | None
    size: int


def logical_volumes(handle: BinaryIO, offset: int, size: int) -> list[LogicalVolumePlace]:
    """The visible logical volumes of the physical volume at `offset`, at most `limits.PARTITIONS`.

    @raises ValueError when its metadata is not that of LVM2, or damaged
    """
    # The metadata is at the start; a damaged length must not make us read the disk into memory.
    head = io.BufferedReader(RangeStream(handle, offset, min(size, limits.LVM_METADATA_BYTES)))
    try:
        group = LVM2(head).volume_group
        extent = group.extent_size * _SECTOR
        places = [_place(volume, extent) for volume in group.lv if volume.is_visible]
    except Exception as error:  # dissect raises whatever damaged metadata leads to.
        raise ValueError(f"its LVM metadata cannot be read: {type(error).__name__}") from error
    inside = [place for place in places if place.offset is None or (place.size > 0 and 0 < place.offset <= size - place.size)]
    return inside[: limits.PARTITIONS]


def _place(volume: LogicalVolume, extent: int) -> LogicalVolumePlace:
    group = volume.volume_group
    name = f"{group.name}/{volume.name}"
    size = sum(int(segment.extent_count) for segment in volume.segments) * extent
    # Of each segment: the extents of the volume it holds, the physical volume, and its first extent there.
    pieces = [
        (int(segment.start_extent), int(segment.extent_count), *segment.stripes[0])
        for segment in volume.segments
        if isinstance(segment, StripedSegment) and len(segment.stripes) == 1
    ]
    if not pieces or len(pieces) != len(volume.segments):
        return LogicalVolumePlace(name, None, size)
    pieces.sort()
    next_extent, (_, _, device, first) = 0, pieces[0]
    for start, count, on_device, physical in pieces:
        if start != next_extent or on_device != device or physical != first + start:
            return LogicalVolumePlace(name, None, size)
        next_extent = start + count
    physical_volume = group.physical_volumes[device]
    if physical_volume.dev is None:  # It is on another disk.
        return LogicalVolumePlace(name, None, size)
    return LogicalVolumePlace(name, physical_volume.pe_start * _SECTOR + first * extent, size)
