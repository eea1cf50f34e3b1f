# SPDX-License-Identifier: AGPL-3.0-or-later
"""Readers of what only Windows keeps: registry hives, event logs, prefetch. Each runs in a confined process (see isolated.py)."""

from datetime import UTC, datetime

_BETWEEN_1601_AND_1970 = 116_444_736_000_000_000


def nanoseconds(filetime: int) -> int:
    """A Windows time (100 ns since 1601) as nanoseconds since 1970; 0 stays 0, "never"."""
    return (filetime - _BETWEEN_1601_AND_1970) * 100 if filetime else 0


def nanoseconds_since(moment: datetime) -> int:
    """What a parser of dissect calls a time, as nanoseconds since 1970."""
    whole = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(whole.timestamp() * 1_000_000) * 1000
