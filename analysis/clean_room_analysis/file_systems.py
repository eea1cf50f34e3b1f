# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finds the file systems of one volume and reads each by the best way there is: the kernel's mount, else dissect."""

import posixpath
from typing import BinaryIO

from clean_room_analysis.ledger import Ledger
from clean_room_analysis.model import FileSystemReport, OperatingSystem, VolumeInput
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.mounting import MountError, mounted
from clean_room_analysis.operating_system import MountPoints, identify
from clean_room_analysis.partitions import READABLE, RECOGNISED_ONLY, Region, part_of, regions
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.text import display_name
from clean_room_analysis.tree import Tree
from clean_room_analysis.walker import Walker


class FileSystemReader:
    """Reads the file systems of all volumes of a run, the root volume first: its fstab says where the others belong."""

    def __init__(self, ledger: Ledger, walker: Walker) -> None:
        self._ledger = ledger
        self._walker = walker
        self._mount_points = MountPoints()
        self.operating_system: OperatingSystem | None = None

    def read_volume(self, volume: VolumeInput, size: int) -> list[FileSystemReport]:
        """Reads every file system of one volume. Regions without one are reported when nothing else is on the volume."""
        reports: list[FileSystemReport] = []
        with open(volume.evidence, "rb") as evidence:
            found = regions(evidence, size)
            known = [region for region in found if region.type is not None]
            if not known:
                self._ledger.not_looked_at(
                    volume.source_volume_id, "no file system that is known here: neither at its start nor in a partition"
                )
                return [FileSystemReport("unknown", None, 0, reason="no file system that is known here")]
            for region in known:
                label = region.label or region.logical_volume
                reports.append(
                    FileSystemReport(region.type or "unknown", None if label is None else display_name(label, 64), region.offset)
                )
            # The root file system comes first, since its fstab says where the others belong.
            for region, report in sorted(
                zip(known, reports, strict=True), key=lambda pair: not self._may_be_root(volume, evidence, pair[0])
            ):
                self._read_region(volume, evidence, region, report)
        return reports

    def _may_be_root(self, volume: VolumeInput, evidence: BinaryIO, region: Region) -> bool:
        if volume.role != "root" or region.type not in READABLE:
            return False
        try:
            return RawTree(part_of(evidence, region)).entry("/etc") is not None
        except OSError:
            return False

    def _read_region(self, volume: VolumeInput, evidence: BinaryIO, region: Region, report: FileSystemReport) -> None:
        where = _where(volume, region)
        if region.type not in READABLE:
            report.reason = RECOGNISED_ONLY.get(region.type or "", "not supported")
            # Swap is never an evidence of files; everything else may hold some.
            self._ledger.not_looked_at(where, report.reason, incomplete=region.type != "swap")
            return
        try:
            if volume.work is None:
                raise MountError("no work volume was given, and evidence is never mounted")
            with mounted(volume.work, region) as mount:
                report.method, report.journal_replayed, report.reason = "kernel-mount", mount.journal_replayed, mount.reason
                tree = MountedTree(mount.path)
                try:
                    self._read_tree(tree, volume, region, report)
                finally:
                    tree.close()
        except (MountError, OSError) as error:
            if report.method == "kernel-mount":  # It was read; only letting go of it failed.
                self._ledger.not_looked_at(where, f"reading the mounted file system ended early or it could not be unmounted: {error}")
            else:
                self._read_raw(volume, evidence, region, report, str(error))
        if report.method != "none" and not report.journal_replayed and region.journal:
            self._ledger.not_looked_at(
                f"{where}: changes that were only in its journal", report.reason or "the journal was not replayed", incomplete=False
            )

    def _read_raw(self, volume: VolumeInput, evidence: BinaryIO, region: Region, report: FileSystemReport, why_not_mounted: str) -> None:
        report.journal_replayed = not region.journal
        try:
            tree = RawTree(part_of(evidence, region))
        except OSError as error:
            report.reason = f"{why_not_mounted}; {error.strerror}"
            self._ledger.not_looked_at(_where(volume, region), report.reason)
            return
        report.method = "dissect"
        report.reason = (
            f"read from the raw image without replaying the journal ({why_not_mounted})"
            if region.journal
            else f"read from the raw image ({why_not_mounted})"
        )
        self._read_tree(tree, volume, region, report)

    def _read_tree(self, tree: Tree, volume: VolumeInput, region: Region, report: FileSystemReport) -> None:
        if volume.role == "root" and tree.entry("/etc") is not None and self.operating_system is None:
            self.operating_system = identify(tree)
            self._mount_points.learn(tree)
        else:
            tree.prefix = posixpath.join("/", self._mount_points.of(region)).rstrip("/")
        self._walker.read(tree, volume.source_volume_id, report)


def _where(volume: VolumeInput, region: Region) -> str:
    name = "" if region.logical_volume is None else f" in the logical volume {display_name(region.logical_volume, 128)}"
    return f"{volume.source_volume_id}: {region.type} at byte {region.offset}{name}"
