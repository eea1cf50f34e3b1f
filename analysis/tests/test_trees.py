# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading trees: the kernel's view, dissect's view, hostile names and damaged structures."""

import io
import os
import random
import stat
from pathlib import Path

import pytest
from conftest import TreeMaker
from hypothesis import given, settings
from hypothesis import strategies as st

from clean_room_analysis import limits
from clean_room_analysis.birth_time import birth_time
from clean_room_analysis.model import Entry
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.partitions import identify, part_of, regions
from clean_room_analysis.raw_tree import RawTree


def walked(tree: MountedTree | RawTree) -> tuple[dict[str, Entry], list[tuple[str, str]]]:
    """Entries by path, and what was skipped."""
    skipped: list[tuple[str, str]] = []
    return {entry.path: entry for entry in tree.walk(lambda path, why: skipped.append((path, why)))}, skipped


def test_nothing_outside_the_tree_is_read(plain: TreeMaker, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret of the forensic instance")
    plain.link("/etc/passwd", str(tmp_path / "outside"))
    plain.link("/etc/up", "../../outside")
    plain.link("/loop", "/loop")
    plain.link("/dir", str(tmp_path))
    os.mkfifo(plain.root / "fifo")
    tree = MountedTree(str(plain.root))
    entries, skipped = walked(tree)
    assert set(entries) == {"/etc", "/etc/passwd", "/etc/up", "/loop", "/dir", "/fifo"} and skipped == []
    for path in ("/etc/passwd", "/etc/up", "/fifo", "/dir/outside", "/loop"):
        with pytest.raises(OSError):  # a FIFO must not block either
            tree.read(path, 10)
    assert [tree.resolve(path) for path in ("/etc/passwd", "/etc/up", "/loop", "/dir/outside", "/fifo/x")] == [None] * 5
    tree.close()


def test_reading_ahead_never_fails_and_no_directory_stays_open(plain: TreeMaker) -> None:
    for number in range(50):
        plain.file(f"/d{number}/file", "content")
    os.mkfifo(plain.root / "fifo")
    tree = MountedTree(str(plain.root))
    before = len(os.listdir("/proc/self/fd"))
    for path in (*(f"/d{number}/file" for number in range(50)), "/gone/file", "/d1/gone", "/d1", "/fifo", "/d2/file/below"):
        tree.expect(path, 7)
        assert (tree.entry(path) is None) == (path in ("/gone/file", "/d1/gone", "/d2/file/below"))
        assert list(tree.children(f"{path}/x")) == []
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # the last directory
    tree.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_links_are_resolved_as_in_a_chroot(plain: TreeMaker) -> None:
    plain.file("/usr/lib/os-release", "NAME=x")
    plain.link("/etc/os-release", "../../../usr/lib/os-release")
    plain.link("/etc/again", "/etc/./os-release")
    tree = MountedTree(str(plain.root))
    found = tree.resolve("/etc/again")
    assert found is not None and found.path == "/usr/lib/os-release" and tree.read(found.path, 4) == b"NAME"
    tree.close()


def test_any_name_survives(plain: TreeMaker) -> None:
    names = [
        b"a\nb",
        b"\xff\xfe",
        b"<script>alert(1)</script>".replace(b"/", b""),
        b" ",
        b"...",
        b"a|b",
        b"=cmd()",
        "\u202ecod.exe".encode(),
    ]
    for name in names:
        with open(os.path.join(os.fsencode(plain.root), name), "wb") as handle:
            handle.write(name)
    tree = MountedTree(str(plain.root))
    entries, _ = walked(tree)
    assert {tree.read(path, 100) for path in entries} == set(names)
    assert sorted(os.fsencode(path[1:]) for path in entries) == sorted(names)
    tree.close()


def test_paths_longer_than_the_kernel_takes_and_deeper_than_the_limit(plain: TreeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEPTH", 40)
    here = os.open(plain.root, os.O_RDONLY)
    for _ in range(50):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    tree = MountedTree(str(plain.root))
    entries, skipped = walked(tree)
    assert len(entries) == 41 and max(map(len, entries)) > 8000
    assert [why for _, why in skipped] == ["deeper than 40 directories"]
    tree.close()


def test_huge_sparse_files_and_times(plain: TreeMaker) -> None:
    target = plain.file("/huge")
    os.truncate(target, 1 << 42)
    os.utime(target, ns=(5, 1_795_500_000_123_456_789))
    tree = MountedTree(str(plain.root))
    entry = walked(tree)[0]["/huge"]
    assert (entry.size, entry.accessed, entry.modified) == (1 << 42, 5, 1_795_500_000_123_456_789)
    assert tree.read("/huge", 16) == b"\0" * 16
    directory = os.open(plain.root, os.O_RDONLY)
    born = birth_time(directory, "huge")
    os.close(directory)
    assert born == entry.born and (born is None or born > 1_600_000_000_000_000_000)
    tree.close()


@given(st.binary(max_size=4096), st.binary(max_size=4096))
def test_any_bytes_are_identified_as_something_or_nothing(start: bytes, later: bytes) -> None:
    image = start.ljust(0x10000, b"\0") + later.ljust(4096, b"\0")
    for region in regions(io.BytesIO(image), len(image)):
        assert 0 <= region.offset < len(image) and region.offset + region.size <= len(image)


@pytest.mark.parametrize(
    ("offset", "magic", "kind"),
    [
        # A magic number alone makes no file system that is read: what stands beside it must make sense.
        (0, b"XFSB", None),
        (1080, b"\x53\xef", None),
        (3, b"NTFS    ", None),
        (0x10040, b"_BHRfS_M", None),
        # What is only named needs no more than that.
        (0, b"LUKS\xba\xbe", "luks"),
        (512, b"LABELONE", "lvm"),
        (4086, b"SWAPSPACE2", "swap"),
        (3, b"-FVE-FS-", "BitLocker"),
        (0, b"hsqs", "squashfs"),
        (1024, b"\x10\x20\xf5\xf2", "f2fs"),
        (0, b"nothing", None),
    ],
)
def test_magic_numbers(offset: int, magic: bytes, kind: str | None) -> None:
    image = bytearray(0x20000)
    image[offset : offset + len(magic)] = magic
    assert identify(io.BytesIO(image), 0, len(image)).type == kind


def test_the_partition_tables_of_the_rehearsals_disks(disks: dict[str, Path], ground_truth: dict) -> None:
    for image in ground_truth["images"]:
        with disks[image["name"]].open("rb") as handle:
            found = {(one.offset, one.size): one for one in regions(handle, image["sizeBytes"])}
        for partition in image["partitions"]:
            if partition["fileSystem"]:
                assert found[partition["offsetBytes"], partition["sizeBytes"]].type == partition["fileSystem"]


@pytest.mark.parametrize("name", ["root", "data"])
def test_dissect_reads_names_sizes_and_times(disks: dict[str, Path], name: str) -> None:
    with disks[name].open("rb") as handle:
        region = next(one for one in regions(handle, disks[name].stat().st_size) if one.type in ("xfs", "ext4"))
        tree = RawTree(part_of(handle, region))
        entries, skipped = walked(tree)
        assert skipped == [] and len(entries) > 200
        some = "/etc/passwd" if name == "root" else "/www/html/index.php"
        entry = entries[some]
        assert len(tree.read(some, limits.MEBIBYTE)) == entry.size and stat.S_ISREG(entry.mode)
        assert 1_780_000_000 < entry.modified / 1e9 < 1_900_000_000 and entry.born is not None
        assert any("\n" in path for path in entries) or name == "data"
        with pytest.raises(OSError):
            tree.open("/does/not/exist")


class Damaged(io.RawIOBase):
    """A view of an image in which some bytes are others."""

    def __init__(self, image: io.BufferedReader, seed: int, size: int) -> None:
        self._image = image
        chance = random.Random(seed)
        # Most structures lie in the first mebibytes of ext4; the rest of the damage is anywhere.
        self._bytes = {chance.randrange(chance.choice((65_536, 2**20, size))): chance.randrange(256) for _ in range(20_000)}
        self._sorted = sorted(self._bytes)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._image.seek(offset, whence)

    def tell(self) -> int:
        return self._image.tell()

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        start = self._image.tell()
        content = bytearray(self._image.read(len(buffer)))
        for place, value in self._bytes.items():
            if start <= place < start + len(content):
                content[place - start] = value
        buffer[: len(content)] = content
        return len(content)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_damaged_file_systems_end_in_reports_not_exceptions(disks: dict[str, Path], seed: int) -> None:
    size = disks["data"].stat().st_size
    with disks["data"].open("rb") as handle:
        try:
            tree = RawTree(io.BufferedReader(Damaged(handle, seed, size), 65_536))
        except OSError:
            return
        entries, skipped = walked(tree)
        assert isinstance(skipped, list)
        for path, entry in list(entries.items())[:20]:
            if entry.is_file:
                try:
                    assert len(tree.read(path, 1000)) <= 1000
                except OSError:
                    continue
