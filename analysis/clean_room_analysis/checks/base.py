# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a check is: it says which entries it wants, looks at each, and may conclude when all volumes were read."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO, ClassVar

from clean_room_analysis import limits
from clean_room_analysis.installed_packages import State, installed_packages
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.text import decode, decompressed, stream_lines
from clean_room_analysis.tree import Tree

#: What a check gives back.
Result = Finding | TimelineEvent | NotLookedAt


class Item:
    """One entry offered to the checks, with its content read at most once."""

    def __init__(self, entry: Entry, tree: Tree, volume_id: str) -> None:
        self.entry = entry
        self.tree = tree
        self.volume_id = volume_id
        #: Why parts of the content were not looked at; the walker records them and the run is incomplete.
        self.unseen: dict[str, None] = {}

    @property
    def path(self) -> str:
        """The path on the victim."""
        return self.entry.logical

    @cached_property
    def target(self) -> Entry | None:
        """The regular file this is, or leads to as a link inside the tree; None for anything else."""
        found = self.tree.resolve(self.entry.path) if self.entry.is_link else self.entry
        return found if found is not None and found.is_file else None

    def lines(self, limit: int = limits.STREAM_BYTES) -> Iterator[tuple[int, str]]:
        """Numbered lines, streamed over the whole file (see `text.stream_lines`): no padding hides a line.

        Nothing for what is no regular file. What lies beyond `limit` bytes is named in `unseen`. @raises OSError
        """
        if self.target is not None:
            yield from self.tree.lines(self.target.path, limit)
            self._cut(self.target, limit)

    def log_lines(self) -> Iterator[tuple[int, str]]:
        """`lines` of a log that may be compressed, at most `limits.STREAM_BYTES` of text. @raises OSError, EOFError, lzma.LZMAError"""
        if self.target is None or not self.target.name.endswith((".gz", ".xz", ".bz2", ".zst")):
            yield from self.lines()
            return
        with self.tree.open(self.target.path) as packed:
            plain = decompressed(packed, self.target.name)
            yield from stream_lines(plain)
            if plain.read(1):
                self.unseen[f"only the first {limits.STREAM_BYTES} bytes of its text were looked at"] = None

    def windows(self) -> Iterator[tuple[int, bytes]]:
        """The whole content as (offset, bytes) in overlapping windows of `limits.WINDOW_BYTES`. @raises OSError"""
        return iter(()) if self.target is None else self.tree.windows(self.target.path)

    @cached_property
    def text(self) -> str:
        """The content in one piece, for what cannot be judged by lines; "" for what is no regular file.

        What lies beyond `limits.TEXT_BYTES` is named in `unseen`. @raises OSError
        """
        if self.target is None:
            return ""
        self._cut(self.target, limits.TEXT_BYTES)
        return decode(self.tree.read(self.target.path, limits.TEXT_BYTES))

    def _cut(self, target: Entry, limit: int) -> None:
        if target.size > limit:
            self.unseen[f"only the first {limit} of its {target.size} bytes were looked at"] = None

    @cached_property
    def head(self) -> bytes:
        """The first 512 bytes of a regular file; b"" for anything else. @raises OSError"""
        return self.tree.read(self.entry.path, 512) if self.entry.is_file else b""

    @property
    def runnable(self) -> bool:
        """An ELF program or a script, whatever its mode says."""
        return self.head.startswith((b"\x7fELF", b"#!"))

    @cached_property
    def package_state(self) -> State:
        """What the packages of its root say of the file this is or leads to; "unknown" when it is no file. @raises OSError"""
        if self.target is None:
            return "unknown"
        return installed_packages(self.tree, self.tree.root_of(self.target.path)).state(self.tree, self.target)

    def open(self) -> BinaryIO:
        """The content as a stream. @raises OSError"""
        return self.tree.open(self.entry.path)

    @cached_property
    def sha256(self) -> str | None:
        """SHA-256 of a regular file of at most `limits.LOG_BYTES`, else None. @raises OSError"""
        if not self.entry.is_file or self.entry.size > limits.LOG_BYTES:
            return None
        with self.open() as handle:
            digest = hashlib.sha256()
            while block := handle.read(limits.MEBIBYTE):
                digest.update(block)
        return digest.hexdigest()


class Check(ABC):
    """One kind of artefact. An instance lives for one run over all volumes."""

    #: As in findings.jsonl and summary.json.
    name: ClassVar[str]
    #: Whether what it says of a file is about its content or name alone, which a package that installed it so explains.
    explained_by_packages: ClassVar[bool] = False

    @abstractmethod
    def wants(self, entry: Entry) -> bool:
        """Whether to look at this entry. Called for every entry of every volume: it must be quick and not read."""

    @abstractmethod
    def look(self, item: Item) -> Iterator[Result]:
        """Looks at one entry it wanted. An exception is recorded as the check's error and the next entry is looked at."""

    def examine(self, item: Item) -> Iterator[Result]:
        """`look`, with what a package explains put down to low: a file that is as its package installed it is the distribution's.

        It is not left out, since somebody who is root can change the packages' databases, too.
        """
        for result in self.look(item):
            if (
                self.explained_by_packages
                and isinstance(result, Finding)
                and result.severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
                and item.package_state == "unchanged"
            ):
                result = replace(result, severity=Severity.LOW, title=f"{result.title} (as its package installed it)")
            yield result

    def leave(self, tree: Tree) -> Iterator[Result]:  # most checks have nothing to do here
        """Called when a file system was read to its end and is still open."""
        return iter(())

    def conclude(self) -> Iterator[Result]:
        """What can only be said after everything was read."""
        return iter(())

    def found(
        self,
        item: Item,
        severity: Severity,
        title: str,
        evidence: str = "",
        attack: tuple[str, ...] = (),
        *,
        rule: str | None = None,
        hashed: bool = False,
    ) -> Finding:
        """A finding about one entry. @param hashed whether the file's SHA-256 belongs to it"""
        return Finding(
            self.name,
            severity,
            title,
            item.volume_id,
            item.entry.path,
            evidence,
            attack,
            item.entry.modified,
            item.sha256 if hashed else None,
            rule,
        )
