# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads an initial RAM disk: cpio archives one behind the other, plain or compressed, as the kernel unpacks them.

Formats: kernel.org, "initramfs buffer format"; lz4's legacy frame, in which the kernel has it, by lz4's own description.
"""

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import cramjam
from backports import zstd

from clean_room_analysis import limits

_CPIO = (b"070701", b"070702")
_HEADER_BYTES = 110
_LZ4_LEGACY, _LZ4_BLOCK_BYTES = b"\x02\x21\x4c\x18", 8 * 1024 * 1024
_NAME_BYTES = 4096


class _Lz4(io.RawIOBase):
    """The legacy frame of lz4: blocks of at most 8 MiB, each with its size before it."""

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
                return 0
            self._block, self._at = bytes(cramjam.lz4.decompress_block(self._handle.read(size), output_len=_LZ4_BLOCK_BYTES)), 0
        part = self._block[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


_COMPRESSIONS: tuple[tuple[bytes, Callable[[BinaryIO], BinaryIO]], ...] = (
    (b"\x1f\x8b", lambda handle: cast(BinaryIO, gzip.GzipFile(fileobj=handle))),
    (b"\xfd7zXZ\0", lambda handle: cast(BinaryIO, lzma.LZMAFile(handle))),
    (b"\x5d\0\0", lambda handle: cast(BinaryIO, lzma.LZMAFile(handle))),
    (b"\x28\xb5\x2f\xfd", lambda handle: cast(BinaryIO, zstd.ZstdFile(handle))),
    (b"BZh", lambda handle: cast(BinaryIO, bz2.BZ2File(handle))),
    (_LZ4_LEGACY, lambda handle: cast(BinaryIO, io.BufferedReader(_Lz4(handle)))),
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive. `content` is its first `limits.DELETED_BYTES`, `size` what the archive says."""

    name: str
    mode: int
    size: int
    content: bytes


def members(handle: BinaryIO) -> Iterator[Member]:
    """All files, of all archives. @raises ValueError for what is no such archive or does not end; decompressors raise more"""
    left = limits.INITRAMFS_BYTES
    nested = False
    stream = handle
    while True:
        head = _behind_zeros(stream)
        if not head:
            return
        if head in _CPIO:
            for member in _archive(stream, head):
                left -= member.size
                if left < 0:
                    raise ValueError(f"only its first {limits.INITRAMFS_BYTES} bytes were looked at")
                yield member
            continue
        unpack = next((unpack for magic, unpack in _COMPRESSIONS if head.startswith(magic)), None)
        if unpack is None or nested:
            raise ValueError("what is in it is neither an archive nor compressed in a way that is known here")
        stream.seek(-len(head), io.SEEK_CUR)
        stream, nested = unpack(stream), True


def _behind_zeros(stream: BinaryIO) -> bytes:
    """The six bytes at the next place that is not zero, at a multiple of four; b"" at the end."""
    while word := stream.read(4):
        if word.strip(b"\0"):
            return word + stream.read(2)
    return b""


def _archive(stream: BinaryIO, magic: bytes) -> Iterator[Member]:
    while True:
        head = magic + _exactly(stream, _HEADER_BYTES - len(magic))
        fields = [int(head[6 + 8 * index : 14 + 8 * index], 16) for index in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        if head[:6] not in _CPIO or not 0 < length <= _NAME_BYTES:
            raise ValueError("an archive in it is damaged")
        name = _exactly(stream, length)[:-1].decode("utf-8", "surrogateescape")
        _exactly(stream, -(_HEADER_BYTES + length) % 4)
        content = _exactly(stream, min(size, limits.DELETED_BYTES))
        rest = size - len(content)
        while rest > 0:
            rest -= len(_exactly(stream, min(rest, limits.MEBIBYTE)))
        _exactly(stream, -size % 4)
        if name == "TRAILER!!!":
            return
        yield Member("/" + name.removeprefix("./").lstrip("/"), mode, size, content)
        magic = _exactly(stream, 6)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count) if count else b""
    while len(content) < count and (more := stream.read(count - len(content))):
        content += more
    if len(content) < count:
        raise ValueError("it ends in the middle of an archive")
    return content
