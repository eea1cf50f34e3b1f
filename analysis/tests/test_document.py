# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Run Command document: its parameters, and its script run by bash against a fake AWS CLI and image files."""

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ANALYSIS
from hypothesis import given
from hypothesis import strategies as st

TEXT = (ANALYSIS / "document.yaml").read_text()
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
STEP: dict[str, Any] = DOCUMENT["mainSteps"][0]
SCRIPT: str = STEP["inputs"]["runCommand"][0]
EVIDENCE, WORK = "vol-0aaaaaaaaaaaaaaa1", "vol-0aaaaaaaaaaaaaaa2"
OUTPUTS = [
    "first-look.json",
    "content-findings.jsonl.gz",
    "content-look.json",
    "bodyfile.gz",
    "evidence-blocks-vol-data.bin",
    "findings.jsonl",
    "summary.json",
    "timeline.csv.gz",
    "timesketch.jsonl.gz",
    "manifest.sha256",
]
# Keeps objects as files below $FAKE_S3 and one line a call in $FAKE_S3/calls; checks SHA-256 as S3 does.
FAKE_AWS = """#!{python} -I
import base64, hashlib, json, os, shutil, sys
arguments, store = sys.argv[1:], os.environ["FAKE_S3"]
option = lambda name: arguments[arguments.index(name) + 1]
with open(store + "/calls", "a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
if arguments[:2] == ["s3", "cp"] and arguments[2].startswith("s3://"):
    shutil.copy(store + "/" + arguments[2][5:], arguments[3])
elif arguments[:2] == ["s3api", "put-object"]:
    content = open(option("--body"), "rb").read()
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != option("--checksum-sha256"):
        sys.exit("BadDigest")
    if option("--server-side-encryption") != "aws:kms" or option("--key").rpartition("/")[2] == os.environ.get("FAKE_REFUSES"):
        sys.exit("AccessDenied")
    path = store + "/" + option("--bucket") + "/" + option("--key")
    if option("--if-none-match") != "*":
        sys.exit("AccessDenied: the bucket takes each key once")
    if os.path.exists(path):
        sys.exit("An error occurred (PreconditionFailed) when calling the PutObject operation")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(content)
elif arguments[:2] == ["s3api", "create-multipart-upload"]:
    print("upload-1")
elif arguments[:2] == ["s3api", "upload-part"]:
    content = open(option("--body"), "rb").read()
    open(store + "/part." + option("--part-number"), "wb").write(content)
    print('"etag-' + option("--part-number") + '"', base64.b64encode(hashlib.sha256(content).digest()).decode(), sep="\t")
elif arguments[:2] == ["s3api", "complete-multipart-upload"]:
    if option("--if-none-match") != "*":
        sys.exit("AccessDenied: the bucket takes each key once")
    parts = json.load(open(option("--multipart-upload").removeprefix("file://")))["Parts"]
    path = store + "/" + option("--bucket") + "/" + option("--key")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as whole:
        for part in parts:
            content = open(store + "/part." + str(part["PartNumber"]), "rb").read()
            if part["ChecksumSHA256"] != base64.b64encode(hashlib.sha256(content).digest()).decode() or part["ETag"] != "etag-" + str(part["PartNumber"]):
                sys.exit("InvalidPart")
            whole.write(content)
else:
    sys.exit("unknown call")
"""


def test_the_document_is_small_and_every_parameter_is_bounded() -> None:
    assert DOCUMENT["schemaVersion"] == "2.2" and STEP["action"] == "aws:runShellScript" and len(TEXT.encode()) < 20_000
    assert set(re.findall(r"{{ (\w+) }}", TEXT)) == set(DOCUMENT["parameters"])
    assert STEP["inputs"]["timeoutSeconds"] == "{{ ExecutionTimeout }}"
    for name, parameter in DOCUMENT["parameters"].items():
        assert (
            parameter["type"] == "String" and parameter["allowedPattern"].startswith("^") and parameter["allowedPattern"].endswith("$")
        ), name
        assert not re.search("credential|secret|password|token", name, re.I)


@given(
    st.sampled_from(sorted(DOCUMENT["parameters"])),
    st.text(max_size=40),
    st.sampled_from(list("'\"$`;&|<>\\ \t(){}!*?#~%")),
    st.text(max_size=40),
)
def test_no_parameter_admits_shell_syntax(name: str, before: str, syntax: str, after: str) -> None:
    assert re.fullmatch(DOCUMENT["parameters"][name]["allowedPattern"].strip("^$"), before + syntax + after) is None


def test_timeouts_are_those_run_command_takes() -> None:
    pattern = re.compile(DOCUMENT["parameters"]["ExecutionTimeout"]["allowedPattern"])
    assert all(bool(pattern.match(str(seconds))) == (60 <= seconds <= 172_800) for seconds in range(180_000))


@dataclass
class Instance:
    """A machine with image files for devices, a fake AWS CLI and the tool in a fake S3."""

    directory: Path
    parameters: dict[str, str]

    @property
    def results(self) -> Path:
        """Where the objects of the incident lie."""
        return self.directory / "s3/evidence/incidents/i-1-2/analysis"

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the script as Run Command would, parameters put into its text."""
        script = SCRIPT
        for name, parameter in DOCUMENT["parameters"].items():
            value = self.parameters.get(name, parameter.get("default"))
            assert re.match(parameter["allowedPattern"], value), name
            script = script.replace(f"{{{{ {name} }}}}", value)
        assert "{{" not in script
        return subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={
                **os.environ,
                "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
                "TMPDIR": str(self.directory / "tmp"),
                "CLEAN_ROOM_DEVICE_DIRECTORY": str(self.directory / "devices"),
                "CLEAN_ROOM_DEVICE_SECONDS": "0",
                "FAKE_S3": str(self.directory / "s3"),
                **environment,
            },
        )

    def uploads(self) -> list[str]:
        """Names of the objects in the order of their upload."""
        calls = [json.loads(line) for line in (self.directory / "s3/calls").read_text().splitlines()]
        return [
            call[call.index("--key") + 1].removeprefix("incidents/i-1-2/analysis/") for call in calls if call[:2] == ["s3api", "put-object"]
        ]


@pytest.fixture
def instance(tmp_path: Path, disks: dict[str, Path], work_copies: dict[str, Path]) -> Instance:
    """An instance with the data volume attached twice: as evidence and as work volume."""
    for name in ("bin", "tmp", "devices", "s3/tools", "s3/evidence"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin/aws").write_text(FAKE_AWS.format(python=sys.executable))
    (tmp_path / "bin/aws").chmod(0o755)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # The dependencies come from this test's own environment; in production the archive holds them.
    (tmp_path / f"bin/python{version}").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / f"bin/python{version}").chmod(0o755)
    for volume, image in ((EVIDENCE, disks["data"]), (WORK, work_copies["data"])):
        (tmp_path / "devices" / f"nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}").symlink_to(image)
    archive = tmp_path / "s3/tools/analysis.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("clean_room_analysis", "rules"):
            tar.add(ANALYSIS / name, name)
    volumes = [{"volumeId": "vol-data", "snapshotId": "snap-1", "evidenceVolumeId": EVIDENCE, "workVolumeId": WORK, "role": "data"}]
    return Instance(
        tmp_path,
        {
            "IncidentId": "i-1-2",
            "Region": "eu-west-1",
            "ToolBucket": "tools",
            "ToolKey": "analysis.tar.gz",
            "ToolSha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "EvidenceBucket": "evidence",
            "OutputPrefix": "incidents/i-1-2/analysis/",
            "KmsKeyArn": "arn:aws:kms:eu-west-1:111111111111:key/abc",
            "Volumes": base64.b64encode(json.dumps(volumes).encode()).decode(),
            "PythonVersion": version,
        },
    )


def test_the_results_arrive_whole_and_the_manifest_last(instance: Instance) -> None:
    run = instance.run()
    assert run.returncode == 0, run.stdout + run.stderr
    assert instance.uploads() == OUTPUTS and sorted(path.name for path in instance.results.iterdir()) == sorted(OUTPUTS)
    subprocess.run(["sha256sum", "--check", "--quiet", "manifest.sha256"], cwd=instance.results, check=True)
    summary = json.loads((instance.results / "summary.json").read_text())
    assert (
        summary["incidentId"] == "i-1-2"
        and summary["complete"]
        and summary["volumes"][0]["volumeId"] == "vol-data"
        and summary["volumes"][0]["snapshotId"] == "snap-1"
    )
    assert os.listdir(instance.directory / "tmp") == [] and len(run.stdout) < 3000


def test_what_content_says_is_there_before_the_hash_of_the_evidence_ends(instance: Instance) -> None:
    run = instance.run()
    look = json.loads((instance.results / "content-look.json").read_text())
    assert look["stage"] == "content-look" and look["incidentId"] == "i-1-2"
    assert "content-look.json uploaded" in run.stdout
    uploads = instance.uploads()
    by_then = gzip.decompress((instance.results / "content-findings.jsonl.gz").read_bytes())
    assert len(by_then.splitlines()) == len(look["findings"]) > 0
    assert (instance.results / "findings.jsonl").read_bytes().startswith(by_then)
    assert (
        uploads.index("content-findings.jsonl.gz")
        < uploads.index("content-look.json")
        < uploads.index("evidence-blocks-vol-data.bin")
        < uploads.index("manifest.sha256")
    )


def test_the_evidence_is_hashed_twice_where_that_is_asked_for(instance: Instance) -> None:
    instance.parameters["HashTwice"] = "true"
    run = instance.run()
    assert run.returncode == 0, run.stdout + run.stderr
    (volume,) = json.loads((instance.results / "summary.json").read_text())["volumes"]
    assert volume["unchangedBy"] == "second-hash" and volume["evidenceSha256After"] == volume["evidenceSha256Before"]


def test_an_altered_archive_is_not_unpacked(instance: Instance) -> None:
    with (instance.directory / "s3/tools/analysis.tar.gz").open("ab") as handle:
        handle.write(b"x")
    run = instance.run()
    assert run.returncode not in (0, 3) and "it is not the one this deployment made" in run.stdout
    assert instance.uploads() == [] and "analysed" not in run.stdout and os.listdir(instance.directory / "tmp") == []


def test_a_volume_that_is_not_attached_is_named(instance: Instance) -> None:
    (instance.directory / "devices" / f"nvme-Amazon_Elastic_Block_Store_{WORK.replace('-', '')}").unlink()
    run = instance.run()
    assert run.returncode not in (0, 3) and f"{WORK} has no device" in run.stderr and "FAILED while finding the devices" in run.stdout
    assert instance.uploads() == []


def test_an_incomplete_analysis_is_uploaded_and_its_code_passed_on(instance: Instance) -> None:
    device = instance.directory / "devices" / f"nvme-Amazon_Elastic_Block_Store_{EVIDENCE.replace('-', '')}"
    device.unlink()
    device.write_bytes(b"\0" * 2**20)
    run = instance.run()
    assert run.returncode == 3 and instance.uploads() == OUTPUTS
    assert json.loads((instance.results / "summary.json").read_text())["complete"] is False


def test_a_failed_upload_leaves_no_manifest(instance: Instance) -> None:
    """What is there is kept under partial/, so that a half run is never taken for a result."""
    run = instance.run(FAKE_REFUSES="summary.json")
    assert run.returncode not in (0, 3) and "FAILED while uploading the results" in run.stdout and "AccessDenied" in run.stderr
    assert "could not keep summary.json" in run.stdout
    kept = sorted(str(path.relative_to(instance.results)) for path in instance.results.rglob("*") if path.is_file())
    names = [
        "bodyfile.gz",
        "content-findings.jsonl.gz",
        "content-look.json",
        "evidence-blocks-vol-data.bin",
        "findings.jsonl",
        "first-look.json",
    ]
    assert kept == names + [
        f"partial/{name}"
        for name in (
            "bodyfile.gz",
            "content-findings.jsonl.gz",
            "content-look.json",
            "evidence-blocks-vol-data.bin",
            "findings.jsonl",
            "first-look.json",
            "timeline.csv.gz",
            "timesketch.jsonl.gz",
        )
    ]


def test_what_is_too_large_for_one_put_goes_up_in_parts_and_arrives_whole(instance: Instance) -> None:
    run = instance.run(CLEAN_ROOM_PUT_BYTES="4000", CLEAN_ROOM_PART_BYTES="3000")
    assert run.returncode == 0, run.stdout + run.stderr
    listed = (instance.results / "manifest.sha256").read_text().splitlines()
    assert len(listed) > 4
    for digest, name in (line.split("  ") for line in listed):
        assert hashlib.sha256((instance.results / name).read_bytes()).hexdigest() == digest
    assert "complete-multipart-upload" in (instance.directory / "s3/calls").read_text()


def test_a_result_that_stands_already_is_no_failure_and_is_not_written_over(instance: Instance) -> None:
    standing = instance.results / "summary.json"
    standing.parent.mkdir(parents=True)
    standing.write_text("stands")
    run = instance.run()
    assert run.returncode == 0, run.stdout + run.stderr
    assert "stands already" in run.stdout and standing.read_text() == "stands"
