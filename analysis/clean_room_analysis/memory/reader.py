# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads acquisition volumes beside the victim's disks: which volume is one says the workflow, never what lies on it."""

import math
from contextlib import ExitStack
from functools import partial

from clean_room_analysis import limits
from clean_room_analysis.crash_state import CrashState
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.memory import examine, judge
from clean_room_analysis.memory.image import ImageReport
from clean_room_analysis.model import FileSystemReport, Finding, Severity, VolumeReport
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.mounting import MountError, mounted
from clean_room_analysis.partitions import Region, identify, part_of
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.tree import Tree

_TRUST = (
    "it is what the victim's kernel answered while somebody else may have been root there: a rootkit lies to it, what ran briefly is not in it, and what it does "
    "not show proves nothing"
)
#: How people go on with an image. btf2json makes Volatility's symbols of BTF and kallsyms.
_HOW_TO_READ = (
    "To read its processes, hooks and keys with Volatility 3: make symbols of what was taken with it (gunzip btf-vmlinux.gz and kallsyms.gz; "
    "btf2json --btf btf-vmlinux --map kallsyms > symbols/linux.json), then vol -s symbols -f memory.lime linux.pslist; Volatility reads AVML's compression itself"
)


class AcquisitionReader:
    """Reads what the collector left. `read` first of all, since it is quick and grave; `read_image` when the disks' content was scanned."""

    def __init__(self, ledger: Ledger, state: CrashState, deadline: Deadline) -> None:
        self._ledger = ledger
        self._state = state
        self._deadline = deadline
        self._open = ExitStack()
        self._trees: dict[int, tuple[Tree | None, Region]] = {}
        self._seen: dict[int, examine.Seen] = {}

    def close(self) -> None:
        """Lets go of the mounts. @raises MountError"""
        self._open.close()

    def read(self, report: VolumeReport) -> None:
        """Everything on the volume but a memory image."""
        name = report.input.source_volume_id
        self._ledger.not_looked_at(f"{name}: what the volatile state does not show", _TRUST, incomplete=False)
        self._ledger.report(judge.CHECK)
        with open(report.input.evidence, "rb") as handle:
            region = identify(handle, 0, report.size_bytes)
        file_system = FileSystemReport(region.type or "unknown", region.label, 0)
        report.file_systems = [file_system]
        if region.type != "ext4":
            file_system.reason = "the collector made no file system on it: it did not run, or somebody wrote over it"
            self._ledger.not_looked_at(f"{name}: volatile state", file_system.reason)
            return
        tree = self._mounted(report, region, file_system)
        self._trees[id(report)] = (tree, region)
        if tree is None:
            file_system.method = "dissect"
        work = partial(self._volume, tree, report, region)
        try:
            for row in run_isolated(work, min(limits.VOLATILE_SECONDS, max(1.0, self._deadline.left)), limits.VOLATILE_MEMORY):
                if isinstance(row, examine.Seen):
                    self._seen[id(report)] = row
                    file_system.files_seen = row.files
                    file_system.read_to_end = True
                    self._ledger.report(judge.CHECK).items_looked_at += row.processes
                else:
                    self._ledger.take(row, "0", "")
        except IsolatedError as error:
            self._ledger.failed(judge.CHECK, name, str(error))
        seen = self._seen.get(id(report))
        if seen is not None and not seen.image:
            self._ledger.not_looked_at(
                f"{name}: memory", "no memory image is on it: what processes held in memory is not known", incomplete=False
            )

    def _mounted(self, report: VolumeReport, region: Region, file_system: FileSystemReport) -> Tree | None:
        """The tree by the kernel; None when it must be read raw."""
        where = f"{report.input.source_volume_id}: acquisition"
        if report.input.work is None or not self._state.may(where, "kernel-mount"):
            return None
        try:
            self._open.enter_context(self._state.reading(where, "kernel-mount"))
            mount = self._open.enter_context(mounted(report.input.work, region))
            tree = MountedTree(mount.path)
            self._open.callback(tree.close)
        except (MountError, OSError) as error:
            file_system.reason = str(error)
            return None
        file_system.method, file_system.journal_replayed = "kernel-mount", True
        return tree

    @staticmethod
    def _reopened(tree: Tree | None, report: VolumeReport, region: Region) -> Tree:
        """For a forked process: a raw tree through a descriptor of its own."""
        return tree if tree is not None else RawTree(part_of(open(report.input.evidence, "rb"), region), region.type)

    @classmethod
    def _volume(cls, tree: Tree | None, report: VolumeReport, region: Region):  # type: ignore[no-untyped-def] # a generator of examine's rows
        return examine.volume(cls._reopened(tree, report, region), report.input.source_volume_id, frozenset(report.input.addresses))

    @classmethod
    def _image(cls, tree: Tree | None, report: VolumeReport, region: Region, seconds: float):  # type: ignore[no-untyped-def]
        return examine.image(cls._reopened(tree, report, region), report.input.source_volume_id, seconds)

    def read_image(self, report: VolumeReport) -> None:
        """The memory image, where there is one."""
        seen = self._seen.get(id(report))
        if seen is None or not seen.image:
            return
        name = report.input.source_volume_id
        tree, region = self._trees[id(report)]
        self._ledger.report(examine.IMAGE_CHECK).items_looked_at += 1
        self._ledger.not_looked_at(
            f"{name}: structures of the memory image", f"it was searched by the rules and for its kernel. {_HOW_TO_READ}", incomplete=False
        )
        found = ImageReport()
        try:
            for row in run_isolated(partial(self._image, tree, report, region, self._deadline.left), self._deadline.left + 60):
                if isinstance(row, ImageReport):
                    found = row
                else:
                    self._ledger.take(row, "0", "")
        except IsolatedError as error:
            found.problem = str(error)
        self._judge_image(name, found, seen)

    def _judge_image(self, name: str, found: ImageReport, seen: examine.Seen) -> None:
        """Whether the image is one: whole, not all zeros, of the kernel that ran."""
        where = f"{name}:{examine.IMAGE}"
        if found.problem is not None:
            self._ledger.not_looked_at(
                where, f"{found.problem}; {found.recorded} bytes of memory in {found.blocks} blocks were read until then"
            )
        usable = f"{found.recorded} bytes of memory in {found.blocks} blocks ({found.format}), {found.filled} of them in pages that are not all zeros"
        if seen.ram is not None:
            usable += f"; the host said that it has {seen.ram} bytes"
            if found.problem is None and found.filled < seen.ram // 100:
                self._ledger.not_looked_at(where, f"less than a hundredth of the host's memory is in it: {usable}")
        if found.filled == 0:
            self._ledger.not_looked_at(
                where, f"it holds nothing but zeros: {usable}. The kernel gave no memory (lockdown, or somebody in the way)"
            )
        elif not found.banners:
            self._ledger.not_looked_at(where, f"no kernel names itself in it: {usable}. It is cut, or no image of the memory")
        banners = sorted(found.banners, key=lambda one: -found.banners[one])
        # The kernel's own banner is the one that /proc/version says as well; package descriptions and logs hold others.
        own = next((one for one in banners if seen.banner and one.strip() == seen.banner), None)
        if found.filled and banners and seen.banner and own is None:
            self._ledger.not_looked_at(
                where, "no kernel that it names is the one that the host named: it may be of another machine or moment", incomplete=False
            )
        if found.filled:
            self._ledger.take(
                Finding(
                    examine.IMAGE_CHECK,
                    Severity.INFORMATIONAL,
                    "A memory image was taken",
                    name,
                    examine.IMAGE,
                    f"{usable}.\nKernel: {own or (banners[0] if banners else 'not named')}\n{_HOW_TO_READ}",
                ),
                "0",
                "",
            )

    def conclude(self, report: VolumeReport, nonzero: bytes | None) -> None:
        """Accounts for every byte: the file system of the collector, and zeros behind it."""
        file_system = report.file_systems[0] if report.file_systems else None
        declared = self._trees[id(report)][1].declared if id(report) in self._trees else None
        read = min(report.size_bytes, declared or report.size_bytes) if file_system is not None and file_system.read_to_end else 0
        report.regions = [(0, read, "read", "file system of the collector")] if read else []
        if read < report.size_bytes:
            first = math.ceil(read / limits.EVIDENCE_BLOCK_BYTES)
            empty = read > 0 and nonzero is not None and not any(nonzero[first:])
            report.regions.append(
                (
                    read,
                    report.size_bytes - read,
                    "empty" if empty else "unread",
                    "zeros" if empty else "what the collector left could not be read",
                )
            )
        report.accounted = all(one[2] != "unread" for one in report.regions)
        if not report.accounted:
            self._ledger.not_looked_at(
                f"{report.input.source_volume_id}: {report.size_bytes - read} bytes at byte {read}",
                "no file system of the collector's was read there",
            )
