# SPDX-License-Identifier: AGPL-3.0-or-later
"""When an inode was made. Python's os.stat does not say it on Linux, statx(2) does."""

import ctypes
import os

_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800


class _Timestamp(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_uint32), ("reserved", ctypes.c_int32))


class _Statx(ctypes.Structure):
    # struct statx of linux/stat.h, 256 bytes; only the mask and the time of birth are read.
    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("before", ctypes.c_byte * (64 - 4)),
        ("accessed", _Timestamp),
        ("born", _Timestamp),
        ("after", ctypes.c_byte * (256 - 96)),
    )


_statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
_result = _Statx()
_reference = ctypes.byref(_result)


def birth_time(directory: int, name: str) -> int | None:
    """Nanoseconds since 1970, or None when the file system does not record it (or this is not Linux).

    @param directory an open directory
    @param name a name in it; a symbolic link is not followed
    """
    if (
        _statx is None
        or _statx(directory, os.fsencode(name), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, _reference) != 0
        or not _result.mask & _STATX_BTIME
    ):
        return None
    return int(_result.born.seconds) * 1_000_000_000 + int(_result.born.nanoseconds)
