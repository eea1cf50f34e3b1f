# SPDX-License-Identifier: AGPL-3.0-or-later
"""The evidence device: set read-only, measured, read once from end to end. It is never mounted.

The one full read gives the SHA-256 of the device, the SHA-256 of every block of `limits.EVIDENCE_BLOCK_BYTES` (so that a later
read of a part can be proved), and which blocks hold nothing but zeros (so that a region that nobody owns is known to be empty, or
named).
"""

import errno
import hashlib
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import BinaryIO, cast

from clean_room_analysis import limits
from clean_room_analysis.progress import Progress
from clean_room_analysis.sandbox import die_with_parent


class EvidenceError(Exception):
    """The evidence cannot be read or protected; the message names the device and what to do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one full read of a device says. `nonzero` has one byte a block, 0 where the block holds nothing but zeros."""

    sha256: str
    size: int
    nonzero: bytes


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


def state_of(device: str) -> str:
    """What changes when somebody writes to the device: its read-only flag and write counters; size and times of an image file."""
    status = os.stat(device)
    if not stat.S_ISBLK(status.st_mode):
        return f"{status.st_size} bytes, written {status.st_mtime_ns}, changed {status.st_ctime_ns}, inode {status.st_ino}"
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"

    def said(name: str) -> str:
        try:
            with open(f"/sys/dev/block/{number}/{name}", encoding="ascii") as handle:
                return handle.read()
        except OSError:
            return ""

    # Documentation/block/stat.rst: fields 5 to 8 are writes, 12 to 15 discards.
    counters = said("stat").split()
    return (
        f"read-only {said('ro').strip()}, {size_of(device)} bytes, writes {' '.join(counters[4:7])}, discards {' '.join(counters[11:14])}"
    )


def read_whole(device: str, blocks: BinaryIO | None = None, told: Callable[[int], None] = lambda _: None) -> Reading:
    """Reads the device from its start to its end, once.

    @param blocks gets the SHA-256 of each block, 32 bytes each, the last block perhaps shorter than the others
    @param told is told how many bytes are read
    @raises EvidenceError when it cannot be read to its end
    """
    whole = hashlib.sha256()
    nonzero = bytearray()
    size = 0
    try:
        with open(device, "rb", buffering=0) as handle, ThreadPoolExecutor(max_workers=1) as pool:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while content := _full(handle, limits.HASH_BLOCK_BYTES):
                # hashlib lets go of the interpreter: both sums are taken at the same time.
                each = pool.submit(_digests, content)
                whole.update(content)
                size += len(content)
                told(size)
                digests, filled = each.result()
                nonzero += filled
                if blocks is not None:
                    blocks.write(digests)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise EvidenceError(f"{device} cannot be read to its end ({error.strerror}): its hash is not known") from error
    return Reading(whole.hexdigest(), size, bytes(nonzero))


def _full(handle: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer only at the end of the device: blocks must not shift after a short read."""
    content = handle.read(count)
    while content and len(content) < count and (more := handle.read(count - len(content))):
        content += more
    return content


_ZEROS = bytes(limits.EVIDENCE_BLOCK_BYTES)
_ZERO_DIGEST = hashlib.sha256(_ZEROS).digest()


def _digests(content: bytes) -> tuple[bytes, bytes]:
    digests, filled = [], bytearray()
    for start in range(0, len(content), limits.EVIDENCE_BLOCK_BYTES):
        block = content[start : start + limits.EVIDENCE_BLOCK_BYTES]
        if block == _ZEROS:
            digests.append(_ZERO_DIGEST)
            filled.append(0)
        else:
            digests.append(hashlib.sha256(block).digest())
            filled.append(0 if not block.strip(b"\0") else 1)
    return b"".join(digests), bytes(filled)


class BackgroundReading:
    """The full read of one device in a process of its own, beside the analysis: they read different volumes, and need no lock of
    each other's."""

    def __init__(self, device: str, blocks_path: str | None = None, what: str = "the evidence") -> None:
        """@param blocks_path a new file for the hashes of the blocks, see `read_whole`; `what` names the volume in the progress log"""
        self._device = device
        context = multiprocessing.get_context("fork")
        self._receiving, sending = context.Pipe(duplex=False)
        self._process = context.Process(target=_read_and_send, args=(device, blocks_path, what, sending), daemon=True)
        self._process.start()
        sending.close()

    def result(self) -> Reading:
        """Waits for the end of the read. @raises EvidenceError when it did not come to its end"""
        try:
            answer = self._receiving.recv()
        except EOFError:
            answer = EvidenceError(f"{self._device} was not read to its end: the process that read it ended without a word")
        except BaseException:
            # Asked to stop: not to be waited for, it may read for hours.
            self._process.kill()
            raise
        finally:
            self._receiving.close()
            self._process.join()
        if isinstance(answer, EvidenceError):
            raise answer
        return cast(Reading, answer)

    def stop(self) -> None:
        """Ends the read, whether or not it was done."""
        self._process.kill()
        self._process.join()


def _read_and_send(device: str, blocks_path: str | None, what: str, sending: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    try:
        progress = Progress(what, size_of(device))
        if blocks_path is None:
            answer: Reading | EvidenceError = read_whole(device, told=progress.at)
        else:
            with open(blocks_path, "xb") as blocks:
                answer = read_whole(device, blocks, progress.at)
    except EvidenceError as error:
        answer = error
    except OSError as error:
        answer = EvidenceError(f"the block hashes of {device} cannot be written ({error.strerror}): is the disk of the results full?")
    sending.send(answer)


def is_root() -> bool:
    """True when this process may mount."""
    return sys.platform == "linux" and os.geteuid() == 0
