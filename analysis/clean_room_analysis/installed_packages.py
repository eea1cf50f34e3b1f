# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which files of a tree a package put there, and whether they are still what it put there.

Somebody who is root can change package databases too: "unchanged" ends a suspicion that rests on a name or a place alone, never one
that rests on content.
"""

import functools
import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from clean_room_analysis import limits
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry
from clean_room_analysis.packages_database import DPKG_INFO, RPM_DATABASES, dpkg_diverted, dpkg_files, dpkg_names, rpm_files
from clean_room_analysis.tree import Tree

#: Seconds for reading one database.
SECONDS = 600.0
#: /bin and /usr/bin are one directory on most systems, and databases name either.
_MERGED = re.compile(r"^/usr(?=/(?:s?bin|lib(?:32|64|x32|o32)?)/)")
#: "unchanged" as installed; "changed"; "owned" by a package that gives no hash of it (configuration); "unowned"; "unknown" where no
#: database says what belongs to the root.
State = Literal["unchanged", "changed", "owned", "unowned", "unknown"]


def normal(path: str) -> str:
    """The name under which a path is kept, whether or not /usr is merged."""
    return _MERGED.sub("", path)


@dataclass(slots=True)
class InstalledPackages:
    """What the databases of one root say. Paths are those of the root, `normal`."""

    #: Path -> (package, algorithm, hexadecimal digest).
    files: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    #: Owned, with or without a hash.
    names: set[str] = field(default_factory=set)
    diverted: set[str] = field(default_factory=set)
    #: Databases that could not be read to their end, and why.
    errors: list[str] = field(default_factory=list)
    #: Whether the list of names is a whole system's, so that what is not in it was put there by something else.
    whole: bool = False

    def state(self, tree: Tree, entry: Entry) -> State:
        """What the packages say of a regular file. @raises OSError when it cannot be read"""
        path = normal(entry.logical)
        known = self.files.get(path)
        if known is None or path in self.diverted:
            return "owned" if path in self.names else "unowned" if self.whole and not self.errors else "unknown"
        return "unchanged" if digest(tree, entry, known[1]) == known[2] else "changed"


def digest(tree: Tree, entry: Entry, algorithm: str) -> str:
    """A file's hash in hexadecimal. @raises OSError when it cannot be read"""
    taken = hashlib.new(algorithm, usedforsecurity=False)
    with tree.open(entry.path) as handle:
        while block := handle.read(limits.MEBIBYTE):
            taken.update(block)
    return taken.hexdigest()


def installed_packages(tree: Tree, root: str) -> InstalledPackages:
    """What the package databases of a root say, read once and kept while the tree's walk stays in that root.

    @param root "" for the top of the tree
    """
    kept = tree.kept.get("installed_packages")
    if isinstance(kept, tuple) and kept[0] == root:
        found = kept[1]
        assert isinstance(found, InstalledPackages)
        return found
    made = _read(tree, root)
    tree.kept["installed_packages"] = (root, made)
    return made


def _read(tree: Tree, root: str) -> InstalledPackages:
    found = InstalledPackages()
    prefix = tree.prefix if not root else ""
    if prefix:  # a data volume that is /var holds the lists, and not the files
        return found
    _read_dpkg(tree, root, found)
    for name in RPM_DATABASES:
        database = tree.resolve(root + name)
        if database is None or not database.is_file:
            continue
        try:
            for one in run_isolated(functools.partial(rpm_files, tree, database, root), SECONDS):
                path = normal(one.path[len(root) :])
                found.names.add(path)
                if one.digest:
                    found.files[path] = (one.package, one.algorithm, one.digest)
            found.whole = True
        except IsolatedError as error:
            found.errors.append(f"{database.path}: {error}")
        break
    return found


def _read_dpkg(tree: Tree, root: str, found: InstalledPackages) -> None:
    info = tree.resolve(root + DPKG_INFO.rstrip("/"))
    if info is None or not info.is_directory:
        return
    for entry in tree.children(info.path):
        if entry.path.endswith(".md5sums") and entry.is_file:
            for one in dpkg_files(tree, entry, root):
                found.files[normal(one.path[len(root) :])] = (one.package, one.algorithm, one.digest)
        elif entry.path.endswith(".list") and entry.is_file:
            found.names.update(map(normal, dpkg_names(tree, entry)))
            # What only a whole system has; a container's upper layer has the lists of what it adds.
            found.whole = found.whole or entry.name in ("dpkg.list", "base-files.list")
    found.diverted = {normal(path[len(root) :]) for path in dpkg_diverted(tree, root)}
