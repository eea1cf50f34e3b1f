# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lies where on the disks of a run: each disk's tables, and the logical volumes that lie on several of them."""

from clean_room_analysis.errors import cause_of
import io
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from clean_room_analysis.accounting import Account
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.logical_volumes import PiecesStream
from clean_room_analysis.model import FileSystemReport, VolumeInput, VolumeReport
from clean_room_analysis.partitions import READABLE, DiskMap, Region, disk_map, identify, part_of
from clean_room_analysis.disk_containers import container_of
from clean_room_analysis.text import display_name


@dataclass(slots=True)
class SurveyedVolume:
    """One volume while it is read."""

    report: VolumeReport
    handle: BinaryIO
    disk: DiskMap
    account: Account
    reports: list[tuple[Region, FileSystemReport]] = field(default_factory=list)
    #: Where its work copy was mounted, as (start, end).
    mounted: list[tuple[int, int]] = field(default_factory=list)

    @property
    def input(self) -> VolumeInput:
        return self.report.input


class DiskSurvey:
    """Learns what lies on the volumes of a run."""

    def __init__(self, ledger: Ledger, opened: ExitStack) -> None:
        """@param opened closes the evidence in the end"""
        self._ledger = ledger
        self._open = opened
        #: By the identity of their report.
        self.volumes: dict[int, SurveyedVolume] = {}
        #: Physical volumes of LVM by identity: whose they are, and on which device, from which byte on.
        self.owners: dict[str, SurveyedVolume] = {}
        self.paths: dict[str, tuple[str, int]] = {}

    def look(self, reports: list[VolumeReport]) -> None:
        """Reads the tables of all disks. A volume that cannot be read is named and does not take the others with it."""
        for report in reports:
            name = report.input.source_volume_id
            try:
                handle = self._open.enter_context(open(report.input.evidence, "rb"))
                disk = disk_map(handle, report.size_bytes)
            except Exception as error:  # a hostile table must not end the run
                self._ledger.not_looked_at(name, f"its partition table cannot be read: {cause_of(error)}")
                continue
            volume = SurveyedVolume(report, handle, disk, Account(report.size_bytes))
            self.volumes[id(report)] = volume
            for problem in disk.problems:
                self._ledger.not_looked_at(f"{name}: partition table", problem, incomplete=False)
            for lacking in disk.table.lacking:
                self._ledger.not_looked_at(f"{name}: partition table", lacking)
            if disk.table.damaged:
                self._ledger.not_looked_at(f"{name}: partition table", "it is damaged, so partitions may be missing from it")
            container = container_of(handle) if not any(region.type in READABLE for region in disk.regions) else None
            if container is not None:
                self._ledger.not_looked_at(name, f"this is no raw disk but {container}: convert it, as qemu-img convert -O raw does")
        self._join_logical_volumes()
        for volume in self.volumes.values():
            self._prepare_reports(volume)

    def _join_logical_volumes(self) -> None:
        """Gives logical volumes in several pieces a stream over them, once their physical volumes are all known."""
        disks: dict[str, tuple[BinaryIO, int]] = {}
        self.paths = {}
        owners = self.owners
        for volume in self.volumes.values():
            for offset, physical in volume.disk.physical_volumes.items():
                disks.setdefault(physical.identity, (volume.handle, offset))
                self.paths.setdefault(physical.identity, (volume.input.evidence, offset))
                owners.setdefault(physical.identity, volume)
        for volume in self.volumes.values():
            joined = []
            for region in volume.disk.regions:
                one = self._joined(region, volume, disks, owners)
                if one is not None:
                    joined.append(one)
            volume.disk.regions = joined

    def _joined(
        self, region: Region, volume: SurveyedVolume, disks: dict[str, tuple[BinaryIO, int]], owners: dict[str, SurveyedVolume]
    ) -> Region | None:
        place = region.place
        if place is None or not place.extents:
            return region
        identities = {identity for one in place.extents for identity, _ in one.stripes}
        here = {one.identity for one in volume.disk.physical_volumes.values()}
        first = place.extents[0].stripes[0][0]
        if first in owners and first not in here:
            return None  # Its group is described on each of its disks; the disk it begins on has it.
        if not identities <= disks.keys():
            why = f"{len(identities - disks.keys())} of the physical volumes it lies on are not among the volumes of this run"
            return replace(region, lacking=why)

        def stream() -> BinaryIO:
            return io.BufferedReader(PiecesStream(place.extents, disks), 64 * 1024)

        found = identify(stream(), 0, place.size)
        return replace(found, offset=region.offset, logical_volume=place.name, partition=region.partition, place=place, stream=stream)

    def _prepare_reports(self, volume: SurveyedVolume) -> None:
        known = [region for region in volume.disk.regions if region.type is not None]
        for region in known:
            label = region.label or region.logical_volume
            report = FileSystemReport(region.type or "unknown", None if label is None else display_name(label, 64), region.offset)
            volume.reports.append((region, report))
        volume.report.file_systems = [report for _, report in volume.reports]
        if not known:
            self._ledger.not_looked_at(
                volume.input.source_volume_id,
                "no file system that is known here: neither at its start nor in a partition",
                incomplete=volume.input.role == "root",
            )
            volume.report.file_systems = [FileSystemReport("unknown", None, 0, reason="no file system that is known here")]

    def reopened(self, volume: SurveyedVolume, region: Region) -> BinaryIO:
        """A region through descriptors of its own: a forked process shares the positions of its parent's."""
        if region.place is not None:
            assert region.place.extents
            opened: dict[str, tuple[BinaryIO, int]] = {}
            for identity, (path, offset) in self.paths.items():
                opened[identity] = (open(path, "rb"), offset)
            return io.BufferedReader(PiecesStream(region.place.extents, opened), 64 * 1024)
        return part_of(open(volume.input.evidence, "rb"), region)


def where_of(volume: VolumeInput, region: Region) -> str:
    """How messages name a file system of a volume."""
    name = "" if region.logical_volume is None else f" in the logical volume {display_name(region.logical_volume, 128)}"
    return f"{volume.source_volume_id}: {region.type} at byte {region.offset}{name}"
