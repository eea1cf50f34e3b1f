# SPDX-License-Identifier: AGPL-3.0-or-later
"""Log-in databases of glibc: utmp records (wtmp, btmp) of 384 bytes (x86-64) and 400 bytes (aarch64), and lastlog's of 292 and 296.

A file is never believed to be of one size to its end: machines are moved between architectures, and writes are torn. Each record
is judged by what its fields may hold; after one that cannot be, the next that can is looked for.
"""

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

#: Size of a record, and where its moment lies. x86-64 has 32-bit seconds behind a 32-bit session number; aarch64 64-bit ones behind a
#: 64-bit session number. The third is what compilers make that align the session number once more.
_LAYOUTS = ((384, 340, struct.Struct("<ii16s")), (400, 344, struct.Struct("<qq16s")), (400, 348, struct.Struct("<qq16s")))
USER_PROCESS = 7
_HEAD = struct.Struct("<hHi32s4s32s256shh")
_SMALLEST = min(size for size, _, _ in _LAYOUTS)
_Layout = tuple[int, int, struct.Struct]
#: What a record begins with: a type from 1 to 9, two bytes of padding.
_BEGIN = re.compile(rb"[\x01-\x09]\x00\x00\x00")
_TEXT = re.compile(rb"[\x20-\x7e\x80-\xff]*")
#: The seconds a record may name: 1980 to 2100. A machine without a clock starts in 1970, so a boot may lie there too.
_SECONDS = range(315_532_800, 4_102_444_800)
_WINDOW = 4 << 20


@dataclass(frozen=True, slots=True)
class Login:
    """One record. `at` is in nanoseconds since 1970, `kind` the number of the utmp type, `host` a name or an address."""

    kind: int
    at: int
    user: str
    host: str
    line: str


@dataclass(frozen=True, slots=True)
class Gap:
    """`length` bytes at `offset` that hold no record. `zeros`: nothing but zero bytes; `records`: how many whole records they would
    make, 0 when they do not come out even; `last`: nothing follows them."""

    offset: int
    length: int
    zeros: bool
    records: int
    last: bool


def _word(raw: bytes) -> str | None:
    text = raw.split(b"\0", 1)[0]
    return text.decode("utf-8", "surrogateescape") if _TEXT.fullmatch(text) else None


def _record(data: bytes, at: int, layout: _Layout) -> Login | None:
    """The record at `at`, None when its fields cannot be those of one."""
    size, moment, tail = layout
    if at + size > len(data):
        return None
    kind, padding, process, line, _, user, host, _, _ = _HEAD.unpack_from(data, at)
    seconds, micro, address = tail.unpack_from(data, at + moment)
    words = [_word(one) for one in (line, user, host)]
    if not 0 <= kind <= 9 or padding or not -1 <= process < 1 << 23 or any(word is None for word in words):
        return None
    # A session number and an address never look like a moment: that tells the two sizes apart.
    if not (seconds in _SECONDS or (kind <= 5 and 0 < seconds < _SECONDS.start)) or not 0 <= micro < 1_000_000:
        return None
    if kind == 0 and not any(words):
        return None
    where = words[2] or ""
    if not where and any(address):
        where = str(ipaddress.ip_address(address[:4] if not any(address[4:]) else address))
    return Login(kind, seconds * 1_000_000_000 + micro * 1000, words[1] or "", where, words[0] or "")


def _zeros(data: bytes, at: int) -> int:
    """How many zero bytes lie at `at`."""
    rest = data[at:]
    return len(rest) - len(rest.lstrip(b"\0"))


def read_utmp(handle: BinaryIO) -> Iterator[Login | Gap]:
    """Every record, and every stretch that holds none, of a whole file."""
    data, start, ended = b"", 0, False
    layout: _Layout | None = None
    at = 0
    while True:
        if not ended and len(data) - at < _WINDOW // 2:
            data, start, at = data[at:], start + at, 0
            more = handle.read(_WINDOW)
            ended, data = not more, data + more
            continue
        if at >= len(data):
            return
        for one in (layout, *_LAYOUTS) if layout else _LAYOUTS:
            found = _record(data, at, one)
            if found is not None:
                layout = one
                break
        else:
            found = None
        if found is not None and layout is not None:
            yield found
            at += layout[0]
            continue
        blank = _zeros(data, at)
        if blank >= _SMALLEST or (blank and at + blank == len(data)):
            while at + blank == len(data) and not ended:  # the stretch goes on in the next window
                more = handle.read(_WINDOW)
                ended, data = not more, data + more
                blank += _zeros(data, at + blank)
            yield Gap(start + at, blank, True, _even(blank, layout[0] if layout else 0), at + blank == len(data))
            at += blank
            continue
        end = _next(data, at + 1)
        yield Gap(start + at, end - at, False, 0, end == len(data))
        at = end


def _even(length: int, size: int) -> int:
    """How many records zeros make: of the size that was seen before them, or of any where none was."""
    for one in (size,) if size else sorted({one for one, _, _ in _LAYOUTS}):
        if length % one == 0:
            return length // one
    return 0


def _next(data: bytes, at: int) -> int:
    """Where the next plausible record, or a record's length of zeros, begins; the end of the data when there is none."""
    blank = data.find(bytes(_SMALLEST), at)
    for match in _BEGIN.finditer(data, at):
        if 0 <= blank < match.start():
            return blank
        if any(_record(data, match.start(), one) for one in _LAYOUTS):
            return match.start()
    return blank if blank >= 0 else len(data)


@dataclass(frozen=True, slots=True)
class LastLogin:
    """A user's last log-in, by number. `at` in nanoseconds since 1970."""

    user: int
    at: int
    host: str
    line: str


_LASTLOG = {292: struct.Struct("<i32s256s"), 296: struct.Struct("<q32s256s")}
#: Records of either size begin at each multiple of this.
LASTLOG_ALIGNMENT = 292 * 296


def read_lastlog(data: bytes, offset: int = 0) -> Iterator[LastLogin]:
    """The records of a lastlog in which anything stands, by the size that fits them better. @raises ValueError when none fits

    @param offset where in the file `data` begins, a multiple of `LASTLOG_ALIGNMENT`: a user's place is his number
    """
    best: list[LastLogin] = []
    worst_left = bool(data.strip(b"\0"))
    for size, layout in _LASTLOG.items():
        found: list[LastLogin] = []
        wrong = 0
        for index in range(len(data) // size):
            if not any(data[index * size : index * size + 8]):
                continue
            seconds, line, host = layout.unpack_from(data, index * size)
            words = (_word(line), _word(host))
            if seconds in _SECONDS and None not in words:
                found.append(LastLogin(offset // size + index, seconds * 1_000_000_000, words[1] or "", words[0] or ""))
            else:
                wrong += 1
        if not wrong and len(found) > len(best):
            best = found
    if worst_left and not best:
        raise ValueError("its records are neither of 292 nor of 296 bytes")
    yield from best
