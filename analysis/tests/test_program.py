# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole program over the rehearsal's disks, mounted where this machine can and through dissect always."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ANALYSIS, VOLUME

from clean_room_analysis import evidence, mounting
from clean_room_analysis.checks import artefact_checks
from clean_room_analysis.cli import main
from clean_room_analysis.text import display_name
from clean_room_analysis.walker import Walker

SEVERITIES = ["critical", "high", "medium", "low", "informational"]
FILES = {
    "bodyfile.gz",
    "content-findings.jsonl.gz",
    "content-look.json",
    "findings.jsonl",
    "first-look.json",
    "summary.json",
    "timeline.csv.gz",
    "timesketch.jsonl.gz",
}


def load(out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """summary.json and findings.jsonl, after checking that the manifest names exactly what is there."""
    manifest = dict(reversed(line.split("  ")) for line in (out / "manifest.sha256").read_text().splitlines())
    blocks = {name for name in manifest if name.startswith("evidence-blocks-")}
    assert set(manifest) == FILES | blocks and blocks
    assert {one.name for one in out.iterdir()} == FILES | blocks | {"manifest.sha256"}
    assert all(hashlib.sha256((out / name).read_bytes()).hexdigest() == digest for name, digest in manifest.items())
    return json.loads((out / "summary.json").read_text()), [json.loads(line) for line in (out / "findings.jsonl").read_text().splitlines()]


def volumes_file(directory: Path, disks: dict[str, Path], work: dict[str, Path] | None) -> Path:
    """A --volumes file over the rehearsal's images, the data volume first: the order must not matter."""
    listed = [
        {
            "volumeId": f"vol-{name}-evidence",
            "sourceVolumeId": f"vol-{name}",
            "snapshotId": f"snap-{name}",
            "evidence": str(disks[name]),
            "work": None if work is None else str(work[name]),
            "role": name,
        }
        for name in ("data", "root")
    ]
    path = directory / "volumes.json"
    path.write_text(json.dumps(listed))
    return path


def missing(ground_truth: dict[str, Any], findings: list[dict[str, Any]], *, replayed: bool) -> list[str]:
    """Planted artefacts without a finding of that check, at that place or below, at least that severe, with that technique."""

    def matches(artefact: dict[str, Any], finding: dict[str, Any]) -> bool:
        place = display_name(artefact["path"])
        return (
            finding["check"] == artefact["check"]
            and finding["volumeId"] == f"vol-{artefact['volume']}"
            and finding["path"] is not None
            and (finding["path"] == place or finding["path"].startswith(place + "/"))
            and SEVERITIES.index(finding["severity"]) <= SEVERITIES.index(artefact["severityAtLeast"])
            and (not artefact["attack"] or bool(set(artefact["attack"]) & set(finding["attack"])))
        )

    return [
        one["id"]
        for one in ground_truth["artefacts"]
        if (replayed or not one["needsJournalReplay"]) and not any(matches(one, finding) for finding in findings)
    ]


def check_formats(summary: dict[str, Any], findings: list[dict[str, Any]]) -> None:
    """What README.md promises of every run."""
    for one in findings:
        assert set(one) == {
            "schemaVersion",
            "id",
            "check",
            "severity",
            "title",
            "path",
            "victimPath",
            "volumeId",
            "evidence",
            "attack",
            "modified",
            "sha256",
            "rule",
        }
        assert re.fullmatch(r"[0-9a-f]{16}", one["id"]) and one["severity"] in SEVERITIES and len(one["evidence"]) <= 2000
        assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) for technique in one["attack"])
        assert one["path"] is None or ("\n" not in one["path"] and one["path"].startswith("/"))
    assert {severity: sum(one["severity"] == severity for one in findings) for severity in SEVERITIES} == summary["findingsBySeverity"]
    assert sum(one["findings"] for one in summary["checks"]) == len(findings)
    assert {check.name for check in artefact_checks()} | {"yara"} <= {one["check"] for one in summary["checks"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", summary["startedAt"])


def test_without_root_dissect_reads_the_raw_images_and_the_report_says_so(
    disks: dict[str, Path], ground_truth: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (evidence, mounting):
        monkeypatch.setattr(module, "is_root", lambda: False)
    code = main(["--volumes", str(volumes_file(tmp_path, disks, None)), "--out", str(tmp_path / "out"), "--incident", "i-1-2"])
    summary, findings = load(tmp_path / "out")
    check_formats(summary, findings)
    assert code == 0 and summary["complete"] is True and summary["incidentId"] == "i-1-2"
    assert [volume["role"] for volume in summary["volumes"]] == ["root", "data"] and all(volume["intact"] for volume in summary["volumes"])
    journaled = [one for volume in summary["volumes"] for one in volume["fileSystems"] if one["type"] in ("xfs", "ext4")]
    assert [(one["method"], one["journalReplayed"]) for one in journaled] == [("dissect", False)] * 2
    assert all("without replaying the journal" in one["reason"] for one in journaled)
    assert sum("changes that were only in its journal" in one["what"] for one in summary["notLookedAt"]) == 2
    assert summary["operatingSystem"]["name"] == "Amazon Linux" and summary["operatingSystem"]["version"] == "2023"
    assert missing(ground_truth, findings, replayed=False) == []
    for image in ground_truth["images"]:
        volume = next(one for one in summary["volumes"] if one["volumeId"] == f"vol-{image['name']}")
        assert volume["evidenceSha256Before"] == image["sha256"] and volume["stateBefore"] == volume["stateAfter"]
        assert volume["accounted"] and sum(one["sizeBytes"] for one in volume["regions"]) == volume["sizeBytes"]


@pytest.mark.parametrize("name", ["root", "data"])
def test_with_a_work_volume_the_best_way_this_machine_has_is_used(
    name: str,
    disks: dict[str, Path],
    work_copies: dict[str, Path],
    ground_truth: dict[str, Any],
    tmp_path: Path,
    mountable: Callable[[str], bool],
) -> None:
    """As root with loop devices: mounted, the journal replayed, the newest artefacts found. Otherwise: dissect, and said so."""
    kind = {"root": "xfs", "data": "ext4"}[name]
    # A process of its own: the program moves into a mount namespace and stays there.
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "clean_room_analysis",
            "--evidence",
            str(disks[name]),
            "--work",
            str(work_copies[name]),
            "--volume-id",
            f"vol-{name}",
            "--role",
            name,
            "--out",
            str(tmp_path / "out"),
        ],
        cwd=ANALYSIS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    summary, findings = load(tmp_path / "out")
    check_formats(summary, findings)
    (system,) = [one for one in summary["volumes"][0]["fileSystems"] if one["type"] == kind]
    mounted = mountable(kind)
    print(f"{name}: {kind} by {system['method']}, journal replayed: {system['journalReplayed']}, {system['filesSeen']} entries")
    assert (system["method"], system["journalReplayed"], system["reason"] is None) == (
        ("kernel-mount", True, True) if mounted else ("dissect", False, False)
    )
    ours = {**ground_truth, "artefacts": [one for one in ground_truth["artefacts"] if one["volume"] == name]}
    assert missing(ours, findings, replayed=mounted) == []
    newest = [display_name(one["path"]) for one in ours["artefacts"] if one["needsJournalReplay"]]
    assert newest and all(any((finding["path"] or "").startswith(path) for finding in findings) is mounted for path in newest)


def test_two_runs_say_the_same(disks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounting, "is_root", lambda: False)
    monkeypatch.setattr(evidence, "is_root", lambda: False)
    for name in ("one", "two"):
        assert main(["--evidence", str(disks["data"]), "--role", "data", "--volume-id", VOLUME, "--out", str(tmp_path / name)]) == 0
    for file in FILES - {"summary.json", "first-look.json", "content-look.json"}:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize("content", [b"", b"\0" * 2**20, b"GIF89a" + b"\1" * 2**20, b"XFSB" + b"\xff" * 2**20])
def test_nothing_looked_at_is_never_a_success(content: bytes, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(content)
    assert main(["--evidence", str(image), "--volume-id", VOLUME, "--out", str(tmp_path / "out")]) == 3
    summary, findings = load(tmp_path / "out")
    assert summary["complete"] is False and findings == []
    assert any(VOLUME in one["what"] for one in summary["notLookedAt"])


def test_evidence_that_changes_is_a_critical_finding(disks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", "--no-preserve=mode", str(disks["data"]), str(image)], check=True)
    conclude = Walker.conclude

    def tamper(walker: Walker) -> None:
        with image.open("r+b") as handle:
            handle.seek(-1, os.SEEK_END)
            handle.write(b"x")
        conclude(walker)

    monkeypatch.setattr(Walker, "conclude", tamper)
    assert main(["--evidence", str(image), "--role", "data", "--volume-id", VOLUME, "--out", str(tmp_path / "out")]) == 3
    summary, findings = load(tmp_path / "out")
    assert summary["complete"] is False and summary["volumes"][0]["intact"] is False
    assert [one["severity"] for one in findings if one["check"] == "integrity"] == ["critical"]


def test_a_deadline_cuts_the_run_and_the_summary_says_where(disks: dict[str, Path], tmp_path: Path) -> None:
    assert main(["--evidence", str(disks["data"]), "--role", "data", "--out", str(tmp_path / "out"), "--deadline-seconds", "0.000001"]) == 3
    summary, _ = load(tmp_path / "out")
    assert summary["complete"] is False and summary["volumes"][0]["intact"] is True
    assert any("--deadline-seconds" in one["why"] for one in summary["notLookedAt"])


def test_a_check_that_fails_is_named_and_the_others_go_on(disks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clean_room_analysis.checks.suid import Suid

    def fail(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Suid, "look", fail)
    monkeypatch.setattr(Suid, "wants", lambda self, entry: entry.is_file)
    assert main(["--evidence", str(disks["data"]), "--role", "data", "--out", str(tmp_path / "out")]) == 3
    summary, findings = load(tmp_path / "out")
    errors = {one["check"]: one["error"] for one in summary["checks"]}
    assert "ZeroDivisionError: planted" in errors.pop("suid") and not any(errors.values())
    assert any(one["what"].startswith("suid: ") for one in summary["notLookedAt"])
    assert any(one["check"] == "web-shell" for one in findings)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--evidence", "/does/not/exist"], "cannot be opened"),
        (["--evidence", "{image}", "--work", "{image}"], "evidence is never mounted"),
        (["--evidence", "{image}", "--deadline-seconds", "0"], "must be more than 0"),
        (["--volumes", "{image}"], "cannot be read as JSON"),
    ],
)
def test_what_cannot_begin_says_why(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"\0" * 4096)
    assert main([one.format(image=image) for one in arguments] + ["--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out/manifest.sha256").exists()


@pytest.mark.parametrize(
    "listed",
    [
        [],
        {},
        [1],
        [{}],
        [{"sourceVolumeId": "v", "evidence": "/e", "role": "boot"}],
        [{"sourceVolumeId": "v", "evidence": "/e", "role": "root", "work": 1}],
    ],
)
def test_a_list_of_volumes_that_makes_no_sense_is_refused(listed: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "volumes.json"
    path.write_text(json.dumps(listed))
    assert main(["--volumes", str(path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("clean_room_analysis: ")
