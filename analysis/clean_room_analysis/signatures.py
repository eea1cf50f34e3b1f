# SPDX-License-Identifier: AGPL-3.0-or-later
"""What begins at a place on a disk: file systems that are read, and everything else that can be named.

A signature is taken only where its format defines it and only when the fields beside it make sense: a magic number in the name
of a partition makes no file system. What is not read needs a name alone; libblkid's `blkid` gives it where it is installed, since
util-linux keeps that knowledge up to date, and a short table of our own where it is not.
"""

import os
import shutil
import struct
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

#: Types that dissect or the kernel reads.
READABLE = frozenset({"xfs", "ext4", "vfat", "ntfs", "btrfs"})
#: Types that hold other parts of a disk rather than files.
LAYERS = frozenset({"lvm", "raid"})
_KIBIBYTE = 1024
_SECTOR = 512
#: Incompatible features that are read: of ext4 all of Linux 6.12 but compression, Lustre's entries and a journal's own; of XFS those up to
#: large counts of extents, exchanged ranges and names of parents; of btrfs those without zones, stripe trees and split extent trees.
_EXT_FEATURES, _XFS_FEATURES, _BTRFS_FEATURES = 0x3E7DE, 0xFF, 0x10FFF
_BLKID_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Signature:
    """What lies at a place. `size` is what the file system says of itself, None where it does not say; `others` names further
    formats that are valid at the same place, so that neither hides the other."""

    type: str
    size: int | None = None
    label: str | None = None
    uuid: str | None = None
    journal: bool = False
    others: tuple[str, ...] = ()
    #: A reason why a part of it lies elsewhere (an external log, a device of several).
    elsewhere: str | None = None


def text_of(raw: bytes) -> str | None:
    """A padded name of a superblock."""
    return raw.split(b"\0")[0].decode("utf-8", "surrogateescape").strip() or None


def _at(handle: BinaryIO, offset: int, count: int) -> bytes:
    handle.seek(offset)
    read = handle.read(count)
    return read + b"\0" * (count - len(read))


def _power_of_two(value: int, low: int, high: int) -> bool:
    return low <= value <= high and value & (value - 1) == 0


def _ext(handle: BinaryIO, offset: int, head: bytes) -> Signature | None:
    block = head[1024:2048]
    if block[56:58] != b"\x53\xef":
        return None
    inodes, blocks = struct.unpack_from("<II", block, 0)
    first, log_size = struct.unpack_from("<II", block, 20)
    per_group, _, inodes_per_group = struct.unpack_from("<III", block, 32)
    compatible, incompatible = struct.unpack_from("<II", block, 92)
    creator, revision = struct.unpack_from("<II", block, 72)
    inode_size = struct.unpack_from("<H", block, 88)[0] if revision else 128
    if log_size > 6 or first > 1 or not blocks or not per_group:
        return None
    if creator > 4 or revision > 1 or not _power_of_two(inode_size, 128, 1024 << log_size):
        return None
    if incompatible & 0x80:  # 64bit
        blocks |= struct.unpack_from("<I", block, 0x150)[0] << 32
    size = blocks << (10 + log_size)
    name, number = text_of(block[0x78:0x88]), str(uuid.UUID(bytes=block[0x68:0x78]))
    # A flag alone makes no journal of a file system: a journal has no inodes, and begins as journals do.
    own = (1024 // (1024 << log_size) + 1) * (1024 << log_size)
    if incompatible & 0x8 and not inodes and _at(handle, offset + own, 4) == b"\xc0\x3b\x39\x98":
        return Signature("jbd", size, name, number)
    if not inodes or not inodes_per_group:
        return None
    journal = bool(compatible & 0x4)
    elsewhere = _unknown(incompatible & ~_EXT_FEATURES)
    if journal and struct.unpack_from("<I", block, 0xE4)[0]:
        elsewhere = "its journal lies on another device"
    return Signature("ext4", size, name, number, journal, elsewhere=elsewhere)


def _unknown(features: int) -> str | None:
    """Features without which a file system is read wrongly, and that neither dissect nor its repairs here know."""
    return f"it has features that this version does not know ({features:#x}): what was read raw may be wrong" if features else None


def _xfs(head: bytes) -> Signature | None:
    if head[:4] != b"XFSB":
        return None
    block_size, blocks, realtime = struct.unpack_from(">IQQ", head, 4)
    log_start = struct.unpack_from(">Q", head, 48)[0]
    sector = struct.unpack_from(">H", head, 102)[0]
    if not _power_of_two(block_size, 512, 65536) or not blocks or not _power_of_two(sector, 512, 32768):
        return None
    version, incompatible = struct.unpack_from(">H", head, 100)[0] & 0xF, struct.unpack_from(">I", head, 216)[0]
    elsewhere = _unknown(incompatible & ~_XFS_FEATURES) if version == 5 else None
    if log_start == 0 or realtime:
        elsewhere = f"its {'log' if log_start == 0 else 'realtime section'} lies on another device"
    return Signature("xfs", blocks * block_size, text_of(head[108:120]), str(uuid.UUID(bytes=head[32:48])), True, elsewhere=elsewhere)


def _ntfs(head: bytes) -> Signature | None:
    if head[3:11] != b"NTFS    ":
        return None
    sector, sectors = struct.unpack_from("<H", head, 11)[0], struct.unpack_from("<Q", head, 40)[0]
    if not _power_of_two(sector, 256, 4096) or not sectors:
        return None
    # The last sector is a copy of the first and not counted.
    return Signature("ntfs", (sectors + 1) * sector, None, f"{struct.unpack_from('<Q', head, 72)[0]:016X}", True)


def _fat(head: bytes) -> Signature | None:
    sector = struct.unpack_from("<H", head, 11)[0]
    per_cluster, reserved, copies = head[13], struct.unpack_from("<H", head, 14)[0], head[16]
    if head[0] not in (0xE9, 0xEB) or not _power_of_two(sector, 512, 4096) or not _power_of_two(per_cluster, 1, 128):
        return None
    sectors = struct.unpack_from("<H", head, 19)[0] or struct.unpack_from("<I", head, 32)[0]
    large = struct.unpack_from("<H", head, 22)[0] == 0
    if reserved == 0 or copies not in (1, 2) or not sectors or (large and not struct.unpack_from("<I", head, 36)[0]):
        return None
    if head[21] != 0xF0 and head[21] < 0xF8:
        return None
    serial, name = (67, 71) if large else (39, 43)
    number = struct.unpack_from("<I", head, serial)[0]
    return Signature("vfat", sectors * sector, text_of(head[name : name + 11]), f"{number >> 16:04X}-{number & 0xFFFF:04X}")


def _btrfs(handle: BinaryIO, offset: int) -> Signature | None:
    block = _at(handle, offset + 0x10000, 0x400)
    if block[0x40:0x48] != b"_BHRfS_M" or struct.unpack_from("<Q", block, 0x30)[0] != 0x10000:
        return None
    total, devices = struct.unpack_from("<Q", block, 0x70)[0], struct.unpack_from("<Q", block, 0x88)[0]
    # dev_item.total_bytes: this device's part of it.
    own = struct.unpack_from("<Q", block, 0xC9 + 8)[0]
    unknown = _unknown(struct.unpack_from("<Q", block, 0xBC)[0] & ~_BTRFS_FEATURES)
    elsewhere = f"it lies on {devices} devices" if devices > 1 else unknown
    return Signature("btrfs", own or total, text_of(block[0x12B:0x22B]), str(uuid.UUID(bytes=block[0x20:0x30])), False, elsewhere=elsewhere)


def raid_superblock(handle: BinaryIO, offset: int, size: int) -> int | None:
    """Where the superblock of a Linux software RAID (md) lies, relative to `offset`; None when this is no member."""
    places = [0, 4096]
    if size > 128 * _KIBIBYTE:
        places += [(size - 8 * _KIBIBYTE) & ~4095, (size & ~(64 * _KIBIBYTE - 1)) - 64 * _KIBIBYTE]
    for place in places:
        if _at(handle, offset + place, 4) == b"\xfc\x4e\x2b\xa9":
            return place
    return None


def identify_signature(handle: BinaryIO, offset: int, size: int) -> Signature | None:
    """What begins at `offset` of a part of `size` bytes, None when nothing that is known here does."""
    head = _at(handle, offset, 4096)
    found = [one for one in (_xfs(head), _ntfs(head), _ext(handle, offset, head), _fat(head), _btrfs(handle, offset)) if one is not None]
    member = raid_superblock(handle, offset, size)
    if head[:6] in (b"LUKS\xba\xbe", b"SKUL\xba\xbe"):
        found.append(Signature("luks"))
    if any(head[sector * 512 : sector * 512 + 8] == b"LABELONE" for sector in range(4)):
        found.append(Signature("lvm"))
    if member in (0, 4096):
        found.append(Signature("raid"))
    elif member is not None:  # Mirrors with their superblock at the end: what begins here is the array's content.
        found.insert(0, Signature("raid", others=tuple(one.type for one in found)))
        return found[0]
    found += [Signature(name) for name in _named(handle, offset, head, size)]
    if not found:
        return _swap(handle, offset)
    first = found[0]
    others = tuple(one.type for one in found[1:])
    return Signature(first.type, first.size, first.label, first.uuid, first.journal, others, first.elsewhere)


#: By the remainder of its place in a sector: magic numbers, and where the format that has it begins before it.
_MAGICS: dict[int, dict[bytes, list[int]]] = {}


def places_of_formats(content: bytes) -> Iterator[int]:
    """Where in the content something may begin that `identify_signature` knows, at sectors. FAT and swap have no such number."""
    if not _MAGICS:
        known = [(place, magic) for place, magic, _ in _TABLE]
        known += [(0, b"XFSB"), (3, b"NTFS    "), (1080, b"\x53\xef"), (0x10040, b"_BHRfS_M"), (0, b"LUKS"), (0, b"SKUL"), (0, b"LABELONE")]
        for place, magic in known:
            _MAGICS.setdefault(place % _SECTOR, {}).setdefault(magic[:2], []).append(place)
    for remainder, magics in _MAGICS.items():
        for at in range(remainder, len(content) - 1, _SECTOR):
            for place in magics.get(content[at : at + 2], ()):
                if at - place >= 0:
                    yield at - place


def _swap(handle: BinaryIO, offset: int) -> Signature | None:
    """Swap space, as large as its header says: what lies behind its last page is none of it."""
    for page in (4096, 16384, 65536):
        magic = _at(handle, offset + page - 10, 10)
        if magic in (b"SWAPSPACE2", b"SWAP-SPACE"):
            header = _at(handle, offset + 1024, 44)
            last = struct.unpack_from("<I", header, 4)[0]
            number, label = str(uuid.UUID(bytes=header[12:28])), text_of(header[28:44])
            return Signature("swap", (last + 1) * page if magic == b"SWAPSPACE2" else None, label, number)
    return None


#: What is named without blkid: place of the magic number, the number, the name.
_TABLE: tuple[tuple[int, bytes, str], ...] = (
    (3, b"-FVE-FS-", "BitLocker"),
    (3, b"EXFAT   ", "exfat"),
    (3, b"ReFS\0\0\0\0", "ReFS"),
    (0, b"hsqs", "squashfs"),
    (0, b"sqsh", "squashfs"),
    (512, b"!Stra0tis\x86\xff\x02^\x41rh", "stratis"),
    (32, b"NXSB", "apfs"),
    (1024, b"\x10\x20\xf5\xf2", "f2fs"),
    (1024, b"\xe2\xe1\xf5\xe0", "erofs"),
    (1024, b"H+\0\x04", "hfsplus"),
    (1024, b"HX\0\x05", "hfsplus"),
    (4096 + 24, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "bcache or bcachefs"),
    (0x8000, b"JFS1", "jfs"),
    (0x8001, b"CD001", "iso9660"),
    (0x8001, b"NSR0", "udf"),
    (0x8001, b"BEA01", "udf"),
    (0x10034, b"ReIsErFs", "reiserfs"),
    (0x10034, b"ReIsEr2Fs", "reiserfs"),
    (0x10034, b"ReIsEr3Fs", "reiserfs"),
    (0x10000, b"\x01\x16\x19\x70", "gfs2"),
    (0x2000, b"OCFSV2", "ocfs2"),
    (0x1055C, b"\x19\x54\x01\x19", "ufs"),
    (0x1055C, b"\x19\x01\x54\x19", "ufs"),
    (0x100000, b"\x0d\xd0\x01\xc0", "VMFS"),
    (0, b"bluestore block device", "Ceph BlueStore"),
    (0, b"\xeb\x58\x90VeraCrypt", "VeraCrypt"),
)


def _named(handle: BinaryIO, offset: int, head: bytes, size: int) -> list[str]:
    found = []
    for place, magic, name in _TABLE:
        if place + len(magic) > size:
            continue
        at = head[place : place + len(magic)] if place + len(magic) <= len(head) else _at(handle, offset + place, len(magic))
        if at == magic and name not in found:
            found.append(name)
    # ZFS: four labels, each with its ring of uberblocks 128 KiB in.
    if size > 512 * _KIBIBYTE:
        ring = _at(handle, offset + 128 * _KIBIBYTE, 128 * _KIBIBYTE)
        if any(ring[at : at + 8] in (b"\x0c\xb1\xba\0\0\0\0\0", b"\0\0\0\0\0\xba\xb1\x0c") for at in range(0, len(ring), 1024)):
            found.append("zfs_member")
    return found


def name_by_blkid(device: str, offset: int, size: int) -> str | None:
    """What libblkid calls the content of a region, None when it knows nothing, or is not installed.

    It probes in a process of its own, without privileges where this one has some, and only reads.
    """
    program = shutil.which("blkid") or next((path for path in ("/usr/sbin/blkid", "/sbin/blkid") if os.path.exists(path)), None)
    if program is None:
        return None
    with open(device, "rb") as handle:
        command = [program, "-p", "-o", "export", "--offset", str(offset), "--size", str(size), f"/dev/fd/{handle.fileno()}"]
        try:
            result = subprocess.run(command, capture_output=True, check=False, timeout=_BLKID_SECONDS, pass_fds=(handle.fileno(),))
        except (OSError, subprocess.TimeoutExpired):
            return None
    if result.returncode == 8:
        return "several formats at once (blkid calls it ambivalent)"
    fields = dict(line.split("=", 1) for line in result.stdout.decode("utf-8", "replace").splitlines() if "=" in line)
    return fields.get("TYPE") or (f"a partition table ({fields['PTTYPE']})" if fields.get("PTTYPE") else None)
