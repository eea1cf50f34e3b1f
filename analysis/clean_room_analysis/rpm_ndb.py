# SPDX-License-Identifier: AGPL-3.0-or-later
"""rpm's own database format, ndb, as SUSE has it: `Packages.db`. No release of a library that we use reads it yet.

Structures: rpm's lib/backend/ndb/rpmpkg.c. A header of 32 bytes, then slots of 16 bytes over whole pages, each naming the blocks of one
package; a package's header lies between a head and a tail.
"""

import struct
from collections.abc import Iterator

_PAGE, _SLOT, _HEADER = 4096, 16, 32
_HEAD_BYTES, _TAIL_BYTES = 16, 12


def headers(content: bytes) -> Iterator[bytes]:
    """The header of each package that the database names.

    @param content the whole file
    @raises ValueError for what is no such database, or after the packages that could be read when others could not
    """
    if len(content) < _HEADER or content[:4] != b"RpmP":
        raise ValueError("this is no database of rpm's ndb format")
    version, _, pages = struct.unpack_from("<III", content, 4)
    if version != 0 or pages * _PAGE > len(content):
        raise ValueError(f"an ndb database of version {version} with {pages} pages cannot be read")
    damaged = 0
    for at in range(_HEADER, pages * _PAGE, _SLOT):
        magic, number, block, count = struct.unpack_from("<4sIII", content, at)
        if magic != b"Slot":
            damaged += 1
        elif block:
            header = _blob(content, number, block * _SLOT, count * _SLOT)
            if header is None:
                damaged += 1
            else:
                yield header
    if damaged:
        raise ValueError(f"{damaged} places of the database are damaged: installed packages were not all compared")


def _blob(content: bytes, number: int, start: int, size: int) -> bytes | None:
    end = start + size
    if size < _HEAD_BYTES + _TAIL_BYTES or end > len(content):
        return None
    magic, own, _, length = struct.unpack_from("<4sIII", content, start)
    tail, closing = struct.unpack_from("<I4s", content, end - 8)
    if (magic, own, closing, tail) != (b"BlbS", number, b"BlbE", length) or length > size - _HEAD_BYTES - _TAIL_BYTES:
        return None
    return content[start + _HEAD_BYTES : start + _HEAD_BYTES + length]
