# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bodyfile (mactime), timeline as CSV and as Timesketch JSONL. Events are sorted on disk, so memory does not grow with the volume."""

import csv
import errno
import functools
import heapq
import io
import itertools
import json
import marshal
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii as _quoted
from typing import IO, cast

from clean_room_analysis import limits
from clean_room_analysis.model import Entry, Severity, TimelineEvent
from clean_room_analysis.outputs import FULL, Writable
from clean_room_analysis.text import display_name, spreadsheet_cell

CSV_HEADER = ("datetime", "timestamp_desc", "message", "source", "path", "mode", "uid", "gid", "size", "inode", "volume_id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What each letter of "macb" stands for.
_MEANING = {"m": "content modified", "a": "accessed", "c": "metadata changed", "b": "born"}

# (nanoseconds, volume, path, description, message, source, mode, uid, gid, size, inode): sorts by itself, the time first.
_Row = tuple[int, str, str, str, str, str, str, object, object, object, object]
_SEVERITIES = [severity.value for severity in Severity]
#: Rows written to disk, and to the outputs, at once.
_BATCH = 1000


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
        self._runs: list[IO[bytes]] = []
        #: Of each run: where its batches end.
        self._lengths: dict[int, list[int]] = {}
        #: Findings by volume and path, and of artefacts by the second of their record too. As many as findings.jsonl has lines.
        self._of_file: dict[tuple[str, str], list[dict[str, object]]] = {}
        self._of_record: dict[tuple[str, str, str], list[dict[str, object]]] = {}
        self.count = 0
        #: Events that were given up because the disk of the results was full.
        self.lost = 0

    def add_entry(self, entry: Entry, volume_id: str) -> None:
        """File times of one entry; a time of 0 is not one. Times before 1970 are, and are said."""
        moments: dict[int, str] = {}
        for letter, value in (("m", entry.modified), ("a", entry.accessed), ("c", entry.changed), ("b", entry.born)):
            if value is not None and value != 0:
                moments[value] = moments.get(value, "") + letter
        path = display_name(entry.path)
        mode = f"{entry.mode:06o}"
        for value, letters in moments.items():
            description = _described(letters)
            self._add((value, volume_id, path, description, path, "file system", mode, entry.user, entry.group, entry.size, entry.inode))

    def add_event(self, event: TimelineEvent) -> None:
        """An event that is not a file time."""
        path, description = display_name(event.path), display_name(event.description, 64)
        self._add((event.at, event.volume_id, path, description, display_name(event.message, 1000), "artefact", "", "", "", "", ""))

    def mark(self, finding: dict[str, object]) -> None:
        """Events of this finding's file, or of its record in a log, will name it. @param finding as findings.jsonl has it"""
        if finding["path"] is None:
            return
        volume, path = str(finding["volumeId"]), str(finding["path"])
        self._of_file.setdefault((volume, path), []).append(finding)
        if finding["modified"] is not None:
            self._of_record.setdefault((volume, path, str(finding["modified"])[:19]), []).append(finding)

    def _marks(self, when: str, row: _Row) -> str:
        """What the event's findings add to its line: their ids, ATT&CK techniques and gravest severity, the last two also as tags."""
        _, volume, path, _, _, source, *_ = row
        if source == "file system":
            findings = self._of_file.get((volume, path))
        else:
            findings = self._of_record.get((volume, path, when[:19]))
        if not findings:
            return ""
        severity = min((str(finding["severity"]) for finding in findings), key=_SEVERITIES.index)
        attack = sorted({technique for finding in findings for technique in cast("list[str]", finding["attack"])})
        marks = {
            "finding_id": [finding["id"] for finding in findings],
            "attack": attack,
            "severity": severity,
            # Timesketch shows and filters by this field.
            "tag": [f"severity:{severity}", *attack],
        }
        return f",{json.dumps(marks)[1:-1]}"

    def _add(self, row: _Row) -> None:
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= limits.TIMELINE_CHUNK:
            self._spill()

    def _spill(self) -> None:
        self._rows.sort()
        ends: list[int] = []
        # Not closed here: every run is read again when all are merged; close() ends it. No buffer: what fails, fails here.
        run = tempfile.TemporaryFile(dir=self._scratch, prefix="timeline-", buffering=0)
        self._runs.append(run)
        try:
            for start in range(0, len(self._rows), _BATCH):
                # A file of our own that nobody else sees: nothing hostile decides what is unpacked.
                packed = zlib.compress(marshal.dumps(self._rows[start : start + _BATCH]), 1)
                if run.write(packed) < len(packed):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                ends.append((ends[-1] if ends else 0) + len(packed))
        except OSError as error:
            if error.errno not in FULL:
                raise
            # Findings and what follows matter more than the times of files.
            given_up = len(self._rows) - len(ends) * _BATCH
            self.lost, self.count = self.lost + given_up, self.count - given_up
        self._lengths[len(self._runs) - 1] = ends
        self._rows = []

    def _run(self, number: int) -> Iterator[_Row]:
        """One sorted run from disk, a batch at a time. By position: two processes read it at the same time."""
        descriptor, at = self._runs[number].fileno(), 0
        for end in self._lengths[number]:
            yield from marshal.loads(zlib.decompress(os.pread(descriptor, end - at, at)))
            at = end

    def _sorted(self) -> Iterator[_Row]:
        return heapq.merge(*(self._run(number) for number in range(len(self._runs))), self._rows)

    def finish(self) -> None:
        """Ends the collecting: whoever writes merges what was sorted."""
        self._rows.sort()

    def write_table(self, table: Writable) -> None:
        """Writes all events as CSV (RFC 4180, no cell is a formula). After `finish`."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(CSV_HEADER)
        rows, clock = self._sorted(), _Clock()
        while batch := list(itertools.islice(rows, _BATCH)):
            cells = []
            for at, volume, path, description, message, source, mode, user, group, size, inode in batch:
                when = clock.said(at)
                if when is None:
                    continue
                shown = spreadsheet_cell(path)
                said = shown if message is path or message == path else spreadsheet_cell(message)
                cells.append((when, description, said, source, shown, mode, user, group, size, inode, volume))
            writer.writerows(cells)
            table.write(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()
        if buffer.tell():
            table.write(buffer.getvalue())

    def write_events(self, events: Writable) -> None:
        """Writes all events as Timesketch's JSONL, and forgets in `count` those with a time outside the calendar. After `finish`."""
        rows, clock = self._sorted(), _Clock()
        while batch := list(itertools.islice(rows, _BATCH)):
            lines = []
            for row in batch:
                when = clock.said(row[0])
                if when is None:
                    self.count -= 1
                    continue
                lines.append(_event_line(when, row, self._marks(when, row) if self._of_file else ""))
            events.write("".join(lines))

    def close(self) -> None:
        """Frees what was spilled."""
        for run in self._runs:
            run.close()
        self._runs, self._lengths = [], {}


@functools.cache
def _described(letters: str) -> str:
    return ", ".join(_MEANING[letter] for letter in letters)


def _value(value: object) -> str:
    return str(value) if isinstance(value, int) else _quoted(str(value))


def _event_line(when: str, row: _Row, marks: str) -> str:
    """As `outputs.json_line`, for a million of them: the names are known and the strings are escaped by the same function."""
    _, volume, path, description, message, source, mode, user, group, size, inode = row
    name = _quoted(path)
    said = name if message == path else _quoted(message)
    kind = "file_system" if source == "file system" else source
    return (
        f'{{"message":{said},"datetime":"{when}","timestamp_desc":{_quoted(description)},"data_type":"clean_room:{kind}",'
        f'"path":{name},"volume_id":{_quoted(volume)},"mode":{_quoted(mode)},"uid":{_value(user)},"gid":{_value(group)},'
        f'"size":{_value(size)},"inode":{_value(inode)}{marks}}}\n'
    )


class _Clock:
    """ISO 8601 with microseconds; events come sorted, so that many share their second."""

    def __init__(self) -> None:
        self._second: int | None = None
        self._shown: str | None = None

    def said(self, nanoseconds: int) -> str | None:
        """None for a time outside the calendar, which only a damaged inode has."""
        second, rest = divmod(nanoseconds, 1_000_000_000)
        if second != self._second:
            self._second = second
            try:
                self._shown = (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
            except (OverflowError, ValueError):
                self._shown = None
        return None if self._shown is None else f"{self._shown}.{rest // 1000:06d}+00:00"
