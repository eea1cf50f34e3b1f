# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lies in the bytes of a volume that no table, no file system and no file owns."""

import struct
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.disk_survey import SurveyedVolume
from clean_room_analysis.partitions import READABLE, Region, identify
from clean_room_analysis.signatures import name_by_blkid
from clean_room_analysis.text import display_name

#: mkfs.fat reserves 32 sectors for FAT32, and boot loaders use no more.
_BOOT_SECTORS = 32
#: Where a file system begins before the first byte of it that is not zero: the superblocks of ext4 and of btrfs do not lie at its start.
_BEFORE = (0, 1024, 4096, 0x8000, 0x10000)


def name_unowned(volume: SurveyedVolume, offset: int, size: int) -> str:
    """What the content of a run that nobody owns may be."""
    inside = [one for one in volume.disk.regions if one.type is None and one.offset <= offset < one.offset + one.size]
    where = "no partition owns it"
    start, length = offset, size
    if inside:
        region = min(inside, key=lambda one: one.size)
        number = f"partition {region.partition.number}" if region.partition is not None else "a logical volume"
        where = f"in {number}{f' ({region.logical_volume})' if region.logical_volume else ''}"
        start, length = region.offset, region.size
    elif any(one.offset <= offset < one.offset + one.size for one in volume.disk.regions):
        where = "behind the end of a file system, within its partition"
    name = name_by_blkid(volume.input.evidence, start, length)
    return f"{display_name(name, 100) if name else 'content that is no format known here, perhaps encrypted or deleted'}; {where}"


def hidden_file_system(volume: SurveyedVolume, nonzero: bytes | None, tried: set[int]) -> Region | None:
    """A file system that begins where nobody owns the bytes; None when there is none. @param tried places that were looked at, to which it adds"""
    gaps = volume.account.unowned()
    for start, size in volume.account.filled(volume.handle, nonzero):
        low, high = next((gap, gap + length) for gap, length in gaps if gap <= start < gap + length)
        places = [start - before for before in _BEFORE]
        first = -(-start // limits.MEBIBYTE) * limits.MEBIBYTE
        places += range(first, min(start + size, first + limits.PROBES * limits.MEBIBYTE), limits.MEBIBYTE)
        for place in places:
            if low <= place < high and place not in tried and len(tried) < limits.PROBES:
                tried.add(place)
                region = identify(volume.handle, place, high - place)
                if region.type in READABLE:
                    return region
    return None


def fat_boot_gap(handle: BinaryIO, region: Region) -> tuple[int, int] | None:
    """The bytes of FAT's reserved sectors behind those that boot code and its copy take, which belong to no file: what is there was put
    there by hand. None when there are none, or it is no FAT."""
    if region.type != "vfat":
        return None
    handle.seek(region.offset)
    sector, _, reserved = struct.unpack_from("<HBH", handle.read(16).ljust(16, b"\0"), 11)
    return (_BOOT_SECTORS * sector, reserved * sector) if reserved > _BOOT_SECTORS else None
