# SPDX-License-Identifier: AGPL-3.0-or-later
"""The second pass: content checks over every file, in as many confined processes as there are cores.

The compiled rules are shared by fork. The list of files was written to the scratch directory by the first pass, so that no tree is
walked twice and memory does not grow with it. Results come back in the order of the files, whatever process was faster.
"""

from clean_room_analysis.errors import cause_of
import marshal
import multiprocessing
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import Entry
from clean_room_analysis.sandbox import confine
from clean_room_analysis.tree import Tree

_Batch = list[tuple[object, ...]]


class FileList:
    """The files of one tree that content checks want, kept in the scratch directory in batches."""

    def __init__(self, scratch: str) -> None:
        self._file = tempfile.TemporaryFile(dir=scratch, prefix="files-")  # closed by close()
        self._batch: _Batch = []
        self._bytes = 0
        self.count = 0

    def add(self, entry: Entry) -> None:
        """Keeps one file."""
        self._batch.append(
            (
                entry.path,
                entry.logical,
                entry.inode,
                entry.mode,
                entry.links,
                entry.user,
                entry.group,
                entry.size,
                entry.accessed,
                entry.modified,
                entry.changed,
                entry.born,
            )
        )
        self._bytes += min(entry.size, limits.SCAN_BATCH_BYTES)
        self.count += 1
        if len(self._batch) >= limits.SCAN_BATCH_FILES or self._bytes >= limits.SCAN_BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            marshal.dump(self._batch, self._file)
            self._batch, self._bytes = [], 0

    def batches(self) -> Iterator[_Batch]:
        """The files in the order they were added."""
        self._flush()
        self._file.seek(0)
        while True:
            try:
                yield marshal.load(self._file)
            except EOFError:
                return

    def close(self) -> None:
        """Frees the list."""
        self._file.close()


@dataclass(slots=True, eq=False)
class ScannedTree:
    """A tree that was walked, its files, and how another process opens it (None: as it is, it keeps no position)."""

    tree: Tree
    volume_id: str
    place: str
    files: FileList
    reopen: Callable[[], Tree] | None = None


@dataclass(slots=True)
class BatchResult:
    """What the checks said about one batch. `looked` counts by check; `failed` holds (check, path, why); `unseen` (path, why)."""

    results: list[Result] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)


# What a forked process works with: set before the fork, read after it.
_checks: Sequence[Check] = ()
_trees: Sequence[ScannedTree] = ()
_opened: dict[int, Tree] = {}


def _begin() -> None:
    confine()
    _opened.clear()


def _tree(index: int) -> Tree:
    scanned = _trees[index]
    if index not in _opened:
        if scanned.reopen is None:
            _opened[index] = scanned.tree
        else:
            again = scanned.reopen()
            again.prefix = scanned.tree.prefix
            again.roots.update(scanned.tree.roots)
            _opened[index] = again
    return _opened[index]


def _scan(index: int, batch: _Batch) -> BatchResult:
    """Runs in a forked process."""
    done = BatchResult()
    tree = _tree(index)
    entries = [Entry(*values) for values in batch]  # type: ignore[arg-type]
    for entry in entries:
        tree.expect(entry.path, min(entry.size, limits.WINDOW_BYTES))
    for entry in entries:
        item = Item(entry, tree, _trees[index].volume_id)
        for check in _checks:
            if check.wants(item.entry):
                done.looked[check.name] = done.looked.get(check.name, 0) + 1
                try:
                    done.results += check.examine(item)
                except Exception as error:  # one hostile file must not end the check
                    done.failed.append((check.name, item.entry.path, cause_of(error)))
        done.unseen += [(item.entry.path, why) for why in item.unseen]
    return done


def processes() -> int:
    """As many as there are cores for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def scan(checks: Sequence[Check], trees: Sequence[ScannedTree], stop: Callable[[], bool]) -> Iterator[tuple[ScannedTree, BatchResult]]:
    """Scans all files of all trees. A process that dies or hangs costs the batch it had, which is named; the others go on.

    @param stop asked before each batch; once it says True the remaining files are named as not looked at
    """
    global _checks, _trees
    _checks, _trees = checks, trees
    pool = _Pool()
    waiting: deque[tuple[int, _Batch, Future[BatchResult]]] = deque()
    try:
        for index, scanned in enumerate(trees):
            for batch in scanned.files.batches():
                if stop():
                    break
                waiting.append((index, batch, pool.submit(index, batch)))
                if len(waiting) >= 2 * processes() + 2:
                    yield _collect(pool, waiting, trees)
        while waiting:
            yield _collect(pool, waiting, trees)
    finally:
        pool.close()


class _Pool:
    """A pool that can be made anew after one of its processes died."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, index: int, batch: _Batch) -> Future[BatchResult]:
        try:
            return self._current().submit(_scan, index, batch)
        except BrokenProcessPool:
            self.close()
            return self._current().submit(_scan, index, batch)

    def _current(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(max_workers=processes(), mp_context=context, initializer=_begin)
        return self._pool

    def close(self) -> None:
        if self._pool is not None:
            running = list((getattr(self._pool, "_processes", None) or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.kill()
            for process in running:
                process.join(5)  # not without end: what hangs in the kernel does not die
            self._pool = None


def _collect(
    pool: _Pool, waiting: deque[tuple[int, _Batch, Future[BatchResult]]], trees: Sequence[ScannedTree]
) -> tuple[ScannedTree, BatchResult]:
    index, batch, future = waiting.popleft()
    try:
        return trees[index], future.result(timeout=limits.BATCH_SECONDS)
    except (BrokenProcessPool, TimeoutError):
        pool.close()
        result = _one_by_one(pool, index, batch)
        again = [(other, files, pool.submit(other, files)) for other, files, _ in waiting]
        waiting.clear()
        waiting.extend(again)
        return trees[index], result


def _one_by_one(pool: _Pool, index: int, batch: _Batch) -> BatchResult:
    """A batch in which a process died, file by file: only the file that kills is given up, and named."""
    total = BatchResult()
    for values in batch:
        try:
            one = pool.submit(index, [values]).result(timeout=limits.BATCH_SECONDS)
        except (BrokenProcessPool, TimeoutError) as error:
            pool.close()
            why = "died of it" if isinstance(error, BrokenProcessPool) else f"did not come back within {limits.BATCH_SECONDS:.0f} seconds"
            total.unseen.append((str(values[0]), f"the process that scanned its content {why}"))
            continue
        total.results += one.results
        total.failed += one.failed
        total.unseen += one.unseen
        for name, count in one.looked.items():
            total.looked[name] = total.looked.get(name, 0) + count
    return total
