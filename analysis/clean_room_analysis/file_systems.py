# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads each file system of all volumes by the best way there is (the kernel's mount, else dissect), and accounts for every byte."""

import posixpath
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from clean_room_analysis import limits
from clean_room_analysis.accounting import State
from clean_room_analysis.beyond_tree import look_at_claims, look_beyond_tree
from clean_room_analysis.crash_state import CrashState
from clean_room_analysis.disk_survey import DiskSurvey, SurveyedVolume, where_of
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.model import FileSystemReport, OperatingSystem, VolumeReport
from clean_room_analysis.mount_points import MountPoints, guess
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.mounting import MountError, mounted
from clean_room_analysis.operating_system import identify as identify_system
from clean_room_analysis.partition_table import BIOS_BOOT
from clean_room_analysis.partitions import FILELESS, READABLE, Region, part_of, why_not_read
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.text import display_name
from clean_room_analysis.tree import Tree
from clean_room_analysis.unowned import fat_boot_gap, hidden_file_system, name_unowned
from clean_room_analysis.walker import Walker

NOT_LOOKED_AT_ON_WINDOWS = (
    "event logs, registry (run keys, services, log-on, accounts), scheduled tasks, prefetch, start folders, PowerShell histories, the content "
    "of files and alternate data streams are looked at; WMI's repository, shadow copies, NTFS's own journals, AmCache, SRUM, browsers and "
    "Active Directory's database are not"
)
#: Where GRUB lies on a disk without a partition of its own for it.
_BEHIND_MBR = 512
#: Rounds in which file systems are looked for in what no table owns: one may only show behind another.
_ROUNDS = 64
#: Systems below the top of a root volume whose fstab is read.
_ROOTS_ASKED = 16


class FileSystemReader:
    """Reads the file systems of all volumes of a run, the root volume first: its fstab says where the others belong.

    `survey` learns what lies where, `read` reads one volume, `conclude` adds up its bytes when its full read has ended.
    """

    def __init__(self, ledger: Ledger, walker: Walker, state: CrashState) -> None:
        self._ledger = ledger
        self._state = state
        self._walker = walker
        self._mount_points = MountPoints()
        self._open = ExitStack()
        self.operating_system: OperatingSystem | None = None
        self._systems: set[int] = set()
        self._survey = DiskSurvey(ledger, self._open)

    def close(self) -> None:
        """Lets go of every mount and closes the evidence. @raises MountError when something stays mounted"""
        self._open.close()

    def survey(self, reports: list[VolumeReport]) -> None:
        """Learns what lies where on all volumes."""
        self._survey.look(reports)

    def read(self, report: VolumeReport) -> None:
        """Reads every file system of one volume, that of the root first, since its fstab says where the others belong."""
        volume = self._survey.volumes.get(id(report))
        if volume is None:
            return
        for region, one in sorted(volume.reports, key=lambda pair: (not self._may_be_root(volume, pair[0]), pair[0].leftover)):
            self._read_region(volume, region, one)

    def conclude(self, report: VolumeReport, nonzero: bytes | None) -> None:
        """Looks for file systems in what no table owns, then accounts for every byte of the volume.

        @param nonzero which blocks hold anything but zeros, from the full read; None when that failed
        """
        volume = self._survey.volumes.get(id(report))
        if volume is None:
            return
        for searched in (False, True):
            for start, length, meaning in volume.disk.known:
                # What says of itself that it holds no files, and is large, is believed when no file system was found inside it.
                if searched or length <= limits.METADATA_BYTES:
                    volume.account.own(start, length, "empty", meaning)
            if not searched:
                self._read_unowned(volume, nonzero)
        for region, one in volume.reports:
            if one.method != "none" and not region.leftover:
                look_beyond_tree(self._ledger, self._survey, volume, region, one, nonzero, self._walker.seconds_left)
        boot_places = {_BEHIND_MBR} | {one.offset for one in volume.disk.table.partitions if one.kind == BIOS_BOOT}
        spans = volume.account.spans(volume.handle, nonzero, partial(name_unowned, volume), boot_places)
        look_at_claims(self._ledger, volume, spans, nonzero, self._walker.seconds_left)
        unread = [one for one in spans if one.state == "unread"]
        for one in unread:
            self._ledger.not_looked_at(f"{report.input.source_volume_id}: {one.size} bytes at byte {one.offset}", one.what)
        report.regions = [(one.offset, one.size, one.state, one.what) for one in spans]
        report.accounted = not unread
        if report.input.role == "root" and id(report) not in self._systems:
            self._ledger.not_looked_at(
                f"{report.input.source_volume_id}: its operating system",
                "this is the root volume, and no directory of it holds an operating system: it is encrypted, hidden, or kept elsewhere",
            )

    def _read_unowned(self, volume: SurveyedVolume, nonzero: bytes | None) -> None:
        """Reads the file systems that begin in what no table and no file system owns."""
        tried = {region.offset for region, _ in volume.reports}
        for _ in range(_ROUNDS):
            found = hidden_file_system(volume, nonzero, tried)
            if found is None:
                return
            report = FileSystemReport(found.type or "unknown", None if found.label is None else display_name(found.label, 64), found.offset)
            volume.report.file_systems.append(report)
            self._ledger.not_looked_at(
                f"{volume.input.source_volume_id}: partition table",
                f"a {found.type} file system at byte {found.offset} lies outside every partition; it was looked at",
                incomplete=False,
            )
            self._read_region(volume, found, report)

    def _may_be_root(self, volume: SurveyedVolume, region: Region) -> bool:
        if region.type not in READABLE - {"vfat"}:
            return False
        try:
            tree = RawTree(part_of(volume.handle, region))
            return identify_system(tree) is not None
        except Exception:  # dissect on a damaged file system: read in its turn
            return False

    def _read_region(self, volume: SurveyedVolume, region: Region, report: FileSystemReport) -> None:
        where = where_of(volume.input, region)
        if region.type not in READABLE or (region.lacking is not None and region.stream is None and region.place is not None):
            report.reason = why_not_read(region)
            fileless = region.type in FILELESS
            if fileless and region.place is None and not region.leftover:
                size = min(region.size, region.declared or region.size)
                volume.disk.known.append((region.offset, size, f"{region.type}: {report.reason}"))
            elif not region.leftover:
                self._own(volume, region, region.size, "empty" if fileless else "unread", f"{region.type}: {report.reason}")
            # Swap is never an evidence of files; everything else may hold some.
            self._ledger.not_looked_at(where, report.reason, incomplete=not fileless and not region.leftover)
            return
        self._note_size(where, region)
        before = self._ledger.troubles
        self._ledger.lenient = region.leftover
        try:
            self._read_content(volume, region, report, where)
        finally:
            self._ledger.lenient = False
        size = region.size if region.declared is None else min(region.size, region.declared)
        if report.method == "none":
            if not region.leftover:
                self._own(volume, region, region.size, "unread", report.reason or "it cannot be read")
        elif not (region.leftover and self._ledger.troubles > before):
            self._own(volume, region, size, "read", f"{region.type} file system", fat_boot_gap(volume.handle, region))
        if report.method != "none" and not report.journal_replayed and region.journal:
            self._ledger.not_looked_at(
                f"{where}: changes that were only in its journal", report.reason or "the journal was not replayed", incomplete=False
            )
        if region.type == "ntfs" and report.method != "none":
            self._ledger.not_looked_at(f"{where}: Windows", NOT_LOOKED_AT_ON_WINDOWS, incomplete=False)

    def _own(
        self, volume: SurveyedVolume, region: Region, size: int, state: State, what: str, without: tuple[int, int] | None = None
    ) -> None:
        """Records who owns the bytes of a region, on every disk it lies on. @param without a part of it, from byte to byte, that nobody read"""
        place = region.place
        if place is None:
            if without is not None:
                volume.account.own(region.offset, without[0], state, what)
            start = 0 if without is None else without[1]
            volume.account.own(region.offset + start, size - start, state, what)
            return
        for one in place.extents:
            for identity, start in one.stripes:
                owner = self._survey.owners.get(identity)
                if owner is not None:
                    owner.account.own(
                        self._survey.paths[identity][1] + start, one.length // len(one.stripes), state, f"{what} ({place.name})"
                    )

    def _note_size(self, where: str, region: Region) -> None:
        if region.declared is not None and region.declared > region.size:
            self._ledger.not_looked_at(
                where, f"truncated: it says it has {region.declared} bytes, but its place on the disk has {region.size}"
            )
        if region.cut:
            self._ledger.not_looked_at(where, "truncated: the disk ends before its partition does")
        if region.lacking is not None:
            self._ledger.not_looked_at(where, region.lacking)
        for other in region.others:
            self._ledger.not_looked_at(where, f"it is {other} as well by its signatures; it was read as {region.type}")

    def _read_content(self, volume: SurveyedVolume, region: Region, report: FileSystemReport, where: str) -> None:
        why_not = self._why_not_mounted(volume, region, where)
        if why_not is None:
            with self._state.reading(where, "kernel-mount"):
                try:
                    mount = self._open.enter_context(mounted(str(volume.input.work), region))
                    tree = MountedTree(mount.path, several_devices=region.type == "btrfs")
                    self._open.callback(tree.close)
                except (MountError, OSError) as error:
                    why_not = str(error)
                else:
                    volume.mounted.append((region.offset, region.offset + region.size))
                    report.method, report.journal_replayed, report.reason = "kernel-mount", mount.journal_replayed, mount.reason
                    self._read_tree(tree, None, volume, region, report)
                    return
        if not self._state.may(where, "dissect"):
            report.reason = "an earlier run did not come back from reading it, neither mounted nor raw"
            self._ledger.not_looked_at(where, report.reason)
            return
        with self._state.reading(where, "dissect"):
            self._read_raw(volume, region, report, why_not)

    def _why_not_mounted(self, volume: SurveyedVolume, region: Region, where: str) -> str | None:
        if volume.input.work is None:
            return "no work volume was given, and evidence is never mounted"
        if region.stream is not None:
            return "a logical volume in several pieces is not mounted"
        if region.leftover or any(start < region.offset + region.size and region.offset < end for start, end in volume.mounted):
            return "it overlaps another file system of the disk, which replaying its journal could damage"
        if not self._state.may(where, "kernel-mount"):
            return "an earlier run did not come back from mounting or walking it"
        return None

    def _read_raw(self, volume: SurveyedVolume, region: Region, report: FileSystemReport, why_not_mounted: str) -> None:
        report.journal_replayed = not region.journal
        try:
            tree = RawTree(part_of(volume.handle, region), region.type)
        except OSError as error:
            report.reason = f"{why_not_mounted}; {error.strerror}"
            self._ledger.not_looked_at(where_of(volume.input, region), report.reason)
            return
        report.method = "dissect"
        report.reason = (
            f"read from the raw image without replaying the journal ({why_not_mounted})"
            if region.journal
            else f"read from the raw image ({why_not_mounted})"
        )
        self._read_tree(tree, lambda: self._reopened(volume, region), volume, region, report)

    def _reopened(self, volume: SurveyedVolume, region: Region) -> RawTree:
        """The same tree for another process."""
        return RawTree(self._survey.reopened(volume, region), region.type)

    def _read_tree(
        self, tree: Tree, reopen: Callable[[], Tree] | None, volume: SurveyedVolume, region: Region, report: FileSystemReport
    ) -> None:
        system = identify_system(tree) if region.type != "vfat" else None
        if system is not None:
            self._take_system(volume, system)
            report.mount_point = "/"
            if volume.input.role == "root":
                self._mount_points.learn(tree)
        else:
            self._place(tree, volume, region, report)

        def shown_elsewhere() -> list[tuple[str, str]]:
            if system is None and volume.input.role == "root":
                # A system below the top has its fstab there.
                for root in [one for one in tree.roots if "/overlay" not in one and "/snapshots/" not in one][:_ROOTS_ASKED]:
                    self._mount_points.learn(tree, root)
            return self._mount_points.shown_elsewhere(region, tree.prefix, volume.input.device, volume.input.source_volume_id)

        self._walker.read(tree, volume.input.source_volume_id, report, region.offset, reopen, shown_elsewhere)
        report.roots = [display_name(root) for root in list(tree.roots)[: limits.REGIONS]]
        if system is None and region.type != "vfat":
            for root in tree.roots:
                below = identify_system(tree, root)
                if below is not None and "/overlay" not in root and "/snapshots/" not in root:
                    self._take_system(volume, below)

    def _take_system(self, volume: SurveyedVolume, system: OperatingSystem) -> None:
        self._systems.add(id(volume.report))
        if self.operating_system is None and volume.input.role == "root":
            self.operating_system = system

    def _place(self, tree: Tree, volume: SurveyedVolume, region: Region, report: FileSystemReport) -> None:
        """Finds out where the victim mounted a file system that is no root, and says so when nobody maps it."""
        report.mount_point = self._mount_points.of(region, volume.input.device, volume.input.source_volume_id)
        if report.mount_point is None:
            left = self._mount_points.left(region) if volume.input.role != "root" else None
            report.mount_point = left or guess(tree)
            report.guessed = True
            said = display_name(report.mount_point or "/", 200)
            why = (
                "the one volume that fstab names and nothing else fits"
                if left
                else "by what it holds"
                if report.mount_point
                else "as it is"
            )
            self._ledger.not_looked_at(
                f"{where_of(volume.input, region)}: where it was mounted",
                f"no fstab that was read names it for certain: read as {said}, {why}",
                incomplete=False,
            )
        tree.prefix = posixpath.join("/", report.mount_point or "/").rstrip("/")
