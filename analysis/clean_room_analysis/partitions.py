# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which file systems lie where on a disk, through partition tables, LVM and software RAID, and what is left between them."""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from dissect.util.stream import RangeStream

from clean_room_analysis import limits
from clean_room_analysis.logical_volumes import LogicalVolumePlace, PhysicalVolume, physical_volume
from clean_room_analysis.partition_table import Partition, Table, read_table
from clean_room_analysis.signatures import READABLE, identify_signature, raid_superblock, text_of

__all__ = ["READABLE", "DiskMap", "Region", "disk_map", "identify", "part_of", "regions", "why_not_read"]

#: Why what is recognised is not read.
_NOT_READ = {
    "lvm": "an LVM physical volume whose metadata cannot be read or that holds no logical volume; look at it with LVM's own tools, on a copy",
    "luks": "encrypted with LUKS: the key is not on the disk in clear",
    "BitLocker": "encrypted with BitLocker: the key is not on the disk in clear",
    "VeraCrypt": "encrypted with VeraCrypt: the key is not on the disk in clear",
    "swap": "swap space: its pages are not carved",
    "raid": "a member of a Linux software RAID that is not a mirror: assemble it on a copy and analyse the array",
    "jbd": "the external journal of an ext4 file system",
}
#: Labels and the header of the metadata, then text in blocks that LVM aligns to sectors.
_LVM_HEADERS, _LVM_BLOCK = 4096 + 512, 512
_LVM_TEXT = bytes(range(0x20, 0x7F)) + b"\0\t\n\r"
#: mdadm gives a bitmap at most this much, and the log of bad blocks 4 KiB.
_MD_BITMAP_BYTES, _MD_LOG_BYTES = 128 * 1024, 64 * 1024
#: Types that hold no files by what they are.
FILELESS = frozenset({"swap", "jbd"})


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a disk: a partition, a logical volume, or the whole disk when it has no table.

    `type` is what was found there, None when nothing known begins there. `journal` tells whether it keeps one; `uuid` and `label` as
    fstab names them; `declared` is the size the file system gives itself. `logical_volume` is `group/volume` where the part is one of
    LVM's. `stream` opens what does not lie in one piece; `offset` is then where its first piece lies.
    """

    offset: int
    size: int
    type: str | None
    label: str | None = None
    uuid: str | None = None
    journal: bool = False
    logical_volume: str | None = None
    partition: Partition | None = None
    declared: int | None = None
    #: Formats that are valid at the same place.
    others: tuple[str, ...] = ()
    #: What is missing of it: a reason, or None.
    lacking: str | None = None
    #: True for a file system at the start of a disk whose table says otherwise: it was there before, or somebody hides one.
    leftover: bool = False
    #: Whether the disk ends before the table says that the partition does.
    cut: bool = False
    #: The logical volume that is no single part of this disk.
    place: LogicalVolumePlace | None = field(default=None, compare=False)
    stream: Callable[[], BinaryIO] | None = field(default=None, compare=False)


@dataclass(slots=True)
class DiskMap:
    """One disk: its regions in order, what the tables say, and the (offset, size, meaning) that hold no files by what they are."""

    size: int
    regions: list[Region] = field(default_factory=list)
    table: Table = field(default_factory=Table)
    known: list[tuple[int, int, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: Physical volumes by the byte they begin at, for logical volumes that span disks.
    physical_volumes: dict[int, PhysicalVolume] = field(default_factory=dict)


def identify(handle: BinaryIO, offset: int, size: int) -> Region:
    """What starts at `offset`, by its superblock; `type` None when there is nothing that is known."""
    found = identify_signature(handle, offset, size)
    if found is None:
        return Region(offset, size, None)
    return Region(
        offset,
        size,
        found.type,
        found.label,
        found.uuid,
        found.journal,
        declared=found.size,
        others=found.others,
        lacking=found.elsewhere,
    )


def why_not_read(region: Region) -> str:
    """Why a region that is recognised is not read."""
    if region.lacking is not None and region.type not in READABLE:
        return region.lacking
    return _NOT_READ.get(region.type or "", f"{region.type} is not read by this version")


def regions(handle: BinaryIO, size: int) -> list[Region]:
    """The regions of `disk_map`; the whole disk as one of type None when there are none, so that "nothing" is seen by the caller."""
    return disk_map(handle, size).regions or [Region(0, size, None)]


def disk_map(handle: BinaryIO, size: int) -> DiskMap:
    """Reads the tables of a disk and what begins in each part. A table that points outside the disk is cut to it."""
    disk = DiskMap(size)
    _divide(handle, Region(0, size, None), disk, 0)
    disk.regions.sort(key=lambda one: (one.offset, one.size))
    return disk


def _divide(handle: BinaryIO, part: Region, disk: DiskMap, depth: int) -> None:
    """Adds `part`, or what a table inside it divides it into."""
    inner = handle if part.offset == 0 else RangeStream(handle, part.offset, part.size)
    table = read_table(inner, part.size) if depth < limits.LAYERS else Table()
    found = replace(identify(handle, part.offset, part.size), partition=part.partition, cut=part.cut, logical_volume=part.logical_volume)
    if depth > 0 and found.type is not None:
        table = Table()  # A file system in a partition: what looks like a table in its first sector is its own boot code.
    disk.problems += table.problems
    if depth == 0:
        disk.table = table
    else:
        disk.table.damaged |= table.damaged
        disk.table.lacking += table.lacking
    disk.known += [(part.offset + start, length, f"partition table ({' and '.join(table.kinds)})") for start, length in table.spans]
    if part.cut and found.type is None and part.partition is not None:
        disk.table.lacking.append(f"partition {part.partition.number} begins on the disk and ends behind it")
    if not table.partitions:
        if found.type is not None or depth > 0:
            _add(handle, found, disk, depth)
        return
    # The superblock of ext4 would lie among the entries of a GPT: where that table holds, it is none.
    in_table = found.type == "ext4" and any(start <= 1024 and start + length >= 2048 for start, length in table.spans)
    if found.type is not None and found.type != "raid" and not in_table:
        disk.problems.append(
            f"a {found.type} file system begins at the start of the disk, under its partition table: it is from before, or hidden; both were read"
        )
        _add(handle, replace(found, leftover=True), disk, limits.LAYERS)
    for one in table.partitions:
        start, length = part.offset + one.offset, min(one.size, part.size - one.offset)
        cut = length < one.size
        _divide(handle, Region(start, length, None, partition=one, cut=cut, logical_volume=part.logical_volume), disk, depth + 1)


def _add(handle: BinaryIO, region: Region, disk: DiskMap, depth: int) -> None:
    if region.type == "lvm" and not region.leftover:
        _add_logical_volumes(handle, region, disk, depth)
    elif region.type == "raid" and depth < limits.LAYERS:
        _add_mirror(handle, region, disk, depth)
    else:
        disk.regions.append(region)


def _add_logical_volumes(handle: BinaryIO, region: Region, disk: DiskMap, depth: int) -> None:
    """The logical volumes in place of the physical one that holds them; that one itself when they cannot be told."""
    try:
        physical = physical_volume(handle, region.offset, region.size)
    except ValueError as error:
        disk.regions.append(replace(region, lacking=str(error)))
        return
    disk.physical_volumes[region.offset] = physical
    disk.known += _text_of_group(handle, region.offset, min(physical.data_offset, region.size, limits.METADATA_BYTES))
    for start, length in physical.metadata_behind:
        disk.known += _text_of_group(handle, region.offset + start, min(length, region.size - start, limits.METADATA_BYTES))
    visible = [one for one in physical.volumes if one.visible]
    # A group without volumes is judged by what lies there, as all that nobody owns.
    if physical.volumes and not visible:
        disk.regions.append(region)
    for place in visible:
        if place.offset is None:
            disk.regions.append(_scattered(region, physical, place))
        else:
            _divide(
                handle,
                Region(region.offset + place.offset, place.size, None, partition=region.partition, logical_volume=place.name),
                disk,
                depth + 1,
            )


def _text_of_group(handle: BinaryIO, offset: int, size: int) -> list[tuple[int, int, str]]:
    """What of an area of metadata is such: headers, and blocks of text or zeros. The rest is judged as what nobody owns."""
    handle.seek(offset)
    content = handle.read(size)
    known = [(offset, min(_LVM_HEADERS, size), "LVM metadata")]
    for at in range(_LVM_HEADERS, len(content), _LVM_BLOCK):
        block = content[at : at + _LVM_BLOCK]
        if block.translate(None, _LVM_TEXT):
            continue
        if sum(known[-1][:2]) == offset + at:
            known[-1] = (known[-1][0], known[-1][1] + len(block), known[-1][2])
        else:
            known.append((offset + at, len(block), "LVM metadata"))
    return known


def _scattered(region: Region, physical: PhysicalVolume, place: LogicalVolumePlace) -> Region:
    """A logical volume that is no single part of this disk: read later, when all disks are known, or named."""
    why = f"a logical volume of kind {place.kind}: activate it on a copy and analyse it by itself" if not place.extents else None
    own = [start for one in place.extents for identity, start in one.stripes if identity == physical.identity]
    at = region.offset + min(own) if own and min(own) < region.size else region.offset
    return Region(at, place.size, "lvm-volume", logical_volume=place.name, partition=region.partition, lacking=why, place=place)


def _add_mirror(handle: BinaryIO, region: Region, disk: DiskMap, depth: int) -> None:
    """The content of a member of a RAID 1, which is whole on each member; other levels are named."""
    place = raid_superblock(handle, region.offset, region.size)
    handle.seek(region.offset + (place or 0))
    block = handle.read(4096)
    block += b"\0" * (4096 - len(block))
    if struct.unpack_from("<I", block, 4)[0] == 0:  # 0.90: words, the host's order
        level, start, length = struct.unpack_from("<i", block, 28)[0], 0, struct.unpack_from("<I", block, 32)[0] * 1024
        name = None
    else:
        level = struct.unpack_from("<i", block, 72)[0]
        start, length = (value * 512 for value in struct.unpack_from("<QQ", block, 128))
        name = text_of(block[32:64])
    length = min(length, region.size - start)
    if level != 1 or length <= 0 or start < 0:
        disk.regions.append(replace(region, label=name))
        return
    if place is not None:
        for first, size, what in _parts_of_md(handle, region, place, block):
            # Not what it says of its own content, or of another's.
            end = min(first + size, start if first < start else region.size)
            if 0 <= first < end and not start <= first < start + length:
                disk.known.append((region.offset + first, end - first, what))
    _divide(handle, Region(region.offset + start, length, None, partition=region.partition, cut=region.cut), disk, depth + 1)


def _parts_of_md(handle: BinaryIO, region: Region, place: int, block: bytes) -> Iterator[tuple[int, int, str]]:
    """(first byte of the member, bytes, what) of the superblock, its bitmap and its log of bad blocks, as large as they need to be."""
    yield place, 4096, "md superblock"
    if struct.unpack_from("<I", block, 4)[0] == 0:
        yield place, 64 * 1024, "md superblock and bitmap"  # 0.90 has 64 KiB for both
        return
    bitmap, log_size, log = struct.unpack_from("<i", block, 96)[0] * 512, *struct.unpack_from("<Hi", block, 186)
    if bitmap:
        handle.seek(max(0, region.offset + place + bitmap))
        if handle.read(4) == b"bitm":
            yield place + bitmap, _MD_BITMAP_BYTES, "md bitmap"
    if log and log_size:
        yield place + log * 512, min(log_size * 512, _MD_LOG_BYTES), "md log of bad blocks"


def part_of(handle: BinaryIO, region: Region) -> BinaryIO:
    """A read-only stream over one region."""
    if region.stream is not None:
        return region.stream()
    return io.BufferedReader(RangeStream(handle, region.offset, region.size), 64 * 1024)
