# SPDX-License-Identifier: AGPL-3.0-or-later
"""Data theft as commands tell it: something is packed, sent out and deleted. Alone each is work; of one file, in this order, it is theft."""

import re
from dataclasses import dataclass, field

from clean_room_analysis.model import Severity

#: Files of one history that are followed at a time.
_FILES = 200
#: Characters of a command that are looked at, and quoted.
_READ, _QUOTED = 2000, 300

_NAME = r"[\"']?([^\s\"'|;&<>]{1,200})"
#: Each names the file that is made.
_PACKS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\btar\s+(?:-{{0,2}}[A-Za-z-]{{1,20}}\s+){{0,4}}-?[A-Za-z]{{0,8}}c[A-Za-z]{{0,8}}f\s+{_NAME}",
        rf"\btar\s[^\n|;&]{{0,60}}(?:--create|-c)\b[^\n|;&]{{0,60}}(?:--file[= ]|-f\s*){_NAME}",
        r"(?<![\w.-])(?:zip|7z\s+a|7za\s+a|rar\s+a)\s[^\n|;&]{0,200}?([^\s\"'|;&<>/]{1,100}\.[A-Za-z0-9]{2,5})\b",
        rf"\b(?:mysqldump|pg_dump(?:all)?|mongodump|sqlite3|redis-cli|gpg|openssl\s+enc)\b[^\n]{{0,400}}(?:>\s*|--archive=|-o\s+|-out\s+|--rdb\s+|--output\s+){_NAME}",
    )
)
#: What sends a named file; the destination follows from the line.
_SENDS = re.compile(
    r"\bcurl\b[^\n]{0,300}\s(?:-T\s*|--upload-file[ =]|-F\s*\S{0,60}=@|--form[ =]\S{0,60}=@|--data(?:-binary)?[ =]@|-d\s*@)"
    r"|\bwget\b[^\n]{0,200}--post-file|\b(?:scp|pscp)\s[^\n]{1,400}\s\S{1,200}:|\brsync\s[^\n]{1,400}\s\S{1,200}:|\bsftp\s|\bs?ftp\b[^\n]{0,80}\bput\b"
    r"|\brclone\s+(?:copy|copyto|move|sync|rcat)\b|\baws\s+s3(?:api)?\s+(?:cp|mv|sync|put-object)\b|\b(?:gsutil|gcloud\s+storage)\s+(?:cp|mv)\b|\baz\s+storage\s+blob\s+upload\b"
    r"|\b(?:nc|ncat|netcat)\b[^\n]{0,100}\s<\s?\S|\bcroc\s+send\b|>\s*/dev/tcp/[^\s/]{1,200}/\d|\bmegaput\b"
)
_PACKS_INTO_PIPE = re.compile(
    r"\b(?:tar\s+(?:-?[A-Za-z]{0,8}c|--create)|zip\s+-\S{0,20}\s+-|mysqldump|pg_dump(?:all)?|mongodump)\b[^\n]{0,400}\|"
)
_SENDS_FROM_PIPE = re.compile(
    r"\|[^\n]{0,200}(?:\bcurl\b[^\n]{0,200}(?:-T\s*-|@-)|\b(?:nc|ncat|netcat|ssh|socat)\s|/dev/tcp/|\baws\s+s3\s+cp\s+-|\brclone\s+rcat\b|\bopenssl\s+s_client\b)"
)
_DELETES = re.compile(r"\b(?:rm|shred|unlink|wipe|srm)\s")
_HOST = re.compile(
    r"(s3://[^\s/]{1,100}|gs://[^\s/]{1,100})|(?:https?|ftps?|sftp)://(?:[^@/\s]{1,100}@)?([^/\s:\"']{1,200})"
    r"|(?:^|\s)(?:[\w.-]{1,64}@)?([A-Za-z0-9][\w.-]{1,200}):(?!//)|/dev/tcp/([^/\s]{1,200})/|\b(?:nc|ncat|netcat)\s(?:-\S+\s){0,4}(\S{1,200})\s\d"
    r"|\bssh\s(?:-\S+\s){0,4}(?:[\w.-]{1,64}@)?([A-Za-z0-9][\w.-]{1,200})"
)
_OURS = re.compile(r"^(?:s3://|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|localhost$|127\.)")


@dataclass(slots=True)
class _File:
    packed: str
    sent: str | None = None
    where: str | None = None
    deleted: str | None = None


@dataclass(frozen=True, slots=True)
class Theft:
    """A file, or a stream, that was packed and sent out."""

    severity: Severity
    title: str
    evidence: str
    attack: tuple[str, ...]


def _base(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _host(command: str) -> str | None:
    for found in _HOST.finditer(command):
        return next(group for group in found.groups() if group is not None)
    return None


@dataclass(slots=True)
class Thefts:
    """Takes the commands of one history in order."""

    _files: dict[str, _File] = field(default_factory=dict)
    _streams: list[tuple[str, str | None]] = field(default_factory=list)

    def take(self, number: int, command: str) -> None:
        """One command, with the number of its line."""
        line = command[:_READ]
        quoted = f"line {number}: {command[:_QUOTED]}"
        if _PACKS_INTO_PIPE.search(line) and _SENDS_FROM_PIPE.search(line) and len(self._streams) < _FILES:
            self._streams.append((quoted, _host(line[line.find("|") :])))
            return
        # Of one line, too: pack && send; rm.
        for pattern in _PACKS:
            for made in pattern.finditer(line):
                name = _base(made.group(1))
                if len(name) > 2 and name not in ("-", "null") and len(self._files) < _FILES:
                    self._files.setdefault(name, _File(quoted))
        if not self._files:
            return
        sends = _SENDS.search(line)
        deletes = _DELETES.search(line)
        if not sends and not deletes:
            return
        for name, one in self._files.items():
            if sends and one.sent is None and name in line[sends.start() :]:
                one.sent, one.where = quoted, _host(line[sends.start() :])
            if deletes and one.sent is not None and one.deleted is None and name in line[deletes.start() :]:
                one.deleted = quoted

    def found(self) -> list[Theft]:
        """What was packed and sent, in the order it was packed."""
        thefts = [
            Theft(
                Severity.HIGH if where is not None and _OURS.match(where) else Severity.CRITICAL,
                f"Data was packed and sent out in one command{f' to {where}' if where else ''}",
                quoted,
                ("T1048", "T1560.001"),
            )
            for quoted, where in self._streams
        ]
        for name, one in self._files.items():
            if one.sent is None:
                continue
            to = f" to {one.where}" if one.where else ""
            whole = one.deleted is not None
            ours = one.where is not None and _OURS.match(one.where) is not None
            lines = dict.fromkeys(each for each in (one.packed, one.sent, one.deleted) if each)
            thefts.append(
                Theft(
                    # A backup ends in one's own bucket or network; a person judges that one.
                    Severity.CRITICAL if whole and not ours else Severity.HIGH if whole or not ours else Severity.MEDIUM,
                    f"Data was packed{', sent out' if whole else ' and sent out'}{to}{' and deleted' if whole else ''}: {name[:120]}",
                    "\n".join(lines),
                    ("T1048", "T1560.001", *(("T1070.004",) if whole else ())),
                )
            )
        return thefts
