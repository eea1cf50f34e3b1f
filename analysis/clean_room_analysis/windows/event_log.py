# SPDX-License-Identifier: AGPL-3.0-or-later
"""Windows event logs (.evtx), the newest part first, whatever their header says: it is not up to date on a machine that was running."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dissect.eventlog.evtx import ElfChnk
from dissect.eventlog.exceptions import MalformedElfChnkException

from clean_room_analysis import limits
from clean_room_analysis.model import Entry, NotLookedAt
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows import nanoseconds_since

_HEADER, _CHUNK = 4096, 65536


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its number, when (nanoseconds since 1970), who wrote it, and its data by name. `path` is the log's."""

    number: int
    at: int
    provider: str
    data: dict[str, str]
    path: str

    def get(self, name: str) -> str:
        """One datum, "" when there is none."""
        return self.data.get(name, "")


def read_events(tree: Tree, entry: Entry, wanted: frozenset[int]) -> Iterator[Event | NotLookedAt]:
    """The events of the given numbers. Runs isolated.

    @raises ValueError when it is no event log, OSError
    """
    damaged = 0
    with tree.open(entry.path) as handle:
        first = handle.read(44)
        if first[:8] != b"ElfFile\0" or len(first) < 44:
            raise ValueError("it is no event log")
        # Behind the parts it counts lies what was on the disk before, unless they are parts all the same.
        counted = struct.unpack_from("<H", first, 42)[0]
        chunks: list[tuple[int, int]] = []
        for at in range(_HEADER, min(entry.size, limits.EVENT_LOG_BYTES) - 511, _CHUNK):
            handle.seek(at)
            head = handle.read(48)
            if head[:8] == b"ElfChnk\0" and len(head) == 48:
                chunks.append((struct.unpack_from("<Q", head, 16)[0], at))
            elif head.strip(b"\0") and at < _HEADER + counted * _CHUNK:
                damaged += 1
        for _, at in sorted(chunks, reverse=True):
            handle.seek(at)
            try:
                for record in ElfChnk(handle.read(_CHUNK)).read():
                    number = _number(record.get("EventID"))
                    if number in wanted:
                        yield _event(number, record, entry.path)
            except (MalformedElfChnkException, RecursionError):
                damaged += 1
    if damaged:
        yield NotLookedAt(entry.path, f"{damaged} parts of 64 KiB of this event log are damaged: events in them may be missing")
    if entry.size > limits.EVENT_LOG_BYTES:
        yield NotLookedAt(entry.path, f"only the first {limits.EVENT_LOG_BYTES} of its {entry.size} bytes were looked at")


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return -1


def _event(number: int, record: object, path: str) -> Event:
    data: dict[str, str] = {}
    moment = 0
    for name, value in record.items():  # type: ignore[attr-defined]
        plain = value.get() if hasattr(value, "get") and hasattr(value, "sub_id") else value
        if name == "TimeCreated_SystemTime":
            moment = nanoseconds_since(plain) if isinstance(plain, datetime) else 0
        elif plain is not None:
            shown = " ".join(str(one) for one in plain[:50]) if isinstance(plain, list) else str(plain)
            data[str(name)] = shown[: limits.EVENT_CHARACTERS]
    return Event(number, moment, data.get("Provider_Name", ""), data, path)
