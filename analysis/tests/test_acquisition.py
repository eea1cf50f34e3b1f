# SPDX-License-Identifier: AGPL-3.0-or-later
"""The real collector from the real volume, on this machine, then the real analysis. Needs root and loop devices, as CI has; without them the
collector's parts run over a false /proc alone."""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from clean_room_analysis.cli import main
from clean_room_analysis.memory.records import records
from clean_room_analysis.raw_tree import RawTree

ACQUISITION = REPOSITORY / "acquisition"
VOLUME_ID = "vol-0123456789abcdef0"
SECRET = "hunter2-never-leaves"
_BUILD = """
require(%s).buildAcquisitionImage({ architecture: process.arch === "arm64" ? "arm64" : "x86_64", memory: false })
    .then((image) => console.log(JSON.stringify(image)), (error) => { console.error(error.message); process.exit(1); });
"""


@pytest.fixture(scope="session")
def image() -> dict[str, Any]:
    """The volume's image as a deployment builds it."""
    script = _BUILD % json.dumps(str(REPOSITORY / "packaging/acquisitionImage.ts"))
    answer = subprocess.run(["node", "-r", "tsx/cjs", "-e", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="session")
def busybox(image: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume's own busybox, cut out of the image: its files lie in one run of blocks."""
    content = Path(image["path"]).read_bytes()
    target = tmp_path_factory.mktemp("tools") / "busybox"
    entry = content.index(b"busybox", 6 * 4096, 7 * 4096)
    number = int.from_bytes(content[entry - 8 : entry - 4], "little")
    inode = content[4 * 4096 + (number - 1) * 256 :][:256]
    size, first = int.from_bytes(inode[4:8], "little"), int.from_bytes(inode[60:64], "little")
    target.write_bytes(content[first * 4096 : first * 4096 + size])
    target.chmod(0o755)
    return target


@pytest.fixture
def planted(busybox: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """A program that was deleted after it started, with LD_PRELOAD, a listening socket, a name with line breaks, and a secret."""
    place = Path("/dev/shm") / f".clean-room-{os.getpid()}"
    place.mkdir()
    program = place / "kdevtmpfsi"
    program.write_bytes(busybox.read_bytes())
    program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", str(tmp_path), "-r", 'realm\n"}\n{"pid":1}'],
        executable=str(program),
        env={"LD_PRELOAD": f"{place}/lib.so", "PASSWORD": SECRET, "ODD\nNAME": SECRET},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                break
            time.sleep(0.02)
        assert process.poll() is None, "it did not start"
        program.unlink()
        yield process, port, program
    finally:
        process.kill()
        process.wait()
        program.unlink(missing_ok=True)
        place.rmdir()


def acquire(image: dict[str, Any], disk: Path, **changes: str) -> tuple[int, dict[str, Any]]:
    """Runs the command's text against a loop device that udev would have named. @returns exit code and the last line"""
    subprocess.run(["cp", "--sparse=always", image["path"], str(disk)], check=True)
    os.truncate(disk, 512 * 1024 * 1024)
    device = subprocess.run(["losetup", "--find", "--show", str(disk)], capture_output=True, text=True, check=True).stdout.strip()
    named = f"nvme-Amazon_Elastic_Block_Store_{VOLUME_ID.replace('-', '')}"
    script = f"mkdir -p /dev/disk && mount -t tmpfs none /dev/disk && mkdir /dev/disk/by-id && ln -s {device} /dev/disk/by-id/{named} && exec sh {ACQUISITION}/bootstrap.sh"
    environment = {
        "PATH": os.environ["PATH"],
        "VOLUME_ID": VOLUME_ID,
        "MODE": "volatile",
        "AT_MOST_SECONDS": "90",
        "TOOLS_SHA256": image["toolHashes"]["SHA256SUMS"],
    }
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script], env={**environment, **changes}, capture_output=True, text=True, check=False
        )
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])


def test_a_planted_process_is_found(
    image: dict[str, Any], planted: tuple[Any, int, Path], tmp_path: Path, mountable: Callable[[str], bool]
) -> None:
    if not mountable("ext4"):
        assert os.geteuid() != 0 or not os.path.exists("/dev/loop-control")
        return
    process, port, program = planted
    disk = tmp_path / "volume.img"
    code, said = acquire(image, disk)
    assert code == 0, said
    assert said["acquisition"] == "complete", said
    assert said["files"] > 10 and said["bytes"] > 100_000 and said["seconds"] <= 90
    with disk.open("rb") as handle:
        collected = RawTree(handle, "ext4").read("/out/processes.jsonl", 1 << 28)
    contents = re.findall(rb'"content":"([A-Za-z0-9+/=]*)"', collected)
    assert any(b"LD_PRELOAD=" in base64.b64decode(one) for one in contents)
    assert not any(SECRET.encode() in base64.b64decode(one) for one in contents)

    work = tmp_path / "work.img"
    subprocess.run(["cp", "--sparse=always", str(disk), str(work)], check=True)
    listing = tmp_path / "volumes.json"
    listing.write_text(
        json.dumps([{"sourceVolumeId": VOLUME_ID, "evidence": str(disk), "work": str(work), "role": "data", "kind": "memory"}])
    )
    child = os.fork()  # the analysis takes a mount namespace of its own
    if child == 0:
        os._exit(main(["--volumes", str(listing), "--out", str(tmp_path / "out")]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    findings = [json.loads(line) for line in (tmp_path / "out/findings.jsonl").read_text().splitlines()]
    ours = {one["title"]: one for one in findings if one["path"] == str(program)}
    assert {
        "A running program was deleted",
        "A program runs from a temporary directory",
        "A process was started with LD_PRELOAD",
        "A suspicious program listens for connections",
    } <= ours.keys()
    assert f"process {process.pid} " in ours["A running program was deleted"]["evidence"]
    assert f"127.0.0.1:{port} listens" in ours["A suspicious program listens for connections"]["evidence"]
    assert f"LD_PRELOAD={program.parent}/lib.so" in ours["A process was started with LD_PRELOAD"]["evidence"]
    assert all(one["attack"] for one in ours.values())
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    (volume,) = summary["volumes"]
    assert (volume["role"], volume["accounted"], volume["intact"], summary["complete"]) == ("memory", True, True, True)
    assert not any(one["what"] == "memory" for one in summary["notLookedAt"])
    assert any("proves nothing" in one["why"] for one in summary["notLookedAt"])
    # Its program is on the volume, and nowhere else any more.
    assert f"executables/{ours['A running program was deleted']['sha256']}" in ours["A running program was deleted"]["evidence"]


def test_a_disk_with_other_tools_is_left_as_it_is(image: dict[str, Any], tmp_path: Path, mountable: Callable[[str], bool]) -> None:
    if not mountable("ext4"):
        assert os.geteuid() != 0 or not os.path.exists("/dev/loop-control")
        return
    disk = tmp_path / "volume.img"
    code, said = acquire(image, disk, TOOLS_SHA256="0" * 64, AT_MOST_SECONDS="2")
    assert (code, said["acquisition"]) == (1, "failed")
    assert "another hash" in said["reason"]
    assert disk.read_bytes()[: image["bytes"]] == Path(image["path"]).read_bytes(), "it was written to"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"VOLUME_ID": "vol-1; reboot"}, "no volume id"),
        ({"MODE": "all"}, "MODE"),
        ({"AT_MOST_SECONDS": "-1"}, "AT_MOST_SECONDS"),
        ({"TOOLS_SHA256": ""}, "TOOLS_SHA256"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, str], words: str) -> None:
    environment = {"VOLUME_ID": VOLUME_ID, "MODE": "volatile", "AT_MOST_SECONDS": "90", "TOOLS_SHA256": "0" * 64}
    done = subprocess.run(
        ["sh", str(ACQUISITION / "bootstrap.sh")], env={**environment, **changes}, capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert (done.returncode, said["acquisition"]) == (1, "failed")
    assert words in said["reason"]


class FalseProc:
    """A /proc of plain files, and the collector's supervisor over it."""

    def __init__(self, directory: Path, busybox: Path) -> None:
        self.directory, self.busybox = directory, busybox
        for name in ("proc", "tools", "out/executables"):
            (directory / name).mkdir(parents=True)
        for name in ("parts.sh", "supervise.sh"):
            (directory / "tools" / name).write_bytes((ACQUISITION / name).read_bytes())

    def process(self, pid: int, **files: bytes) -> Path:
        folder = self.directory / "proc" / str(pid)
        folder.mkdir()
        (folder / "exe").symlink_to("/bin/sh")
        for name, content in {"stat": b"1 (x) S 1\n", "status": b"Name:\tx\n", **files}.items():
            (folder / name).write_bytes(content)
        return folder

    def run(self, part: str) -> tuple[list[dict[str, Any]], dict[str, Any], float]:
        """@returns the part's lines, its line of the manifest, seconds"""
        script = f'. "$TOOLS/supervise.sh"; now; deadline=$((seconds + 30)); part {part}; cat "$states"'
        root = str(self.directory)
        environment = {
            "PATH": "/nonexistent",
            "BB": str(self.busybox),
            "TOOLS": f"{root}/tools",
            "P": f"{root}/proc",
            "S": f"{root}/sys",
            "out": f"{root}/out",
            "WORK": root,
        }
        began = time.monotonic()
        done = subprocess.run(
            [str(self.busybox), "sh", "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        with contextlib.suppress(FileNotFoundError), (self.directory / f"out/{part.split()[0]}.jsonl").open("rb") as handle:
            return list(records(handle, part, {})), json.loads(done.stdout), time.monotonic() - began
        return [], json.loads(done.stdout), time.monotonic() - began


@pytest.fixture
def false_proc(tmp_path: Path, busybox: Path) -> FalseProc:
    return FalseProc(tmp_path, busybox)


def test_a_process_that_cannot_be_read_costs_itself_alone(false_proc: FalseProc) -> None:
    for pid in (1, 3):
        false_proc.process(pid)
    hostile = false_proc.process(2)
    os.mkfifo(hostile / "cmdline")  # nobody writes: reading it waits for ever
    lines, state, seconds = false_proc.run("processes 20 1")
    assert [(one["pid"], one.get("stalled", False)) for one in lines if "between" in one or one.get("stalled")][-1] == (3, False)
    assert {"pid": 2, "stalled": True} in lines
    assert (state["state"], state["reason"]) == ("partial", "1 processes could not be read")
    assert seconds < 15


def test_a_part_ends_with_its_time(false_proc: FalseProc) -> None:
    os.mkfifo(false_proc.process(2) / "cmdline")
    _, state, seconds = false_proc.run("processes 2")
    assert (state["state"], state["reason"]) == ("partial", "stopped after 2 s")
    assert seconds < 10


def test_names_lengths_and_secrets_of_a_hostile_process(false_proc: FalseProc) -> None:
    lines_of_environment = (
        b"A\nB=" + SECRET.encode() + b"\0LD_PRELOAD=/tmp/x.so\0NOTHING" + SECRET.encode() + b"\0" + b"C" * 100_000 + b"=" + SECRET.encode()
    )
    false_proc.process(
        7,
        cmdline=b'evil"}\n{"pid":1}\0' + b"x" * 5_000_000,
        environ=lines_of_environment,
        maps=b"00400000-00401000 r-xp 00000000 00:00 0 /tmp/a\nb.so\n7f0-7f1 rw-p 0 00:00 0\n",
    )
    (one,), state, _ = false_proc.run("processes 20 4")
    assert state["state"] == "complete"
    _, _, command, maps, environment = base64.b64decode(one["content"]).split(f"\n{one['between']}\n".encode())
    assert command.startswith(b'evil"}\n{"pid":1}\0x') and len(command) == 131_072
    assert environment.split(b"\n")[1] == b"LD_PRELOAD=/tmp/x.so"
    assert SECRET.encode() not in environment
    assert maps == b"00400000-00401000 r-xp 00000000 00:00 0 /tmp/a\n"


def test_many_processes_are_all_there(false_proc: FalseProc) -> None:
    for pid in range(1, 301):
        false_proc.process(pid, cmdline=b"x\0", environ=b"A=1\0", maps=b"00400000-00401000 r-xp 00000000 00:00 0 /bin/x\n")
    lines, state, _ = false_proc.run("processes 60 4")
    assert state["state"] == "complete"
    assert len(lines) == 300


def test_a_full_volume_is_said_to_be(false_proc: FalseProc, mountable: Callable[[str], bool]) -> None:
    if os.geteuid() != 0:
        assert not mountable("ext4")
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(false_proc.directory / "out")], check=True)
    try:
        for pid in range(1, 40):
            false_proc.process(pid, cmdline=os.urandom(60_000))
        lines, state, _ = false_proc.run("processes 20 4")
        assert (state["state"], state["reason"]) == ("partial", "the volume is full")
        assert len(lines) < 39
        (false_proc.directory / "out/processes.jsonl").write_bytes(b"")
        (false_proc.directory / "out/fill").write_bytes(bytes(100 * 1024))
        _, state, _ = false_proc.run("sockets 20")
        assert (state["state"], state["reason"]) == ("skipped", "the volume is full")
    finally:
        subprocess.run(["umount", str(false_proc.directory / "out")], check=True)


def test_what_cannot_be_taken_in_time_is_told_in_time(image: dict[str, Any], tmp_path: Path, mountable: Callable[[str], bool]) -> None:
    """The command ends by AT_MOST_SECONDS, and says what is missing."""
    if not mountable("ext4"):
        assert os.geteuid() != 0 or not os.path.exists("/dev/loop-control")
        return
    began = time.monotonic()
    code, said = acquire(image, tmp_path / "volume.img", AT_MOST_SECONDS="8", MODE="full")
    assert time.monotonic() - began < 20
    assert code == 0
    assert said["acquisition"] == "partial", said
    assert "memory: AVML is not among the tools of this volume" in said["reason"]
    assert said["seconds"] <= 9
