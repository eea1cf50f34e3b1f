# SPDX-License-Identifier: AGPL-3.0-or-later
"""Remembers on disk which file system is being read, in case reading it takes this machine or this process down.

The kernel's drivers were not written for hostile file systems. One that the last run did not come back from is read raw the next
time, without the kernel; one that did not end well either way is named and left alone.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from clean_room_analysis.progress import reading

_NAME = ".reading.json"


def state_file(directory: str) -> str:
    """Where it is kept which file system is being read; there only while one is."""
    return os.path.join(directory, _NAME)


class CrashState:
    """What earlier runs did not come back from, and what this one is doing."""

    def __init__(self, directory: str, *, own_directory: bool = False) -> None:
        """@param own_directory whether the directory holds nothing else and goes with the state"""
        self._own_directory = own_directory
        self._path = state_file(directory)
        self._deadly: dict[str, list[str]] = {}
        try:
            with open(self._path, encoding="utf-8") as handle:
                read = json.load(handle)
            self._deadly = {str(key): [str(method) for method in methods] for key, methods in read.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._deadly = {}
        self._earlier = {key: list(methods) for key, methods in self._deadly.items()}

    def notes(self) -> list[tuple[str, str]]:
        """(what, why) for the summary."""
        return [
            (key, f"an earlier run did not come back from reading it ({', '.join(methods)}), so it is read in another way now")
            for key, methods in self._earlier.items()
        ]

    def may(self, where: str, method: str) -> bool:
        """Whether a file system may be read by "kernel-mount" or "dissect"."""
        return method not in self._earlier.get(where, [])

    @contextmanager
    def reading(self, where: str, method: str) -> Iterator[None]:
        """While a file system is mounted and walked."""
        self._deadly.setdefault(where, []).append(method)
        self._write()
        reading(True)
        try:
            yield
        finally:
            reading(False)
            self._deadly[where].remove(method)
            if not self._deadly[where]:
                del self._deadly[where]
            self._write()

    def _write(self) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(self._path + ".new", "w", encoding="utf-8") as handle:
                json.dump(self._deadly, handle)
                handle.flush()
                os.fsync(handle.fileno())
            os.rename(self._path + ".new", self._path)
        except OSError:
            return  # a full or missing disk: the run goes on without a memory

    def clear(self) -> None:
        """Forgets everything: the run came to its end."""
        if os.path.exists(self._path):
            os.unlink(self._path)
        if self._own_directory:
            with contextlib.suppress(OSError):  # somebody else's state is in it
                os.rmdir(os.path.dirname(self._path))
