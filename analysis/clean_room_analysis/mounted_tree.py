# SPDX-License-Identifier: AGPL-3.0-or-later
"""A file tree on the kernel's mount: the fast way to read a file system, with its journal replayed."""

import contextlib
import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.birth_time import birth_time
from clean_room_analysis.model import Entry
from clean_room_analysis.tree import Skipped, Tree, walk_order

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO must not hold the analysis. O_NOATIME is not needed, the mount is read-only.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class MountedTree(Tree):
    """The directory `root` and what is below it on the same file system. Every step is relative to an open directory, so a link
    never leads out of the tree and a path may be longer than PATH_MAX."""

    def __init__(self, root: str, prefix: str = "", *, several_devices: bool = False) -> None:
        """@param several_devices for btrfs, whose subvolumes have device numbers of their own; nothing is mounted below them"""
        self.prefix = prefix
        self._root = os.open(root, _DIRECTORY)
        #: The directory that was asked for last, open: files are asked for one directory after the other.
        self._last: tuple[str, int] | None = None
        self._device = None if several_devices else os.fstat(self._root).st_dev

    def _same(self, status: os.stat_result) -> bool:
        return self._device is None or status.st_dev == self._device

    def close(self) -> None:
        """Lets go of the mount."""
        self._forget()
        os.close(self._root)

    def _forget(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def _make(self, path: str, status: os.stat_result, born: int | None) -> Entry:
        return Entry(
            path,
            self.logical(path),
            status.st_ino,
            status.st_mode,
            status.st_nlink,
            status.st_uid,
            status.st_gid,
            status.st_size,
            status.st_atime_ns,
            status.st_mtime_ns,
            status.st_ctime_ns,
            born,
        )

    def walk(self, skipped: Skipped) -> Iterator[Entry]:
        yield from self._walk(os.dup(self._root), "/", 0, skipped)

    def _walk(self, directory: int, path: str, depth: int, skipped: Skipped) -> Iterator[Entry]:
        try:
            try:
                names = self._names(directory, path, skipped)
            except OSError as error:
                skipped(path, f"the directory cannot be listed: {error.strerror}")
                return
            if "etc" in names or "usr" in names or path.count("/") > 2:
                self.notice(path, names)
            for name in names:
                yield from self._visit(directory, path, name, depth, skipped)
        finally:
            os.close(directory)

    def _names(self, directory: int, path: str, skipped: Skipped) -> list[str]:
        names: list[str] = []
        with os.scandir(directory) as entries:
            for entry in entries:
                if len(names) >= limits.DIRECTORY_ENTRIES:
                    skipped(path, f"only the first {limits.DIRECTORY_ENTRIES} names of the directory were read")
                    break
                names.append(entry.name)
        return sorted(names, key=lambda name: walk_order(path, name))

    def _visit(self, directory: int, parent: str, name: str, depth: int, skipped: Skipped) -> Iterator[Entry]:
        path = parent + name if parent == "/" else f"{parent}/{name}"
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            skipped(path, f"its inode cannot be read: {error.strerror}")
            return
        yield self._make(path, status, birth_time(directory, name))
        if not stat.S_ISDIR(status.st_mode):
            return
        if not self._same(status):
            skipped(path, "another file system is mounted here")
        elif depth >= limits.DEPTH:
            skipped(path, f"deeper than {limits.DEPTH} directories")
        else:
            try:
                child = os.open(name, _DIRECTORY, dir_fd=directory)
            except OSError as error:
                skipped(path, f"the directory cannot be opened: {error.strerror}")
                return
            yield from self._walk(child, path, depth + 1, skipped)

    def children(self, path: str) -> Iterator[Entry]:
        try:
            directory, name = self._parent(path)
            opened = os.open(name, _DIRECTORY, dir_fd=directory)
        except OSError:
            return
        try:
            with os.scandir(opened) as entries:
                names = [entry.name for entry in entries]
            for child in names:
                try:
                    status = os.stat(child, dir_fd=opened, follow_symlinks=False)
                except OSError:
                    continue
                yield self._make(posixpath.join(path, child), status, None)
        finally:
            os.close(opened)

    def _parent(self, path: str) -> tuple[int, str]:
        """An open directory that holds `path`, and its last part. The directory stays this tree's, open until the next is asked for."""
        parts = [part for part in path.split("/") if part]
        above = "/".join(parts[:-1])
        if self._last is None or self._last[0] != above:
            current = os.dup(self._root)
            try:
                for part in parts[:-1]:
                    following = os.open(part, _DIRECTORY, dir_fd=current)
                    os.close(current)
                    current = following
            except OSError:
                os.close(current)
                raise
            self._forget()
            self._last = (above, current)
        return self._last[1], parts[-1] if parts else "."

    def entry(self, path: str) -> Entry | None:
        try:
            directory, name = self._parent(path)
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            return self._make(path, status, birth_time(directory, name)) if self._same(status) else None
        except OSError:
            return None

    def link_target(self, path: str) -> str:
        directory, name = self._parent(path)
        return os.readlink(name, dir_fd=directory)

    def open(self, path: str) -> BinaryIO:
        directory, name = self._parent(path)
        descriptor = os.open(name, _FILE, dir_fd=directory)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not self._same(status):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file of this file system")
        return os.fdopen(descriptor, "rb")

    def expect(self, path: str, size: int) -> None:
        # Read-ahead does not wait for the disk, and one of small files would wait for each.
        with contextlib.suppress(OSError):
            directory, name = self._parent(path)
            descriptor = os.open(name, _FILE, dir_fd=directory)
            try:
                os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(descriptor)

    def next_data(self, handle: BinaryIO, offset: int) -> int | None:
        descriptor = handle.fileno()
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            return os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return None if error.errno == errno.ENXIO else offset
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)  # the stream's buffer goes by where it left the descriptor

    def attribute(self, path: str, name: str) -> bytes | None:
        try:
            with self.open(path) as handle:
                return os.getxattr(handle.fileno(), name)
        except OSError:
            return None
