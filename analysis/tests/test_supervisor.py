# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run that hangs or dies while it reads a file system begins again, and reads it in another way."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ANALYSIS
from disks import file_system

from clean_room_analysis import cli
from clean_room_analysis.file_systems import FileSystemReader
from clean_room_analysis.progress import beat, reading
from clean_room_analysis.supervisor import supervise


@pytest.mark.parametrize("ends", ["hangs", "dies"])
def test_a_file_system_that_stops_its_reader_is_left_alone_within_the_run(
    ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk.img"
    with disk.open("wb") as handle:
        handle.write(file_system())
        handle.truncate(2 << 30)  # still being hashed when the attempt ends

    def stops(*_: object) -> None:
        (tmp_path / "pids").write_text(" ".join(str(one.pid) for one in multiprocessing.active_children()))
        if ends == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        while True:
            time.sleep(60)

    monkeypatch.setattr(FileSystemReader, "_read_raw", stops)
    out = tmp_path / "out"
    code = supervise(lambda elapsed: cli.main(["--evidence", str(disk), "--out", str(out)], elapsed), str(out), quiet=2.0)
    assert code == 3
    summary = json.loads((out / "summary.json").read_text())
    (one,) = summary["volumes"][0]["fileSystems"]
    assert one["method"] == "none" and "earlier run did not come back" in one["reason"]
    assert (out / "manifest.sha256").exists() and summary["volumes"][0]["evidenceSha256Before"]
    assert "once more, another way" in capfd.readouterr().out
    # Nothing that the first attempt began goes on.
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 10
    while pids and time.monotonic() < end:
        pids = [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text()]
    assert pids == []


def test_silence_outside_of_the_reading_is_no_hang_and_exit_codes_pass(tmp_path: Path) -> None:
    def run(_: float) -> int:
        time.sleep(3.5)
        return 3

    assert supervise(run, str(tmp_path), quiet=1.0) == 3


def test_steps_are_no_silence(tmp_path: Path) -> None:
    def run(_: float) -> int:
        reading(True)
        for _ in range(14):
            time.sleep(0.25)
            beat()
        reading(False)
        return 0

    assert supervise(run, str(tmp_path), quiet=2.0) == 0


def test_what_dies_without_reading_is_not_tried_again(tmp_path: Path) -> None:
    def run(_: float) -> int:
        (tmp_path / "began").open("a").write("x")
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert supervise(run, str(tmp_path)) == 128 + signal.SIGKILL
    assert (tmp_path / "began").read_text() == "x"


def test_term_reaches_the_run_which_writes_its_manifest(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    with disk.open("wb") as handle:
        handle.write(file_system())
        handle.truncate(1 << 40)  # holes: it takes minutes to hash, which nobody may wait for
    process = subprocess.Popen(
        [sys.executable, "-m", "clean_room_analysis", "--evidence", str(disk), "--out", str(tmp_path / "out")],
        cwd=ANALYSIS,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "content scanned" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 3 and (tmp_path / "out/manifest.sha256").exists()
