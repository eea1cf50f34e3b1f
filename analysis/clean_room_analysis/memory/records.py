# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON lines with base64 members, as the collector writes them: whatever an intruder made of them is counted as damaged, and never ends the reading."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.text import decode


def records(handle: BinaryIO, name: str, damaged: dict[str, int]) -> Iterator[dict[str, object]]:
    """The objects of a file of JSON lines, each with its base64 members decoded. What is none is counted in `damaged`, by file."""
    while line := handle.readline(limits.VOLATILE_LINE_BYTES):
        if line == b"\n":
            continue
        try:
            one = json.loads(line)
            if not line.endswith(b"\n") or not isinstance(one, dict):
                raise ValueError
        except (ValueError, RecursionError):
            damaged[name] = damaged.get(name, 0) + 1
            continue
        if one.get("stalled") is True:
            # The line before it is that of the process that could not be read, as far as it came.
            damaged[name] = max(0, damaged.get(name, 0) - 1)
        yield one


def text_of(record: dict[str, object], key: str) -> str:
    """A base64 member as text; "" when it is missing or none."""
    value = record.get(key)
    if not isinstance(value, str):
        return ""
    try:
        return decode(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return ""


def number_of(value: object) -> int | None:
    """A whole number that a kernel may give, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64 else None
