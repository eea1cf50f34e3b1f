# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs and libraries that are no longer what their package installed."""

import functools
import hashlib
import re
import time
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity
from clean_room_analysis.packages_database import DPKG_INFO, RPM_DATABASES, PackagedFile, dpkg_diverted, dpkg_files, rpm_files
from clean_room_analysis.tree import Tree

#: What runs, or is loaded by what runs. Documentation and data of packages are left to the administrator.
_RUNS = re.compile(
    r"^/(?:usr/(?:local/)?)?(?:s?bin/|lib(?:32|64|x32)?/(?:.+\.so(?:\.[\w.]+)?$|.*/?security/|systemd/|udev/|modules/.+\.ko)|libexec/)"
)
_SECONDS = 600.0


class Packages(Check):
    """T1554 (compromise host software binary), T1036.005."""

    name = "packages"

    def __init__(self) -> None:
        self._lists: list[Entry] = []
        self._volume_id = ""

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file:
            return False
        return (path.startswith(DPKG_INFO) and path.endswith(".md5sums")) or path in RPM_DATABASES

    def look(self, item: Item) -> Iterator[Result]:
        self._lists.append(item.entry)
        self._volume_id = item.volume_id
        return iter(())

    def leave(self, tree: Tree) -> Iterator[Result]:
        """Compares the files of every database of the tree that was just walked."""
        lists, self._lists = self._lists, []
        end = time.monotonic() + _SECONDS
        diverted = {root: dpkg_diverted(tree, root) for root in {tree.root_of(one.path) for one in lists}}
        missing: dict[str, int] = {}
        for entry in lists:
            if time.monotonic() > end:
                yield NotLookedAt(f"{self._volume_id}:{entry.path}", f"packages are compared for at most {_SECONDS:.0f} seconds")
                continue
            root = tree.root_of(entry.path)
            for packaged in self._files(tree, entry, root):
                if _RUNS.match(packaged.path[len(root) :]) and packaged.path not in diverted[root]:
                    found = tree.resolve(packaged.path)
                    if found is None or not found.is_file:
                        missing[packaged.package] = missing.get(packaged.package, 0) + 1
                    elif (actual := _digest(tree, found, packaged.algorithm)) != packaged.digest:
                        yield self._changed(packaged, found, actual)
        for package, count in sorted(missing.items()):
            yield Finding(
                self.name,
                Severity.LOW,
                f"{count} programs or libraries of the package {package} are gone",
                self._volume_id,
                None,
                "",
                ("T1070.004",),
            )

    def _files(self, tree: Tree, entry: Entry, root: str) -> Iterator[PackagedFile]:
        if entry.logical.startswith(DPKG_INFO):
            yield from dpkg_files(tree, entry, root)
            return
        try:
            yield from run_isolated(functools.partial(rpm_files, tree, entry, root), _SECONDS)
        except IsolatedError as error:
            raise ValueError(f"{entry.path}: {error}") from error

    def _changed(self, packaged: PackagedFile, found: Entry, actual: str) -> Finding:
        return Finding(
            self.name,
            Severity.CRITICAL,
            f"{packaged.path.rpartition('/')[2]} is not what its package {packaged.package} installed",
            self._volume_id,
            found.path,
            f"{packaged.algorithm} {actual}, installed as {packaged.digest}",
            ("T1554", "T1036.005"),
            found.modified,
            actual if packaged.algorithm == "sha256" else None,
        )


def _digest(tree: Tree, entry: Entry, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with tree.open(entry.path) as handle:
        while block := handle.read(limits.MEBIBYTE):
            digest.update(block)
    return digest.hexdigest()
