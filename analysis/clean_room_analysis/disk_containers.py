# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that hold a disk in a format of their own, and archives of one: refused by name, since their bytes are not the disk's."""

from typing import BinaryIO

#: Containers of disks: place of the magic number, the number, the name and the tool that turns it into a raw image.
_CONTAINERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "VMDK"),
    (0, b"COWD", "VMDK"),
    (0, b"# Disk DescriptorFile", "VMDK descriptor"),
    (64, b"\x7f\x10\xda\xbe", "VDI"),
    (0, b"vhdxfile", "VHDX"),
    (0, b"conectix", "VHD"),
    (0, b"EVF\t\r\n\xff\0", "E01 (EnCase)"),
    (0, b"LVF\t\r\n\xff\0", "L01 (EnCase)"),
    (0, b"EVF2\r\n\x81\0", "Ex01 (EnCase)"),
    (0, b"AFF10\r\n\0", "AFF"),
    (0, b"\xfd7zXZ\0", "xz archive"),
    (0, b"\x1f\x8b\x08", "gzip archive"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (0, b"BZh", "bzip2 archive"),
    (0, b"PK\x03\x04", "ZIP archive (AFF4 is one)"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"QED\0", "QED"),
)


def disk_container_of(handle: BinaryIO) -> str | None:
    """As `container_of`, without archives: formats that hold a disk and nothing else."""
    name = container_of(handle)
    return None if name is None or "archive" in name else name


def container_of(handle: BinaryIO) -> str | None:
    """The container format that a file given as a raw image really is, None for none that is known."""
    handle.seek(0)
    head = handle.read(4096)
    return next((name for place, magic, name in _CONTAINERS if head[place : place + len(magic)] == magic), None)
