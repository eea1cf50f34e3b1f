# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: the evidence is read whole beside the analysis of its file systems, then every byte is accounted for, then all is written."""

from clean_room_analysis.errors import cause_of
import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from clean_room_analysis import evidence, limits, mounting
from clean_room_analysis.checks import artefact_checks, content_checks
from clean_room_analysis.crash_state import CrashState
from clean_room_analysis.file_systems import FileSystemReader
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.memory.reader import AcquisitionReader
from clean_room_analysis.model import Finding, OperatingSystem, Severity, VolumeInput, VolumeReport
from clean_room_analysis.outputs import Results, WholeFile, json_line
from clean_room_analysis.progress import say
from clean_room_analysis.summary import first_look, summary
from clean_room_analysis.timeline import Timeline
from clean_room_analysis.walker import Walker

#: What this version never looks at, said in every summary so that silence is not taken for an all-clear.
_BY_DESIGN = (
    (
        "deleted files",
        f"ext4: names and content that its journal still knows, for at most {limits.DELETED_SECONDS:.0f} seconds a file system; free space by the "
        f"rules, for at most {limits.FREE_SPACE_SECONDS:.0f}; what left neither trace, and deleted files of other file systems, are not restored",
    ),
    (
        "files inside archives, extended attributes, the rest of a file's last block",
        "archives (zip, tar, and what is compressed but for logs and initial RAM disks) are scanned as bytes and not unpacked; of attributes "
        "the capabilities of programs alone are looked at",
    ),
)
#: Said where no acquisition volume is among the volumes.
_NO_MEMORY = ("memory", "an EBS snapshot holds no memory: processes and connections at the time of the finding are not known")


class Stopped(BaseException):
    """Somebody asked the program to end (SIGTERM, SIGINT); what there is gets written."""


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT raise `Stopped`, once: what follows is the writing of the results, which must not be cut."""

    def stop(number: int, _: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def analyse(
    volumes: list[VolumeInput],
    directory: str,
    incident_id: str,
    deadline_seconds: float,
    *,
    hash_twice: bool = False,
    state_directory: str | None = None,
) -> bool:
    """Runs the analysis and writes the outputs, the manifest last.

    @param volumes at least one; the evidence devices are set read-only, read whole once, and never written
    @param directory for the outputs and the scratch files; must not hold a run already
    @param hash_twice whether to hash the evidence again at the end; otherwise its write counters tell that it did not change
    @param state_directory where it is remembered which file system was read last, in case that takes this machine down
    @returns whether everything that belongs to the run was looked at, see README.md "complete"
    @raises outputs.OutputError, evidence.EvidenceError when it cannot begin
    """
    started = datetime.now(UTC)
    reports = [
        VolumeReport(volume, evidence.size_of(volume.evidence))
        for volume in sorted(volumes, key=lambda one: (one.role != "root", one.source_volume_id))
    ]
    results = Results(directory)
    run = _Run(
        results,
        reports,
        incident_id,
        started,
        hash_twice,
        CrashState(state_directory or directory, own_directory=state_directory is not None),
    )
    with _stoppable():
        return run.go(deadline_seconds)


class _Run:
    """The parts of one run that need each other."""

    def __init__(
        self, results: Results, reports: list[VolumeReport], incident_id: str, started: datetime, hash_twice: bool, state: CrashState
    ) -> None:
        self._results = results
        self._reports = reports
        self._incident_id = incident_id
        self._started = started
        self._hash_twice = hash_twice
        self._state = state
        self._readings: dict[int, evidence.BackgroundReading] = {}
        self._system: OperatingSystem | None = None
        self._first_look_seconds: float | None = None

    def go(self, deadline_seconds: float) -> bool:
        """Everything, in order. @returns whether the run is complete"""
        for report in self._reports:
            evidence.set_read_only(report.input.evidence)
            report.state_before = evidence.state_of(report.input.evidence)
            report.blocks_path = self._results.blocks_path(report.input.source_volume_id)
            self._readings[id(report)] = evidence.BackgroundReading(
                report.input.evidence, report.blocks_path, report.input.source_volume_id
            )
        with ExitStack() as stack:
            for reading in self._readings.values():
                stack.callback(reading.stop)
            if evidence.is_root():
                mounting.enter_private_namespace()
            # On the disk of the results: /tmp may be half of the memory.
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix=".scratch-", dir=self._results.directory))
            timeline = Timeline(scratch)
            stack.callback(timeline.close)
            ledger = self._read(timeline, deadline_seconds, scratch)
            timeline.finish()
            with (
                self._results.whole_file("timeline.csv.gz") as table,
                self._results.whole_file("timesketch.jsonl.gz") as events,
                table.written_beside(timeline.write_table),
            ):
                timeline.write_events(events)
            say(f"timeline written: {timeline.count} events")
            if timeline.lost:
                ledger.not_looked_at("the timeline", f"the disk of the results was full: {timeline.lost} events are missing")
            for name in self._results.cut:
                ledger.not_looked_at(f"{name} of the results", "the disk of the results was full: its end is missing")
            complete = self._complete(ledger)
            with self._results.whole_file("summary.json") as handle:
                handle.write(
                    json_line(
                        summary(
                            self._incident_id,
                            self._started,
                            self._reports,
                            ledger,
                            self._system,
                            timeline.count,
                            complete,
                            self._first_look_seconds,
                        )
                    )
                )
        self._results.write_manifest()
        self._state.clear()
        return complete

    def _complete(self, ledger: Ledger) -> bool:
        looked = any(file_system.files_seen > 0 for report in self._reports for file_system in report.file_systems)
        return ledger.complete and looked and all(report.intact and report.accounted for report in self._reports)

    def _read(self, timeline: Timeline, deadline_seconds: float, scratch: str) -> Ledger:
        """Reads all volumes. Findings and bodyfile are whole when it returns."""
        with self._results.whole_file("findings.jsonl") as findings, self._results.whole_file("bodyfile.gz") as bodyfile:
            ledger = Ledger(findings, timeline)
            acquired = [report for report in self._reports if report.input.role == "memory"]
            for what, why in (*_BY_DESIGN, *(() if acquired else (_NO_MEMORY,))):
                ledger.not_looked_at(what, why, incomplete=False)
            for note in self._state.notes():
                ledger.not_looked_at(*note, incomplete=False)
            deadline = Deadline(deadline_seconds)
            walker = Walker(ledger, timeline, bodyfile, deadline, artefact_checks(), content_checks(), scratch)
            reader = FileSystemReader(ledger, walker, self._state)
            acquisitions = AcquisitionReader(ledger, self._state, deadline)
            try:
                self._look(reader, acquisitions, walker, ledger, findings)
            except Stopped as stopped:
                ledger.not_looked_at("everything that was not read by then", f"the run was stopped by {stopped}")
                say(f"stopped by {stopped}: writing what there is")
            finally:
                self._system = reader.operating_system
                try:
                    with contextlib.ExitStack() as closing:
                        closing.callback(reader.close)
                        closing.callback(acquisitions.close)
                except (mounting.MountError, OSError) as error:
                    ledger.not_looked_at("the mounts of this run", f"a file system could not be unmounted: {error}", incomplete=False)
            self._judge_evidence(ledger)
        return ledger

    def _look(self, reader: FileSystemReader, acquisitions: AcquisitionReader, walker: Walker, ledger: Ledger, findings: WholeFile) -> None:
        acquired = [report for report in self._reports if report.input.role == "memory"]
        disks = [report for report in self._reports if report.input.role != "memory"]
        reader.survey(disks)
        # What was running comes first: it is read in seconds.
        for report in (*acquired, *disks):
            try:
                (acquisitions if report in acquired else reader).read(report)
            except Exception as error:  # a volume that cannot be read must not take the others with it
                ledger.not_looked_at(report.input.source_volume_id, cause_of(error))
            _tell(report)
        walker.conclude()
        self._system = reader.operating_system
        self._publish("first-look.json", "first-look", ledger)
        self._first_look_seconds = round((datetime.now(UTC) - self._started).total_seconds(), 1)
        walker.content()
        for report in acquired:
            try:
                acquisitions.read_image(report)
            except Exception as error:
                ledger.not_looked_at(f"{report.input.source_volume_id}: memory image", cause_of(error))
        say("content scanned")
        # Before the hash of the evidence ends, which takes hours on large volumes: what ends this run then takes only the rest.
        self._results.keep_so_far(findings, "content-findings.jsonl.gz")
        self._publish("content-look.json", "content-look", ledger)
        for report in self._reports:
            nonzero = self._hash(report, ledger)
            seen = len(report.file_systems)
            try:
                (acquisitions if report in acquired else reader).conclude(report, nonzero)
            except Exception as error:
                ledger.not_looked_at(report.input.source_volume_id, f"its bytes were not accounted for: {cause_of(error)}")
            if len(report.file_systems) > seen:
                walker.conclude()
                walker.content()

    def _publish(self, name: str, stage: str, ledger: Ledger) -> None:
        """What is known by then; whoever waits for the file sees it appear whole."""
        with self._results.whole_file(name) as handle:
            handle.write(json_line(first_look(self._incident_id, self._started, ledger, self._system, stage)))
        worst = ", ".join(f"{count} {severity}" for severity, count in ledger.by_severity.items() if count)
        say(f"{stage.replace('-', ' ')}: {worst or 'no findings'}")

    def _hash(self, report: VolumeReport, ledger: Ledger) -> bytes | None:
        began = time.monotonic()
        try:
            reading = self._readings[id(report)].result()
        except evidence.EvidenceError as error:
            ledger.not_looked_at(f"SHA-256 of {report.input.source_volume_id}", str(error))
            return None
        report.before = reading.sha256
        say(f"{report.input.source_volume_id}: {reading.size} bytes hashed, waited {time.monotonic() - began:.1f} s for it")
        if self._hash_twice:
            report.unchanged_by = "second-hash"
            try:
                report.after = evidence.read_whole(report.input.evidence).sha256
            except evidence.EvidenceError as error:
                ledger.not_looked_at(f"second SHA-256 of {report.input.source_volume_id}", str(error))
        return reading.nonzero

    def _judge_evidence(self, ledger: Ledger) -> None:
        for report in self._reports:
            name = report.input.source_volume_id
            report.state_after = evidence.state_of(report.input.evidence)
            if report.before is None:
                if ledger.complete:
                    ledger.not_looked_at(f"SHA-256 of {name}", "the evidence was not read to its end")
            elif not report.intact:
                told = (
                    f"SHA-256 before {report.before}, after {report.after}"
                    if report.after is not None
                    else f"before: {report.state_before}; after: {report.state_after}"
                )
                ledger.take(
                    Finding(
                        "integrity",
                        Severity.CRITICAL,
                        "The evidence volume changed while it was analysed",
                        name,
                        evidence=f"{told}: the results do not describe one state of the disk",
                        attack=("T1565.001",),
                    )
                )
                ledger.not_looked_at(name, "it is not after the analysis what it was before it")


def _tell(report: VolumeReport) -> None:
    for one in report.file_systems:
        journal = "replayed" if one.journal_replayed else "not replayed"
        say(f"{report.input.source_volume_id}: {one.type} by {one.method}, {one.files_seen} entries, journal {journal}")
