# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mounts a region of the work device read-only, its journal replayed, in a mount namespace of this process alone."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clean_room_analysis.evidence import is_root
from clean_room_analysis.partitions import Region

#: Options for every file system: nothing on the disk may act.
_ALWAYS = "ro,nosuid,nodev,noexec"
#: Options by type. XFS refuses a second file system with the same UUID, and a work volume is a copy of another one.
#: errors=continue stands before what the superblock asks for: one that says panic would stop the forensic instance at the first
#: damaged inode. btrfs shows every subvolume below the top one.
_OPTIONS = {"xfs": "nouuid", "ext4": "errors=continue", "vfat": "errors=continue", "ntfs": None, "btrfs": "subvolid=5"}
#: How to mount without replaying the journal, for a device that cannot be written.
_WITHOUT_REPLAY = {"xfs": "norecovery", "ext4": "noload"}
_MOUNT_SECONDS = 600


class MountError(Exception):
    """The region cannot be mounted; the message says why."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Where the region is mounted, and whether nothing was left unread in its journal."""

    path: str
    journal_replayed: bool
    reason: str | None


def enter_private_namespace() -> None:
    """Moves this process into a mount namespace whose mounts nobody else sees and which vanish with it. Needs root.

    @raises MountError when the kernel refuses
    """
    try:
        os.unshare(os.CLONE_NEWNS)
    except (OSError, AttributeError) as error:
        raise MountError(f"no private mount namespace: {error}") from error
    _run("mount", "--make-rprivate", "/")


def _run(*command: str) -> str:
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        raise MountError(f"{command[0]} did not run: {error}") from error
    try:
        output, complaint = process.communicate(timeout=_MOUNT_SECONDS)
    except subprocess.TimeoutExpired as error:
        process.kill()  # and not waited for: what hangs in the kernel does not die
        raise MountError(f"{command[0]} did not come back within {_MOUNT_SECONDS} seconds") from error
    if process.returncode != 0:
        # mount's own words, without the name of the temporary directory and its advice to read dmesg.
        said = " ".join(complaint.split()).removeprefix(f"mount: {command[-1]}: ").split(" dmesg(1)")[0]
        raise MountError(f"{command[0]} failed: {said[:300]}")
    return output.strip()


@contextmanager
def mounted(work: str, region: Region) -> Iterator[Mount]:
    """The region, mounted below a temporary directory for the time of the `with` block.

    `ro` on a writable device replays the journal, which is why this is the work volume and never the evidence. The loop device
    is made by losetup and not by mount, which would make it read-only and so prevent the replay.

    @raises MountError when this process is not root or the kernel does not take the file system
    """
    if not is_root():
        raise MountError("not root, so it cannot be mounted")
    if _OPTIONS.get(region.type or "") is None:
        raise MountError(f"{region.type} is not mounted")
    device = _run("losetup", "--find", "--show", "--offset", str(region.offset), "--sizelimit", str(region.size), work)
    try:
        # A loop device keeps the read-only flag that blockdev gave it in an earlier life, when it may have been evidence.
        _run("blockdev", "--setrw", device)
        with tempfile.TemporaryDirectory(prefix="clean-room-") as directory:
            mount = _mount(device, directory, region)
            try:
                yield mount
            finally:
                try:
                    _run("umount", directory)
                except MountError:
                    _run("umount", "--lazy", directory)
    finally:
        _run("losetup", "--detach", device)


def _mount(device: str, directory: str, region: Region) -> Mount:
    kind = region.type or ""
    options = ",".join(filter(None, (_ALWAYS, _OPTIONS[kind])))
    if kind == "ext4":
        _forget_own_options(device)
    try:
        _run("mount", "-t", kind, "-o", options, device, directory)
    except MountError as error:
        if kind not in _WITHOUT_REPLAY or not region.journal:
            raise
        _run("mount", "-t", kind, "-o", f"{options},{_WITHOUT_REPLAY[kind]}", device, directory)
        return Mount(directory, False, f"mounted without replaying the journal, so the newest changes are missing ({error})")
    skipped = _journal_left(device, directory, kind)
    return Mount(directory, skipped is None, skipped)


def _forget_own_options(device: str) -> None:
    """Takes the mount options that a superblock carries out of the work copy: `noload` among them would skip the journal."""
    with open(device, "rb") as handle:
        handle.seek(1024 + 0x200)
        own = handle.read(64)
    if own.strip(b"\0"):
        # Where tune2fs is missing or refuses, the state of the journal after the mount tells.
        with contextlib.suppress(MountError):
            _run("tune2fs", "-E", "mount_opts=", device)


def _journal_left(device: str, directory: str, kind: str) -> str | None:
    """Why the journal was not replayed although the kernel mounted the file system, None when it was: looked at, not believed."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        options = next((fields[3].split(",") for fields in map(str.split, mounts) if fields[1] == directory), [])
    if {"norecovery", "noload"} & set(options):
        return "the file system asks to be mounted without its journal, so the newest changes are missing"
    if kind == "ext4":
        with open(device, "rb") as handle:
            handle.seek(1024 + 0x60)
            if int.from_bytes(handle.read(4), "little") & 0x4:
                return "its journal still waits for recovery after the mount, so the newest changes are missing"
    return None
