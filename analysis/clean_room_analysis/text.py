# SPDX-License-Identifier: AGPL-3.0-or-later
"""Text that comes from a hostile disk, made safe to keep: bounded, printable, reversible where it is a name."""

import bz2
import gzip
import io
import lzma
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO, cast

from backports import zstd

from clean_room_analysis import limits

# Control characters, separators that break lines, invisible and bidirectional controls, and bytes that were not UTF-8.
_UNPRINTABLE = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

#: Bytes read at once from a text artefact.
_READ_BYTES = 256 * 1024
_SHORT = {9: "\\t", 10: "\\n", 13: "\\r"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code in _SHORT:
        return _SHORT[code]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def display_name(name: str, maximum: int = limits.PATH_CHARACTERS) -> str:
    """The display form of a file name or path: one line, printable, backslash escapes, so that two names never look alike.

    HTML is left as it is: escaping for a medium is the work of whoever writes that medium.
    """
    shown = _UNPRINTABLE.sub(_escape, name)
    return shown if len(shown) <= maximum else shown[: maximum - 1] + "…"


def excerpt(text: str, maximum: int = limits.EVIDENCE_CHARACTERS) -> str:
    """A bounded excerpt of content: line breaks and tabs stay, every other control character is escaped."""
    cut = text[:maximum]
    shown = "\n".join("\t".join(_UNPRINTABLE.sub(_escape_content, part) for part in line.split("\t")) for line in cut.split("\n"))
    return shown if len(shown) <= maximum and len(text) <= maximum else shown[: maximum - 1] + "…"


def _escape_content(match: re.Match[str]) -> str:
    return "\\" if match.group() == "\\" else _escape(match)


def decode(content: bytes) -> str:
    """Bytes of a text artefact as text: UTF-8, other bytes kept as surrogate escapes."""
    return content.decode("utf-8", "surrogateescape")


def stream_lines(handle: BinaryIO, limit: int = limits.STREAM_BYTES) -> Iterator[tuple[int, str]]:
    """Numbered lines (from 1) of a stream, to its end or to `limit` bytes; memory does not grow with the file.

    A line longer than `limits.LINE_BYTES` comes in pieces with the same number, each beginning with the last
    `limits.LINE_OVERLAP_BYTES` of the one before it, so that padding hides nothing and no pattern sees an endless line.
    """
    number, pending, left = 1, b"", limit
    while left > 0 and (block := handle.read(min(left, _READ_BYTES))):
        left -= len(block)
        *whole, last = (pending + block).split(b"\n")
        for line in whole:
            for piece in _pieces(line):
                yield number, decode(piece)
            number += 1
        pending = last
        while len(pending) > limits.LINE_BYTES:
            yield number, decode(pending[: limits.LINE_BYTES])
            pending = pending[limits.LINE_BYTES - limits.LINE_OVERLAP_BYTES :]
    if pending:
        yield number, decode(pending.removesuffix(b"\r"))


def decompressed(handle: BinaryIO, name: str) -> BinaryIO:
    """A rotated log as it was before it was compressed, by the ending of its name. Reading it raises what a damaged file provokes."""
    if name.endswith(".gz"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=handle))
    if name.endswith(".xz"):
        return cast(BinaryIO, lzma.LZMAFile(handle))
    if name.endswith(".zst"):
        return cast(BinaryIO, zstd.ZstdFile(handle))
    return cast(BinaryIO, bz2.BZ2File(handle)) if name.endswith(".bz2") else handle


def _pieces(line: bytes) -> Iterator[bytes]:
    while len(line) > limits.LINE_BYTES:
        yield line[: limits.LINE_BYTES]
        line = line[limits.LINE_BYTES - limits.LINE_OVERLAP_BYTES :]
    yield line.removesuffix(b"\r")


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines of text that is in memory already, as `stream_lines` gives them."""
    return stream_lines(io.BytesIO(text.encode("utf-8", "surrogateescape")), sys.maxsize)


def spreadsheet_cell(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula: a leading =, +, -, @ gets an apostrophe in front."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
