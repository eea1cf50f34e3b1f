# SPDX-License-Identifier: AGPL-3.0-or-later
"""Builds disks in memory: partition tables with their checksums, and file systems from the shipped images."""

import lzma
import struct
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MEBIBYTE = 1024 * 1024
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
DATA = Path(__file__).parent / "data/file-systems"


def file_system(name: str = "ext2-old") -> bytes:
    """One of the shipped file systems."""
    return lzma.decompress((DATA / f"{name}.img.xz").read_bytes())


def places_of(disk: bytes | bytearray, wanted: bytes) -> list[int]:
    """Where those bytes stand on a disk, each place."""
    found, at = [], disk.find(wanted)
    while at >= 0:
        found.append(at)
        at = disk.find(wanted, at + 1)
    return found


@dataclass
class Slot:
    """A partition: where, how much, what is in it."""

    start: int
    size: int
    content: bytes = b""
    kind: uuid.UUID = LINUX
    name: str = ""


def gpt(size: int, slots: list[Slot], *, entries: int = 128, primary: bool = True, backup: bool = True) -> bytearray:
    """A disk of `size` bytes with a GPT; copies that are not wanted are overwritten with damage."""
    disk = bytearray(size)
    table = bytearray(entries * 128)
    for index, slot in enumerate(slots):
        struct.pack_into(
            "<16s16sQQQ72s",
            table,
            index * 128,
            slot.kind.bytes_le,
            uuid.UUID(int=index + 1).bytes_le,
            slot.start // SECTOR,
            (slot.start + slot.size) // SECTOR - 1,
            0,
            slot.name.encode("utf-16-le"),
        )
        disk[slot.start : slot.start + len(slot.content)] = slot.content
    last = size // SECTOR - 1
    sectors = -(-len(table) // SECTOR)
    for here, other, at, wanted in ((1, last, 2, primary), (last, 1, last - sectors, backup)):
        header = bytearray(92)
        struct.pack_into(
            "<8sIIIIQQQQ16sQIII", header, 0, b"EFI PART", 0x10000, 92, 0, 0, here, other, 34, last - 34, b"\1" * 16, at, entries, 128, 0
        )
        struct.pack_into("<I", header, 88, zlib.crc32(table))
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        disk[here * SECTOR : here * SECTOR + 92] = header
        disk[at * SECTOR : at * SECTOR + len(table)] = table
        if not wanted:
            disk[here * SECTOR + 40] ^= 0xFF
    protective = bytearray(512)
    struct.pack_into("<B3xB3xII", protective, 446, 0, 0xEE, 1, last)
    protective[510:512] = b"\x55\xaa"
    disk[:512] = protective
    return disk


def mbr(disk: bytearray, entries: list[tuple[int, int, int]], at: int = 0) -> bytearray:
    """Writes a table of (type, first byte relative to nothing, bytes) into the sector at `at`."""
    for index, (kind, start, size) in enumerate(entries):
        struct.pack_into("<B3xB3xII", disk, at + 446 + 16 * index, 0, kind, start // SECTOR, size // SECTOR)
    disk[at + 510 : at + 512] = b"\x55\xaa"
    return disk
