# SPDX-License-Identifier: AGPL-3.0-or-later
"""A read-only file tree, as the checks see it, however it is read."""

import io
import posixpath
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator
from functools import cached_property
from typing import BinaryIO

from clean_room_analysis import limits
from clean_room_analysis.model import Entry
from clean_room_analysis.text import stream_lines

#: Where an intruder can write is read first, so that a deadline cuts what the vendor shipped.
FIRST = {name: rank for rank, name in enumerate(("tmp", "dev", "root", "home", "var", "srv", "www", "opt", "etc"))}

#: Layers of containers, which hold only what differs from the layer below and so may lack an /etc/passwd.
_LAYERS = re.compile(
    r"/(?:overlay2?/[^/]{8,80}/diff|[\w.]{0,40}snapshotter\.v1\.[\w-]{1,40}/snapshots/\d+/fs|aufs/diff/[^/]{8,80}|lxc/[^/]{1,80}/rootfs|machines/[^/]{1,80})$"
)

#: Directories that checks know by their path, and that a system or an intruder may have put elsewhere, leaving a link.
WELL_KNOWN = re.compile(
    r"^/(?:etc|var|root|home|srv|tmp|opt|home/[^/]+|(?:root|home/[^/]+)/(?:\.ssh|\.config)|etc/(?:cron\.[a-z]+|ssh|ssh/sshd_config\.d|systemd|systemd/(?:system|user)"
    r"|pam\.d|sudoers\.d|profile\.d|init\.d|rc\.d|rc\d\.d|modprobe\.d|modules-load\.d|ld\.so\.conf\.d|update-motd\.d|udev|udev/rules\.d|audit)"
    r"|var/(?:log|spool|www|tmp|lib|log/(?:journal|audit)|spool/(?:cron|cron/crontabs|at|anacron))|(?:usr/)?lib/systemd/system|dev/shm)$"
)

#: Called with a path in display-ready raw form and the reason it was not looked at.
Skipped = Callable[[str, str], None]


def walk_order(parent: str, name: str) -> tuple[int, str]:
    """Sorting key inside a directory: by name, at the root of a tree what `FIRST` says comes first."""
    return (FIRST.get(name, len(FIRST)) if parent == "/" else 0, name)


class Tree(ABC):
    """One file system. Paths are absolute inside it; `prefix` is where the victim mounts it ("" for its root)."""

    prefix: str = ""
    #: Roots below the top that had no room among `roots`: checks that know paths see none there.
    roots_left_out = 0

    @cached_property
    def kept(self) -> dict[str, object]:
        """What checks keep about this tree, by a name of theirs."""
        return {}

    @cached_property
    def roots(self) -> dict[str, None]:
        """Directories below the top that are roots of their own, in the order the walk met them."""
        return {}

    @cached_property
    def _root_of_directory(self) -> dict[str, str]:
        return {}

    def root_of(self, path: str) -> str:
        """The innermost root that holds `path`, "" for the top of the tree."""
        if not self.roots:
            return ""
        if path in self.roots:
            return path
        known = self._root_of_directory
        above: list[str] = []
        directory = path.rpartition("/")[0]
        while directory and directory not in known and directory not in self.roots:
            above.append(directory)
            directory = directory.rpartition("/")[0]
        root = directory if directory in self.roots else known.get(directory, "")
        for one in above:
            known[one] = root
        return root

    def logical(self, path: str) -> str:
        """The path as the system that used it saw it: from the innermost root that holds it."""
        if self.roots:
            root = self.root_of(path)
            if root:
                return path[len(root) :] or "/"
        return self.prefix + path if path != "/" or not self.prefix else self.prefix

    def victim_path(self, path: str) -> str:
        """The path on the victim as a whole, roots of its containers included."""
        return self.prefix + path if path != "/" or not self.prefix else self.prefix

    def notice(self, path: str, names: Container[str]) -> None:
        """Called by `walk` with each directory and the names in it, before what is below: keeps it when it is a root of its own."""
        if path == "/" or path in self.roots:
            return
        found = _LAYERS.search(path) is not None
        if not found and "etc" in names:
            found = any(self.entry(f"{path}/etc/{name}") is not None for name in ("passwd", "os-release"))
        if not found and "usr" in names:
            found = any(self.entry(f"{path}/usr/{name}") is not None for name in ("lib/os-release", "etc/passwd", "etc/os-release"))
        if found and len(self.roots) >= limits.ROOTS:
            self.roots_left_out += 1
        elif found:
            self.roots[path] = None
            self._root_of_directory.clear()

    @abstractmethod
    def children(self, path: str) -> Iterator[Entry]:
        """The entries of one directory, in no order; nothing when it cannot be listed."""

    @abstractmethod
    def walk(self, skipped: Skipped) -> Iterator[Entry]:
        """Every entry below the root in a fixed order, parents first. Links are not followed, other file systems not entered."""

    def below(self, path: str, shown: str, most: int) -> Iterator[Entry]:
        """Every entry below a directory, with `logical` as if it lay at `shown`; at most `most`. Links are not followed."""
        pending = [(path, shown, 0)]
        while pending:
            directory, logical, depth = pending.pop()
            for entry in sorted(self.children(directory), key=lambda one: one.path):
                most -= 1
                if most < 0:
                    return
                entry.logical = posixpath.join(logical, entry.name)
                yield entry
                if entry.is_directory and depth < limits.DEPTH:
                    pending.append((entry.path, entry.logical, depth + 1))

    @abstractmethod
    def entry(self, path: str) -> Entry | None:
        """The entry at exactly this path, not following a link there; None when there is none."""

    @abstractmethod
    def link_target(self, path: str) -> str:
        """What a symbolic link says. @raises OSError when it cannot be read."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Opens a regular file that `walk` or `entry` named. @raises OSError when it is anything else or cannot be read."""

    def expect(self, path: str, size: int) -> None:  # nothing to do where nobody reads ahead
        """Says that the first `size` bytes of a regular file are read soon. Never fails and does not wait."""

    @abstractmethod
    def attribute(self, path: str, name: str) -> bytes | None:
        """An extended attribute, None when it is not set."""

    def read(self, path: str, limit: int) -> bytes:
        """The first `limit` bytes of a regular file."""
        with self.open(path) as handle:
            return handle.read(limit)

    def lines(self, path: str, limit: int = limits.STREAM_BYTES) -> Iterator[tuple[int, str]]:
        """Numbered lines of a regular file, streamed; see `text.stream_lines`. @raises OSError"""
        with self.open(path) as handle:
            yield from stream_lines(handle, limit)

    def windows(
        self, path: str, size: int = limits.WINDOW_BYTES, overlap: int = limits.WINDOW_OVERLAP_BYTES
    ) -> Iterator[tuple[int, bytes]]:
        """A regular file as (offset, content) in windows of `size` bytes that overlap, to its end.

        The last window of a file longer than `size` is a full one that ends with the file. Windows of nothing but holes are
        left out where the file system tells holes. @raises OSError
        """
        with self.open(path) as handle:
            offset = 0
            # Asking for a whole window of a small file would map and clear 32 MiB for each.
            end = handle.seek(0, io.SEEK_END)
            handle.seek(0)
            content = handle.read(min(size, end))
            yield 0, content
            while len(content) == size:
                following = offset + size - overlap
                data = self.next_data(handle, following)
                if data is None:
                    return
                handle.seek(data)
                offset_before, offset, read = offset, data, handle.read(size)
                if len(read) < size:  # the end: a full window that ends here
                    last = max(0, data + len(read) - size)
                    if last > offset_before:
                        handle.seek(last)
                        yield last, handle.read(size)
                    return
                content = read
                yield offset, content

    def next_data(self, handle: BinaryIO, offset: int) -> int | None:
        """Where content begins at or after `offset`; None when only holes follow. Without knowledge of holes, `offset` itself."""
        return offset

    def resolve(self, path: str) -> Entry | None:
        """Follows symbolic links inside the tree, as a chroot into the innermost root would, at most `limits.LINKS`; None when they
        lead nowhere."""
        root = self.root_of(path) or "/"
        current = root
        pending = [part for part in path[len(root) :].split("/") if part]
        followed = 0
        found = self.entry(root)
        while pending:
            part = pending.pop(0)
            if part == "..":
                candidate = posixpath.dirname(current) if current != root else root
            else:
                candidate = posixpath.join(current, part)
            found = self.entry(candidate)
            if found is None:
                return None
            if not found.is_link:
                current = candidate
                continue
            followed += 1
            if followed > limits.LINKS:
                return None
            try:
                target = self.link_target(candidate)
            except OSError:
                return None
            if target.startswith("/"):
                current = root
            pending = [piece for piece in target.split("/") if piece and piece != "."] + pending
        return found
