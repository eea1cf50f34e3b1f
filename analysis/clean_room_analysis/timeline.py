# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bodyfile (mactime), timeline as CSV and as Timesketch JSONL. Events are sorted on disk, so memory does not grow with the volume."""

import csv
import heapq
import json
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

from clean_room_analysis import limits
from clean_room_analysis.model import Entry, TimelineEvent
from clean_room_analysis.outputs import Writable, json_line
from clean_room_analysis.text import display_name, spreadsheet_cell

CSV_HEADER = ("datetime", "timestamp_desc", "message", "source", "path", "mode", "uid", "gid", "size", "inode", "volume_id")
#: What each letter of "macb" stands for.
_MEANING = {"m": "content modified", "a": "accessed", "c": "metadata changed", "b": "born"}

# (nanoseconds, volume, path, description, message, source, mode, uid, gid, size, inode)
_Row = list[object]


def body_line(entry: Entry, volume_id: str) -> str:
    """One line of mactime's body format 3: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime, seconds; MD5 is 0 (not computed).

    The name is `<volume id>:<path>` with the separator | escaped.
    """
    name = f"{volume_id}:{display_name(entry.path)}".replace("|", "\\x7c")
    times = [value // 1_000_000_000 for value in (entry.accessed, entry.modified, entry.changed, entry.born or 0)]
    return (
        "|".join(
            ("0", name, str(entry.inode), stat.filemode(entry.mode), str(entry.user), str(entry.group), str(entry.size), *map(str, times))
        )
        + "\n"
    )


class Timeline:
    """Collects events and writes them sorted by time. Equal times of one entry are one event, as mactime has it."""

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch
        self._rows: list[_Row] = []
        self._runs: list[IO[str]] = []
        self.count = 0

    def add_entry(self, entry: Entry, volume_id: str) -> None:
        """File times of one entry; a time of 0 is not one. Times before 1970 are, and are said."""
        moments: dict[int, str] = {}
        for letter, value in (("m", entry.modified), ("a", entry.accessed), ("c", entry.changed), ("b", entry.born)):
            if value is not None and value != 0:
                moments[value] = moments.get(value, "") + letter
        path = display_name(entry.path)
        mode = f"{entry.mode:06o}"
        for value, letters in moments.items():
            description = ", ".join(_MEANING[letter] for letter in letters)
            self._add([value, volume_id, path, description, path, "file system", mode, entry.user, entry.group, entry.size, entry.inode])

    def add_event(self, event: TimelineEvent) -> None:
        """An event that is not a file time."""
        self._add(
            [
                event.at,
                event.volume_id,
                display_name(event.path),
                display_name(event.description, 64),
                display_name(event.message, 1000),
                "artefact",
                "",
                "",
                "",
                "",
                "",
            ]
        )

    def _add(self, row: _Row) -> None:
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= limits.TIMELINE_CHUNK:
            self._spill()

    def _spill(self) -> None:
        self._rows.sort(key=_order)
        # Not closed here: every run is read again when all are merged; close() ends it.
        run = tempfile.TemporaryFile("w+", encoding="ascii", dir=self._scratch, prefix="timeline-")
        run.writelines(json_line(row) for row in self._rows)
        run.seek(0)
        self._runs.append(run)
        self._rows = []

    def _sorted(self) -> Iterator[_Row]:
        self._rows.sort(key=_order)
        return heapq.merge(*((json.loads(line) for line in run) for run in self._runs), self._rows, key=_order)

    def write(self, table: Writable, events: Writable) -> None:
        """Writes all events to the CSV (RFC 4180, no cell is a formula) and to Timesketch's JSONL."""
        writer = csv.writer(table)
        writer.writerow(CSV_HEADER)
        for at, volume, path, description, message, source, mode, user, group, size, inode in self._sorted():
            when = _micro_time(int(str(at)))
            if when is None:
                self.count -= 1
                continue
            writer.writerow(
                [
                    when,
                    description,
                    spreadsheet_cell(str(message)),
                    source,
                    spreadsheet_cell(str(path)),
                    mode,
                    user,
                    group,
                    size,
                    inode,
                    volume,
                ]
            )
            events.write(
                json_line(
                    {
                        "message": message,
                        "datetime": when,
                        "timestamp_desc": description,
                        "data_type": f"clean_room:{str(source).replace(' ', '_')}",
                        "path": path,
                        "volume_id": volume,
                        "mode": mode,
                        "uid": user,
                        "gid": group,
                        "size": size,
                        "inode": inode,
                    }
                )
            )

    def close(self) -> None:
        """Frees what was spilled."""
        for run in self._runs:
            run.close()
        self._runs = []


def _order(row: _Row) -> tuple[int, str, str, str, str]:
    return (int(str(row[0])), str(row[1]), str(row[2]), str(row[3]), str(row[4]))


def _micro_time(nanoseconds: int) -> str | None:
    """ISO 8601 with microseconds; None for a time outside the calendar, which only a damaged inode has."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest // 1000:06d}+00:00"
    except (OverflowError, OSError, ValueError):
        return None
