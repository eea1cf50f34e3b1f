# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file system holds beyond the tree that was walked: files that no directory names, further streams, deleted files, free space.

Each look has a time of its own and runs in a confined process; the files that are there were looked at without it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.accounting import ZEROS, Span
from clean_room_analysis.btrfs_unnamed import scan_btrfs
from clean_room_analysis.checks.base import Result
from clean_room_analysis.deleted_files import scan_deleted
from clean_room_analysis.disk_survey import DiskSurvey, SurveyedVolume, where_of
from clean_room_analysis.free_space import scan_claims, scan_free_space, scan_own_space
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.model import FileSystemReport
from clean_room_analysis.ntfs_space import scan_streams
from clean_room_analysis.partitions import Region, part_of
from clean_room_analysis.unnamed_files import COUNTED, scan_unnamed


def look_beyond_tree(
    ledger: Ledger,
    survey: DiskSurvey,
    volume: SurveyedVolume,
    region: Region,
    report: FileSystemReport,
    nonzero: bytes | None,
    seconds_left: float,
) -> None:
    """All looks that there are for the type of a file system that was walked; what is not looked at is named.

    @param nonzero which blocks of the volume hold anything but zeros, None when that is not known
    @param seconds_left of the analysis
    """
    kind, volume_id = region.type or "", volume.input.source_volume_id
    evidence = partial(survey.reopened, volume, region)
    where = where_of(volume.input, region)

    def look(what: str, most: float, scan: Callable[[float], Iterator[Result]], *, counts: bool = False) -> None:
        """@param counts whether the run is incomplete without it: what is in use counts, what was deleted is named alone"""
        seconds = min(most, seconds_left)
        if seconds <= 0:
            ledger.not_looked_at(f"{where}: {what}", "the time for the analysis was over (--deadline-seconds)", incomplete=counts)
            return
        try:
            # It ends by itself, and says how far it came; the rest is for a scan that hangs.
            for result in run_isolated(partial(scan, seconds), seconds + 2 * limits.YARA_SECONDS):
                ledger.take(result, str(region.offset))
        except IsolatedError as error:
            ledger.not_looked_at(f"{where}: {what}", str(error), incomplete=counts)

    if kind in COUNTED and report.read_to_end:
        walked = _walked(volume, region, report) or evidence
        replayed = report.journal_replayed
        look(
            "files that no directory names",
            limits.DELETED_SECONDS,
            lambda seconds: scan_unnamed(evidence, walked, kind, volume_id, report.inodes, replayed=replayed, seconds=seconds),
            counts=True,
        )
    if kind == "ext4":
        look("deleted files in its journal", limits.DELETED_SECONDS, lambda seconds: scan_deleted(evidence, volume_id, seconds))
    if kind == "ntfs" and report.read_to_end:
        look(
            "alternate data streams",
            limits.DELETED_SECONDS,
            lambda seconds: scan_streams(evidence, volume_id, report.inodes, seconds),
            counts=True,
        )
    if kind == "btrfs":
        look("files that no directory names", limits.DELETED_SECONDS, lambda seconds: scan_btrfs(evidence, volume_id, seconds), counts=True)
    known = nonzero if region.place is None else None
    if kind in COUNTED:
        look(
            "what the file system keeps for itself",
            limits.DELETED_SECONDS,
            lambda seconds: scan_own_space(evidence, kind, volume_id, region.offset, known, seconds),
        )
    look("free space", limits.FREE_SPACE_SECONDS, lambda seconds: scan_free_space(evidence, kind, volume_id, region.offset, known, seconds))


def look_at_claims(ledger: Ledger, volume: SurveyedVolume, spans: list[Span], nonzero: bytes | None, seconds_left: float) -> None:
    """Holds the rules to what counts as empty for what it says it is: whoever knows that hides there."""
    claims = [(one.offset, one.size, one.what) for one in spans if one.state == "empty" and one.what != ZEROS]
    device, volume_id, seconds = volume.input.evidence, volume.input.source_volume_id, min(limits.FREE_SPACE_SECONDS, seconds_left)
    try:
        scan = partial(scan_claims, lambda: open(device, "rb"), claims, volume_id, nonzero, seconds)
        for result in run_isolated(scan, seconds + 2 * limits.YARA_SECONDS) if claims else ():
            ledger.take(result)
    except IsolatedError as error:
        ledger.not_looked_at(f"{volume_id}: what says that it holds no files", str(error), incomplete=False)


def _walked(volume: SurveyedVolume, region: Region, report: FileSystemReport) -> Callable[[], BinaryIO] | None:
    """The work copy, whose journal was replayed, where that was walked."""
    work = volume.input.work
    if work is None or report.method != "kernel-mount":
        return None
    return lambda: part_of(open(work, "rb"), region)
