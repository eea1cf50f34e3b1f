# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: hash, read, hash again, write."""

import platform
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from typing import TextIO

from clean_room_analysis import __version__, evidence, mounting, outputs
from clean_room_analysis.checks import artefact_checks, content_checks
from clean_room_analysis.file_systems import FileSystemReader
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.model import Finding, OperatingSystem, Severity, VolumeInput, VolumeReport
from clean_room_analysis.progress import say
from clean_room_analysis.text import display_name
from clean_room_analysis.timeline import Timeline
from clean_room_analysis.walker import Walker

#: What this version never looks at, said in every summary so that silence is not taken for an all-clear.
_BY_DESIGN = (
    ("deleted files and free space", "this version does not carve free space or old journal entries"),
    ("memory", "an EBS snapshot holds no memory: processes and connections at the time of the finding are not known"),
)


def analyse(volumes: list[VolumeInput], directory: str, incident_id: str, deadline_seconds: float) -> bool:
    """Runs the analysis and writes the outputs, the manifest last.

    @param volumes at least one; the evidence devices are set read-only and hashed before and after
    @param directory for the outputs; must not hold a run already
    @returns whether everything that belongs to the run was looked at, see README.md "complete"
    @raises outputs.OutputError, evidence.EvidenceError when it cannot begin
    """
    started = datetime.now(UTC)
    outputs.prepare(directory)
    reports = [
        VolumeReport(volume, evidence.size_of(volume.evidence))
        for volume in sorted(volumes, key=lambda one: (one.role != "root", one.source_volume_id))
    ]
    for report in reports:
        evidence.set_read_only(report.input.evidence)
    if evidence.is_root():
        mounting.enter_private_namespace()
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="clean-room-analysis-"))
        timeline = Timeline(scratch)
        stack.callback(timeline.close)
        ledger, system = _read(reports, directory, timeline, deadline_seconds)
        with outputs.whole_file(directory, "timeline.csv") as table, outputs.whole_file(directory, "timesketch.jsonl") as events:
            timeline.write(table, events)
        say(f"timeline written: {timeline.count} events")
        looked = any(file_system.files_seen > 0 for report in reports for file_system in report.file_systems)
        complete = (
            ledger.complete and looked and all(report.intact and any(one.read_to_end for one in report.file_systems) for report in reports)
        )
        with outputs.whole_file(directory, "summary.json") as handle:
            handle.write(outputs.json_line(_summary(incident_id, started, reports, ledger, system, timeline.count, complete)))
    outputs.write_manifest(directory)
    return complete


def _read(
    reports: list[VolumeReport], directory: str, timeline: Timeline, deadline_seconds: float
) -> tuple[Ledger, OperatingSystem | None]:
    """Hashes, walks all volumes, hashes again. Findings and bodyfile are whole when it returns."""
    with outputs.whole_file(directory, "findings.jsonl") as findings, outputs.whole_file(directory, "bodyfile") as bodyfile:
        ledger = Ledger(findings, timeline)
        for what, why in _BY_DESIGN:
            ledger.not_looked_at(what, why, incomplete=False)
        _hash(reports, ledger, "before")
        system = _walk(reports, ledger, timeline, bodyfile, deadline_seconds)
        _hash(reports, ledger, "after")
        for report in reports:
            if report.before is not None and report.after is not None and not report.intact:
                ledger.take(
                    Finding(
                        "integrity",
                        Severity.CRITICAL,
                        "The evidence volume changed while it was analysed",
                        report.input.source_volume_id,
                        evidence=f"SHA-256 before {report.before}, after {report.after}: the results do not describe one state of the disk",
                        attack=("T1565.001",),
                    )
                )
                ledger.not_looked_at(report.input.source_volume_id, "its SHA-256 after the analysis is not the one before it")
    return ledger, system


def _hash(reports: list[VolumeReport], ledger: Ledger, when: str) -> None:
    hashes = evidence.sha256_of_all(report.input.evidence for report in reports)
    for report in reports:
        result = hashes[report.input.evidence]
        if isinstance(result, evidence.EvidenceError):
            ledger.not_looked_at(f"SHA-256 of {report.input.source_volume_id} {when} the analysis", str(result))
        elif when == "before":
            report.before = result
        else:
            report.after = result
        say(f"{report.input.source_volume_id}: {report.size_bytes} bytes hashed {when} the analysis")


def _walk(
    reports: list[VolumeReport], ledger: Ledger, timeline: Timeline, bodyfile: TextIO, deadline_seconds: float
) -> OperatingSystem | None:
    walker = Walker(ledger, timeline, bodyfile, Deadline(deadline_seconds), artefact_checks(), content_checks())
    reader = FileSystemReader(ledger, walker)
    for report in reports:
        try:
            report.file_systems = reader.read_volume(report.input, report.size_bytes)
        except Exception as error:  # a volume that cannot be read must not take the others with it
            ledger.not_looked_at(report.input.source_volume_id, f"{type(error).__name__}: {error}")
        for one in report.file_systems:
            say(
                f"{report.input.source_volume_id}: {one.type} by {one.method}, {one.files_seen} entries, journal {'replayed' if one.journal_replayed else 'not replayed'}"
            )
    walker.conclude()
    return reader.operating_system


def _summary(
    incident_id: str,
    started: datetime,
    reports: list[VolumeReport],
    ledger: Ledger,
    system: OperatingSystem | None,
    events: int,
    complete: bool,
) -> dict[str, object]:
    """summary.json as README.md documents it."""

    def stamp(when: datetime) -> str:
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "schemaVersion": 1,
        "incidentId": incident_id,
        "tool": {
            "name": "clean_room_analysis",
            "version": __version__,
            "python": platform.python_version(),
            "dissect": metadata.version("dissect.target"),
            "yaraX": metadata.version("yara-x"),
        },
        "startedAt": stamp(started),
        "finishedAt": stamp(datetime.now(UTC)),
        "complete": complete,
        "volumes": [
            {
                "volumeId": report.input.source_volume_id,
                "snapshotId": report.input.snapshot_id,
                "role": report.input.role,
                "device": display_name(report.input.evidence),
                "sizeBytes": report.size_bytes,
                "evidenceSha256Before": report.before,
                "evidenceSha256After": report.after,
                "intact": report.intact,
                "fileSystems": [
                    {
                        "type": one.type,
                        "label": one.label,
                        "offsetBytes": one.offset_bytes,
                        "method": one.method,
                        "journalReplayed": one.journal_replayed,
                        "filesSeen": one.files_seen,
                        "reason": None if one.reason is None else display_name(one.reason, 500),
                    }
                    for one in report.file_systems
                ],
            }
            for report in reports
        ],
        "operatingSystem": None if system is None else {"name": system.name, "version": system.version, "hostname": system.hostname},
        "findingsBySeverity": ledger.by_severity,
        "checks": [
            {"check": one.check, "itemsLookedAt": one.items_looked_at, "findings": one.findings, "error": one.error}
            for one in ledger.checks.values()
        ],
        "notLookedAt": ledger.unseen(),
        "timelineEvents": events,
    }
