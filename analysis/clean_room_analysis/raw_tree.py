# SPDX-License-Identifier: AGPL-3.0-or-later
"""A file tree read from the raw image by dissect, for where it cannot be mounted. What is only in the journal is missing."""

import errno
import io
import posixpath
from collections.abc import Iterator
from typing import BinaryIO, cast

from dissect.target import filesystem as dissect_filesystem
from dissect.target.filesystem import Filesystem, FilesystemEntry

from clean_room_analysis import limits
from clean_room_analysis.model import Entry
from clean_room_analysis.tree import Skipped, Tree, walk_order

# dissect raises exceptions of its own, struct's, EOFError, ZeroDivisionError... on damaged structures: all of them mean "cannot be read".
_DAMAGED = Exception


class RawTree(Tree):
    """One file system inside an image. A loop in damaged directories ends at `limits.DEPTH` or at an inode already on the way."""

    def __init__(self, handle: BinaryIO, kind: str | None = None, prefix: str = "") -> None:
        """@param kind as `partitions.Region.type` has it; None to let dissect find out"""
        self.prefix = prefix
        # The entry that `walk` gave last: reading it must not look its whole path up again.
        self._latest: tuple[str, FilesystemEntry] | None = None
        try:
            self._filesystem: Filesystem = dissect_filesystem.open(handle)
        except _DAMAGED as error:
            raise OSError(errno.EINVAL, f"dissect cannot read the file system: {error}") from error

    def _make(self, path: str, entry: FilesystemEntry) -> Entry:
        status = entry.lstat()
        # dissect's numbers are of types of its own, which other processes do not know.
        born = getattr(status, "st_birthtime_ns", None)
        return Entry(
            path,
            self.logical(path),
            int(status.st_ino),
            int(status.st_mode),
            int(status.st_nlink),
            int(status.st_uid),
            int(status.st_gid),
            int(status.st_size),
            int(status.st_atime_ns),
            int(status.st_mtime_ns),
            int(status.st_ctime_ns),
            None if born is None else int(born),
        )

    def walk(self, skipped: Skipped) -> Iterator[Entry]:
        yield from self._walk(self._filesystem.get("/"), "/", (), skipped)

    def _walk(self, directory: FilesystemEntry, path: str, above: tuple[int, ...], skipped: Skipped) -> Iterator[Entry]:
        children: list[tuple[str, FilesystemEntry]] = []
        try:
            for child in directory.scandir():
                if len(children) >= limits.DIRECTORY_ENTRIES:
                    skipped(path, f"only the first {limits.DIRECTORY_ENTRIES} names of the directory were read")
                    break
                children.append((child.name, child.get()))
        except _DAMAGED as error:
            skipped(path, f"the directory cannot be listed: {error}")
        self.notice(path, {name for name, _ in children})
        for name, child_entry in sorted(children, key=lambda item: walk_order(path, item[0])):
            child_path = posixpath.join(path, name)
            try:
                entry = self._make(child_path, child_entry)
            except _DAMAGED as error:
                skipped(child_path, f"its inode cannot be read: {error}")
                continue
            self._latest = (child_path, child_entry)
            yield entry
            if not entry.is_directory:
                continue
            if len(above) >= limits.DEPTH or entry.inode in above:
                skipped(child_path, f"deeper than {limits.DEPTH} directories, or a loop of directories")
            else:
                yield from self._walk(child_entry, child_path, (*above, entry.inode), skipped)

    def children(self, path: str) -> Iterator[Entry]:
        try:
            for child in self._get(path).scandir():
                yield self._make(posixpath.join(path, child.name), child.get())
        except _DAMAGED:
            return

    def _get(self, path: str) -> FilesystemEntry:
        return self._latest[1] if self._latest is not None and self._latest[0] == path else self._filesystem.get(path)

    def entry(self, path: str) -> Entry | None:
        try:
            return self._make(path, self._get(path))
        except _DAMAGED:
            return None

    def link_target(self, path: str) -> str:
        try:
            return str(self._get(path).readlink())
        except _DAMAGED as error:
            raise OSError(errno.EIO, f"the link cannot be read: {error}") from error

    def open(self, path: str) -> BinaryIO:
        entry = self.entry(path)
        if entry is None or not entry.is_file:
            raise OSError(errno.EINVAL, "not a regular file of this file system")
        try:
            return cast(BinaryIO, _Guarded(self._get(path).open()))
        except _DAMAGED as error:
            raise OSError(errno.EIO, f"the file cannot be opened: {error}") from error

    def attribute(self, path: str, name: str) -> bytes | None:
        try:
            for attribute in self._get(path).lattr():
                if attribute.name == name:
                    return bytes(attribute.value)
        except _DAMAGED:
            return None
        return None


class _Guarded(io.BufferedIOBase):
    """A stream of dissect whose failures are OSError, as those of a file are."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return self._stream.read(-1 if size is None else size)
        except _DAMAGED as error:
            raise OSError(errno.EIO, f"the content cannot be read: {error}") from error

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
