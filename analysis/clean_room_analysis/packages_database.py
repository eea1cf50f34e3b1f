# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the package databases of a tree say its files are: dpkg's md5sums and rpm's headers (SQLite, Berkeley DB, ndb). rpm's
formats are read by dissect.database, ndb by rpm_ndb.py."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from dissect.database.bsd.tools.c_rpm import c_rpm
from dissect.database.bsd.tools.rpm import HeaderBlob, Packages
from dissect.database.sqlite3 import SQLite3

from clean_room_analysis import limits, rpm_ndb
from clean_room_analysis.model import Entry
from clean_room_analysis.tree import Tree

DPKG_INFO = "/var/lib/dpkg/info/"
RPM_DATABASES = tuple(
    f"{directory}/{name}" for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm") for name in ("rpmdb.sqlite", "Packages", "Packages.db")
)
#: FILEDIGESTALGO's numbers (RFC 4880), and FILEFLAGS' bits for what may change or be absent.
_ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}
_CONFIGURATION, _GHOST = 1, 1 << 6
_REGULAR = 0o100000


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file as its package installed it. `algorithm` is a name hashlib knows, `digest` hexadecimal, "" where it may change."""

    path: str
    package: str
    algorithm: str
    digest: str


def dpkg_files(tree: Tree, entry: Entry, root: str) -> Iterator[PackagedFile]:
    """The files of one `*.md5sums`. @param root the root that the database belongs to, "" for the top of the tree"""
    package = entry.name.removesuffix(".md5sums")
    for _, line in tree.lines(entry.path):
        digest, _, path = line.partition("  ")
        if len(digest) == 32 and path:
            yield PackagedFile(f"{root}/{path}", package, "md5", digest.lower())


def dpkg_names(tree: Tree, entry: Entry) -> Iterator[str]:
    """The paths of one `*.list`: everything the package owns, configuration and directories too."""
    for _, line in tree.lines(entry.path):
        if line.startswith("/") and line != "/.":
            yield line


def dpkg_diverted(tree: Tree, root: str) -> set[str]:
    """Paths whose file belongs to another package than the one that lists it (dpkg-divert)."""
    found = tree.resolve(f"{root}/var/lib/dpkg/diversions")
    return {root + line for _, line in tree.lines(found.path)} if found is not None and found.is_file else set()


def rpm_files(tree: Tree, entry: Entry, root: str) -> Iterator[PackagedFile]:
    """The files of an rpm database; no digest where a file may change or be absent. @raises ValueError for a format that is not read;
    parsers raise more"""
    for blob in _rpm_headers(tree, entry):
        header = HeaderBlob(blob)
        tags = c_rpm.rpmTag
        if tags.RPMTAG_FILEDIGESTS not in header or tags.RPMTAG_BASENAMES not in header:
            continue
        name = str(header.value(tags.RPMTAG_NAME))
        known = tags.RPMTAG_FILEDIGESTALGO in header
        algorithm = _ALGORITHMS.get(_first(header.value(tags.RPMTAG_FILEDIGESTALGO)) if known else 1)
        if algorithm is None:
            raise ValueError(f"package {name} names a kind of digest that is not known")
        directories = _list(header.value(tags.RPMTAG_DIRNAMES))
        columns = (tags.RPMTAG_BASENAMES, tags.RPMTAG_DIRINDEXES, tags.RPMTAG_FILEDIGESTS, tags.RPMTAG_FILEMODES, tags.RPMTAG_FILEFLAGS)
        for base, index, digest, mode, flags in zip(*(_list(header.value(tag)) for tag in columns), strict=True):
            text = digest.decode("ascii", "replace") if isinstance(digest, bytes) else str(digest)
            kept = int(mode) & 0o170000 == _REGULAR and not int(flags) & (_CONFIGURATION | _GHOST)
            yield PackagedFile(root + _text(directories[int(index)]) + _text(base), name, algorithm, text.lower() if kept else "")


def _rpm_headers(tree: Tree, entry: Entry) -> Iterator[bytes]:
    content = io.BytesIO(tree.read(entry.path, limits.STREAM_BYTES))
    if entry.name == "Packages":
        for package in Packages(content):
            yield package.blob.buf
    elif entry.name == "Packages.db":
        yield from rpm_ndb.headers(content.getvalue())
    else:
        log = tree.entry(entry.path + "-wal")
        wal = io.BytesIO(tree.read(log.path, limits.STREAM_BYTES)) if log is not None and log.is_file and log.size > 32 else None
        with SQLite3(content, wal=wal) as database:
            table = database.table("Packages")
            if table is None:
                raise ValueError("the database has no table Packages")
            for row in table.rows():
                yield bytes(row.blob)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _first(value: object) -> int:
    return int(str(_list(value)[0]))


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
