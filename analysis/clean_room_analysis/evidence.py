# SPDX-License-Identifier: AGPL-3.0-or-later
"""The evidence device: set read-only, measured and hashed. It is never mounted."""

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from clean_room_analysis import limits


class EvidenceError(Exception):
    """The evidence cannot be read or protected; the message names the device and what to do."""


def size_of(device: str) -> int:
    """Bytes of a block device or image file."""
    try:
        with open(device, "rb", buffering=0) as handle:
            return os.lseek(handle.fileno(), 0, os.SEEK_END)
    except OSError as error:
        raise EvidenceError(
            f"{device} cannot be opened ({error.strerror}): check that the volume is attached and that this user may read it"
        ) from error


def set_read_only(device: str) -> None:
    """Tells the kernel to refuse writes to a block device. Nothing to do for an image file, which is only ever opened for reading."""
    if not stat.S_ISBLK(os.stat(device).st_mode):
        return
    command = subprocess.run(["blockdev", "--setro", device], capture_output=True, text=True, check=False)
    if command.returncode != 0:
        raise EvidenceError(
            f"blockdev --setro {device} failed ({command.stderr.strip()}): the evidence is not protected from writes, run as root"
        )


def sha256_of(device: str) -> str:
    """SHA-256 over the whole device, in hexadecimal."""
    digest = hashlib.sha256()
    block = bytearray(limits.HASH_BLOCK_BYTES)
    view = memoryview(block)
    try:
        with open(device, "rb", buffering=0) as handle:
            while count := handle.readinto(block):
                digest.update(view[:count])
    except OSError as error:
        raise EvidenceError(f"{device} cannot be read to its end ({error.strerror}): its hash is not known") from error
    return digest.hexdigest()


def sha256_of_all(devices: Iterable[str]) -> dict[str, str | EvidenceError]:
    """Hashes several devices beside each other: every EBS volume has a throughput of its own, and hashlib releases the GIL."""

    def one(device: str) -> str | EvidenceError:
        try:
            return sha256_of(device)
        except EvidenceError as error:
            return error

    names = list(devices)
    if not names:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(names), os.cpu_count() or 1)) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def is_root() -> bool:
    """True when this process may mount."""
    return sys.platform == "linux" and os.geteuid() == 0
