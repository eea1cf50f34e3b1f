# SPDX-License-Identifier: AGPL-3.0-or-later
"""A memory image as AVML writes it: blocks of physical memory, plain (LiME) or compressed with Snappy's frames. Blocks of nothing but zeros
are left out by AVML itself. Whoever was root on the victim may have written the file: sizes are bounded, and nothing is believed."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import cramjam

from clean_room_analysis import limits
from clean_room_analysis.text import display_name

_LIME, _AVML = b"EMiL", b"AVML"
_PAGE = 4096
_ZEROS = bytes(_PAGE)
_BANNER = re.compile(rb"Linux version \d{1,2}\.\d{1,3}[^\x00\n]{20,400}")
#: Snappy's framing format: identifier, compressed, plain; anything above is skipped, what lies between is an error.
_STREAM, _COMPRESSED, _PLAIN, _SKIPPED_FROM = 0xFF, 0x00, 0x01, 0x80
#: A chunk of Snappy's frames holds at most this much.
_CHUNK_BYTES = 65536


class ImageError(Exception):
    """The image breaks off, or is none; the message says where and why."""


@dataclass(slots=True)
class ImageReport:
    """What was seen of an image. `recorded` is the memory its blocks hold, `filled` how much of that is in pages that are not all zeros."""

    format: str = "unknown"
    blocks: int = 0
    recorded: int = 0
    filled: int = 0
    banners: dict[str, int] = field(default_factory=dict)
    problem: str | None = None
    read_to_end: bool = False


def blocks(handle: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """(physical address, content, format) of each block. @raises ImageError where it breaks off or makes no sense"""
    while True:
        at = handle.tell()
        head = handle.read(32)
        if not head:
            return
        if len(head) < 32:
            raise ImageError(f"it ends within the head of a block at byte {at}")
        version, first, last, padding = struct.unpack("<IQQQ", head[4:])
        size = last + 1 - first
        compressed = head[:4] == _AVML and version == 2
        if not compressed and (head[:4] != _LIME or version != 1):
            raise ImageError(f"what stands at byte {at} is no block of AVML's or LiME's")
        if padding != 0 or size <= 0:
            raise ImageError(f"the block at byte {at} has no sensible size")
        if compressed:
            if size > limits.MEMORY_BLOCK_BYTES:
                raise ImageError(f"the block at byte {at} says it holds {size} bytes")
            yield first, _decompressed(handle, size, at), "AVML"
            continue
        # LiME's own blocks are as large as the machine's memory: in pieces.
        for start in range(0, size, limits.MEMORY_BLOCK_BYTES):
            wanted = min(limits.MEMORY_BLOCK_BYTES, size - start)
            content = handle.read(wanted)
            if len(content) < wanted:
                raise ImageError(f"it ends within the block at byte {at}, {size - start - len(content)} bytes too soon")
            yield first + start, content, "LiME"


def _decompressed(handle: BinaryIO, size: int, at: int) -> bytes:
    parts: list[bytes] = []
    got = used = 0
    while got < size:
        head = handle.read(4)
        if len(head) < 4:
            raise ImageError(f"it ends within the block at byte {at}, {size - got} bytes too soon")
        kind, length = head[0], int.from_bytes(head[1:], "little")
        body = handle.read(length)
        used += 4 + length
        if len(body) < length:
            raise ImageError(f"it ends within the block at byte {at}, {size - got} bytes too soon")
        if kind == _PLAIN:
            part = body[4:]
        elif kind == _COMPRESSED:
            try:
                # The raw format begins with the size of what comes out.
                if _declared(body[4:]) > _CHUNK_BYTES:
                    raise ImageError(f"a part of the block at byte {at} swells to more than {_CHUNK_BYTES} bytes")
                part = bytes(cramjam.snappy.decompress_raw(body[4:]))
            except cramjam.DecompressionError as error:
                raise ImageError(f"the block at byte {at} cannot be decompressed: {error}") from error
        elif kind == _STREAM or kind >= _SKIPPED_FROM:
            continue
        else:
            raise ImageError(f"the block at byte {at} has a part of the unknown kind {kind}")
        if not part:
            raise ImageError(f"the block at byte {at} has an empty part")
        parts.append(part)
        got += len(part)
    if got != size or handle.read(8) != used.to_bytes(8, "little"):
        raise ImageError(f"the block at byte {at} does not end where it says")
    return b"".join(parts)


def _declared(raw: bytes) -> int:
    """The varint at the start of raw Snappy data."""
    value = 0
    for place, byte in enumerate(raw[:5]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value
    return 1 << 40


def note(report: ImageReport, content: bytes, form: str) -> None:
    """Counts one block's pages and keeps the kernel banners in it."""
    report.format = form
    report.blocks += 1
    report.recorded += len(content)
    for start in range(0, len(content), _PAGE):
        page = content[start : start + _PAGE]
        if page != _ZEROS[: len(page)]:
            report.filled += len(page)
    for match in _BANNER.finditer(content):
        text = display_name(match.group().decode("utf-8", "replace"), 400)
        if text in report.banners or len(report.banners) < 32:
            report.banners[text] = report.banners.get(text, 0) + 1


def ram_bytes(iomem: str) -> int | None:
    """Memory of the machine by /proc/iomem's "System RAM", None when it does not say (its addresses read 0 without root)."""
    total = 0
    for match in re.finditer(r"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) : System RAM$", iomem, re.MULTILINE):
        total += int(match[2], 16) + 1 - int(match[1], 16)
    return total if total > limits.MEBIBYTE else None
