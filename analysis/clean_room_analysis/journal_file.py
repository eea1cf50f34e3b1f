# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads systemd journal files by going once over their objects, which is much faster than following their indexes and needs none
of them to be whole. Format: systemd's docs/JOURNAL_FILE_FORMAT.md. Only entries of the programs that are asked for are decoded.
"""

import lzma
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass

from backports import zstd
from dissect.util.compression import lz4

_SIGNATURE = b"LPKSHHRH"
_COMPACT = 1 << 4
_OBJECT = struct.Struct("<BB6xQ")
_ENTRY = struct.Struct("<QQQ")  # sequence number, real time (microseconds), monotonic time
_DATA, _ENTRY_TYPE, _LAST_TYPE = 1, 3, 7
_XZ, _LZ4, _ZSTD = 1, 2, 4
#: A message is kept up to here, compressed ones too.
_MESSAGE_BYTES = 64 * 1024
_NAMES = (b"SYSLOG_IDENTIFIER=", b"_COMM=")


class JournalError(ValueError):
    """Not a journal, or parts of it that hold no object; what was read before is right."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry. `at` is in nanoseconds since 1970."""

    at: int
    program: str
    message: str


class JournalReader:
    """One journal file in memory (or mapped)."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        if bytes(data[:8]) != _SIGNATURE or len(data) < 208:
            raise JournalError("it is no journal")
        self._compact = bool(struct.unpack_from("<I", data, 12)[0] & _COMPACT)
        self._payload = 72 if self._compact else 64
        self._start = struct.unpack_from("<Q", data, 88)[0]
        #: Bytes within the journal that hold no object.
        self.skipped = 0

    def entries(self, programs: Container[bytes], limit: int) -> Iterator[JournalEntry]:
        """Entries of these programs, the newest first, at most `limit`. `cut` says afterwards how many were left out."""
        wanted: dict[int, bytes] = {}
        chosen: list[tuple[int, int, bytes]] = []
        for offset, kind, flags, size in self._objects():
            if kind == _DATA:
                if flags & 7 == 0:
                    for name in _NAMES:
                        at = offset + self._payload
                        if size < self._payload + 64 and bytes(self._data[at : at + len(name)]) == name:
                            program = bytes(self._data[at + len(name) : offset + size])
                            if program in programs:
                                wanted[offset] = program
            elif kind == _ENTRY_TYPE and size >= 64:
                program = next((wanted[one] for one in self._items(offset, size) if one in wanted), b"")
                if program:
                    chosen.append((_ENTRY.unpack_from(self._data, offset + 16)[1], offset, program))
        chosen.sort(reverse=True)
        self.cut = max(0, len(chosen) - limit)
        for moment, offset, program in chosen[:limit]:
            message = self._message(offset)
            if message is not None:
                yield JournalEntry(moment * 1000, program.decode("utf-8", "replace"), message)

    def _objects(self) -> Iterator[tuple[int, int, int, int]]:
        data, end = self._data, len(self._data)
        offset = self._start if 208 <= self._start < end else 208
        offset += -offset % 8
        while offset + 16 <= end:
            kind, flags, size = _OBJECT.unpack_from(data, offset)
            if 1 <= kind <= _LAST_TYPE and 16 <= size <= end - offset:
                yield offset, kind, flags, size
                offset += size + (-size % 8)
                continue
            following = self._resume(offset + 8)
            if following is None:
                if bytes(data[offset:end]).strip(b"\0"):
                    self.skipped += end - offset
                return
            self.skipped += following - offset
            offset = following

    def _resume(self, offset: int) -> int | None:
        """The next place at which two objects stand one behind the other."""
        data, end = self._data, len(self._data)
        while offset + 16 <= end:
            kind, _, size = _OBJECT.unpack_from(data, offset)
            if 1 <= kind <= _LAST_TYPE and 16 < size <= end - offset:
                behind = offset + size + (-size % 8)
                if behind + 16 > end or 1 <= data[behind] <= _LAST_TYPE or not any(data[behind : behind + 16]):
                    return offset
            offset += 8
        return None

    def _items(self, offset: int, size: int) -> Iterator[int]:
        width = 4 if self._compact else 16
        count = (size - 64) // width
        if self._compact:
            return iter(struct.unpack_from(f"<{count}I", self._data, offset + 64))
        return iter(struct.unpack_from(f"<{count * 2}Q", self._data, offset + 64)[::2])

    def _message(self, offset: int) -> str | None:
        _, _, size = _OBJECT.unpack_from(self._data, offset)
        for item in self._items(offset, size):
            if not 0 < item <= len(self._data) - self._payload:
                continue
            kind, flags, length = _OBJECT.unpack_from(self._data, item)
            if kind != _DATA or not self._payload < length <= len(self._data) - item:
                continue
            raw = bytes(self._data[item + self._payload : item + length])
            if flags & 7:
                raw = _decompress(raw, flags)
            if raw.startswith(b"MESSAGE="):
                return raw[8:_MESSAGE_BYTES].decode("utf-8", "surrogateescape")
        return None


def _decompress(raw: bytes, flags: int) -> bytes:
    """The first `_MESSAGE_BYTES` of a compressed field; b"" where it is damaged."""
    try:
        if flags & _ZSTD:
            return zstd.ZstdDecompressor().decompress(raw, _MESSAGE_BYTES)
        if flags & _XZ:
            return lzma.LZMADecompressor().decompress(raw, _MESSAGE_BYTES)
        size = struct.unpack_from("<Q", raw)[0]
        return bytes(lz4.decompress(raw[8:], uncompressed_size=size))[:_MESSAGE_BYTES] if size <= 16 << 20 else b""
    except Exception:  # each library has its own
        return b""
