# SPDX-License-Identifier: AGPL-3.0-or-later
"""What no file has on FAT, NTFS, btrfs and XFS: free and bad clusters, lost chains, slack, streams, content behind the ends of files."""

import contextlib
import io
import struct
from array import array

import pytest
from conftest import VOLUME
from disks import file_system, places_of
from dissect.btrfs import btrfs
from dissect.ntfs import NTFS
from hypothesis import given
from hypothesis import strategies as st
from test_free_space import SCRIPT, results
from test_unnamed_files import results as unnamed
from test_unnamed_files import walked

from clean_room_analysis.btrfs_unnamed import scan_btrfs
from clean_room_analysis.free_maps import free_runs
from clean_room_analysis.model import Finding, NotLookedAt, Severity
from clean_room_analysis.ntfs_space import _worth_a_look, scan_streams
from clean_room_analysis.raw_tree import RawTree

MEBIBYTE = 1024 * 1024


class Fat:
    """A FAT file system of mkfs.vfat, whose table and root directory are written by hand."""

    def __init__(self, bits: int) -> None:
        self.disk, self.bits = bytearray(file_system(f"fat{bits}")), bits
        sector, self.per, reserved, copies, entries = struct.unpack_from("<HBHBH", self.disk, 11)
        size = struct.unpack_from("<H", self.disk, 22)[0] or struct.unpack_from("<I", self.disk, 36)[0]
        self.cluster, self.table, self.table_size = sector * self.per, reserved * sector, size * sector
        self.root = (reserved + copies * size) * sector
        self.data = self.root + entries * 32

    def place(self, cluster: int) -> int:
        return self.data + (cluster - 2) * self.cluster

    def chain(self, *clusters: int) -> None:
        """Writes a chain into both copies of the table."""
        for copy in (self.table, self.table + self.table_size):
            for one, following in zip(clusters, (*clusters[1:], 0x0FFFFFFF), strict=True):
                if self.bits == 12:
                    at = copy + one + one // 2
                    old = struct.unpack_from("<H", self.disk, at)[0]
                    value = following & 0xFFF
                    struct.pack_into("<H", self.disk, at, old & 0xF | value << 4 if one & 1 else old & 0xF000 | value)
                else:
                    form, width = ("<H", 2) if self.bits == 16 else ("<I", 4)
                    struct.pack_into(form, self.disk, copy + one * width, following & (1 << 8 * width) - 1)

    def entry(self, index: int, name: bytes, cluster: int, size: int, kind: int = 0x20) -> None:
        at = self.root + index * 32
        self.disk[at : at + 32] = struct.pack(
            "<11sBBBHHHHHHHI", name, kind, 0, 0, 0, 0, 0, cluster >> 16, 0, 0x5A21, cluster & 0xFFFF, size
        )

    def write(self, place: int, content: bytes = SCRIPT) -> None:
        self.disk[place : place + len(content)] = content


@pytest.fixture(params=[12, 16, 32])
def fat(request: pytest.FixtureRequest) -> Fat:
    made = Fat(request.param)
    made.chain(10, 11)
    made.entry(0, b"A       TXT", 10, 700)
    made.write(made.place(10), b"x" * 700)
    return made


@pytest.mark.parametrize("where", ["free", "lost", "bad", "slack", "behind", "label", "deleted", "table", "second table", "tail"])
def test_nothing_is_hidden_in_fat(where: str, fat: Fat) -> None:
    assert results(bytes(fat.disk), "vfat") == []
    place = fat.place(40)
    if where == "lost":
        fat.chain(40)
    elif where == "bad":
        fat.chain(40)
        for copy in (fat.table, fat.table + fat.table_size):
            fat.disk[copy + 60 : copy + 62] = b"\xf7\xff" if fat.bits == 12 else fat.disk[copy + 60 : copy + 62]
    elif where == "slack":
        place = fat.place(11) + 700 - fat.cluster
    elif where == "behind":
        fat.chain(10, 11, 40)
    elif where == "label":
        fat.chain(40)
        fat.entry(1, b"EFI LABEL  ", 40, len(SCRIPT), 0x8)
    elif where == "deleted":
        fat.entry(1, b"\xe5VIL    SH ", 40, len(SCRIPT))
    elif where == "table":
        for at, form in ((19, "<H"), (32, "<I")):  # fewer clusters than the tables have room for
            if sectors := struct.unpack_from(form, fat.disk, at)[0]:
                struct.pack_into(form, fat.disk, at, sectors - 400 if fat.bits > 12 else sectors // 2)
        place = fat.table + fat.table_size - 100
    elif where == "second table":
        place = fat.table + fat.table_size + fat.table_size // 2
    elif where == "tail":
        place = len(fat.disk) - 100
        if place < fat.place(2) + (len(fat.disk) - fat.data) // fat.cluster * fat.cluster:
            return  # its last cluster ends with it, and is a free one
    fat.write(place)
    found = [one for one in results(bytes(fat.disk), "vfat") if isinstance(one, Finding)]
    assert {one.rule for one in found} == {"reverse_shell_script"}
    assert all(one.severity is Severity.HIGH for one in found)


def test_what_a_file_of_fat_has_is_not_free(fat: Fat) -> None:
    fat.chain(40, 30, 31)
    fat.entry(1, b"B       TXT", 40, 3 * fat.cluster)
    runs = list(free_runs(io.BytesIO(bytes(fat.disk)), "vfat"))
    for cluster in (10, 11, 40, 30, 31):
        assert not any(first <= fat.place(cluster) < first + length for first, length in runs)
    assert any(first <= fat.place(41) < first + length for first, length in runs)


def test_files_of_fat_are_read_raw_as_the_kernel_reads_them(fat: Fat) -> None:
    """A chain that goes backwards, one that is a circle, and a file behind the end mark of the directory, which Linux shows."""
    fat.chain(41, 40, 43)
    for number, cluster in enumerate((41, 40, 43)):
        fat.write(fat.place(cluster), bytes([number + 1]) * fat.cluster)
    fat.entry(1, b"BACK    TXT", 41, 3 * fat.cluster)
    fat.entry(4, b"BEHIND  TXT", 10, 5)
    fat.chain(50, 51)
    for copy in (fat.table, fat.table + fat.table_size):
        if fat.bits != 12:
            width = fat.bits // 8
            fat.disk[copy + 51 * width : copy + 51 * width + 2] = b"\x32\0"
            if width == 4:
                fat.disk[copy + 51 * width + 2 : copy + 51 * width + 4] = b"\0\0"
    fat.entry(5, b"CIRCLE  TXT", 50, 4 * fat.cluster)
    tree = RawTree(io.BytesIO(bytes(fat.disk)), "vfat")
    names = {entry.path for entry in tree.walk(lambda path, why: None)}
    assert {"/A.TXT", "/BACK.TXT", "/BEHIND.TXT"} <= names
    assert tree.read("/BACK.TXT", 1 << 20) == b"".join(bytes([number]) * fat.cluster for number in (1, 2, 3))
    with contextlib.suppress(OSError):
        tree.read("/CIRCLE.TXT", 1 << 20)


@given(st.integers(0, 40_000), st.binary(min_size=1, max_size=16))
def test_damage_ends_in_an_error_or_in_less_and_never_in_a_loop(at: int, damage: bytes) -> None:
    for kind, disk in _DAMAGED.items():
        changed = bytearray(disk)
        changed[at : at + len(damage)] = damage
        with contextlib.suppress(Exception):  # run_isolated names whatever a parser raises
            assert sum(1 for _ in free_runs(io.BytesIO(changed), kind)) < 1_000_000


def _small_fat() -> bytes:
    made = Fat(12)
    made.chain(10, 11, 40)
    made.entry(0, b"A       TXT", 10, 700)
    made.entry(1, b"D          ", 50, 0, 0x10)
    made.chain(50)
    return bytes(made.disk)


_DAMAGED = {"ntfs": file_system("ntfs"), "vfat": _small_fat()}


@pytest.mark.parametrize("name", ["btrfs-mixed", "ntfs"])
def test_free_space_of_btrfs_and_ntfs_is_searched(name: str) -> None:
    kind = name.partition("-")[0]
    disk = bytearray(file_system(name))
    runs = sorted(free_runs(io.BytesIO(disk), kind))
    assert results(bytes(disk), kind) == [] and sum(length for _, length in runs) > len(disk) // 4
    # What files have is not free: the content of each file lies outside.
    tree = RawTree(io.BytesIO(bytes(disk)), kind)
    for entry in tree.walk(lambda path, why: None):
        if kind == "btrfs" and entry.path == "/holes":
            content = tree.read(entry.path, 4096)
            at = disk.find(content[:1500])
            assert at > 0 and not any(first <= at < first + length for first, length in runs)
    first, length = max(runs, key=lambda run: run[1])
    place = first + length // 2 // 4096 * 4096
    disk[place : place + len(SCRIPT)] = SCRIPT
    assert {one.rule for one in results(bytes(disk), kind) if isinstance(one, Finding)} == {"reverse_shell_script"}


@pytest.mark.parametrize("damage", ["empty", "too many", "itself"])
def test_a_damaged_tree_of_btrfs_ends_in_an_error(damage: str) -> None:
    """dissect goes round for ever in a tree whose node has no keys."""
    disk = bytearray(file_system("btrfs-mixed"))
    system = btrfs.Btrfs(io.BytesIO(bytes(disk)))
    node = system._read_node(system.sb.root)
    for place in places_of(disk, bytes(node[:101])):  # both copies
        if damage == "itself":
            disk[place + 100] = 1
            struct.pack_into("<Q", disk, place + 101 + 17, int(system.sb.root))
        else:
            struct.pack_into("<I", disk, place + 96, 0 if damage == "empty" else 2**31)
    with pytest.raises((ValueError, KeyError)):
        list(free_runs(io.BytesIO(disk), "btrfs"))


def test_the_first_mebibyte_of_btrfs_is_free() -> None:
    disk = bytearray(file_system("btrfs-mixed"))
    for place in (4096, 0x10000 + 8192, MEBIBYTE - 8192):
        changed = bytearray(disk)
        changed[place : place + len(SCRIPT)] = SCRIPT
        assert [one for one in results(bytes(changed), "btrfs") if isinstance(one, Finding)], place


def _btrfs(change: str) -> bytes:
    """A disk whose file `holes` gives a shell and was deleted while it was open, or one of whose subvolumes no directory names."""
    disk = bytearray(file_system("btrfs-mixed"))
    system = btrfs.Btrfs(io.BytesIO(bytes(disk)))
    if change == "deleted":
        at = disk.find(b"start" * 300)
        disk[at : at + len(SCRIPT)] = SCRIPT
        wanted = struct.pack("<Q", 1_500_000)
        for place in places_of(disk, wanted):  # both copies of the tree
            if struct.unpack_from("<I", disk, place + 24)[0] == 1:
                struct.pack_into("<I", disk, place + 24, 0)
        return bytes(disk)
    node = next(subvolume for subvolume in system.subvolumes() if subvolume.path == "@home")
    for place in places_of(disk, struct.pack("<QB", node.objectid, 144)):
        disk[place + 8] = 145
    return bytes(disk)


def test_a_file_of_btrfs_that_was_deleted_while_it_was_open_is_found() -> None:
    assert list(scan_btrfs(lambda: io.BytesIO(file_system("btrfs-mixed")), VOLUME, 60)) == []
    disk = _btrfs("deleted")
    found = [one for one in scan_btrfs(lambda: io.BytesIO(disk), VOLUME, 60) if isinstance(one, Finding)]
    assert [(one.check, one.rule) for one in found] == [("deleted", None), ("deleted", "reverse_shell_script")]
    (said,) = scan_btrfs(lambda: io.BytesIO(disk), VOLUME, -1)
    assert isinstance(said, NotLookedAt) and said.incomplete


def test_a_subvolume_that_no_directory_names_is_found() -> None:
    disk = _btrfs("hidden")
    (found,) = [one for one in scan_btrfs(lambda: io.BytesIO(disk), VOLUME, 60) if isinstance(one, Finding)]
    assert found.severity is Severity.MEDIUM and found.title.endswith("hidden by hand")


@pytest.fixture(scope="module")
def ntfs() -> bytes:
    """A file with two streams, by ntfs-3g's own tool."""
    return file_system("ntfs-streams")


def test_alternate_data_streams_are_scanned(ntfs: bytes) -> None:
    named = array("Q", (entry.inode for entry in walked(ntfs, "ntfs").values()))
    found = [one for one in scan_streams(lambda: io.BytesIO(ntfs), VOLUME, named, 60) if isinstance(one, Finding)]
    assert {(one.path, one.severity, one.rule) for one in found} >= {
        ("/notes.txt:x", Severity.HIGH, "reverse_shell_script"),
        ("/notes.txt:$j", Severity.HIGH, None),
    }
    assert all("T1564.004" in one.attack for one in found)
    (said,) = scan_streams(lambda: io.BytesIO(ntfs), VOLUME, named, -1)
    assert isinstance(said, NotLookedAt) and said.incomplete


def test_streams_of_many_files_are_all_met(ntfs: bytes) -> None:
    """Looking at one file moves the stream by which the next are found."""
    system = NTFS(io.BytesIO(ntfs))
    met = []
    for number in _worth_a_look(system, set()):
        met.append(number)
        system.mft.get(5)
    assert met == sorted(set(met)) and len(met) > 1
    # Those that dissect says are in use, and no others.
    wanted = [
        int(record.segment)
        for record in system.mft.segments()
        if record.header.Flags & 1 and not record.header.BaseFileRecordSegment.SegmentNumberLowPart and record.segment >= 24
    ]
    assert met == wanted


def test_a_file_of_ntfs_that_no_directory_names_is_found(ntfs: bytes) -> None:
    number = next(entry.inode for path, entry in walked(ntfs, "ntfs").items() if path == "/notes.txt")
    named = array("Q", (entry.inode for entry in walked(ntfs, "ntfs").values() if entry.inode != number))
    found = [one for one in scan_streams(lambda: io.BytesIO(ntfs), VOLUME, named, 60) if isinstance(one, Finding)]
    assert ("unnamed-files", Severity.MEDIUM) in {(one.check, one.severity) for one in found}
    assert "reverse_shell_script" in {one.rule for one in found if one.path == "/notes.txt"}
    assert NTFS(io.BytesIO(ntfs)).mft.get(number).filename == "notes.txt"


def test_content_behind_the_end_of_a_file_of_xfs_is_scanned() -> None:
    disk = bytearray(file_system("xfs"))
    at = disk.find(b"start" * 300)
    disk[at : at + len(SCRIPT)] = SCRIPT
    place = next(one - 56 for one in places_of(disk, struct.pack(">Q", 1_500_000)) if disk[one - 56 : one - 54] == b"IN")
    struct.pack_into(">Q", disk, place + 56, 0)
    found = [one for one in unnamed(bytes(disk), "xfs") if isinstance(one, Finding)]
    assert [(one.severity, one.rule) for one in found] == [(Severity.LOW, None), (Severity.HIGH, "reverse_shell_script")]
