# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a walk of a btrfs file system does not meet: subvolumes that no directory names, and files that were deleted while they were open."""

from clean_room_analysis.errors import cause_of
import stat
import struct
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import yara_x
from dissect.btrfs import btrfs

from clean_room_analysis import limits
from clean_room_analysis.btrfs_space import leaf_items, opened
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.text import decode

_INODE_ITEM, _ROOT_ITEM, _ROOT_BACKREF = 1, 132, 144
#: The tree of files that is always there; those of subvolumes lie from 256 on, with the last 256 numbers for other trees.
_TOP, _FIRST, _LAST = 5, 256, (1 << 64) - 256


def scan_btrfs(open_stream: Callable[[], BinaryIO], volume_id: str, seconds: float) -> Iterator[Finding | NotLookedAt]:
    """What they hold, by the rules. Meant to run isolated: see isolated.py.

    @param seconds after which it ends and says how far it came
    """
    end = time.monotonic() + seconds
    scanner = scanner_of()
    with open_stream() as handle:
        system = opened(handle)
        roots, named = dict[int, int](), set[int]()
        for number, kind, _, content in leaf_items(system, int(system.sb.root)):
            if kind == _ROOT_BACKREF:
                named.add(number)
            elif kind == _ROOT_ITEM and _FIRST <= number < _LAST and len(content) >= 220:
                roots[number] = struct.unpack_from("<I", content, 216)[0]
        for number in (_TOP, *sorted(roots)):
            hidden = number != _TOP and number not in named
            if hidden:
                title = "A subvolume that no directory names: " + ("deleted a moment before" if not roots[number] else "hidden by hand")
                severity = Severity.MEDIUM if roots[number] else Severity.LOW
                yield Finding("unnamed-files", severity, title, volume_id, None, f"subvolume {number}", ("T1564",))
            for one, kind, _, content in leaf_items(system, int(system._open_tree(number).root_offset)):
                if kind != _INODE_ITEM or len(content) < 56:
                    continue
                size, links, mode = struct.unpack_from("<Q16xI8xI", content, 16)
                if not stat.S_ISREG(mode) or not size or (links and not hidden):
                    continue
                if time.monotonic() > end:
                    why = f"the time for them was over after {seconds:.0f} seconds"
                    yield NotLookedAt(f"{volume_id}: files that no directory names, from subvolume {number} on", why)
                    return
                yield from _file(system, number, one, size, scanner, volume_id, deleted=not links)


def _file(
    system: btrfs.Btrfs, subvolume: int, number: int, size: int, scanner: yara_x.Scanner, volume_id: str, *, deleted: bool
) -> Iterator[Finding | NotLookedAt]:
    about = f"inode {number} of subvolume {subvolume}, {size} bytes"
    try:
        content = system.open_subvolume(subvolume).inode(number).open().read(min(size, limits.DELETED_BYTES))
    except Exception as error:  # dissect on damage
        yield NotLookedAt(f"{volume_id}: {about}", f"its content cannot be read: {cause_of(error)}", incomplete=not deleted)
        return
    check, technique = ("deleted", "T1070.004") if deleted else ("unnamed-files", "T1564")
    state = "that was deleted while it was in use" if deleted else "that no directory names"
    if deleted and content.startswith((b"\x7fELF", b"#!")):
        title = "A program that was deleted while it was in use"
        yield Finding(check, Severity.LOW, title, volume_id, None, f"{about}: {decode(content[:80])}", (technique,))
    found = matches(scanner, content)
    if found is None or size > len(content):
        why = (
            f"the rules took more than {limits.YARA_SECONDS} seconds"
            if found is None
            else f"only its first {len(content)} bytes were scanned"
        )
        yield NotLookedAt(f"{volume_id}: {about}, a file {state}", why, incomplete=not deleted)
    for match in found or ():
        attack = tuple(dict.fromkeys((*match.attack, technique)))
        evidence = f"{about}: {match.around(content)}"
        yield Finding(check, match.severity, f"A file {state}: {match.description}", volume_id, None, evidence, attack, rule=match.rule)
