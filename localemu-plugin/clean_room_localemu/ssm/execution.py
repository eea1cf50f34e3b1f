"""Runs a script on an instance, which here is a folder, an environment and a sandbox."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..ec2.disk_images import writable_image
from ..iam.endpoints import APPLICATION_VARIABLE
from ..settings import endpoint, port, settings
from .command_log import CommandLog
from .documents import Script
from .isolation import can_isolate
from .sandbox.request import Request

RUNS = "rehearsal:runs"
#: How often a running script is looked at, in seconds.
_POLL = 0.05


@dataclass(frozen=True)
class Outcome:
    """What a script has come to. Output is whole, so that whoever shows it can say what is left out."""

    exit_code: int
    timed_out: bool
    output: str
    errors: str


def run(
    name: str,
    script: Script,
    instance: Any,
    credentials: dict[str, str],
    stopped: Callable[[], bool],
    log: CommandLog | None = None,
) -> Outcome:
    """
    Blocks until the script and all its processes have ended. `name` is unique; `stopped` says whether the script is to be killed.
    `credentials` are environment variables; `log` follows the output.
    """
    folder = settings().state_directory / "commands" / name
    (folder / "bin").mkdir(parents=True, mode=0o700)
    try:
        request = _request(folder, script, instance, credentials)
        with open(folder / "stdout", "wb") as output, open(folder / "stderr", "wb") as errors:
            look = (lambda: log.follow(folder)) if log else (lambda: None)
            timed_out, code = _supervised(request, output, errors, script.timeout_seconds, stopped, look)
        if log:
            log.follow(folder, ended=True)
        return Outcome(code, timed_out, _read(folder / "stdout"), _read(folder / "stderr"))
    finally:
        shutil.rmtree(folder)


def _request(folder: Path, script: Script, instance: Any, credentials: dict[str, str]) -> Request:
    region = instance.ec2_backend.region_name
    file = folder / "script.sh"
    file.write_text(script.text)
    return Request(
        command=[*_interpreter(script.text), str(file)],
        directory=str(folder),
        environment={
            "PATH": ":".join([str(_tools(folder)), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": endpoint(),
            "AWS_EC2_METADATA_DISABLED": "true",
            APPLICATION_VARIABLE: instance.id,
            **credentials,
        },
        devices=_devices(instance),
        port=port(),
        private=can_isolate(),
        before=_running_on(instance) if can_isolate() else None,
    )


def _running_on(instance: Any) -> str | None:
    """
    Script that stands for what runs on the instance, by its tag. It is run anew for each command, whose processes are all that this instance
    has.
    """
    path = instance.ec2_backend.tags.get(instance.id, {}).get(RUNS)
    if path is not None and not (Path(path).is_absolute() and Path(path).is_file()):
        raise ValueError(f"The instance {instance.id} is tagged {RUNS}={path}, which is not the absolute path of a file.")
    return path


def _interpreter(text: str) -> list[str]:
    """The one the script's first line names, or the shell."""
    first = text.split("\n", 1)[0]
    return shlex.split(first[2:]) if first.startswith("#!") else ["/bin/sh"]


def _tools(folder: Path) -> Path:
    """The AWS CLI, and Python by the name of its version, without the packages that LocalEmu has."""
    tools = folder / "bin"
    (tools / "aws").symlink_to(Path(sys.executable).with_name("aws"))
    (tools / f"python{sys.version_info.major}.{sys.version_info.minor}").symlink_to(Path(sys.executable).resolve())
    return tools


def _devices(instance: Any) -> dict[str, str]:
    """Image of each attached volume that has one, by the name of its device on a Nitro instance."""
    found: dict[str, str] = {}
    for mapping in instance.block_device_mapping.values():
        image = writable_image(instance.ec2_backend.get_volume(mapping.volume_id))
        if image:
            found[f"nvme-Amazon_Elastic_Block_Store_{mapping.volume_id.replace('-', '', 1)}"] = str(image)
    return found


def _supervised(
    request: Request, output: Any, errors: Any, seconds: int, stopped: Callable[[], bool], look: Callable[[], None]
) -> tuple[bool, int]:
    """Whether the time was up, and the exit code. The supervisor has a session of its own, to clear away when LocalEmu is killed."""
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "clean_room_localemu.ssm.sandbox"],
        cwd=request.directory,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )
    assert supervisor.stdin
    timed_out = False
    with supervisor.stdin as orders:
        orders.write(request.to_line())
        orders.flush()
        deadline = time.monotonic() + seconds
        while supervisor.poll() is None and not stopped():
            if time.monotonic() >= deadline:
                timed_out = True
                break
            look()
            try:
                supervisor.wait(_POLL)
            except subprocess.TimeoutExpired:
                continue
    return timed_out, supervisor.wait()


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
