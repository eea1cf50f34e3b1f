# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line. Exit codes: 0 complete, 3 incomplete (outputs and manifest are written all the same), 2 cannot begin."""

import argparse
import json
import os
import sys

from clean_room_analysis import __version__
from clean_room_analysis.analysis import analyse
from clean_room_analysis.evidence import EvidenceError
from clean_room_analysis.model import VolumeInput
from clean_room_analysis.mounting import MountError
from clean_room_analysis.outputs import OutputError
from clean_room_analysis.partitions import READABLE, regions
from clean_room_analysis.progress import say
from clean_room_analysis.disk_containers import container_of
from clean_room_analysis.supervisor import supervise

COMPLETE, CANNOT_BEGIN, INCOMPLETE = 0, 2, 3
_DAY = 24 * 60 * 60


class UsageError(Exception):
    """The arguments do not make sense; the message says which and what is allowed."""


def volumes_from_file(path: str) -> list[VolumeInput]:
    """Reads `--volumes`: a JSON list of {volumeId, sourceVolumeId, snapshotId, evidence, work, role, device, kind, addresses}.

    `volumeId` (the evidence volume attached here) is for people; what counts is where its device is.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            listed = json.load(handle)
    except (OSError, ValueError) as error:
        raise UsageError(f"--volumes {path} cannot be read as JSON: {error}") from error
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"--volumes {path} must hold a list of at least one volume")
    return [_volume(one, index) for index, one in enumerate(listed)]


def _volume(one: object, index: int) -> VolumeInput:
    if not isinstance(one, dict):
        raise UsageError(f"volume {index} is not an object")
    for name in ("sourceVolumeId", "evidence"):
        if not isinstance(one.get(name), str) or not one[name]:
            raise UsageError(f"volume {index} has no {name}")
    for name in ("work", "snapshotId"):
        if one.get(name) is not None and not isinstance(one[name], str):
            raise UsageError(f"volume {index}: {name} must be a string or null")
    # The workflow says which volume is the acquisition volume, as its kind or its role; nothing on a disk does.
    role = "memory" if one.get("kind") == "memory" else one.get("role")
    if role not in ("root", "data", "memory"):
        raise UsageError(f"volume {index}: role is {role!r}, allowed are root, data and memory")
    addresses = one.get("addresses") or []
    if not isinstance(addresses, list) or not all(isinstance(each, str) for each in addresses):
        raise UsageError(f"volume {index}: addresses must be a list of strings")
    device = one.get("device")
    if device is not None and not isinstance(device, str):
        raise UsageError(f"volume {index}: device must be a string or null")
    return VolumeInput(one["sourceVolumeId"], one.get("snapshotId"), one["evidence"], one.get("work"), role, device, tuple(addresses))


def refuse_containers(volumes: list[VolumeInput]) -> None:
    """Refuses image files of other formats by name when nothing else was given. @raises UsageError

    A block device is never refused: what its first bytes say may be somebody's trick, and the disk is read for what it is. Neither
    is one volume of several: the others go on, and the summary names it.
    """
    if len(volumes) != 1 or not os.path.isfile(volumes[0].evidence):
        return
    path = volumes[0].evidence
    with open(path, "rb") as handle:
        container = container_of(handle)
        if container is not None and not any(one.type in READABLE for one in regions(handle, os.path.getsize(path))):
            raise UsageError(
                f"{path} is no raw disk image but {container}, which is not read: convert it first, "
                f"for example with qemu-img convert -O raw, ewfexport or the tool that packed it"
            )


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    arguments = argparse.ArgumentParser(prog="clean_room_analysis", description="Analyses volumes of a contained EC2 instance.")
    source = arguments.add_mutually_exclusive_group(required=True)
    source.add_argument("--evidence", metavar="IMAGE", help="device or raw image; hashed, never mounted, never written")
    source.add_argument("--volumes", metavar="FILE", help="JSON list of several volumes")
    arguments.add_argument(
        "--work", metavar="IMAGE", help="copy of the evidence that may be mounted: its journal is replayed, so it is written"
    )
    arguments.add_argument("--out", metavar="DIRECTORY", required=True, help="for the outputs; must not hold a run already")
    arguments.add_argument("--incident", metavar="ID", default="none")
    arguments.add_argument("--volume-id", metavar="ID", help="the victim's volume (default: the name of the image)")
    arguments.add_argument("--snapshot-id", metavar="ID")
    arguments.add_argument("--role", choices=("root", "data", "memory"), default="root")
    arguments.add_argument(
        "--deadline-seconds", type=float, default=_DAY, metavar="N", help="time for reading, hashing not counted (default %(default)s)"
    )
    arguments.add_argument("--hash-twice", action="store_true", help="hash the evidence again at the end (default: write counters tell)")
    arguments.add_argument(
        "--state", metavar="DIRECTORY", help="where it is remembered which file system is being read (default: the output directory)"
    )
    arguments.add_argument("--version", action="version", version=__version__)
    return arguments


def supervised(argv: list[str] | None = None) -> int:
    """`main` in a process of its own, which is begun again when reading a file system ends or stops it. @returns the exit code"""
    given = parser().parse_args(argv)
    return supervise(lambda elapsed: main(argv, elapsed), given.out)


def main(argv: list[str] | None = None, elapsed: float = 0.0) -> int:
    """Runs the program. @param elapsed seconds of the deadline that are gone @returns the exit code"""
    given = parser().parse_args(argv)
    try:
        if given.volumes is not None:
            volumes = volumes_from_file(given.volumes)
        else:
            volumes = [
                VolumeInput(given.volume_id or os.path.basename(given.evidence), given.snapshot_id, given.evidence, given.work, given.role)
            ]
        for volume in volumes:
            if volume.work is not None and os.path.realpath(volume.work) == os.path.realpath(volume.evidence):
                raise UsageError(f"{volume.evidence} is given as evidence and as work: evidence is never mounted, make a copy")
        if given.deadline_seconds <= 0:
            raise UsageError("--deadline-seconds must be more than 0")
        refuse_containers(volumes)
        complete = analyse(
            volumes,
            given.out,
            given.incident,
            max(0.0, given.deadline_seconds - elapsed),
            hash_twice=given.hash_twice,
            state_directory=given.state,
        )
    except (UsageError, OutputError, EvidenceError, MountError) as error:
        print(f"clean_room_analysis: {error}", file=sys.stderr)
        return CANNOT_BEGIN
    say("complete" if complete else "INCOMPLETE: see notLookedAt in summary.json")
    return COMPLETE if complete else INCOMPLETE
