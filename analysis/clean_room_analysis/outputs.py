# SPDX-License-Identifier: AGPL-3.0-or-later
"""The files of a run: written under a temporary name and renamed when whole, the manifest last of all.

They lie on the disk of the results, which may fill up. A reserve is kept there from the start; when the disk is full it is given
back, the bulky files end where they are, and what says so (findings, summary, manifest) still fits.
"""

import contextlib
import errno
import gzip
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from clean_room_analysis.sandbox import die_with_parent

MANIFEST = "manifest.sha256"
#: In the order of the manifest; `evidence-blocks-*.bin` of each volume follow.
FILES = (
    "bodyfile.gz",
    "content-findings.jsonl.gz",
    "content-look.json",
    "findings.jsonl",
    "first-look.json",
    "summary.json",
    "timeline.csv.gz",
    "timesketch.jsonl.gz",
)
#: Written even when the disk of the results is full.
_PRECIOUS = frozenset({"content-look.json", "findings.jsonl", "first-look.json", "summary.json", MANIFEST})
_BLOCKS = "evidence-blocks-"
_RESERVE = ".reserve"
#: Errors that say that a disk has no room.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RESERVE_BYTES = 16 * 1024 * 1024
_BUFFER_BYTES = 1024 * 1024
#: Of gzip. The JSONL of a /usr becomes 14 times smaller in 0.3 s a 100 MiB; level 6 makes it 17 times smaller and takes 0.7 s.
_LEVEL = 1
#: Exit code of a process that wrote a file as far as the disk had room.
_CUT = 3


def _gzip() -> "zlib._Compress":
    """A packer without name and time of its own, so that two runs write the same."""
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)


class Writable(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> int:
        """Adds text."""


class OutputError(Exception):
    """The output directory cannot be used; the message says why."""


class WholeFile:
    """A text file being written, gzip where `packed`. `cut` is True when its end is missing because the disk was full."""

    def __init__(self, path: str, descriptor: int, results: "Results", *, precious: bool, packed: bool) -> None:
        #: Where it lies until it is whole.
        self.path = path
        self._descriptor = descriptor
        self._results = results
        self._precious = precious
        self._packer = _gzip() if packed else None
        self._waiting: list[str] = []
        self._characters = 0
        #: Whether another process wrote it, to its end.
        self._filled = False
        self.cut = False

    def write(self, text: str, /) -> int:
        """Adds text; never fails because the disk is full."""
        if not self.cut:
            self._waiting.append(text)
            self._characters += len(text)
            if self._characters >= _BUFFER_BYTES:
                self.flush()
        return len(text)

    @contextmanager
    def written_beside(self, write: Callable[["WholeFile"], None]) -> Iterator[None]:
        """Has `write` fill this file in a process of its own, which ends with the block; here where that process dies."""
        process = multiprocessing.get_context("fork").Process(target=self._fill, args=(write,), daemon=True)
        process.start()
        try:
            yield
            process.join()
        finally:
            process.kill()
            process.join()
        self.cut = process.exitcode == _CUT
        self._filled = process.exitcode in (0, _CUT)
        if not self._filled:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            write(self)

    def _fill(self, write: Callable[["WholeFile"], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # its end is the parent's
        die_with_parent()
        write(self)
        self.end()
        os._exit(_CUT if self.cut else 0)

    def flush(self) -> None:
        """Hands everything to the kernel; of a packed file what its packer gives out by now."""
        # backslashreplace keeps what is not Unicode visible instead of failing.
        content = "".join(self._waiting).encode("utf-8", "backslashreplace")
        self._waiting, self._characters = [], 0
        self._put(content if self._packer is None else self._packer.compress(content))

    def end(self) -> None:
        """The last of it. Nothing may be written afterwards."""
        if not self._filled:
            self.flush()
            if self._packer is not None:
                self._put(self._packer.flush())

    def _put(self, packed: bytes) -> None:
        content = memoryview(packed)
        while content and not self.cut:
            try:
                content = content[os.write(self._descriptor, content) :]
            except OSError as error:
                if error.errno not in FULL:
                    raise
                if not (self._precious and self._results.give_back_reserve()):
                    self.cut = True


class Results:
    """The output directory of one run."""

    def __init__(self, directory: str) -> None:
        """Makes the directory. @raises OutputError when it already holds a run: outputs are evidence and never overwritten"""
        self.directory = directory
        #: Files whose end is missing because the disk was full.
        self.cut: list[str] = []
        try:
            os.makedirs(directory, exist_ok=True)
            present = os.listdir(directory)
        except OSError as error:
            raise OutputError(f"{directory} cannot be used for output: {error.strerror}") from error
        taken = sorted(set(present) & {MANIFEST, *FILES} | {name for name in present if name.startswith(_BLOCKS)})
        if taken:
            raise OutputError(f"{directory} already holds {', '.join(taken)}: give an empty directory, results are never overwritten")
        try:
            with open(self.path(_RESERVE), "wb") as reserve:
                os.posix_fallocate(reserve.fileno(), 0, _RESERVE_BYTES)
        except OSError as error:
            raise OutputError(f"{directory} has no {_RESERVE_BYTES} bytes free for the results: {error.strerror}") from error

    def path(self, name: str) -> str:
        """Where a file of the run lies."""
        return os.path.join(self.directory, name)

    def blocks_path(self, volume_id: str) -> str:
        """A new file for the block hashes of one volume."""
        stem = _BLOCKS + (re.sub(r"[^A-Za-z0-9._-]", "_", volume_id)[:80] or "volume")
        name, number = f"{stem}.bin", 2
        while os.path.exists(self.path(name)):
            name, number = f"{stem}-{number}.bin", number + 1
        return self.path(name)

    def give_back_reserve(self) -> bool:
        """Frees the reserve. @returns whether there still was one"""
        try:
            os.unlink(self.path(_RESERVE))
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def whole_file(self, name: str) -> Iterator[WholeFile]:
        """A text file that appears under its name only when the block ends without an exception; gzip where the name ends so."""
        partial = self.path(name + ".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            try:
                handle = WholeFile(partial, descriptor, self, precious=name in _PRECIOUS, packed=name.endswith(".gz"))
                yield handle
                handle.end()
                with contextlib.suppress(OSError):
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if handle.cut:
                self.cut.append(name)
            os.rename(partial, self.path(name))
        except BaseException:
            if os.path.exists(partial):
                os.unlink(partial)
            raise

    def keep_so_far(self, file: WholeFile, name: str) -> None:
        """A gzip of what a file that is still being written has by now; there is none where the disk of the results is full."""
        file.flush()
        partial = self.path(name + ".partial")
        try:
            # Without name and time of its own, so that two runs write the same.
            with open(file.path, "rb") as source, open(partial, "wb") as target:
                with gzip.GzipFile("", "wb", fileobj=target, mtime=0) as packed:
                    shutil.copyfileobj(source, packed)
            os.rename(partial, self.path(name))
        except OSError as error:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            if error.errno not in FULL:
                raise
            self.cut.append(name)

    def write_manifest(self) -> None:
        """Writes the SHA-256 of every output in sha256sum's format. Its presence says that the run came to its end."""
        self.give_back_reserve()
        blocks = sorted(name for name in os.listdir(self.directory) if name.startswith(_BLOCKS))
        with self.whole_file(MANIFEST) as manifest:
            for name in (*FILES, *blocks):
                if os.path.exists(self.path(name)):
                    with open(self.path(name), "rb") as handle:
                        manifest.write(f"{hashlib.file_digest(handle, 'sha256').hexdigest()}  {name}\n")


def json_line(value: object) -> str:
    """One JSON value on one line, ASCII only, so that no reader meets a broken character."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"
