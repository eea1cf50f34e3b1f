# SPDX-License-Identifier: AGPL-3.0-or-later
"""Free space of ext2 to ext4 and XFS, by the file system's own maps: where it lies, and what deleted data there gives away.

Nothing is restored: names of deleted files are not known here. A file begins at a block, so programs and scripts are looked at from
each block that begins like one, up to the size a program says of itself; everything is looked at in windows as well.
"""

import struct
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.ext_groups import group_descriptors
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.rule_matches import matches, scanner_of

#: Below the size up to which rules take a file for a script.
_WINDOW = 1024 * 1024
_OVERLAP = 64 * 1024
_MOST_PER_RULE = 20
_ELF = b"\x7fELF"


def free_runs(handle: BinaryIO, kind: str) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each run that the file system's maps call free, in order within each group.

    @param kind ext4 (and ext2, ext3) or xfs
    @raises ValueError when the maps make no sense
    """
    yield from _ext_runs(handle) if kind == "ext4" else _xfs_runs(handle)


def _at(handle: BinaryIO, offset: int, count: int) -> bytes:
    if not 0 <= offset < 1 << 62:
        raise ValueError("a map of free space lies outside the file system")
    handle.seek(offset)
    content = handle.read(count)
    if len(content) < count:
        raise ValueError("a map of free space lies outside the file system")
    return content


def _ext_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    head = _at(handle, 1024, 1024)
    blocks, first_block, log_block, log_cluster, per_group = (
        struct.unpack_from("<I", head, 4)[0],
        *struct.unpack_from("<III", head, 20),
        struct.unpack_from("<I", head, 32)[0],
    )
    descriptors = group_descriptors(head)
    wide = descriptors.wide
    if wide:
        blocks |= struct.unpack_from("<I", head, 336)[0] << 32
    if not log_block <= log_cluster <= log_block + 20:
        raise ValueError("the sizes in the superblock make no sense")
    block = 1024 << log_block
    ratio = 1 << (log_cluster - log_block)
    groups = -(-(blocks - first_block) // per_group)
    for group in range(groups):
        descriptor = _at(handle, descriptors.place(group), descriptors.size)
        bitmap = struct.unpack_from("<I", descriptor, 0)[0]
        flags = struct.unpack_from("<H", descriptor, 18)[0]
        if wide:
            bitmap |= struct.unpack_from("<I", descriptor, 32)[0] << 32
        start = first_block + group * per_group
        count = min(per_group, blocks - start)
        if flags & 0x2:  # its bitmap was never written: nothing of this file system is there, perhaps something of an earlier one
            yield start * block, count * block
            continue
        clusters = -(-count // ratio)
        for first, length in _clear_bits(_at(handle, bitmap * block, -(-clusters // 8)), clusters):
            yield (start + first * ratio) * block, min(length * ratio, count - first * ratio) * block


def _clear_bits(bits: bytes, count: int) -> Iterator[tuple[int, int]]:
    """Runs of clear bits as (first, how many)."""
    begun = -1
    for index in range(-(-count // 8)):
        value, places = bits[index], range(index * 8, min(index * 8 + 8, count))
        if value == 0xFF or (value == 0 and begun >= 0):  # whole bytes at once: most are
            if value and begun >= 0:
                yield begun, places.start - begun
                begun = -1
            continue
        for place in places:
            clear = not value >> (place % 8) & 1
            if clear and begun < 0:
                begun = place
            elif not clear and begun >= 0:
                yield begun, place - begun
                begun = -1
    if begun >= 0:
        yield begun, count - begun


def _xfs_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    head = _at(handle, 0, 264)
    block, per_group, groups = (
        struct.unpack_from(">I", head, 4)[0],
        struct.unpack_from(">I", head, 84)[0],
        struct.unpack_from(">I", head, 88)[0],
    )
    sector = struct.unpack_from(">H", head, 102)[0]
    if head[:4] != b"XFSB" or not 512 <= block <= 65536 or not 512 <= sector <= 32768 or per_group == 0:
        raise ValueError("the sizes in the superblock make no sense")
    for group in range(groups):
        start = group * per_group * block
        records = xfs_tree_records(handle, start, block, sector, b"XAGF", 16, (b"AB3B", b"ABTB"), 8)
        for first, length in sorted(struct.unpack(">II", record) for record in records):
            if first + length <= per_group:
                yield start + first * block, length * block


def xfs_tree_records(
    handle: BinaryIO, start: int, block: int, header_at: int, header_magic: bytes, root_at: int, magics: tuple[bytes, bytes], size: int
) -> Iterator[bytes]:
    """The records of one of the trees that an allocation group of XFS has.

    @param start where the group begins, in bytes; `block` the bytes of a block
    @param header_at where in the group its header lies, which begins with `header_magic` and has the tree's root at `root_at`
    @param magics what the tree's blocks begin with, with checksums and without
    @param size bytes of a record
    @raises ValueError when the tree is damaged
    """
    table = _at(handle, start + header_at, 64)
    if table[:4] != header_magic:
        raise ValueError(f"the group at byte {start} has no {header_magic.decode()}")
    pending, seen = [struct.unpack_from(">I", table, root_at)[0]], set[int]()
    while pending:
        number = pending.pop()
        if number in seen or len(seen) > 1_000_000:
            raise ValueError("a tree of the file system is a circle")
        seen.add(number)
        content = _at(handle, start + number * block, block)
        if content[:4] not in magics:
            raise ValueError("a tree of the file system is damaged")
        level, count = struct.unpack_from(">HH", content, 4)
        header = 56 if content[:4] == magics[0] else 16
        # Keys of inner blocks are as long as a start and, of free space, a length.
        key = 8 if size == 8 else 4
        most = (block - header) // (size if level == 0 else key + 4)
        if count > most:
            raise ValueError("a tree of the file system is damaged")
        if level == 0:
            yield from (content[header + size * index : header + size * (index + 1)] for index in range(count))
        else:
            # Keys first, for as many as fit; then as many pointers.
            pending += struct.unpack_from(f">{count}I", content, header + key * most)


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


def scan_claims(
    open_stream: Callable[[], BinaryIO], claims: list[tuple[int, int, str]], volume_id: str, nonzero: bytes | None, seconds: float
) -> Iterator[Finding | NotLookedAt]:
    """What YARA finds where a structure says of itself that it holds no files: swap, metadata, boot code. Meant to run isolated.

    @param claims (first byte, bytes, what it says it is); the others as `scan_free_space` has them
    """
    end = time.monotonic() + seconds
    for offset, size, what in claims:
        runs, title = [(offset, size)], f"What should hold no files ({what[:60]}) holds"
        yield from _scan(open_stream, lambda _, runs=runs: iter(runs), what, title, volume_id, 0, nonzero, end - time.monotonic())  # type: ignore[misc]


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
        if key in told or told.get(match.rule, 0) >= _MOST_PER_RULE:
            continue
        told[key] = 1
        told[match.rule] = told.get(match.rule, 0) + 1
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
