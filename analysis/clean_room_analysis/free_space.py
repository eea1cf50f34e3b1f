# SPDX-License-Identifier: AGPL-3.0-or-later
"""Free space of a file system, by its own maps (free_maps.py): what deleted data there gives away.

Nothing is restored: names of deleted files are not known here. A file begins at a block, so programs and scripts are looked at from
each block that begins like one, up to the size a program says of itself; everything is looked at in windows as well.
"""

import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.free_maps import free_runs
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.own_space import own_runs
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.signatures import identify_signature, places_of_formats

#: Below the size up to which rules take a file for a script.
_WINDOW = 1024 * 1024
_OVERLAP = 64 * 1024
_MOST_PER_RULE = 20
_ELF = b"\x7fELF"
#: Types of regions that hold pages of memory or of a journal, as large as they like.
_PAGES = ("swap", "jbd")


def scan_free_space(
    open_stream: Callable[[], BinaryIO], kind: str, volume_id: str, base: int, nonzero: bytes | None, seconds: float
) -> Iterator[Finding | NotLookedAt]:
    """What YARA finds in the free space of one file system. Meant to run isolated: see isolated.py.

    @param base where the file system begins on its volume, in bytes
    @param nonzero which blocks of `limits.EVIDENCE_BLOCK_BYTES` of the volume hold anything but zeros; None when that is not known
    @param seconds after which it ends and says how far it came
    """
    yield from _scan(
        open_stream,
        lambda handle: free_runs(handle, kind),
        "free space",
        "Free space holds what was deleted",
        volume_id,
        base,
        nonzero,
        seconds,
    )


def scan_own_space(
    open_stream: Callable[[], BinaryIO], kind: str, volume_id: str, base: int, nonzero: bytes | None, seconds: float
) -> Iterator[Finding | NotLookedAt]:
    """What YARA finds where a file system keeps what is no file's (own_space.py); as `scan_free_space`. Meant to run isolated."""
    title = "What the file system keeps for itself (journal, unused inodes, reserved blocks) holds"
    runs = partial(own_runs, kind=kind)
    yield from _scan(open_stream, runs, "what the file system keeps for itself", title, volume_id, base, nonzero, seconds)


def scan_claims(
    open_stream: Callable[[], BinaryIO], claims: list[tuple[int, int, str]], volume_id: str, nonzero: bytes | None, seconds: float
) -> Iterator[Finding | NotLookedAt]:
    """What YARA finds where a structure says of itself that it holds no files: swap, metadata, boot code. Meant to run isolated.

    @param claims (first byte, bytes, what it says it is); the others as `scan_free_space` has them
    """
    end = time.monotonic() + seconds
    for offset, size, what in claims:
        if what.startswith(_PAGES):
            yield from _formats_inside(open_stream, offset, size, what, volume_id, nonzero, end)
        runs, title = [(offset, size)], f"What should hold no files ({what[:60]}) holds"
        yield from _scan(open_stream, lambda _, runs=runs: iter(runs), what, title, volume_id, 0, nonzero, end - time.monotonic())  # type: ignore[misc]


def _formats_inside(
    open_stream: Callable[[], BinaryIO], start: int, size: int, what: str, volume_id: str, nonzero: bytes | None, end: float
) -> Iterator[Finding | NotLookedAt]:
    """What begins inside swap or a journal and is neither: whoever wants room that nobody reads makes swap of it."""
    told = set[int]()
    with open_stream() as handle:
        for offset, content in _windows(handle, start, size, 0, nonzero):
            if time.monotonic() > end:
                yield NotLookedAt(f"{volume_id}: {what} from byte {offset} on", "the time for what it hides was over", incomplete=False)
                return
            for at in places_of_formats(content):
                place = offset + at
                if place in told or len(told) > _MOST_PER_RULE:
                    continue
                found = identify_signature(handle, place, start + size - place)
                if found is not None and not found.type.startswith(_PAGES):
                    told.add(place)
                    why = f"{found.type} begins inside what says it is {what.partition(':')[0]}: analyse it by itself, as a raw disk"
                    yield NotLookedAt(f"{volume_id}: byte {place}", why)


def _scan(
    open_stream: Callable[[], BinaryIO],
    runs_of: Callable[[BinaryIO], Iterator[tuple[int, int]]],
    what: str,
    title: str,
    volume_id: str,
    base: int,
    nonzero: bytes | None,
    seconds: float,
) -> Iterator[Finding | NotLookedAt]:
    end = time.monotonic() + seconds
    scanner = scanner_of()
    told: dict[str, int] = {}
    looked = 0
    with open_stream() as handle:
        for first, length in runs_of(handle):
            for offset, content in _windows(handle, first, length, base, nonzero):
                if time.monotonic() > end:
                    yield NotLookedAt(
                        f"{volume_id}: {what} from byte {base + offset} on",
                        f"the time for it was over after {seconds:.0f} seconds and {looked} bytes",
                        incomplete=False,
                    )
                    return
                looked += len(content)
                for at, piece in ((0, content), *_begun(content)):
                    yield from _found(scanner, piece, title, volume_id, base + offset + at, told)


def _windows(handle: BinaryIO, first: int, length: int, base: int, nonzero: bytes | None) -> Iterator[tuple[int, bytes]]:
    """A run in overlapping windows; without those that hold nothing but zeros."""
    offset = first
    while offset < first + length:
        count = min(_WINDOW, first + length - offset)
        if nonzero is not None:
            low = (base + offset) // limits.EVIDENCE_BLOCK_BYTES
            high = (base + offset + count - 1) // limits.EVIDENCE_BLOCK_BYTES
            if not any(nonzero[low : high + 1]):
                offset += count
                continue
        handle.seek(offset)
        content = handle.read(count)
        if content.strip(b"\0"):
            yield offset, content
        if offset + count >= first + length or not content:
            return
        offset += count - _OVERLAP


def _begun(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Programs and scripts that begin at a block of the window and are whole in it, as (offset, content)."""
    for at in range(0, len(content), 1024):
        if content[at : at + 4] == _ELF and len(content) - at >= 64 and content[at + 4] == 2 and content[at + 5] == 1:
            table, size, count = struct.unpack_from("<Q", content, at + 40)[0], *struct.unpack_from("<HH", content, at + 58)
            whole = table + size * count
            if 64 < whole <= len(content) - at:
                yield at, content[at : at + whole]
        elif content[at : at + 2] == b"#!":
            ends = content.find(b"\0", at, at + 256 * 1024)
            yield at, content[at : ends if ends >= 0 else at + 256 * 1024]


def _found(
    scanner: yara_x.Scanner, content: bytes, title: str, volume_id: str, place: int, told: dict[str, int]
) -> Iterator[Finding | NotLookedAt]:
    found = matches(scanner, content)
    if found is None:
        why = f"the rules took more than {limits.YARA_SECONDS} seconds"
        yield NotLookedAt(f"{volume_id}: {len(content)} bytes at byte {place}, which no file has", why, incomplete=False)
        return
    for match in found:
        key = f"{match.namespace} {match.rule} {(place + match.offset) // (64 * 1024)}"
        if key in told:
            continue
        told[match.rule] = told.get(match.rule, 0) + 1
        if told[match.rule] > _MOST_PER_RULE:
            if told[match.rule] == _MOST_PER_RULE + 1:
                why = f"a rule is told {_MOST_PER_RULE} times"
                yield NotLookedAt(f"{volume_id}: further places from byte {place} on that match {match.rule}", why, incomplete=False)
            continue
        told[key] = 1
        # Who deleted it, and whether it ever ran, is not known.
        lesser = {Severity.CRITICAL: Severity.HIGH, Severity.HIGH: Severity.HIGH}.get(match.severity, Severity.LOW)
        yield Finding(
            "deleted",
            lesser,
            f"{title}: {match.description}",
            volume_id,
            None,
            f"at byte {place + match.offset} of the volume: {match.around(content)}",
            (*match.attack, "T1070.004"),
            rule=match.rule,
        )
