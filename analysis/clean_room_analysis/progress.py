# SPDX-License-Identifier: AGPL-3.0-or-later
"""A short progress log: Run Command keeps the first 24,000 characters of stdout, so nothing here grows with the disk."""

import time

_START = time.monotonic()


def say(line: str) -> None:
    """One line with the seconds since the start."""
    print(f"[{time.monotonic() - _START:7.1f} s] {line[:300]}", flush=True)
