# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a long read is, in few lines."""

import pytest

from clean_room_analysis import progress
from clean_room_analysis.evidence import BackgroundReading, read_whole


def test_a_read_of_hours_is_told_in_twenty_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(float(each) for each in range(100_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    telling = progress.Progress("vol-1", 10_000 * 2**20)
    for number in range(10_001):
        telling.at(number * 2**20)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 20
    assert all("progress vol-1: " in line and "MiB/s" in line for line in lines)
    assert "95 %" in lines[-1]


def test_a_short_read_says_nothing(tmp_path, capfd: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(4 * 2**20))
    told: list[int] = []
    read_whole(str(image), told=told.append)
    assert told[-1] == 4 * 2**20
    assert BackgroundReading(str(image)).result().size == 4 * 2**20
    assert capfd.readouterr().out == ""
