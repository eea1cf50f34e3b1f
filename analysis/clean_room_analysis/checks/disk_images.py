# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disks in files: images, encrypted containers, squashfs. Their bytes are scanned as any others, the files in them are not looked at."""

import io
import struct
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import NotLookedAt, Severity
from clean_room_analysis.partition_table import Table, read_table
from clean_room_analysis.disk_containers import disk_container_of
from clean_room_analysis.signatures import identify_signature

#: Smaller ones are boot sectors and samples for tests, but for formats that pack much into little: place and magic number of those.
_LEAST_BYTES = 64 * 1024
_PACKED = ((0, b"hsqs", "squashfs"), (0, b"sqsh", "squashfs"), (1024, b"\xe2\xe1\xf5\xe0", "erofs"), (0, b"QFI\xfb", "qcow2"))
#: Nothing but pages of memory, or a journal.
_FILELESS = frozenset({"swap", "jbd"})
#: Images that the system itself mounts, as their maker signed them.
_EXPECTED = ("/var/lib/snapd/", "/snap/")
#: None of them has a shorter header.
_HEADER_BYTES = 96


def disk_inside(content: bytes, size: int) -> str | None:
    """What disk format a file holds by the start of its content, None for none.

    @param content its first window
    @param size bytes of the whole file
    """
    kind = _format(content, size)
    if kind is None and content.startswith(b"\x7fELF"):
        # An image behind a program that mounts it, as AppImages are.
        end = _end_of_program(content)
        kind = _format(content[end:], size - end) if 0 < end < min(size, len(content)) else None
    return kind


def _format(content: bytes, size: int) -> str | None:
    if size < _LEAST_BYTES:  # most files: nothing that costs time
        return next((name for place, magic, name in _PACKED if content.startswith(magic, place) and size >= _HEADER_BYTES), None)
    handle = io.BytesIO(content)
    container = disk_container_of(handle)
    if container is not None:
        return container
    found = identify_signature(handle, 0, min(size, len(content)))
    if found is not None:
        return None if found.type in _FILELESS else found.type
    # A boot sector alone has the marks of a table as well: a disk has room for what its table names.
    table = read_table(handle, size) if content[510:512] == b"\x55\xaa" or content[512:520] == b"EFI PART" else Table()
    return f"a disk with partitions ({' and '.join(table.kinds)})" if table.partitions else None


def _end_of_program(content: bytes) -> int:
    """Where a program of 64 or 32 bits ends by its own table of sections, 0 when it does not say."""
    if len(content) < 64 or content[5] != 1:
        return 0
    wide = content[4] == 2
    table = struct.unpack_from("<Q" if wide else "<I", content, 40 if wide else 32)[0]
    size, count = struct.unpack_from("<HH", content, 58 if wide else 46)
    return int(table + size * count)


def disk_images(check: Check, item: Item, content: bytes) -> Iterator[Result]:
    """A remark and a low finding for a file that holds a disk; it counts against a complete run unless a package installed it so."""
    kind = disk_inside(content, item.entry.size)
    if kind is None:
        return
    explained = item.path.startswith(_EXPECTED) or item.package_state == "unchanged"
    yield NotLookedAt(
        f"{item.volume_id}:{item.entry.path}",
        f"this file holds {kind}: its bytes were scanned, the files inside it were not looked at"
        + ("" if explained else "; analyse it by itself, as a raw disk"),
        incomplete=not explained,
    )
    if not explained:
        size = f"{item.entry.size // limits.MEBIBYTE} MiB, owner {item.entry.user}:{item.entry.group}"
        yield check.found(item, Severity.LOW, f"A disk in a file ({kind}), whose files were not looked at", size, ("T1564.006", "T1027"))
