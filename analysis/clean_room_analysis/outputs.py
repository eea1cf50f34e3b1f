# SPDX-License-Identifier: AGPL-3.0-or-later
"""The files of a run: written under a temporary name and renamed when whole, the manifest last of all."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

MANIFEST = "manifest.sha256"
#: In the order of the manifest.
FILES = ("bodyfile", "findings.jsonl", "summary.json", "timeline.csv", "timesketch.jsonl")


class OutputError(Exception):
    """The output directory cannot be used; the message says why."""


def prepare(directory: str) -> None:
    """Makes the output directory. @raises OutputError when it already holds a run: outputs are evidence and never overwritten."""
    try:
        os.makedirs(directory, exist_ok=True)
        taken = sorted(set(os.listdir(directory)) & {MANIFEST, *FILES})
    except OSError as error:
        raise OutputError(f"{directory} cannot be used for output: {error.strerror}") from error
    if taken:
        raise OutputError(f"{directory} already holds {', '.join(taken)}: give an empty directory, results are never overwritten")


@contextmanager
def whole_file(directory: str, name: str) -> Iterator[TextIO]:
    """A text file that appears under its name only when the block ends without an exception."""
    path = os.path.join(directory, name)
    partial = path + ".partial"
    try:
        # newline="" leaves the csv module's CRLF alone; backslashreplace keeps what is not Unicode visible instead of failing.
        with open(partial, "w", encoding="utf-8", errors="backslashreplace", newline="") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def json_line(value: object) -> str:
    """One JSON value on one line, ASCII only, so that no reader meets a broken character."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def write_manifest(directory: str) -> None:
    """Writes the SHA-256 of every output in sha256sum's format. Its presence says that the run came to its end."""
    with whole_file(directory, MANIFEST) as manifest:
        for name in FILES:
            with open(os.path.join(directory, name), "rb") as handle:
                manifest.write(f"{hashlib.file_digest(handle, 'sha256').hexdigest()}  {name}\n")
