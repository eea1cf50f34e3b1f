# SPDX-License-Identifier: AGPL-3.0-or-later
"""A short progress log: Run Command keeps the first 24,000 characters of stdout, so nothing here grows with the disk."""

import mmap
import time

_START = time.monotonic()
#: Of a long read, a line each so many per cent, and none more often than each so many seconds.
_STEP_PER_CENT, _STEP_SECONDS = 5, 2.0

_beats: mmap.mmap | None = None


def share(beats: mmap.mmap) -> None:
    """From here on `beat` counts where another process sees it (supervisor.py)."""
    global _beats
    _beats = beats


def beat() -> None:
    """The run goes on. Cheap: called for every entry."""
    if _beats is not None:
        _beats[0] = (_beats[0] + 1) & 0xFF


def reading(begins: bool) -> None:
    """A file system is read from here on, or no longer: only then silence means that something hangs."""
    if _beats is not None:
        _beats[1] = max(0, _beats[1] + (1 if begins else -1))
        beat()


def is_reading(beats: mmap.mmap) -> bool:
    """What `reading` said last, seen from the other process."""
    return beats[1] != 0


def say(line: str) -> None:
    """One line with the seconds since the start."""
    print(f"[{time.monotonic() - _START:7.1f} s] {line[:300]}", flush=True)


class Progress:
    """How far a long read is: at most 20 lines, none for a read of some seconds. `npm run incidents` reads the last one."""

    def __init__(self, what: str, total_bytes: int) -> None:
        self._what = what
        self._total = total_bytes
        self._began = self._said = time.monotonic()
        self._next = _STEP_PER_CENT

    def at(self, done_bytes: int) -> None:
        """So many bytes are read."""
        now = time.monotonic()
        per_cent = 100 * done_bytes // self._total if self._total > 0 else 100
        if per_cent < self._next or per_cent >= 100 or now - self._said < _STEP_SECONDS:
            return
        self._said = now
        self._next = per_cent - per_cent % _STEP_PER_CENT + _STEP_PER_CENT
        speed = done_bytes / max(now - self._began, 0.001)
        left = round((self._total - done_bytes) / max(speed, 1.0))
        say(f"progress {self._what}: {per_cent} %, {speed / 2**20:.0f} MiB/s, {left} s left")
