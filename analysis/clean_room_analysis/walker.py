# SPDX-License-Identifier: AGPL-3.0-or-later
"""Walks one file system twice: inventory with the artefact checks, then the content checks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TextIO

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.model import Entry, FileSystemReport
from clean_room_analysis.timeline import Timeline, body_line
from clean_room_analysis.tree import Tree


class Walker:
    """Reads trees for one run."""

    def __init__(
        self, ledger: Ledger, timeline: Timeline, bodyfile: TextIO, deadline: Deadline, first: Sequence[Check], second: Sequence[Check]
    ) -> None:
        self._ledger = ledger
        self._timeline = timeline
        self._bodyfile = bodyfile
        self._deadline = deadline
        self._first = first
        self._second = second
        for check in (*first, *second):
            ledger.report(check.name)

    def read(self, tree: Tree, volume_id: str, report: FileSystemReport) -> None:
        """Both passes over one tree; `report` gets the number of entries and whether the inventory came to its end."""
        for entry in self._entries(tree, volume_id, "inventory and artefacts", said=True):
            report.files_seen += 1
            self._bodyfile.write(body_line(entry, volume_id))
            self._timeline.add_entry(entry, volume_id)
            self._offer(Item(entry, tree, volume_id), self._first)
        report.read_to_end = not self._deadline.passed
        for check in self._first:
            self._run(check, volume_id, partial(check.leave, tree))
        for entry in self._entries(tree, volume_id, "content of the remaining files", said=False):
            self._offer(Item(entry, tree, volume_id), self._second)

    def conclude(self) -> None:
        """What the checks say when everything was read."""
        for check in (*self._first, *self._second):
            self._run(check, "conclusion", check.conclude)

    def _entries(self, tree: Tree, volume_id: str, purpose: str, *, said: bool) -> Iterable[Entry]:
        """The tree's entries until the deadline. @param said whether to record what cannot be read (once is enough)"""

        def skipped(path: str, why: str) -> None:
            if said:
                self._ledger.not_looked_at(f"{volume_id}:{path}", why)

        for entry in tree.walk(skipped):
            if self._deadline.passed:
                self._ledger.not_looked_at(
                    f"{volume_id}: {purpose}, from {entry.path} on", "the time for the analysis was over (--deadline-seconds)"
                )
                return
            yield entry

    def _offer(self, item: Item, checks: Sequence[Check]) -> None:
        for check in checks:
            if check.wants(item.entry):
                self._ledger.report(check.name).items_looked_at += 1
                self._run(check, f"{item.volume_id}:{item.entry.path}", partial(check.look, item))
        for why in item.unseen:
            self._ledger.not_looked_at(f"{item.volume_id}:{item.entry.path}", why)

    def _run(self, check: Check, where: str, results: Callable[[], Iterator[Result]]) -> None:
        try:
            for result in results():
                self._ledger.take(result)
        except Exception as error:  # one hostile file must not end the check, one check not the run
            self._ledger.failed(check.name, where, error)
