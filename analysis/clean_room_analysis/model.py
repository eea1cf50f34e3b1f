# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the parts of the analysis hand to each other."""

import hashlib
import re
import stat
from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from clean_room_analysis.text import display_name, excerpt


class Severity(StrEnum):
    """How much a finding matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"


@dataclass(frozen=True, slots=True)
class VolumeInput:
    """One volume of the victim.

    `source_volume_id` is the victim's volume; `evidence` the device or image that is hashed and never mounted; `work` the
    copy from the same snapshot that may be mounted, or None; `role` is "root", "data" or "memory" (the acquisition volume, which the workflow
    names: docs/memory.md); `device` the name under which it was attached to the victim, such as /dev/sdf, where it is known; `addresses`, of a
    memory volume, those that the finding names.
    """

    source_volume_id: str
    snapshot_id: str | None
    evidence: str
    work: str | None
    role: str
    device: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(slots=True)
class Entry:
    """One name in a file system. Times are nanoseconds since 1970 (UTC), `born` is None where it is not recorded.

    `path` is the path inside the volume, `logical` the path on the victim (a data volume's paths start at its mount point).
    Names that are not UTF-8 carry surrogate escapes.
    """

    path: str
    logical: str
    inode: int
    mode: int
    links: int
    user: int
    group: int
    size: int
    accessed: int
    modified: int
    changed: int
    born: int | None

    @property
    def is_file(self) -> bool:
        """True for a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_directory(self) -> bool:
        """True for a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """True for a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def executable(self) -> bool:
        """True for a regular file that somebody may execute."""
        return stat.S_ISREG(self.mode) and bool(self.mode & 0o111)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def iso_time(nanoseconds: int | None) -> str | None:
    """ISO 8601 in UTC with whole seconds and Z; None for None and for times Python cannot say."""
    if nanoseconds is None:
        return None
    try:
        return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return None


def nanoseconds_of(text: str) -> int | None:
    """ISO 8601 as nanoseconds since 1970, UTC where it names no zone; None when it is no time. Digits below microseconds are cut."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?", text.strip())
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(match[1] + "." + ((match[2] or "") + "000000")[:6] + (match[3] or "Z").replace("Z", "+00:00"))
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of findings.jsonl. `attack` holds MITRE ATT&CK technique ids; `path` is raw, its display form is written."""

    check: str
    severity: Severity
    title: str
    volume_id: str
    path: str | None = None
    evidence: str = ""
    attack: tuple[str, ...] = ()
    modified: int | None = None
    sha256: str | None = None
    rule: str | None = None

    def to_json(self, place: str = "", prefix: str | None = None) -> dict[str, object]:
        """The documented form (README.md, "findings.jsonl"). The id depends on what was found and where, not on when it was.

        @param place which file system of the volume it is in
        @param prefix where the victim mounted that file system, None when it is not known
        """
        shown = None if self.path is None else display_name(self.path)
        identity = "\0".join((self.check, self.volume_id, shown or "", self.rule or "", self.title, self.evidence, place))
        return {
            "schemaVersion": 1,
            "id": hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16],
            "check": self.check,
            "severity": self.severity.value,
            "title": display_name(self.title, 512),
            "path": shown,
            "victimPath": None if self.path is None or prefix is None else display_name(prefix + self.path),
            "volumeId": self.volume_id,
            "evidence": excerpt(self.evidence),
            "attack": list(self.attack),
            "modified": iso_time(self.modified),
            "sha256": self.sha256,
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened at a time, apart from file times: a log-in, a log line. `at` in nanoseconds since 1970."""

    at: int
    message: str
    description: str
    path: str
    volume_id: str


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """Something that a check could not look at, or of which it saw only a part; a check yields it beside its findings.

    It is listed in summary.json and makes the run incomplete, unless `incomplete` is False (never looked at, by design).
    """

    what: str
    why: str
    incomplete: bool = True


@dataclass(slots=True)
class CheckReport:
    """What a check looked at. `error` says what failed, None when nothing did."""

    check: str
    items_looked_at: int = 0
    findings: int = 0
    error: str | None = None


@dataclass(slots=True)
class FileSystemReport:
    """How one file system was read.

    `method` is "kernel-mount", "dissect" or "none". `journal_replayed` is True when nothing was left unread in a journal: the
    kernel replayed it, or the file system has none.
    """

    type: str
    label: str | None
    offset_bytes: int
    method: str = "none"
    journal_replayed: bool = False
    files_seen: int = 0
    reason: str | None = None
    read_to_end: bool = False
    #: Where the victim mounted it, by fstab or by what it holds ("/" for a root); None when it was not read.
    mount_point: str | None = None
    #: Whether nothing but its content says where it was mounted.
    guessed: bool = False
    #: Directories below its top that are roots of their own: container layers, OSTree deployments, chroots.
    roots: list[str] = field(default_factory=list)
    #: Numbers of the inodes that its walk met.
    inodes: "array[int]" = field(default_factory=lambda: array("Q"))


@dataclass(slots=True)
class VolumeReport:
    """One volume in summary.json. Hashes are SHA-256 over the whole evidence device; `after` only where it is hashed twice.

    `state_before` and `state_after` are `evidence.state_of`: what changes with any write.
    """

    input: VolumeInput
    size_bytes: int = 0
    before: str | None = None
    after: str | None = None
    #: "write-counters" or "second-hash".
    unchanged_by: str = "write-counters"
    state_before: str | None = None
    state_after: str | None = None
    blocks_path: str | None = None
    file_systems: list[FileSystemReport] = field(default_factory=list)
    #: The whole device in order: (offset, size, "read" | "empty" | "unread", what); the sizes add up to `size_bytes`.
    regions: list[tuple[int, int, str, str]] = field(default_factory=list)
    #: Whether no part of it is unread.
    accounted: bool = False

    @property
    def intact(self) -> bool:
        """The evidence device is after the analysis what it was before it: by its state, and by a second hash where one was taken."""
        if self.before is None or self.state_before != self.state_after:
            return False
        return self.before == self.after if self.unchanged_by == "second-hash" else True


@dataclass(slots=True)
class OperatingSystem:
    """Who the victim says it is."""

    name: str | None
    version: str | None
    hostname: str | None
