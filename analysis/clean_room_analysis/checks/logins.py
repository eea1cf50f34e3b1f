# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who logged in, who tried, what ran as root: wtmp, btmp, lastlog, wtmpdb, lastlog2, secure/auth.log, syslog/messages, journald."""

import functools
import re
import time
from collections import Counter
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.login_sums import LoginSums
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.login_records import Record, read_records
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.tree import Tree

_FILES = re.compile(
    r"^(?:/var/log/(?:(?:wtmp|btmp|secure|auth\.log|lastlog|messages|syslog|cron|cron\.log|kern\.log)(?:[.-][\w.-]{1,40})?"
    r"|audit/audit\.log(?:[.-][\w.-]{1,40})?|journal/[^/]{1,64}/[^/]{1,200}\.journal~?)|/run/log/journal/[^/]{1,64}/[^/]{1,200}\.journal~?"
    r"|/var/lib/(?:wtmpdb/wtmp|lastlog/lastlog2)\.db)$"
)
_SUDO = re.compile(r"\bCOMMAND=(.+)$")
_CRON = re.compile(r"^\((\S{1,64})\) CMD \((.+)\)\s*$")
_ACCEPTED = re.compile(r"^Accepted (\S+) for (\S+) from (\S+) port")
#: The last "from" is sshd's: whoever guesses chooses the name before it, which may hold another.
_FAILED = re.compile(r"^Failed \S+ for (?:invalid user )?(.*) from (\S+) port \d")
_DROPBEAR = re.compile(r"^(Password|Pubkey) auth succeeded for '([^']{0,64})' .{0,300}?from (\S+):\d+$")
_DROPBEAR_FAILED = re.compile(r"^Bad password attempt for '.{0,300}' from (\S+):\d+$|^Login attempt for nonexistent user from (\S+):\d+$")
_NEW_USER = re.compile(r"^new user: name=([^,\s]{1,64}), UID=(\d{1,10})")
_BECAME_ROOT = re.compile(r"session opened for user root\b.{0,40}\bby\s+(\S{1,64})")
#: Seconds for all logs of a file system, and for one of them.
_SECONDS = 300.0
_SECONDS_PER_FILE = 60.0


class Logins(Check):
    """T1110 (brute force), T1078 (valid accounts), T1070.002 (clear logs), T1136.001."""

    name = "logins"

    def __init__(self) -> None:
        self._entries: list[tuple[Entry, str]] = []
        #: Timeline events, those of failures apart: there are many, and they take no room from log-ins.
        self._events: Counter[bool] = Counter()

    def wants(self, entry: Entry) -> bool:
        return entry.logical.startswith(("/var/l", "/run/log/")) and not entry.is_directory and _FILES.match(entry.logical) is not None

    def look(self, item: Item) -> Iterator[Result]:
        if item.entry.is_link:
            yield self.found(
                item, Severity.HIGH, "A log of log-ins is a link", f"-> {item.tree.link_target(item.entry.path)}", ("T1070.002",)
            )
            return
        limit = limits.JOURNAL_BYTES if ".journal" in item.entry.name else limits.STREAM_BYTES
        if item.entry.size > limit and not item.entry.name.startswith("lastlog"):  # which is made of holes
            raise ValueError(f"{item.entry.size} bytes are more than the {limit} that are read")
        if item.entry.size > 0:
            self._entries.append((item.entry, item.volume_id))

    def conclude(self) -> Iterator[Result]:
        for failure, count in sorted(self._events.items()):
            if count > limits.LOGIN_EVENTS:
                what = "failed log-ins" if failure else "log-in records"
                # They were read and judged: the timeline alone lacks them.
                why = f"only {limits.LOGIN_EVENTS} become events; all were judged"
                yield NotLookedAt(f"the timeline: {count - limits.LOGIN_EVENTS} {what}", why, incomplete=False)

    def leave(self, tree: Tree) -> Iterator[Result]:
        """Reads all logs of the file system that was just walked."""
        entries, self._entries = self._entries, []
        if not entries:
            return
        volume_id = entries[0][1]
        sums = LoginSums()
        errors: list[str] = []
        end = time.monotonic() + _SECONDS
        # The newest first: what a bound cuts is the oldest.
        for entry, _ in sorted(entries, key=lambda one: -one[0].modified):
            try:
                # One process a file: a file made to stop its parser stops nothing else.
                for record in run_isolated(
                    functools.partial(read_records, tree, entry), min(_SECONDS_PER_FILE, max(1.0, end - time.monotonic()))
                ):
                    yield from self._take(record, sums, volume_id)
            except IsolatedError as error:
                errors.append(f"{entry.path}: {error}")
        yield from sums.judge(self.name, volume_id)
        if errors:
            raise ValueError("; ".join(errors[:5]))

    def _take(self, record: Record, sums: LoginSums, volume_id: str) -> Iterator[Result]:
        said = ""
        if record.source == "wtmp" and record.kind == "USER_PROCESS":
            said = f"{record.user} logged in on {record.message} from {record.host or 'the console'}"
            sums.success(record, record.user, record.host, "session")
        elif record.source == "lastlog":
            said = f"{record.user}'s last log-in, on {record.message} from {record.host or 'the console'}"
            sums.success(record, record.user, record.host, "last log-in")
        elif record.source == "zeros":
            (sums.ended if record.message else sums.wiped)[record.path] += int(record.kind)
        elif record.source == "btmp" and record.host:
            said = f"failed log-in as {record.user} from {record.host}"
            sums.failure(record, record.host)
        elif record.source == "audit":
            said = f"{record.kind}: {record.user} {record.message}"
            yield from self._audit(record, sums, volume_id)
        elif record.source == "log":
            said = f"{record.kind}: {record.message}"
            if accepted := _ACCEPTED.match(record.message):
                sums.success(record, accepted.group(2), accepted.group(3), accepted.group(1))
            elif failed := _FAILED.match(record.message):
                sums.failure(record, failed.group(2))
            elif accepted := _DROPBEAR.match(record.message):
                how = "password" if accepted.group(1) == "Password" else "publickey"
                sums.success(record, accepted.group(2), accepted.group(3), how)
            elif failed := _DROPBEAR_FAILED.match(record.message):
                sums.failure(record, failed.group(1) or failed.group(2))
            elif new := _NEW_USER.match(record.message):
                severity = Severity.CRITICAL if int(new.group(2)) == 0 else Severity.LOW
                yield Finding(
                    self.name,
                    severity,
                    f"Account {new.group(1)} was made with uid {new.group(2)}",
                    volume_id,
                    record.path,
                    record.message,
                    ("T1136.001",),
                    record.at,
                )
            elif command := _SUDO.search(record.message) or _CRON.match(record.message):
                yield from self._command(record, command.group(command.re.groups), sums, volume_id)
                said = said if record.kind == "sudo" else ""
            elif record.kind == "kernel" and "module" in record.message:
                yield from self._once(record, sums, volume_id, Severity.LOW, "The kernel took a module it cannot vouch for", ("T1547.006",))
            elif not _BECAME_ROOT.search(record.message) and record.kind != "sudo":
                said = ""
        if said:
            failure = record.source == "btmp" or record.message.startswith("Failed ")
            self._events[failure] += 1
            if self._events[failure] <= limits.LOGIN_EVENTS:
                yield TimelineEvent(record.at, said[:600], "log-in record", record.path, volume_id)

    def _audit(self, record: Record, sums: LoginSums, volume_id: str) -> Iterator[Result]:
        kind, _, result = record.kind.partition(" ")
        if kind == "USER_LOGIN" and result in ("success", "1"):
            sums.success(record, record.user, record.host, "session")
        elif kind in ("USER_LOGIN", "USER_AUTH") and result in ("failed", "0") and record.host:
            sums.failure(record, record.host)
        elif kind in ("EXECVE", "PROCTITLE", "TTY", "USER_TTY", "USER_CMD"):
            reasons = persistent_suspicions(record.message.replace("\n", " "), "T1059.004")
            if reasons:
                title = f"A command that the audit log keeps {in_words(reasons)}"
                yield from self._once(record, sums, volume_id, worst(reasons), title, techniques(reasons, "T1059.004"))
        elif kind == "ADD_USER" and "adding user" in record.message:
            yield from self._once(record, sums, volume_id, Severity.LOW, f"Account {record.user} was made", ("T1136.001",))
        elif kind == "CONFIG_CHANGE" and re.search(r"\baudit_enabled=0\b|\bop=remove_rule\b.{0,200}\blist=", record.message):
            severity = Severity.HIGH if "audit_enabled=0" in record.message else Severity.LOW
            yield from self._once(record, sums, volume_id, severity, "Auditing was switched off or its rules were removed", ("T1562.012",))

    def _command(self, record: Record, command: str, sums: LoginSums, volume_id: str) -> Iterator[Result]:
        technique = "T1548.003" if record.kind == "sudo" else "T1053.003"
        reasons = persistent_suspicions(command, technique)
        if reasons:
            who = "sudo" if record.kind == "sudo" else "A scheduled job"
            yield from self._once(
                record, sums, volume_id, worst(reasons), f"{who} ran what {in_words(reasons)}", techniques(reasons, technique)
            )

    def _once(
        self, record: Record, sums: LoginSums, volume_id: str, severity: Severity, title: str, attack: tuple[str, ...]
    ) -> Iterator[Result]:
        if sums.is_first(record, severity):
            yield Finding(self.name, severity, title, volume_id, record.path, record.message, attack, record.at)
