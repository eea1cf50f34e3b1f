# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an NTFS file system holds beside the content of files: clusters that no file has, by its own map, and alternate data streams.

Read by dissect.ntfs. Content of deleted files that fitted into their record lies in $MFT, which is a file and scanned as one.
"""

from clean_room_analysis.errors import cause_of
import struct
import time
from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO

import yara_x
from dissect.ntfs import NTFS, MftRecord
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE, FILE_NUMBER_BITMAP

from clean_room_analysis import limits
from clean_room_analysis.bits import clear_bits
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.text import decode

_IN_USE = 1
_ATTRIBUTE_LIST, _DATA = 0x20, 0x80
#: Records below this number are NTFS's own, as is what lies in /$Extend; their streams are structures, some mostly holes.
_FIRST_FILE = 24
_EXTEND = "/$Extend/"
_PROGRAM = (b"MZ", b"\x7fELF", b"#!")
#: Content that Windows itself compressed (compact /exe), in a stream of this name.
_COMPACTED = "wofcompresseddata"


def free_runs(handle: BinaryIO) -> Iterator[tuple[int, int]]:
    """(first byte, bytes) of each run of clusters that no file has. dissect raises what damage leads to"""
    system = NTFS(handle)
    cluster = int(system.cluster_size)
    count = handle.seek(0, 2) // cluster
    bits = system.mft.get(FILE_NUMBER_BITMAP).open().read(-(-count // 8))
    for first, length in clear_bits(bits, min(count, len(bits) * 8)):
        yield first * cluster, length * cluster


def scan_streams(
    open_stream: Callable[[], BinaryIO], volume_id: str, named: "array[int]", seconds: float
) -> Iterator[Finding | NotLookedAt]:
    """What alternate data streams hold, and files that no directory names. Meant to run isolated: see isolated.py.

    @param named numbers of the records that the walk met
    @param seconds after which it ends and says how far it came
    """
    end = time.monotonic() + seconds
    scanner = scanner_of()
    known, compacted = set(named), 0
    with open_stream() as handle:
        system = NTFS(handle)
        for number in _worth_a_look(system, known):
            if time.monotonic() > end:
                why = f"the time for them was over after {seconds:.0f} seconds"
                yield NotLookedAt(f"{volume_id}: alternate data streams, from record {number} on", why)
                return
            try:
                record = system.mft.get(number)
                streams = {str(one.header.name) for one in record.attributes[ATTRIBUTE_TYPE_CODE.DATA]}
                path = _path(record)
            except Exception as error:  # dissect on a damaged record
                yield NotLookedAt(f"{volume_id}: record {number}", f"it cannot be read: {type(error).__name__}: {error}")
                continue
            if path.startswith(_EXTEND):
                continue
            if number not in known:
                about = f"record {number}, {path}"
                title = "A file that no directory names: hidden by hand, or what damage left"
                yield Finding("unnamed-files", Severity.MEDIUM, title, volume_id, None, about, ("T1564",))
            for name in sorted(streams if number not in known else streams - {""}):
                if name.lower() == _COMPACTED:
                    compacted += 1
                else:
                    yield from _stream(record, path, name, scanner, volume_id)
    if compacted:
        why = "Windows compressed them (compact /exe), in a form that is not read here"
        yield NotLookedAt(f"{volume_id}: content of {compacted} files", why)


def _worth_a_look(system: NTFS, known: set[int]) -> Iterator[int]:
    """Numbers of the files in use that have named streams, lists of attributes, or no name in any directory.

    The headers of attributes are looked at here: dissect's objects would take a millisecond for each of hundreds of thousands of files.
    """
    size = int(system._record_size)
    stream = system.mft.fh
    number = 0
    while True:
        stream.seek(number * size)  # whoever is given a number moves the stream
        content = stream.read(size * 1024)
        if len(content) < size:
            return
        for at in range(0, len(content) - size + 1, size):
            record = content[at : at + size]
            this, number = number, number + 1
            if record[:4] != b"FILE" or not record[22] & _IN_USE or any(record[32:38]) or this < _FIRST_FILE:
                continue  # free, the continuation of another, or NTFS's own
            if this not in known or _has_streams(record):
                yield this


def _has_streams(record: bytes) -> bool:
    at = struct.unpack_from("<H", record, 20)[0]
    while at + 16 <= len(record):
        kind, length = struct.unpack_from("<II", record, at)
        if kind == 0xFFFFFFFF:
            return False
        # A sector's last bytes stand elsewhere: where they are a length, dissect is to say.
        if kind == _ATTRIBUTE_LIST or (kind == _DATA and record[at + 9]) or length < 16 or length % 8 or length > len(record):
            return True
        at += length
    return True


def _stream(record: MftRecord, path: str, name: str, scanner: yara_x.Scanner, volume_id: str) -> Iterator[Finding | NotLookedAt]:
    kind, technique = ("An alternate data stream", "T1564.004") if name else ("A file that no directory names", "T1564")
    place = f"{path}:{name}" if name else path
    try:
        size, content = int(record.size(name)), record.open(name)
        window = content.read(limits.WINDOW_BYTES)
    except Exception as error:  # dissect on a damaged record
        yield NotLookedAt(f"{volume_id}:{place}", f"this stream cannot be read: {cause_of(error)}")
        return
    if name and window.startswith(_PROGRAM):
        about = f"{size} bytes: {decode(window[:80])}"
        yield Finding("yara", Severity.HIGH, "A program in an alternate data stream", volume_id, place, about, (technique,))
    told: set[str] = set()
    offset = 0
    while window:
        found = matches(scanner, window)
        if found is None:
            why = f"scanning {len(window)} bytes at byte {offset} took more than {limits.YARA_SECONDS} seconds"
            yield NotLookedAt(f"{volume_id}:{place}", why)
        for match in found or ():
            if match.rule not in told:
                told.add(match.rule)
                attack = tuple(dict.fromkeys((*match.attack, technique)))
                title = f"{kind}: {match.description}"
                yield Finding("yara", match.severity, title, volume_id, place, match.around(window), attack, rule=match.rule)
        if len(window) < limits.WINDOW_BYTES:
            return
        offset += limits.WINDOW_BYTES - limits.WINDOW_OVERLAP_BYTES
        if offset >= limits.YARA_FILE_BYTES:
            yield NotLookedAt(f"{volume_id}:{place}", f"YARA scanned only its content up to byte {offset}")
            return
        content.seek(offset)
        window = content.read(limits.WINDOW_BYTES)


def _path(record: MftRecord) -> str:
    try:
        found = record.full_path(ignore_dos=True)
    except Exception:  # dissect on damaged names
        found = None
    return "/" + found.replace("\\", "/").lstrip("/") if found else f"record {record.segment}"
