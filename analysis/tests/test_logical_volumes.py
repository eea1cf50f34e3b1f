# SPDX-License-Identifier: AGPL-3.0-or-later
"""Logical volumes on a disk that LVM's own tools made, and on damaged copies of it."""

import io
import json
import lzma
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from conftest import ANALYSIS
from disks import file_system
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis import limits
from clean_room_analysis.logical_volumes import Extent, PiecesStream, logical_volumes
from clean_room_analysis.partitions import disk_map, regions

MEBIBYTE = 1024 * 1024
EXTENT = 4 * MEBIBYTE
START = MEBIBYTE  # of the physical volume; its first extent is one MiB further


@pytest.fixture(scope="module")
def image() -> bytes:
    return lzma.decompress((Path(__file__).parent / "data/lvm-disk.img.xz").read_bytes())


def test_volumes_in_one_piece_are_places_on_the_disk(image: bytes) -> None:
    found = logical_volumes(io.BytesIO(image), START, len(image) - START)
    assert [(one.name, one.offset, one.size, len(one.extents)) for one in sorted(found, key=lambda one: one.name)] == [
        ("rhel/data-x", None, 3 * EXTENT, 2),
        ("rhel/root", MEBIBYTE + 3 * EXTENT, 4 * EXTENT, 1),
        ("rhel/var_log", MEBIBYTE, 3 * EXTENT, 1),
    ]


def test_they_take_the_place_of_the_physical_volume(image: bytes) -> None:
    found = [(one.type, one.logical_volume, one.offset) for one in regions(io.BytesIO(image), len(image))]
    assert found == [
        ("ext4", "rhel/var_log", 2 * MEBIBYTE),
        ("ext4", "rhel/root", 2 * MEBIBYTE + 3 * EXTENT),
        ("lvm-volume", "rhel/data-x", 2 * MEBIBYTE + 7 * EXTENT),
    ]


def test_a_physical_volume_on_the_whole_disk(image: bytes) -> None:
    whole = image[START:]
    assert [one.logical_volume for one in regions(io.BytesIO(whole), len(whole))] == ["rhel/var_log", "rhel/root", "rhel/data-x"]


def _rearranged(image: bytes, how: str) -> bytes:
    """The disk with its metadata as LVM leaves it after many changes, or where `pvcreate --metadatacopies 2` keeps a second copy."""
    disk = bytearray(image)
    area = START + 4096
    start, size, at, length = struct.unpack_from("<QQQQ", disk, area + 24)
    text = bytes(disk[area + at : area + at + length])
    if how == "gone round":
        disk[area + 512 : area + size] = bytes(size - 512)
        disk[area + size - 700 : area + size] = text[:700]
        disk[area + 512 : area + 512 + length - 700] = text[700:]
        struct.pack_into("<Q", disk, area + 40, size - 700)
        return bytes(disk)
    end = len(disk) - START - size
    copy = disk[area : area + size]
    struct.pack_into("<Q", copy, 24, end)
    disk[START + end :] = copy
    # The header of the physical volume: id, size, the data's places up to an empty one, then those of metadata.
    label = next(START + sector * 512 for sector in range(4) if disk[START + sector * 512 :][:8] == b"LABELONE")
    place = label + 32 + 40
    while any(disk[place : place + 16]):
        place += 16
    disk[place + 16 : place + 64] = struct.pack("<QQQQQQ", start, size, end, size, 0, 0)
    if how == "the second alone":
        disk[area + 512 : area + size] = bytes(size - 512)
        struct.pack_into("<QQ", disk, area + 40, 512, length)  # which says what is no longer there
    return bytes(disk)


@pytest.mark.parametrize("how", ["gone round", "two copies", "the second alone"])
def test_metadata_is_found_wherever_lvm_keeps_it(image: bytes, how: str) -> None:
    disk = _rearranged(image, how)
    assert logical_volumes(io.BytesIO(disk), START, len(disk) - START) == logical_volumes(io.BytesIO(image), START, len(image) - START)
    known = [(start, size) for start, size, what in disk_map(io.BytesIO(disk), len(disk)).known if what == "LVM metadata"]
    assert len(known) == (1 if how == "gone round" else 2) and all(size <= limits.METADATA_BYTES for _, size in known)


def test_a_physical_volume_of_no_group_is_said_in_words(image: bytes) -> None:
    disk = bytearray(image)
    disk[START + 4096 + 40 : START + 4096 + 64] = bytes(24)
    with pytest.raises(ValueError, match="belongs to no group"):
        logical_volumes(io.BytesIO(bytes(disk)), START, len(disk) - START)


def test_volumes_that_would_reach_outside_are_no_place(image: bytes) -> None:
    size = START + MEBIBYTE + 4 * EXTENT  # the disk ends within rhel/root
    found = {one.name: one.offset for one in logical_volumes(io.BytesIO(image[:size]), START, size - START)}
    assert found == {"rhel/var_log": MEBIBYTE, "rhel/root": None, "rhel/data-x": None}


def test_the_number_of_volumes_is_bounded(image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGICAL_VOLUMES", 2)
    assert len(logical_volumes(io.BytesIO(image), START, len(image) - START)) == 2


def test_damaged_metadata_gives_the_physical_volume_or_places_within_it(image: bytes) -> None:
    randomness = random.Random(20261125)
    for _ in range(150):
        damaged = bytearray(image[: START + 16 * MEBIBYTE])
        for _ in range(randomness.choice([1, 4, 64])):
            # The label, the header of the metadata area, and the text.
            at = START + randomness.choice(
                [512 + randomness.randrange(256), 4096 + randomness.randrange(512), 4608 + randomness.randrange(4096)]
            )
            damaged[at] = randomness.randrange(256)
        for one in regions(io.BytesIO(damaged), len(damaged)):
            assert 0 <= one.offset and one.size >= 0 and (one.type == "lvm-volume" or one.offset + one.size <= len(damaged))


@pytest.mark.parametrize("with_work", [True, False])
def test_the_program_reads_them_where_fstab_mounts_them(
    image: bytes, tmp_path: Path, with_work: bool, mountable: Callable[[str], bool]
) -> None:
    disk, work, out = tmp_path / "disk.img", tmp_path / "work.img", tmp_path / "out"
    for path in (disk, work):
        path.write_bytes(image)
    # A process of its own: the program moves into a mount namespace and stays there.
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "clean_room_analysis",
            "--evidence",
            str(disk),
            *(["--work", str(work)] if with_work else []),
            "--volume-id",
            "vol-1",
            "--out",
            str(out),
        ],
        cwd=ANALYSIS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (out / "summary.json").exists(), run.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["operatingSystem"]["name"], summary["operatingSystem"]["hostname"]) == ("Rocky Linux", "lvm-victim")
    systems = {one["label"]: (one["type"], one["method"], one["journalReplayed"]) for one in summary["volumes"][0]["fileSystems"]}
    mounted = with_work and mountable("ext4")
    how = ("ext4", "kernel-mount", True) if mounted else ("ext4", "dissect", False)
    # rhel/data-x lies in two pieces, which were joined, and holds nothing but zeros.
    assert systems == {"rhel/var_log": how, "rhel/root": how}
    found = {(one["check"], one["path"]) for one in map(json.loads, (out / "findings.jsonl").read_text().splitlines())}
    # The check of log-ins looks below /var/log, where only fstab says that this volume belongs; it lies before the root volume.
    assert found == {("cron", "/etc/cron.d/sysupdate"), ("logins", "/secure")}
    volume = summary["volumes"][0]
    assert summary["complete"] and sum(one["sizeBytes"] for one in volume["regions"]) == volume["sizeBytes"] == len(image)


def test_a_volume_in_pieces_is_read_through_them(image: bytes, tmp_path: Path) -> None:
    """rhel/data-x lies in two pieces, a hole between them."""
    (place,) = [one for one in logical_volumes(io.BytesIO(image), START, len(image) - START) if one.name == "rhel/data-x"]
    content = file_system("ext4")
    assert len(content) == place.size
    disk = bytearray(image)
    for one in place.extents:
        (_, at) = one.stripes[0]
        disk[START + at : START + at + one.length] = content[one.start : one.start + one.length]
    path, out = tmp_path / "disk.img", tmp_path / "out"
    path.write_bytes(disk)
    command = [sys.executable, "-m", "clean_room_analysis", "--evidence", str(path), "--volume-id", "vol-1", "--out", str(out)]
    done = subprocess.run(command, cwd=ANALYSIS, capture_output=True, text=True, check=False)
    summary = json.loads((out / "summary.json").read_text())
    systems = {one["label"]: (one["type"], one["filesSeen"]) for one in summary["volumes"][0]["fileSystems"]}
    assert systems["rhel/data-x"] == ("ext4", 845) and done.returncode == 0, (summary["notLookedAt"], systems)


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_stripes_over_several_disks_go_round(stripes: int, rows: int, data: st.DataObject) -> None:
    chunk = 512 * data.draw(st.integers(1, 4))
    content = random.Random(stripes * rows).randbytes(stripes * rows * chunk)
    disks: dict[str, tuple[BinaryIO, int]] = {}
    for which in range(stripes):
        own = b"".join(content[(row * stripes + which) * chunk :][:chunk] for row in range(rows))
        disks[str(which)] = (io.BytesIO(b"\0" * 1536 + own), 512)
    extent = Extent(0, len(content), tuple((str(which), 1024) for which in range(stripes)), chunk)
    stream = PiecesStream((extent,), disks)
    assert stream.read() == content
    at = data.draw(st.integers(0, len(content) - 1))
    stream.seek(at)
    assert stream.read(700) == content[at : at + 700]
