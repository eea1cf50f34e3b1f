# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disks in files: images, encrypted containers, squashfs. Their bytes are scanned as any others, the files in them are not looked at."""

import io
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import NotLookedAt, Severity
from clean_room_analysis.signatures import disk_container_of, identify_signature

#: A smaller one holds next to nothing: boot sectors and samples for tests.
_LEAST_BYTES = 256 * 1024
#: Nothing but pages of memory, or a journal.
_FILELESS = frozenset({"swap", "jbd"})
#: Images that the system itself mounts, as their maker signed them.
_EXPECTED = ("/var/lib/snapd/", "/snap/")


def disk_inside(content: bytes, size: int) -> str | None:
    """What disk format a file holds by the start of its content, None for none.

    @param content its first window
    @param size bytes of the whole file
    """
    if size < _LEAST_BYTES or content.startswith((b"\x7fELF", b"#!")):
        return None
    handle = io.BytesIO(content)
    container = disk_container_of(handle)
    if container is not None:
        return container
    found = identify_signature(handle, 0, min(size, len(content)))
    return None if found is None or found.type in _FILELESS else found.type


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
