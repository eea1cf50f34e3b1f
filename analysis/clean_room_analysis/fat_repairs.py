# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where dissect.fat 3.13 reads FAT differently from the Linux kernel, put right until a release of it does.

A chain that goes one cluster back is read on instead; a chain that is a circle never ends; entries behind the end mark of a directory,
which Linux shows, are passed over.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from dissect.fat import fat
from dissect.fat.exceptions import EmptyDirectoryError, Error, LastEmptyDirectoryError


def _chain(table: Any, cluster: int) -> Iterator[int]:
    seen = set[int]()
    for one in _original(table, cluster):
        if one in seen:
            raise Error(f"the chain of cluster {cluster} is a circle")
        seen.add(one)
        yield one


def _runlist(table: Any, cluster: int) -> Iterator[tuple[int, int]]:
    """Runs as (first, how many), counted from the first cluster of data."""
    start, count = -1, 0
    for one in table.chain(cluster):
        if count and one - 2 == start + count:
            count += 1
            continue
        if count:
            yield start, count
        start, count = one - 2, 1
    if count:
        yield start, count


def _iter_dirent(fs: Any, handle: BinaryIO, parent: Any = None) -> Iterator[Any]:
    while True:
        try:
            yield fat.DirectoryEntry(fs, handle, parent)
        except (EmptyDirectoryError, LastEmptyDirectoryError):
            continue
        except EOFError:
            return


_original = fat.FAT.chain


def apply() -> None:
    """Puts the repairs in the place of what they repair; once is enough."""
    table: Any = fat.FAT
    table.chain, table.runlist = _chain, _runlist
    module: Any = fat
    module._iter_dirent = _iter_dirent
