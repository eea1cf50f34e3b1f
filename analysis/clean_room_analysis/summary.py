# SPDX-License-Identifier: AGPL-3.0-or-later
"""summary.json and first-look.json, as README.md documents them."""

import os
import platform
from datetime import UTC, datetime
from importlib import metadata

from clean_room_analysis import __version__, limits
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.model import OperatingSystem, VolumeReport
from clean_room_analysis.isolated import confinement
from clean_room_analysis.text import display_name


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def first_look(
    incident_id: str, started: datetime, ledger: Ledger, system: OperatingSystem | None, stage: str = "first-look"
) -> dict[str, object]:
    """What is known before the evidence is hashed: what the artefacts of all volumes say, and with the stage `content-look` their content."""
    now = datetime.now(UTC)
    return {
        "schemaVersion": 1,
        "stage": stage,
        "incidentId": incident_id,
        "startedAt": _stamp(started),
        "at": _stamp(now),
        "seconds": round((now - started).total_seconds(), 1),
        "operatingSystem": _system(system),
        "findingsBySeverity": dict(ledger.by_severity),
        "findings": ledger.gravest(limits.FIRST_LOOK_FINDINGS),
        "notLookedAt": ledger.unseen(),
    }


def summary(
    incident_id: str,
    started: datetime,
    reports: list[VolumeReport],
    ledger: Ledger,
    system: OperatingSystem | None,
    events: int,
    complete: bool,
    first_look_seconds: float | None,
) -> dict[str, object]:
    """What was done."""
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
        "sandbox": confinement(),
        "startedAt": _stamp(started),
        "finishedAt": _stamp(datetime.now(UTC)),
        "firstLookSeconds": first_look_seconds,
        "complete": complete,
        "volumes": [_volume(report) for report in reports],
        "operatingSystem": _system(system),
        "findingsBySeverity": ledger.by_severity,
        "findingsOverBound": ledger.over_bound,
        "checks": [
            {"check": one.check, "itemsLookedAt": one.items_looked_at, "findings": one.findings, "error": one.error}
            for one in ledger.checks.values()
        ],
        "notLookedAt": ledger.unseen(),
        "timelineEvents": events,
    }


def _system(system: OperatingSystem | None) -> dict[str, object] | None:
    return None if system is None else {"name": system.name, "version": system.version, "hostname": system.hostname}


def _volume(report: VolumeReport) -> dict[str, object]:
    return {
        "volumeId": report.input.source_volume_id,
        "snapshotId": report.input.snapshot_id,
        "role": report.input.role,
        "device": display_name(report.input.evidence),
        "sizeBytes": report.size_bytes,
        "evidenceSha256Before": report.before,
        "evidenceSha256After": report.after,
        "intact": report.intact,
        "unchangedBy": report.unchanged_by,
        "stateBefore": report.state_before,
        "stateAfter": report.state_after,
        "blockHashes": None if report.blocks_path is None else os.path.basename(report.blocks_path),
        "blockBytes": limits.EVIDENCE_BLOCK_BYTES,
        "accounted": report.accounted,
        "regions": _regions(report),
        "fileSystems": [
            {
                "type": one.type,
                "label": one.label,
                "offsetBytes": one.offset_bytes,
                "method": one.method,
                "journalReplayed": one.journal_replayed,
                "filesSeen": one.files_seen,
                "reason": None if one.reason is None else display_name(one.reason, 500),
                "mountPoint": None if one.mount_point is None else display_name(one.mount_point),
                "mountPointGuessed": one.guessed,
                "roots": one.roots,
            }
            for one in report.file_systems
        ],
    }


def _regions(report: VolumeReport) -> list[dict[str, object]]:
    """In order; when there are more than `limits.REGIONS`, small ones that were read or are empty are left out first."""
    kept = report.regions
    if len(kept) > limits.REGIONS:
        gravest = sorted(kept, key=lambda one: (one[2] != "unread", -one[1]))[: limits.REGIONS]
        kept = sorted(gravest)
    return [
        {"offsetBytes": offset, "sizeBytes": size, "state": state, "what": display_name(what, 500)} for offset, size, state, what in kept
    ]
