# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the trees of one run: first inventory and artefact checks of all of them, then the content of every file."""

from clean_room_analysis.errors import cause_of
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.content_scan import FileList, ScannedTree, scan
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.model import Entry, FileSystemReport
from clean_room_analysis.outputs import Writable
from clean_room_analysis.progress import beat
from clean_room_analysis.timeline import Timeline, body_line
from clean_room_analysis.tree import WELL_KNOWN, Tree
from clean_room_analysis.unnamed_files import NUMBERED

_LATE = "the time for the analysis was over (--deadline-seconds)"


class Walker:
    """Reads trees for one run."""

    def __init__(
        self,
        ledger: Ledger,
        timeline: Timeline,
        bodyfile: Writable,
        deadline: Deadline,
        first: Sequence[Check],
        second: Sequence[Check],
        scratch: str,
    ) -> None:
        self._ledger = ledger
        self._timeline = timeline
        self._bodyfile = bodyfile
        self._deadline = deadline
        self._first = first
        self._second = second
        self._scratch = scratch
        self._place = ""
        #: Where the victim mounted the tree that is being read; nothing when the run concludes over all of them.
        self._prefix: str | None = None
        self._trees: list[ScannedTree] = []
        self._scanned = 0
        for check in (*first, *second):
            ledger.report(check.name)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline.left

    def read(
        self,
        tree: Tree,
        volume_id: str,
        report: FileSystemReport,
        offset: int = 0,
        reopen: Callable[[], Tree] | None = None,
        shown_elsewhere: Callable[[], list[tuple[str, str]]] = list,
    ) -> None:
        """The first pass over one tree; `report` gets the number of entries and whether the inventory came to its end.

        The tree must stay open until `content` has read it.

        @param offset where the file system lies in its volume
        @param reopen how another process opens the same tree, None when it may use this one
        @param shown_elsewhere asked after the walk: (directory, path on the victim) of what is mounted at another place as well
        """
        self._place, self._prefix = str(offset), tree.prefix
        scanned = ScannedTree(tree, volume_id, self._place, FileList(self._scratch), reopen)
        self._trees.append(scanned)
        linked: set[int] = set()
        elsewhere: list[tuple[str, str]] = []
        for entry in self._entries(tree, volume_id):
            report.files_seen += 1
            if report.type in NUMBERED:
                report.inodes.append(entry.inode)
            beat()
            self._bodyfile.write(body_line(entry, volume_id))
            self._timeline.add_entry(entry, volume_id)
            self._offer(Item(entry, tree, volume_id), self._first)
            if entry.is_link and WELL_KNOWN.match(entry.logical):
                elsewhere.append((entry.path, entry.logical))
            if entry.is_file and entry.size > 0 and (entry.links < 2 or entry.inode not in linked):
                scanned.files.add(entry)  # a file with several names is scanned once
                if entry.links > 1 and report.type != "btrfs":  # whose subvolumes number their inodes each for itself
                    linked.add(entry.inode)
        self._follow(tree, volume_id, elsewhere + shown_elsewhere())
        if tree.roots_left_out:
            why = f"only the first {limits.ROOTS} systems and containers of a file system are looked at as such"
            self._ledger.not_looked_at(f"{volume_id}: {tree.roots_left_out} more directories that hold a system", why)
        report.read_to_end = not self._deadline.passed
        for check in self._first:
            self._run(check, volume_id, partial(check.leave, tree))

    def _follow(self, tree: Tree, volume_id: str, links: list[tuple[str, str]]) -> None:
        """Looks again, under the path the system knows, at what lies behind well-known directories that are links, or is mounted there."""
        for path, logical in links:
            target = tree.resolve(path)
            if target is None or not target.is_directory or logical.startswith(target.logical + "/"):
                continue
            count = 0
            for entry in tree.below(target.path, logical, limits.LINKED_ENTRIES):
                count += 1
                beat()
                if self._deadline.passed:
                    break
                self._offer(Item(entry, tree, volume_id), self._first)
            if count >= limits.LINKED_ENTRIES or self._deadline.passed:
                self._ledger.not_looked_at(f"{volume_id}:{path}", f"only {count} entries were looked at behind this link")

    def conclude(self) -> None:
        """What the artefact checks say when every tree was read."""
        self._place, self._prefix = "", None
        for check in self._first:
            self._run(check, "conclusion", check.conclude)

    def content(self) -> None:
        """The second pass, over the trees that `read` has read since it was last called."""
        trees, self._trees = self._trees, []
        seen = dict.fromkeys(range(len(trees)), 0)
        for scanned, done in scan(self._second, trees, lambda: self._deadline.passed):
            self._place = scanned.place
            for name, count in done.looked.items():
                self._ledger.report(name).items_looked_at += count
                seen[trees.index(scanned)] += count
            for result in done.results:
                self._ledger.take(result, scanned.place, scanned.tree.prefix)
            for name, path, why in done.failed:
                self._ledger.failed(name, f"{scanned.volume_id}:{path}", why)
            for path, why in done.unseen:
                self._ledger.not_looked_at(f"{scanned.volume_id}:{path}", why)
        for index, scanned in enumerate(trees):
            if self._deadline.passed and seen[index] < scanned.files.count * len(self._second):
                self._ledger.not_looked_at(
                    f"{scanned.volume_id}: content of the remaining files, about {scanned.files.count - seen[index]} of {scanned.files.count}",
                    _LATE,
                )
            scanned.files.close()
        self._place, self._prefix = "", None
        for check in self._second:
            self._run(check, "conclusion", check.conclude)

    def _entries(self, tree: Tree, volume_id: str) -> Iterable[Entry]:
        """The tree's entries until the deadline."""

        def skipped(path: str, why: str) -> None:
            self._ledger.not_looked_at(f"{volume_id}:{path}", why)

        for entry in tree.walk(skipped):
            if self._deadline.passed:
                self._ledger.not_looked_at(f"{volume_id}: inventory and artefacts, from {entry.path} on", _LATE)
                return
            yield entry

    def _offer(self, item: Item, checks: Sequence[Check]) -> None:
        for check in checks:
            if check.wants(item.entry):
                self._ledger.report(check.name).items_looked_at += 1
                self._run(check, f"{item.volume_id}:{item.entry.path}", partial(check.examine, item))
        for why in item.unseen:
            self._ledger.not_looked_at(f"{item.volume_id}:{item.entry.path}", why)

    def _run(self, check: Check, where: str, results: Callable[[], Iterator[Result]]) -> None:
        try:
            for result in results():
                self._ledger.take(result, self._place, self._prefix)
        except Exception as error:  # one hostile file must not end the check, one check not the run
            self._ledger.failed(check.name, where, cause_of(error))
