# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which file systems lie where on a disk: the partition table by dissect.volume, file systems by their magic numbers."""

import io
import struct
import uuid
from dataclasses import dataclass, replace
from typing import BinaryIO

from dissect.util.stream import RangeStream
from dissect.volume.disk import Disk
from dissect.volume.disk.schemes import GPT
from dissect.volume.exceptions import DiskError

from clean_room_analysis import limits
from clean_room_analysis.logical_volumes import logical_volumes

#: Types that dissect or the kernel reads.
READABLE = frozenset({"xfs", "ext4", "vfat", "ntfs"})
#: Types that are recognised, with why their content is not looked at.
RECOGNISED_ONLY = {
    "lvm": "an LVM physical volume whose metadata cannot be read or that holds no logical volume; look at it with LVM's own tools, on a copy",
    "lvm-volume": "a logical volume that is not linear or lies in several pieces: activate it on a copy and analyse it by itself",
    "luks": "encrypted with LUKS: the key is not on the disk in clear",
    "btrfs": "btrfs is not read by this version",
    "swap": "swap space: its pages are not carved",
    "raid": "a member of a Linux software RAID: assemble it on a copy and analyse the array",
}


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a disk: a partition, or the whole disk when it has no table.

    `type` is the file system found, or None. `journal` tells whether it keeps one; `uuid` and `label` as fstab names them.
    `logical_volume` is `group/volume` where the part is one of LVM's.
    """

    offset: int
    size: int
    type: str | None
    label: str | None = None
    uuid: str | None = None
    journal: bool = False
    logical_volume: str | None = None


def _text(raw: bytes) -> str | None:
    return raw.split(b"\0")[0].decode("utf-8", "surrogateescape").strip() or None


def _at(handle: BinaryIO, offset: int, count: int) -> bytes:
    handle.seek(offset)
    return handle.read(count)


def identify(handle: BinaryIO, offset: int, size: int) -> Region:
    """The file system that starts at `offset`, by its superblock; `type` None when there is none that is known."""
    head = _at(handle, offset, 2048)
    head += b"\0" * (2048 - len(head))
    if head[:4] == b"XFSB":
        return Region(offset, size, "xfs", _text(head[108:120]), str(uuid.UUID(bytes=head[32:48])), True)
    if head[1080:1082] == b"\x53\xef":
        journal = bool(struct.unpack_from("<I", head, 1024 + 0x5C)[0] & 0x4)
        return Region(
            offset, size, "ext4", _text(head[1024 + 0x78 : 1024 + 0x88]), str(uuid.UUID(bytes=head[1024 + 0x68 : 1024 + 0x78])), journal
        )
    if head[3:11] == b"NTFS    ":
        return Region(offset, size, "ntfs", None, f"{struct.unpack_from('<Q', head, 72)[0]:016X}", True)
    if head[510:512] == b"\x55\xaa" and (head[82:90] == b"FAT32   " or head[54:59] in (b"FAT12", b"FAT16")):
        serial, name = (67, 71) if head[82:90] == b"FAT32   " else (39, 43)
        number = struct.unpack_from("<I", head, serial)[0]
        return Region(offset, size, "vfat", _text(head[name : name + 11]), f"{number >> 16:04X}-{number & 0xFFFF:04X}")
    if head[:6] == b"LUKS\xba\xbe":
        return Region(offset, size, "luks")
    if any(head[sector * 512 : sector * 512 + 8] == b"LABELONE" for sector in range(4)):
        return Region(offset, size, "lvm")
    if _at(handle, offset + 4086, 10) == b"SWAPSPACE2":
        return Region(offset, size, "swap")
    if _at(handle, offset + 0x10040, 8) == b"_BHRfS_M":
        return Region(offset, size, "btrfs")
    if _at(handle, offset + 4096, 4) == b"\xfc\x4e\x2b\xa9":
        return Region(offset, size, "raid")
    return Region(offset, size, None)


def regions(handle: BinaryIO, size: int) -> list[Region]:
    """The disk's file systems in order of their place: the whole disk when one starts at 0, else every partition, or in place of it
    its logical volumes.

    A table that points outside the disk or lists more than `limits.PARTITIONS` is cut. A disk with neither gives one
    region of type None, so that "nothing to look at" is seen by the caller.
    """
    return [
        part for region in _partitions(handle, size) for part in (_logical_volumes(handle, region) if region.type == "lvm" else [region])
    ]


def _logical_volumes(handle: BinaryIO, region: Region) -> list[Region]:
    """The logical volumes in place of the physical one that holds them; that one itself when they cannot be told."""
    try:
        places = logical_volumes(handle, region.offset, region.size)
    except ValueError:
        return [region]
    found = []
    for place in sorted(places, key=lambda one: one.offset or 0):
        if place.offset is None:
            found.append(Region(region.offset, place.size, "lvm-volume", logical_volume=place.name))
        else:
            found.append(replace(identify(handle, region.offset + place.offset, place.size), logical_volume=place.name))
    return found or [region]


def _partitions(handle: BinaryIO, size: int) -> list[Region]:
    whole = identify(handle, 0, size)
    if whole.type is not None and whole.type != "raid":
        return [whole]
    try:
        handle.seek(0)
        disk = Disk(handle)
    except (DiskError, EOFError, ValueError, OSError, struct.error):
        return [whole]
    # dissect.volume 3.18 takes a GPT's last sector for the first one after the partition; without it the kernel refuses XFS.
    missing = disk.sector_size if isinstance(disk.scheme, GPT) else 0
    table = [(part.offset, part.size + missing) for part in disk.partitions[: limits.PARTITIONS]]
    inside = sorted({(offset, min(length, size - offset)) for offset, length in table if length > 0 and 0 < offset < size})
    return [identify(handle, offset, length) for offset, length in inside] or [whole]


def part_of(handle: BinaryIO, region: Region) -> BinaryIO:
    """A read-only stream over one region."""
    return io.BufferedReader(RangeStream(handle, region.offset, region.size), 64 * 1024) if region.offset else handle
