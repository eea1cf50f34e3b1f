# SPDX-License-Identifier: AGPL-3.0-or-later
"""Free space of ext4 and XFS, by the file systems' own maps."""

import contextlib
import io
import json
import struct
from pathlib import Path

import pytest
from conftest import VOLUME
from disks import Slot, file_system, gpt
from ext_layout_images import SCRIPT
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis import limits
from clean_room_analysis.cli import main
from clean_room_analysis.free_maps import free_runs
from clean_room_analysis.free_space import scan_free_space, scan_own_space
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.own_space import own_runs
from clean_room_analysis.raw_tree import RawTree

MINER = b"\x7fELF" + b"\0" * 60 + b"stratum+tcp://pool.example:3333 xmrig donate-level"
_EXT = file_system()


def walked(disk: bytes, kind: str) -> list[str]:
    return [entry.path for entry in RawTree(io.BytesIO(disk), kind).walk(lambda path, why: None)]


def results(disk: bytes, kind: str, seconds: float = 60) -> list[Finding | NotLookedAt]:
    size = limits.EVIDENCE_BLOCK_BYTES
    nonzero = bytes(bool(disk[start : start + size].strip(b"\0")) for start in range(0, len(disk), size))
    return list(scan_free_space(lambda: io.BytesIO(disk), kind, VOLUME, 0, nonzero, seconds))


@pytest.mark.parametrize("name", ["ext2-old", "ext4", "ext4-few-inodes", "ext4-no-extents", "xfs"])
def test_what_is_left_in_free_blocks_is_found(name: str) -> None:
    disk, kind = bytearray(file_system(name)), "xfs" if name.startswith("xfs") else "ext4"
    runs = list(free_runs(io.BytesIO(disk), kind))
    # The superblock counts its free blocks; groups that were never written are looked at whole.
    count, block = (
        struct.unpack_from(">Q", disk, 144)[0], struct.unpack_from(">I", disk, 4)[0]
    ) if kind == "xfs" else (struct.unpack_from("<I", disk, 1024 + 12)[0], 1024 << struct.unpack_from("<I", disk, 1024 + 24)[0])  # fmt: skip
    assert 0.9 * count * block <= sum(length for _, length in runs) <= len(disk)
    first, length = max(runs, key=lambda run: run[1])
    assert results(bytes(disk), kind) == []
    disk[first + 8192 : first + 8192 + len(MINER)] = MINER
    place = first + (length // 2) // 16384 * 16384
    disk[place : place + len(SCRIPT)] = SCRIPT
    found = [one for one in results(bytes(disk), kind) if isinstance(one, Finding)]
    assert {one.rule for one in found} == {"coin_miner", "reverse_shell_script"}
    assert all(one.severity is Severity.HIGH and one.path is None and "T1070.004" in one.attack for one in found)
    (script,) = [one for one in found if one.rule == "reverse_shell_script"]
    at = int(script.evidence.split("at byte ")[1].split(" ")[0])
    assert place <= at < place + len(SCRIPT)


@pytest.mark.parametrize("name", ["ext2-old", "ext4", "ext4-few-inodes", "ext4-meta_bg", "ext4-no-extents", "xfs"])
def test_what_is_hidden_where_the_file_system_keeps_its_own_is_found(name: str) -> None:
    disk, kind = file_system(name), "xfs" if name.startswith("xfs") else "ext4"
    runs = list(own_runs(io.BytesIO(disk), kind))
    free = list(free_runs(io.BytesIO(disk), kind))
    assert runs and all(first >= 0 and first + length <= len(disk) for first, length in runs)

    def scanned(changed: bytes) -> list[Finding | NotLookedAt]:
        return list(scan_own_space(lambda: io.BytesIO(changed), kind, VOLUME, 0, None, 60))

    assert scanned(disk) == []
    for first, length in [run for run in runs if run[1] >= 4096][:4] + runs[-2:]:
        if length < 1024 or any(start <= first < start + size for start, size in free):
            continue
        changed = bytearray(disk)
        place = first + length - 1024 if length > 1024 else first
        changed[place : place + len(SCRIPT)] = SCRIPT
        assert [one.rule for one in scanned(bytes(changed)) if isinstance(one, Finding)] == ["reverse_shell_script"], (first, length)
        # No file has any of it: what the kernel lists is the same.
        assert walked(bytes(changed), kind) == walked(disk, kind)
        if kind == "xfs":
            break


def test_the_rules_are_held_to_what_says_it_holds_no_files(tmp_path: Path) -> None:
    mebibyte, inner = limits.MEBIBYTE, file_system()
    swap = bytearray(4 * mebibyte)
    swap[4086:4096] = b"SWAPSPACE2"
    struct.pack_into("<II", swap, 1024, 1, len(swap) // 4096 - 1)
    swap[2 * mebibyte : 2 * mebibyte + len(MINER)] = MINER
    disk = gpt(24 * mebibyte, [Slot(mebibyte, len(inner), inner), Slot(16 * mebibyte, len(swap), bytes(swap))])
    (tmp_path / "disk.img").write_bytes(disk)
    main(["--evidence", str(tmp_path / "disk.img"), "--role", "data", "--out", str(tmp_path / "out")])
    found = [json.loads(line) for line in (tmp_path / "out/findings.jsonl").open()]
    assert [one["title"] for one in found if one["rule"] == "coin_miner" and one["severity"] == "high"] == [
        "What should hold no files (swap: swap space: its pages are not carved) holds: Text or program of a cryptocurrency miner"
    ]


EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.mark.parametrize("name", ["ext2-old", "xfs", "btrfs-mixed", "ntfs"])
def test_the_test_string_of_virus_scanners_is_found_wherever_it_lies(name: str) -> None:
    kind = {"ext2-old": "ext4"}.get(name, name.partition("-")[0])
    disk = bytearray(file_system(name))
    first, length = max(free_runs(io.BytesIO(disk), kind), key=lambda run: run[1])
    disk[first + length // 2 : first + length // 2 + len(EICAR)] = EICAR
    assert [one.rule for one in results(bytes(disk), kind) if isinstance(one, Finding)] == ["eicar_test_string"]


def test_more_matches_of_a_rule_than_are_told_are_said() -> None:
    disk = bytearray(file_system("ext4"))
    first, length = max(free_runs(io.BytesIO(disk), "ext4"), key=lambda run: run[1])
    for place in range(first, first + min(length, 25 * 128 * 1024), 128 * 1024):
        disk[place : place + len(SCRIPT)] = SCRIPT
    told = results(bytes(disk), "ext4")
    assert sum(isinstance(one, Finding) for one in told) == 20
    (left,) = [one for one in told if isinstance(one, NotLookedAt)]
    assert not left.incomplete and "match reverse_shell_script" in left.what


def test_time_is_bounded_and_said() -> None:
    disk = bytearray(file_system())
    first, length = max(free_runs(io.BytesIO(disk), "ext4"), key=lambda run: run[1])
    disk[first : first + length] = b"x" * length
    (said,) = results(bytes(disk), "ext4", seconds=-1)
    assert (
        isinstance(said, NotLookedAt) and not said.incomplete and "free space from byte" in said.what and "time for it was over" in said.why
    )


def test_what_the_rules_had_no_time_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = bytearray(file_system())
    first, length = max(free_runs(io.BytesIO(disk), "ext4"), key=lambda run: run[1])
    disk[first : first + 4096] = b"x" * 4096
    monkeypatch.setattr("clean_room_analysis.free_space.matches", lambda *_: None)
    said = results(bytes(disk), "ext4")
    assert said and all(isinstance(one, NotLookedAt) and "the rules took more than" in one.why for one in said)


@given(st.integers(1024, 1024 + 400), st.binary(min_size=1, max_size=8), st.integers(0, 60))
def test_damaged_maps_end_in_an_error_and_not_in_a_loop(at: int, damage: bytes, more: int) -> None:
    disk = bytearray(_EXT)
    disk[at : at + len(damage)] = damage
    disk[2048 + more : 2048 + more + len(damage)] = damage
    with contextlib.suppress(ValueError, OverflowError, struct.error):
        assert sum(length >= 0 for _, length in free_runs(io.BytesIO(disk), "ext4")) < 1_000_000
