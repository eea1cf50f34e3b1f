# SPDX-License-Identifier: AGPL-3.0-or-later
"""A file tree read from the raw image by dissect, for where it cannot be mounted. What is only in the journal is missing."""

import errno
import io
import posixpath
import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from dissect.btrfs import btrfs
from dissect.extfs import extfs
from dissect.ntfs.mft import MftRecord
from dissect.target import filesystem as dissect_filesystem
from dissect.target.exceptions import FileNotFoundError
from dissect.target.filesystem import Filesystem, FilesystemEntry
from dissect.target.filesystems.btrfs import BtrfsFilesystem
from dissect.target.filesystems.extfs import ExtFilesystem
from dissect.target.filesystems.fat import FatFilesystem
from dissect.target.filesystems.ntfs import NtfsFilesystem
from dissect.target.filesystems.xfs import XfsFilesystem
from dissect.xfs import xfs

from clean_room_analysis import btrfs_repairs, ext_repairs, fat_repairs, limits, xfs_repairs
from clean_room_analysis.model import Entry
from clean_room_analysis.tree import Skipped, Tree, walk_order


def _ext(handle: BinaryIO) -> Filesystem:
    return ExtFilesystem(ext_repairs.without_clusters(handle))


def _btrfs(handle: BinaryIO) -> Filesystem:
    # The top of all subvolumes, whatever the default one is.
    return cast(Filesystem, BtrfsFilesystem(handle).open_subvolume(subvolid=5))


def _fat(handle: BinaryIO) -> Filesystem:
    fat_repairs.apply()
    return FatFilesystem(handle)


_READERS: dict[str, Callable[[BinaryIO], Filesystem]] = {
    "ext4": _ext,
    "xfs": XfsFilesystem,
    "vfat": _fat,
    "ntfs": NtfsFilesystem,
    "btrfs": _btrfs,
}
_STATUS: dict[type, Callable[[Any], dict[str, int | None]]] = {
    extfs.INode: ext_repairs.status,
    xfs.INode: xfs_repairs.status,
    btrfs.INode: btrfs_repairs.status,
}

# dissect raises exceptions of its own, struct's, EOFError, ZeroDivisionError... on damaged structures: all of them mean "cannot be read".
_DAMAGED = Exception


def file_by_number(handle: BinaryIO, kind: str, number: int) -> BinaryIO:
    """The content of a file that need have no name, by its inode. @param kind ext4 or xfs @raises OSError"""
    try:
        reader = extfs.ExtFS(ext_repairs.without_clusters(handle)) if kind == "ext4" else xfs.XFS(handle)
        return cast(BinaryIO, _Guarded(reader.get_inode(number).open()))
    except _DAMAGED as error:
        raise OSError(errno.EIO, f"the file cannot be opened: {error}") from error


def extents_by_number(handle: BinaryIO, number: int) -> list[tuple[int, int, int, int]]:
    """(block of the content, block of the file system as XFS numbers them, blocks, whether unwritten) of a file of XFS. @raises ValueError"""
    try:
        return list(xfs.XFS(handle).get_inode(number)._iter_blocks())
    except _DAMAGED as error:
        raise ValueError(f"the extents of inode {number} cannot be read: {error}") from error


class RawTree(Tree):
    """One file system inside an image. A loop in damaged directories ends at `limits.DEPTH` or at an inode already on the way."""

    def __init__(self, handle: BinaryIO, kind: str | None = None, prefix: str = "") -> None:
        """@param kind as `partitions.Region.type` has it; None to let dissect find out"""
        self.prefix = prefix
        # The entry that `walk` gave last: reading it must not look its whole path up again.
        self._latest: tuple[str, FilesystemEntry] | None = None
        # The directory that was asked for last, by its names: files are asked for one directory after the other, and dissect would list
        # it again for each. Windows' names are the same in capitals and small letters, which dissect knows.
        self._listed: tuple[str, dict[str, Any]] | None = None
        self._damage: Exception | None = None
        self._exact = kind in ("ext4", "xfs", "btrfs")
        try:
            # dissect would find out by its own signatures, which are looser: a FAT could be opened as ext4.
            reader = _READERS.get(kind or "")
            self._filesystem: Filesystem = dissect_filesystem.open(handle) if reader is None else reader(handle)
        except _DAMAGED as error:
            raise OSError(errno.EINVAL, f"dissect cannot read the file system: {error}") from error

    def _make(self, path: str, entry: FilesystemEntry) -> Entry:
        node = getattr(entry, "entry", None)
        repaired = _STATUS.get(type(node)) if node is not None else None
        if repaired is not None:
            said = repaired(node)
            return Entry(
                path,
                self.logical(path),
                int(node.inum),
                int(said["mode"] or 0),
                int(said["links"] or 0),
                int(said["user"] or 0),
                int(said["group"] or 0),
                int(node.size),
                int(said["accessed"] or 0),
                int(said["modified"] or 0),
                int(said["changed"] or 0),
                None if said["born"] is None else int(said["born"]),
            )
        try:
            status = entry.lstat()
        except FileNotFoundError:
            # NTFS keeps files that are indexes alone ($Secure, $ObjId): they have no content, and dissect no size for them.
            if not isinstance(node, MftRecord):
                raise
            times = node.attributes.STANDARD_INFORMATION
            born, changed = int(times.creation_time_ns), int(times.last_change_time_ns)
            accessed, modified = int(times.last_access_time_ns), int(times.last_modification_time_ns)
            mode, links = stat.S_IFREG | 0o755, int(node.header.ReferenceCount)
            return Entry(path, self.logical(path), int(node.segment), mode, links, 0, 0, 0, accessed, modified, changed, born)
        # dissect's numbers are of types of its own, which other processes do not know.
        born = getattr(status, "st_birthtime_ns", None)
        return Entry(
            path,
            self.logical(path),
            int(status.st_ino),
            # NTFS and FAT have no such modes. dissect says that anybody may write each file, the kernel's mounts that the owner alone may.
            int(status.st_mode) & (~0 if self._exact else ~0o022),
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

    def _walk(self, directory: FilesystemEntry, path: str, above: tuple[tuple[int, int], ...], skipped: Skipped) -> Iterator[Entry]:
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
            # The top directories of btrfs' subvolumes all have the same number.
            volume = getattr(getattr(child_entry.entry, "subvolume", None), "objectid", 0)
            identity = (int(volume), entry.inode)
            if len(above) >= limits.DEPTH or identity in above:
                skipped(child_path, f"deeper than {limits.DEPTH} directories, or a loop of directories")
            else:
                yield from self._walk(child_entry, child_path, (*above, identity), skipped)

    def children(self, path: str) -> Iterator[Entry]:
        try:
            for child in self._get(path).scandir():
                yield self._make(posixpath.join(path, child.name), child.get())
        except _DAMAGED:
            return

    def _get(self, path: str) -> FilesystemEntry:
        if self._latest is not None and self._latest[0] == path:
            return self._latest[1]
        if not self._exact or path == "/":
            return self._filesystem.get(path)
        directory, _, name = path.rpartition("/")
        if self._listed is None or self._listed[0] != directory:
            above = self._get(directory or "/")
            names: dict[str, Any] = {}
            self._damage = None
            try:
                for child in above.scandir():
                    names.setdefault(child.name, child)
            except _DAMAGED as error:  # what came before it is there
                self._damage = error
            self._listed = (directory, names)
        if name not in self._listed[1]:
            raise self._damage or FileNotFoundError(path)
        return cast(FilesystemEntry, self._listed[1][name].get())

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
            for attribute in getattr(self._get(path).entry, "xattr", ()):
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
