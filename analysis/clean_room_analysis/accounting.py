# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sum over a disk: every byte is read, known to hold no files, or unread and named.

What was recognised on a disk proves nothing about the rest of it. So the regions that were read are taken from the whole, and what
remains must be nothing but zeros, or a structure that holds no files by what it is; anything else is named and makes the run
incomplete.
"""

import struct
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import BinaryIO, Literal

from clean_room_analysis import limits

State = Literal["read", "empty", "unread"]

#: What is said of a span in which nothing else stands.
ZEROS = "zeros"
_SECTOR = 512
#: GRUB's diskboot.S: the code that loads the rest of its core image from the sectors behind it.
_GRUB = b"\xbf\xf4\x81\x66\x8b\x2d\x83\x7d\x08\x00\x0f\x84"
#: grub-setup embeds at most this much, its error-correcting copy included (util/setup.c), behind one sector that loads it.
_GRUB_BYTES = 0x78000 + _SECTOR
_WEIGHT: dict[State, int] = {"empty": 0, "read": 1, "unread": 2}


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes of a disk and what is known of it."""

    offset: int
    size: int
    state: State
    what: str


class Account:
    """Collects who owns which bytes of one disk, and says what is left."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._owned: list[Span] = []

    def own(self, offset: int, size: int, state: State, what: str) -> None:
        """Records an owner. Where owners overlap, what is unread counts before what was read: reading one says nothing of the other."""
        end = min(offset + size, self._size)
        if end > max(offset, 0):
            self._owned.append(Span(max(offset, 0), end - max(offset, 0), state, what))

    def unowned(self) -> list[tuple[int, int]]:
        """The (offset, size) that nobody owns, in order."""
        gaps, at = [], 0
        for one in sorted(self._owned, key=lambda span: span.offset):
            if one.offset > at:
                gaps.append((at, one.offset - at))
            at = max(at, one.offset + one.size)
        if at < self._size:
            gaps.append((at, self._size - at))
        return gaps

    def filled(self, handle: BinaryIO, nonzero: bytes | None) -> list[tuple[int, int]]:
        """The parts of what nobody owns that hold anything but zeros. @param nonzero one byte a block, None to read all of it"""
        return [run for gap in self.unowned() for run in _filled(handle, *gap, nonzero)]

    def spans(
        self, handle: BinaryIO, nonzero: bytes | None, name: Callable[[int, int], str], boot_places: Container[int] = ()
    ) -> list[Span]:
        """The whole disk as spans in order, without a hole or an overlap; their sizes add up to the disk's.

        @param name says what the content at (offset, size) may be, for what nobody owns
        @param boot_places where a boot loader may begin: elsewhere its first bytes are somebody's cover
        """
        for offset, size in self.filled(handle, nonzero):
            boot = _boot_loader(handle, offset, size) if offset in boot_places else 0
            if boot:
                self.own(offset, boot, "empty", "GRUB's core image")
            if boot < size and _filled(handle, offset + boot, size - boot, None):
                self.own(offset + boot, size - boot, "unread", name(offset + boot, size - boot))
        for offset, size in self.unowned():
            self.own(offset, size, "empty", ZEROS)
        return self._flat()

    def _flat(self) -> list[Span]:
        edges = sorted({edge for one in self._owned for edge in (one.offset, one.offset + one.size)})
        starting = sorted(self._owned, key=lambda one: one.offset)
        result: list[Span] = []
        active: list[Span] = []
        following = 0
        for start, end in zip(edges, edges[1:], strict=False):
            while following < len(starting) and starting[following].offset <= start:
                active.append(starting[following])
                following += 1
            active = [one for one in active if one.offset + one.size > start]
            if not active:
                continue
            best = max(active, key=lambda one: (_WEIGHT[one.state], -one.size))
            last = result[-1] if result else None
            if last is not None and (last.state, last.what, last.offset + last.size) == (best.state, best.what, start):
                result[-1] = Span(last.offset, last.size + end - start, last.state, last.what)
            else:
                result.append(Span(start, end - start, best.state, best.what))
        return result


def _filled(handle: BinaryIO, offset: int, size: int, nonzero: bytes | None) -> list[tuple[int, int]]:
    """Runs within a part of the disk that hold anything but zeros, to the sector at their edges."""
    runs: list[tuple[int, int]] = []
    block = limits.EVIDENCE_BLOCK_BYTES
    at, end = offset, offset + size
    while at < end:
        stop = min(end, (at // block + 1) * block)
        if nonzero is None or (at // block < len(nonzero) and nonzero[at // block]):
            joined = bool(runs) and runs[-1][0] + runs[-1][1] == at and nonzero is not None and stop - at == block
            inner = (at, block) if joined else _within(handle, at, stop - at)  # its edges alone need a second read
            if inner is not None:
                if runs and runs[-1][0] + runs[-1][1] >= at - block:  # nearly one: a name for each block helps nobody
                    runs[-1] = (runs[-1][0], inner[0] + inner[1] - runs[-1][0])
                else:
                    runs.append(inner)
        at = stop
    return runs


def _within(handle: BinaryIO, offset: int, size: int) -> tuple[int, int] | None:
    handle.seek(offset)
    content = handle.read(size)
    start = len(content) - len(content.lstrip(b"\0"))
    if start == len(content):
        return None
    start -= start % _SECTOR
    end = min(size, -(-len(content.rstrip(b"\0")) // _SECTOR) * _SECTOR)
    return offset + start, end - start


def _boot_loader(handle: BinaryIO, offset: int, size: int) -> int:
    """Bytes of GRUB's core image at `offset`, 0 when it is not one. It says itself how long it is."""
    handle.seek(offset)
    head = handle.read(_SECTOR)
    if len(head) < _SECTOR or _GRUB not in head[:96]:
        return 0
    # The list of blocks grows down from the end of the sector: first sector, sectors, segment.
    sectors = struct.unpack_from("<H", head, 0x1FC)[0]
    return min(size, _GRUB_BYTES) if 0 < sectors * _SECTOR <= _GRUB_BYTES else 0
