# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bodyfile, timeline, ledger and manifest."""

import csv
import errno
import gzip
import io
import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis import limits, outputs
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.model import Entry, Finding, Severity, TimelineEvent
from clean_room_analysis.timeline import CSV_HEADER, Timeline, body_line

VOLUME = "vol-00000000000000001"
times = st.integers(min_value=-(10**9), max_value=4 * 10**18)
names = st.binary(min_size=1, max_size=30).map(lambda raw: "/" + raw.decode("utf-8", "surrogateescape"))
entries = st.builds(
    Entry,
    path=names,
    logical=st.just("/x"),
    inode=st.integers(0, 2**64 - 1),
    mode=st.just(0o100644),
    links=st.just(1),
    user=st.integers(0, 2**32 - 1),
    group=st.just(0),
    size=st.integers(0, 2**63 - 1),
    accessed=times,
    modified=times,
    changed=times,
    born=st.none() | times,
)


@given(entries)
def test_every_entry_is_one_line_of_eleven_fields_in_the_bodyfile(entry: Entry) -> None:
    line = body_line(entry, VOLUME)
    assert line.endswith("\n") and len(line.splitlines()) == 1
    fields = line.rstrip("\n").split("|")
    assert len(fields) == 11 and fields[1].startswith(f"{VOLUME}:/") and all(field.lstrip("-").isdigit() for field in fields[7:])


@given(st.lists(entries, max_size=30), st.lists(times, max_size=10))
def test_the_timeline_is_sorted_and_whole_in_both_forms(
    tmp_path_factory: pytest.TempPathFactory, listed: list[Entry], at: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TIMELINE_CHUNK", 7)  # several sorted runs on disk
        timeline = Timeline(str(tmp_path_factory.getbasetemp()))
        for entry in listed:
            timeline.add_entry(entry, VOLUME)
        for moment in at:
            timeline.add_event(TimelineEvent(moment, "=cmd|' /C calc'!A0\nsecond line", "log-in", "/var/log/wtmp", VOLUME))
        table, events = io.StringIO(newline=""), io.StringIO()
        timeline.finish()
        timeline.write_table(table)
        timeline.write_events(events)
        timeline.close()
    rows = list(csv.reader(io.StringIO(table.getvalue(), newline="")))
    objects = [json.loads(line) for line in events.getvalue().splitlines()]
    moments = [value for entry in listed for value in {entry.accessed, entry.modified, entry.changed, entry.born or 0} if value != 0]
    assert tuple(rows[0]) == CSV_HEADER and len(rows) - 1 == len(objects) == timeline.count == len(moments) + len(at)
    assert [row[0] for row in rows[1:]] == [one["datetime"] for one in objects] == sorted(one["datetime"] for one in objects)
    assert all({"message", "datetime", "timestamp_desc"} <= set(one) for one in objects)
    assert all(cell[:1] not in "=+-@\t\r" or cell == "" for row in rows[1:] for cell in row)


def test_timesketch_events_name_the_findings_of_their_file_or_record(tmp_path: Path) -> None:
    timeline = Timeline(str(tmp_path))
    ledger = Ledger(io.StringIO(), timeline)
    second = 1_700_000_000 * 10**9
    times_of = {"accessed": second, "modified": second, "changed": second, "born": None}
    for name in ("/etc/cron.d/x", "/etc/passwd"):
        timeline.add_entry(Entry(name, name, 1, 0o100644, 1, 0, 0, 5, **times_of), VOLUME)
    for after in (0, 999_999_999, 10**9):
        timeline.add_event(TimelineEvent(second + after, "accepted", "log-in", "/var/log/secure", VOLUME))
    ledger.take(Finding("cron", Severity.LOW, "job", VOLUME, "/etc/cron.d/x", attack=("T1053.003",)))
    ledger.take(Finding("shell", Severity.CRITICAL, "reverse shell", VOLUME, "/etc/cron.d/x", attack=("T1059",)))
    ledger.take(Finding("log-ins", Severity.HIGH, "guessed", VOLUME, "/var/log/secure", modified=second, attack=("T1110",)))
    ledger.take(Finding("cron", Severity.HIGH, "elsewhere", "vol-2", "/etc/passwd"))
    events = io.StringIO()
    timeline.finish()
    timeline.write_events(events)
    timeline.close()
    marked = [
        (one["path"], one.get("severity"), one.get("tag"), len(one.get("finding_id", [])))
        for one in map(json.loads, events.getvalue().splitlines())
    ]
    secure = ("/var/log/secure", "high", ["severity:high", "T1110"], 1)
    assert sorted(marked, key=str) == sorted(
        [
            ("/etc/cron.d/x", "critical", ["severity:critical", "T1053.003", "T1059"], 2),
            ("/etc/passwd", None, None, 0),
            secure,
            secure,
            ("/var/log/secure", None, None, 0),
        ],
        key=str,
    )


def test_findings_are_bounded_by_severity_counted_and_written_once(tmp_path: Path) -> None:
    out = io.StringIO()
    ledger = Ledger(out, Timeline(str(tmp_path)))
    bound = limits.FINDINGS_PER_CHECK["low"]
    for index in range(bound + 50):
        for _ in range(2):
            ledger.take(Finding("cron", Severity.LOW, "job", VOLUME, f"/{index}", "x" * 10_000))
    ledger.take(Finding("cron", Severity.HIGH, "worse", VOLUME, "/last"))
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(written) == bound + 1 and written[-1]["title"] == "worse"  # a flood of small ones hides no grave one
    assert (
        len({one["id"] for one in written}) == len(written) and max(len(one["evidence"]) for one in written) == limits.EVIDENCE_CHARACTERS
    )
    assert ledger.by_severity == {"critical": 0, "high": 1, "medium": 0, "low": bound, "informational": 0}
    assert ledger.over_bound == {"low": 100} and not ledger.complete  # nothing that is cut is complete
    assert {
        "what": "100 more low findings of the check cron",
        "why": f"a check reports at most {bound} of that severity",
    } in ledger.unseen()
    assert [one["title"] for one in ledger.gravest(2)] == ["worse", "job"]


def test_all_findings_so_far_are_kept_before_the_file_is_whole_and_a_full_disk_costs_only_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = outputs.Results(str(tmp_path))
    with results.whole_file("findings.jsonl") as findings:
        for number in range(700):
            findings.write(f'{{"id":{number}}}\n')
        results.keep_so_far(findings, "content-findings.jsonl.gz")
        assert not (tmp_path / "findings.jsonl").exists()
        assert len(gzip.decompress((tmp_path / "content-findings.jsonl.gz").read_bytes()).splitlines()) == 700

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(shutil, "copyfileobj", full)
        results.keep_so_far(findings, "again.gz")
        findings.write("more\n")
    assert results.cut == ["again.gz"] and not list(tmp_path.glob("again*"))
    assert len((tmp_path / "findings.jsonl").read_text().splitlines()) == 701


def test_the_same_finding_in_two_partitions_is_two(tmp_path: Path) -> None:
    out = io.StringIO()
    ledger = Ledger(out, Timeline(str(tmp_path)))
    for place in ("1048576", "2097152", "1048576"):
        ledger.take(Finding("cron", Severity.LOW, "job", VOLUME, "/etc/crontab"), place)
    assert len({json.loads(line)["id"] for line in out.getvalue().splitlines()}) == 2 == ledger.by_severity["low"]


def test_what_was_not_looked_at_is_bounded_and_makes_the_run_incomplete(tmp_path: Path) -> None:
    ledger = Ledger(io.StringIO(), Timeline(str(tmp_path)))
    ledger.not_looked_at("memory", "by design", incomplete=False)
    assert ledger.complete
    for index in range(limits.NOT_LOOKED_AT + 10):
        ledger.not_looked_at(f"/{index}\n", "damaged")
    listed = ledger.unseen()
    assert (
        not ledger.complete
        and len(listed) == limits.NOT_LOOKED_AT + 1
        and listed[-1]["what"] == "11 more items"
        and "\n" not in listed[1]["what"]
    )


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    results = outputs.Results(str(tmp_path))
    with pytest.raises(RuntimeError), results.whole_file("bodyfile.gz") as handle:
        handle.write("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == [".reserve"]


def test_results_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bodyfile.gz").write_text("an earlier run")
    with pytest.raises(outputs.OutputError, match="already holds bodyfile.gz"):
        outputs.Results(str(tmp_path))


def test_a_full_disk_cuts_the_bulky_files_and_keeps_what_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = outputs.Results(str(tmp_path))
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if (tmp_path / ".reserve").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    with results.whole_file("bodyfile.gz") as bodyfile, results.whole_file("findings.jsonl") as findings:
        bodyfile.write("".join(f"{number * number}\n" for number in range(300_000)))
        findings.write("grave\n")
        findings.flush()
    assert results.cut == ["bodyfile.gz"] and (tmp_path / "findings.jsonl").read_text() == "grave\n"
    results.write_manifest()
    assert "findings.jsonl" in (tmp_path / "manifest.sha256").read_text()


def test_packed_files_are_the_same_in_each_run_and_what_is_cut_can_be_read_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{number * number}\n" for number in range(300_000)]

    def write(name: str) -> bytes:
        results = outputs.Results(str(tmp_path / name))
        with results.whole_file("bodyfile.gz") as bodyfile:
            bodyfile.write("".join(lines))
        assert results.cut == ([] if name != "full" else ["bodyfile.gz"])
        return (tmp_path / name / "bodyfile.gz").read_bytes()

    whole = write("one")
    assert whole == write("two") and gzip.decompress(whole).decode() == "".join(lines)
    put, room = os.write, [len(whole) // 2]

    def fills_up(descriptor: int, content: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = put(descriptor, content[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", fills_up)
    so_far = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(write("full")).decode()
    assert len(so_far) > 500_000 and "".join(lines).startswith(so_far)


def test_a_packed_file_without_a_line_is_gzip_all_the_same(tmp_path: Path) -> None:
    with outputs.Results(str(tmp_path)).whole_file("timesketch.jsonl.gz"):
        pass
    assert gzip.decompress((tmp_path / "timesketch.jsonl.gz").read_bytes()) == b"" != (tmp_path / "timesketch.jsonl.gz").read_bytes()


def _run_of_events(scratch: Path, count: int) -> Timeline:
    timeline = Timeline(str(scratch))
    for number in range(count):
        timeline.add_event(TimelineEvent((count - number) * 10**9, f"event {number}", "log-in", "/var/log/wtmp", VOLUME))
    return timeline


def test_two_processes_write_the_same_sorted_runs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TIMELINE_CHUNK", 1000)
    results = outputs.Results(str(tmp_path / "out"))
    timeline = _run_of_events(tmp_path, 12_345)
    timeline.finish()
    here = os.getpid()

    def beside(table: outputs.WholeFile) -> None:
        assert os.getpid() != here
        timeline.write_table(table)

    with results.whole_file("timeline.csv.gz") as table, results.whole_file("timesketch.jsonl.gz") as events, table.written_beside(beside):
        timeline.write_events(events)
    timeline.close()
    rows = [row[2] for row in csv.reader(gzip.open(tmp_path / "out/timeline.csv.gz", "rt", newline=""))][1:]
    lines = [json.loads(line)["message"] for line in gzip.open(tmp_path / "out/timesketch.jsonl.gz")]
    assert rows == lines == [f"event {number}" for number in reversed(range(12_345))] and results.cut == []


def test_a_file_whose_writing_process_dies_is_written_whole_all_the_same(tmp_path: Path) -> None:
    results, here = outputs.Results(str(tmp_path)), os.getpid()

    def write(file: outputs.WholeFile) -> None:
        file.write("begun\n")
        file.flush()
        if os.getpid() != here:
            os.kill(os.getpid(), 9)
        file.write("whole\n")

    with results.whole_file("timeline.csv.gz") as table, table.written_beside(write):
        pass
    assert gzip.decompress((tmp_path / "timeline.csv.gz").read_bytes()) == b"begun\nwhole\n"


def test_a_full_disk_is_told_by_the_process_that_met_it_and_keeps_the_reserve_for_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = outputs.Results(str(tmp_path))

    def full(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with results.whole_file("timeline.csv.gz") as table, table.written_beside(lambda file: file.write("x") and None):
        pass
    assert results.cut == ["timeline.csv.gz"] and (tmp_path / ".reserve").exists()


def test_a_full_disk_costs_the_timeline_its_events_and_not_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TIMELINE_CHUNK", 5000)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "r+b", buffering=0))
    timeline = _run_of_events(tmp_path, 7_000)
    assert (timeline.lost, timeline.count) == (5000, 2000)
    timeline.finish()
    events = io.StringIO()
    timeline.write_events(events)
    assert len(events.getvalue().splitlines()) == 2000
    timeline.close()
