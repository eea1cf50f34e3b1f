# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads an initial RAM disk: cpio archives one behind the other, plain or compressed, as the kernel unpacks them.

Formats: kernel.org, "initramfs buffer format"; lz4's legacy frame, in which the kernel has it, by lz4's own description.
"""

import bz2
import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import cramjam
from backports import zstd

from clean_room_analysis import limits

_CPIO = (b"070701", b"070702")
_HEADER_BYTES = 110
_LZ4_LEGACY, _LZ4_BLOCK_BYTES = b"\x02\x21\x4c\x18", 8 * 1024 * 1024
_NAME_BYTES = 4096
_CHUNK_BYTES = 256 * 1024
#: Kernels are packed with dictionaries of at most 128 MiB; what asks for more is refused by its decompressor.
_DICTIONARY_BYTES = 256 * limits.MEBIBYTE


class _Decompressor(Protocol):
    """What lzma, bz2 and zstd have in common: one stream, and what lies behind it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the words of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and not self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max(0, max_length))


class _Unpacked(io.RawIOBase):
    """One compressed stream; at its end the handle stands right behind it, where the kernel goes on too."""

    def __init__(self, handle: BinaryIO, decompressor: _Decompressor) -> None:
        self._handle, self._decompressor = handle, decompressor

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        while not self._decompressor.eof:
            packed = self._handle.read(_CHUNK_BYTES) if self._decompressor.needs_input else b""
            if not packed and self._decompressor.needs_input:
                raise EOFError("what is compressed in it does not end")
            part = self._decompressor.decompress(packed, len(buffer))
            if self._decompressor.eof:
                self._handle.seek(-len(self._decompressor.unused_data), io.SEEK_CUR)
            if part:
                buffer[: len(part)] = part
                return len(part)
        return 0


class _Lz4(io.RawIOBase):
    """The legacy frame of lz4: blocks of at most 8 MiB, each with its size before it; what is no size is what follows the frame."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle, self._block, self._at = handle, b"", 0
        handle.read(4)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if self._at >= len(self._block):
            head = self._handle.read(4)
            if head == _LZ4_LEGACY:
                head = self._handle.read(4)
            size = struct.unpack("<I", head)[0] if len(head) == 4 else 0
            if size == 0 or size > 2 * _LZ4_BLOCK_BYTES:
                self._handle.seek(-len(head), io.SEEK_CUR)
                return 0
            self._block, self._at = bytes(cramjam.lz4.decompress_block(self._handle.read(size), output_len=_LZ4_BLOCK_BYTES)), 0
        part = self._block[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _lzma() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_DICTIONARY_BYTES)


_COMPRESSIONS: tuple[tuple[bytes, Callable[[BinaryIO], io.RawIOBase]], ...] = (
    (b"\x1f\x8b", lambda handle: _Unpacked(handle, _Gzip())),
    (b"\xfd7zXZ\0", lambda handle: _Unpacked(handle, _lzma())),
    (b"\x5d\0\0", lambda handle: _Unpacked(handle, _lzma())),
    (b"\x28\xb5\x2f\xfd", lambda handle: _Unpacked(handle, zstd.ZstdDecompressor())),
    (b"BZh", lambda handle: _Unpacked(handle, bz2.BZ2Decompressor())),
    (_LZ4_LEGACY, _Lz4),
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive. `content` is its first `limits.DELETED_BYTES`, `size` what the archive says."""

    name: str
    mode: int
    size: int
    content: bytes


class _Budget:
    """Bytes of content that are still looked at: what unpacks without end ends here."""

    def __init__(self) -> None:
        self._left = limits.INITRAMFS_BYTES

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError(f"only its first {limits.INITRAMFS_BYTES} bytes were looked at")


class _Ahead:
    """A stream that can say what comes before it is read."""

    def __init__(self, stream: "BinaryIO | io.RawIOBase", budget: _Budget) -> None:
        self._stream, self._budget, self._ahead = stream, budget, b""

    def read(self, count: int) -> bytes:
        parts, missing = [self._ahead], count - len(self._ahead)
        while missing > 0 and (more := self._stream.read(_CHUNK_BYTES)):
            parts.append(more)
            missing -= len(more)
        joined = b"".join(parts)
        self._ahead = joined[count:]
        return joined[:count]

    def magic(self) -> bytes:
        """The six bytes behind all zeros, which stay; b"" at the end."""
        while not (stripped := self._ahead.lstrip(b"\0")):
            self._budget.take(len(self._ahead))
            self._ahead = self._stream.read(_CHUNK_BYTES) or b""
            if not self._ahead:
                return b""
        self._budget.take(len(self._ahead) - len(stripped))
        self._ahead = stripped
        head = self.read(6)
        self._ahead = head + self._ahead
        return head

    def hand_back(self) -> "BinaryIO":
        """The stream, standing where this one is."""
        stream = cast(BinaryIO, self._stream)
        stream.seek(-len(self._ahead), io.SEEK_CUR)
        self._ahead = b""
        return stream


def members(handle: BinaryIO) -> Iterator[Member]:
    """
    All files, of all archives, whether compressed or not, one behind the other.

    @param handle must seek
    @raises ValueError for what is no such archive, does not end, or is too large; decompressors raise more
    """
    budget = _Budget()
    outer = _Ahead(handle, budget)
    while head := outer.magic():
        if head in _CPIO:
            yield from _archive(outer, budget)
            continue
        unpack = next((unpack for magic, unpack in _COMPRESSIONS if head.startswith(magic)), None)
        if unpack is None:
            raise ValueError("what is in it is neither an archive nor compressed in a way that is known here")
        inner = _Ahead(unpack(outer.hand_back()), budget)
        while magic := inner.magic():
            if magic not in _CPIO:
                raise ValueError("what is compressed in it is no archive")
            yield from _archive(inner, budget)


def _archive(stream: _Ahead, budget: _Budget) -> Iterator[Member]:
    while True:
        head = _exactly(stream, _HEADER_BYTES)
        fields = [int(head[6 + 8 * index : 14 + 8 * index], 16) for index in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        if head[:6] not in _CPIO or not 0 < length <= _NAME_BYTES:
            raise ValueError("an archive in it is damaged")
        name = _exactly(stream, length)[:-1].decode("utf-8", "surrogateescape")
        _exactly(stream, -(_HEADER_BYTES + length) % 4)
        budget.take(size)
        content = _exactly(stream, min(size, limits.DELETED_BYTES))
        rest = size - len(content)
        while rest > 0:
            rest -= len(_exactly(stream, min(rest, limits.MEBIBYTE)))
        _exactly(stream, -size % 4)
        if name == "TRAILER!!!":
            return
        yield Member("/" + name.removeprefix("./").lstrip("/"), mode, size, content)


def _exactly(stream: _Ahead, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise ValueError("it ends in the middle of an archive")
    return content
