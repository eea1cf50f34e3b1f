# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of ext2 to ext4 and XFS that no directory names: what a walk of the tree cannot see, though the file system holds it.

Two kinds. Those without a link were deleted while a program had them open, as intruders do with what runs; the kernel frees them when
the file system is mounted, so they are looked for on the evidence. Those that count a link and are named nowhere were hidden by somebody
who wrote to the device, or are what damage left. Every inode in use is asked, by the inode tables of ext4 and the inode trees of XFS.
"""

import contextlib
import stat
import struct
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.ext_inodes import ExtFileSystem
from clean_room_analysis.free_maps import xfs_tree_records
from clean_room_analysis.model import Finding, NotLookedAt, Severity, iso_time
from clean_room_analysis.raw_tree import extents_by_number, file_by_number
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.text import decode

#: Types of file systems whose inodes can be asked one by one.
COUNTED = frozenset({"ext4", "xfs"})
#: Those whose walk keeps the numbers it meets; for NTFS see ntfs_space.py.
NUMBERED = COUNTED | {"ntfs"}
#: Findings that name one file each; the rest are one finding with their number.
_TOLD = 50
#: Extended attributes of ext4 that have an inode of their own: no directory names them, by design.
_ATTRIBUTE, _ENCRYPTED = 0x200000, 0x800
_PROGRAM = (b"\x7fELF", b"#!")
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class InodeInUse:
    """One inode in use. `modified` in seconds since 1970."""

    number: int
    mode: int
    links: int
    size: int
    user: int
    modified: int
    #: (first byte, bytes) of content that nobody reads who opens it by a name.
    out_of_sight: tuple[tuple[int, int], ...] = ()
    #: Whether the file system's own encryption (fscrypt) keeps its content.
    encrypted: bool = False


def inodes_in_use(handle: BinaryIO, kind: str) -> Iterator[InodeInUse]:
    """Every file and directory of a file system, named or not, but the file system's own. @raises ValueError when its structures are damaged"""
    yield from _ext(handle) if kind == "ext4" else _xfs(handle)


def _ext(handle: BinaryIO) -> Iterator[InodeInUse]:
    fs = ExtFileSystem(handle)
    empty = bytes(fs.inode_size)
    for first, table in fs.groups():
        for index in range(0, len(table), fs.inode_size):
            raw = table[index : index + fs.inode_size]
            number = first + index // fs.inode_size
            if raw == empty or number < fs.first_inode or number in fs.own_inodes:
                continue
            mode, user, size, _, _, modified, deleted, _, links = struct.unpack_from("<HHIIIIIHH", raw, 0)
            flags = struct.unpack_from("<I", raw, 32)[0]
            # What was deleted and freed says when; what is only unlinked has there the next of the list of such.
            if flags & _ATTRIBUTE or (not links and (deleted > fs.inodes or not raw[40:100].strip(b"\0"))):
                continue
            size |= struct.unpack_from("<I", raw, 108)[0] << 32
            hidden: tuple[tuple[int, int], ...] = ()
            with contextlib.suppress(ValueError, struct.error):  # a damaged map is the walk's to tell, which reads the file
                hidden = fs.out_of_sight(raw) if links else ()
            owner = user | struct.unpack_from("<H", raw, 120)[0] << 16
            yield InodeInUse(number, mode, links, size, owner, modified, hidden, bool(flags & _ENCRYPTED) and stat.S_ISREG(mode))


def _xfs(handle: BinaryIO) -> Iterator[InodeInUse]:
    handle.seek(0)
    head = handle.read(512)
    if len(head) < 512 or head[:4] != b"XFSB":
        raise ValueError("no superblock of XFS")
    block, per_group, groups = struct.unpack_from(">I", head, 4)[0], *struct.unpack_from(">II", head, 84)
    sector, inode_size, per_block = struct.unpack_from(">HHH", head, 102)
    blocks_bits, within_bits = head[124], head[123]
    if not (512 <= block <= 65536 and 256 <= inode_size <= 2048 and per_group and per_block == 1 << within_bits and blocks_bits < 32):
        raise ValueError("the sizes in the superblock make no sense")
    own = {*struct.unpack_from(">QQQ", head, 56), *struct.unpack_from(">QQ", head, 160), struct.unpack_from(">Q", head, 232)[0]}
    for group in range(groups):
        start = group * per_group * block
        for record in xfs_tree_records(handle, start, block, 2 * sector, b"XAGI", 20, (b"IAB3", b"IABT"), 16):
            first, holes, _, free = struct.unpack(">IHHQ", record)
            handle.seek(start + (first >> within_bits) * block)
            chunk = handle.read(64 * inode_size)
            for index in range(len(chunk) // inode_size):
                raw = chunk[index * inode_size : (index + 1) * inode_size]
                # Where inodes are made in sparse chunks, each bit of the map of holes stands for four; without them it counts, below 64.
                if free >> index & 1 or raw[:2] != b"IN":
                    continue
                number = group << (blocks_bits + within_bits) | first + index
                mode, version, _, old_links, user = struct.unpack_from(">HBBHI", raw, 2)
                links = struct.unpack_from(">I", raw, 16)[0] if version > 1 else old_links
                if number in own or mode == 0:
                    continue
                size, seconds = struct.unpack_from(">Q", raw, 56)[0], struct.unpack_from(">Q", raw, 40)[0]
                big = version >= 3 and struct.unpack_from(">Q", raw, 120)[0] & 0x8
                modified = seconds // _SECOND - (1 << 31) if big else struct.unpack_from(">i", raw, 40)[0]
                # What is no file, directory or link has no blocks; a file has none behind its end, but reserved ones.
                blocks, end = struct.unpack_from(">Q", raw, 64)[0], 0
                if stat.S_ISREG(mode):
                    end = -(-size // block)
                hidden: tuple[tuple[int, int], ...] = ()
                if blocks > end and not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                    hidden = tuple(_xfs_extents(handle, raw, number, end, block, per_group, blocks_bits))
                yield InodeInUse(number, mode, links, size, user, modified, hidden)


def _xfs_extents(handle: BinaryIO, raw: bytes, number: int, end: int, block: int, per_group: int, bits: int) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of the written extents of an inode from block `end` of its content on."""
    at = 176 if raw[4] >= 3 else 100
    if raw[5] == 2:  # the inode lists them itself
        many = raw[4] >= 3 and struct.unpack_from(">Q", raw, 120)[0] & 0x10
        count = struct.unpack_from(">Q", raw, 24)[0] if many else struct.unpack_from(">I", raw, 76)[0]
        extents = []
        for index in range(min(count, (len(raw) - at) // 16)):
            high, low = struct.unpack_from(">QQ", raw, at + 16 * index)
            extents.append((high >> 9 & (1 << 54) - 1, (high & 0x1FF) << 43 | low >> 21, low & 0x1FFFFF, high >> 63))
    elif raw[5] == 3:  # a tree has them
        place = handle.tell()
        extents = extents_by_number(handle, number)
        handle.seek(place)
    else:
        return
    for first, start, count, unwritten in extents:
        skip = max(0, end - first)
        if not unwritten and skip < count:
            yield ((start >> bits) * per_group + (start & (1 << bits) - 1) + skip) * block, (count - skip) * block


def scan_unnamed(
    evidence: Callable[[], BinaryIO],
    read: Callable[[], BinaryIO],
    kind: str,
    volume_id: str,
    named: "array[int]",
    *,
    replayed: bool,
    seconds: float,
) -> Iterator[Finding | NotLookedAt]:
    """What the files that no directory names give away. Meant to run isolated: see isolated.py.

    @param evidence the file system as it was found: there are those that were deleted while they were open
    @param read the file system as it was walked: what it holds beyond `named` is hidden
    @param named numbers of the inodes that the walk met
    @param replayed whether its journal was: where not, it may name files that are gone
    @param seconds after which it ends and says how far it came
    """
    end = time.monotonic() + seconds
    known, encrypted = set(named), 0
    for opened, deleted in ((read, False), (evidence, True)):
        told = 0
        with opened() as handle:
            look = _Look(handle, kind, volume_id, replayed=replayed)
            for one in inodes_in_use(handle, kind):
                encrypted += one.encrypted and not deleted
                wanted = one.links == 0 if deleted else one.links > 0 and (one.number not in known or one.out_of_sight)
                if not wanted or not (stat.S_ISREG(one.mode) or stat.S_ISDIR(one.mode) or one.links):
                    continue
                if time.monotonic() > end:
                    why = f"the time for them was over after {seconds:.0f} seconds"
                    yield NotLookedAt(
                        f"{volume_id}: files that no directory names, from inode {one.number} on", why, incomplete=not deleted
                    )
                    return
                for result in look.at(one, named=one.number in known):
                    told += not deleted and isinstance(result, Finding) and result.rule is None
                    if told <= _TOLD or not isinstance(result, Finding) or result.rule is not None:
                        yield result
        if told > _TOLD:
            yield Finding(
                "unnamed-files",
                Severity.MEDIUM if replayed else Severity.LOW,
                f"{told - _TOLD} more files that no directory names",
                volume_id,
                None,
                "their content was scanned",
                ("T1564",),
            )

    if encrypted:
        yield NotLookedAt(
            f"{volume_id}: content of {encrypted} files", "the file system encrypts them (fscrypt): the key is not on the disk in clear"
        )


class _Look:
    """Looks at the content of single files by their numbers."""

    def __init__(self, handle: BinaryIO, kind: str, volume_id: str, *, replayed: bool) -> None:
        self._handle, self._kind, self._volume_id, self._replayed = handle, kind, volume_id, replayed
        self._scanner = scanner_of()

    def at(self, one: InodeInUse, *, named: bool) -> Iterator[Finding | NotLookedAt]:
        """What one file says. Where the handle stood is left as it was. @param named whether a directory names it: it has content out of sight"""
        place = self._handle.tell()
        content, why = b"", ""
        if one.out_of_sight:
            content = self._pieces(one.out_of_sight)
        elif stat.S_ISREG(one.mode) and one.size:
            try:
                with file_by_number(self._handle, self._kind, one.number) as stream:
                    content = stream.read(min(one.size, limits.DELETED_BYTES))
            except OSError as error:
                why = f"; its content cannot be read: {error.strerror}"
        self._handle.seek(place)
        about = (
            f"inode {one.number}, mode {one.mode:06o}, {one.size} bytes, owner {one.user}, modified {iso_time(one.modified * _SECOND)}{why}"
        )
        kind = "directory" if stat.S_ISDIR(one.mode) else "program" if content.startswith(_PROGRAM) else "file"
        if named and not content.strip(b"\0"):
            return
        if named:
            behind = stat.S_ISREG(one.mode)
            title = "Content behind the end of a file" if behind else "Content of what is neither file, directory nor link"
            # Older kernels reserve space of XFS behind the end of a file that grows, and leave in it what lay there.
            reserved = behind and self._kind == "xfs"
            yield self._found(
                one,
                "unnamed-files",
                Severity.LOW if reserved else Severity.MEDIUM,
                f"{title}: " + ("left where space was reserved, or hidden by hand" if reserved else "hidden by hand, or what damage left"),
                f"{about}: {decode(content[:80])}",
                ("T1564",),
            )
        elif one.links:
            title = f"A {kind} that no directory names: hidden by hand, or what damage left"
            if not self._replayed:
                title = f"A {kind} that no directory names; the journal was not replayed, which may have deleted it"
            severity = Severity.MEDIUM if self._replayed else Severity.LOW
            yield self._found(one, "unnamed-files", severity, title, f"{about}: {decode(content[:80])}", ("T1564",))
        elif kind == "program":
            # After an update of packages, what still runs has gone too: alone it says little.
            title = "A program that was deleted while it was in use"
            yield self._found(one, "deleted", Severity.LOW, title, about, ("T1070.004",))
        check = "unnamed-files" if one.links else "deleted"
        state = "with content out of sight" if named else "that no directory names" if one.links else "that was deleted while it was in use"
        matched = matches(self._scanner, content) if content else ()
        if matched is None:
            why = f"the rules took more than {limits.YARA_SECONDS} seconds"
            yield NotLookedAt(f"{self._volume_id}: content of inode {one.number}, a file {state}", why, incomplete=one.links > 0)
        for match in matched or ():
            attack = tuple(dict.fromkeys((*match.attack, "T1564" if one.links else "T1070.004")))
            quoted = f"{about}: {match.around(content)}"
            yield self._found(one, check, match.severity, f"A file {state}: {match.description}", quoted, attack, match.rule)
        if one.size > limits.DELETED_BYTES and stat.S_ISREG(one.mode) and not named:
            why = f"only the first {limits.DELETED_BYTES} of its {one.size} bytes were scanned"
            yield NotLookedAt(f"{self._volume_id}: inode {one.number}, which no directory names", why, incomplete=one.links > 0)

    def _pieces(self, pieces: tuple[tuple[int, int], ...]) -> bytes:
        content = bytearray()
        for place, length in pieces:
            self._handle.seek(place)
            content += self._handle.read(min(length, limits.DELETED_BYTES - len(content)))
        return bytes(content)

    def _found(
        self, one: InodeInUse, check: str, severity: Severity, title: str, evidence: str, attack: tuple[str, ...], rule: str | None = None
    ) -> Finding:
        return Finding(check, severity, title, self._volume_id, None, evidence, attack, one.modified * _SECOND, None, rule)
