# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the log-ins and the failed attempts of one file system's logs add up to, and what that means."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from clean_room_analysis.login_records import Record
from clean_room_analysis.model import Finding, NotLookedAt, Severity, iso_time

#: Failed attempts from one address that make it a guesser.
_GUESSES = 10
#: Addresses kept apart, log-ins kept apart by account, address and way, and commands of each severity.
DISTINCT = 100_000
#: Ways to log in that a guessed password opens.
_BY_PASSWORD = ("password", "keyboard-interactive")


@dataclass(slots=True)
class _Sessions:
    """Log-ins of one user from one host by one way."""

    first: int
    last: int
    count: int
    path: str


@dataclass(slots=True)
class LoginSums:
    """What the logs of one file system add up to: log-ins and failures, each kept apart as far as there is room."""

    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_failure: dict[str, int] = field(default_factory=dict)
    #: By user, host and way (session, password, publickey).
    successes: dict[tuple[str, str, str], _Sessions] = field(default_factory=dict)
    wiped: Counter[str] = field(default_factory=Counter)
    #: The same at the end of a file, where a crash leaves zeros too.
    ended: Counter[str] = field(default_factory=Counter)
    #: Commands of sudo and cron that stand out, told once each.
    told: dict[Severity, set[tuple[str, str]]] = field(default_factory=dict)
    #: What had no room: log-ins, and addresses that failed once.
    crowded_out: Counter[str] = field(default_factory=Counter)

    def success(self, record: Record, user: str, host: str, how: str) -> None:
        """One log-in. @param how session, password, publickey"""
        key = (user[:64], host[:256], how[:32])
        if key not in self.successes and len(self.successes) >= DISTINCT:
            self.crowded_out["log-ins"] += 1
            return
        known = self.successes.setdefault(key, _Sessions(record.at, record.at, 0, record.path))
        known.first, known.last, known.count = min(known.first, record.at), max(known.last, record.at), known.count + 1

    def failure(self, record: Record, host: str) -> None:
        """One attempt that failed. @param host where it came from"""
        host = host[:256]
        if host not in self.first_failure and len(self.first_failure) >= DISTINCT:
            # Many addresses that failed once each hide no guesser, wherever in the log he stands.
            often = {other for (_, other), count in self.failures.items() if count > 1}
            for other in self.first_failure.keys() - often:
                del self.first_failure[other]
                self.crowded_out["addresses that failed to log in once"] += 1
            self.failures = Counter({key: count for key, count in self.failures.items() if key[1] in often})
            if len(self.first_failure) >= DISTINCT:
                self.crowded_out["failed log-ins"] += 1
                return
        self.failures[record.path, host] += 1
        self.first_failure[host] = min(self.first_failure.get(host, record.at), record.at)

    def is_first(self, record: Record, severity: Severity) -> bool:
        """Whether a command was not told yet. Far more are kept apart than are reported of any severity, which is counted there."""
        key, told = (record.path, record.message), self.told.setdefault(severity, set())
        if key in told or len(told) >= DISTINCT:
            return False
        told.add(key)
        return True

    def judge(self, check: str, volume_id: str) -> Iterator[Finding | NotLookedAt]:
        """What they mean. @param check whose findings they are"""
        # The same attempt is in btmp, secure and the journal: the fullest source counts.
        guesses: dict[str, int] = {}
        for (_, host), count in self.failures.items():
            guesses[host] = max(guesses.get(host, 0), count)
        entered: set[str] = set()
        for (user, host, how), sessions in sorted(self.successes.items(), key=lambda one: one[0]):
            shown = f"{sessions.count} times, first {iso_time(sessions.first)}, last {iso_time(sessions.last)}, by {how}"
            where = host or "the console"
            guessed = guesses.get(host, 0) >= _GUESSES and sessions.last >= self.first_failure[host]
            if guessed:
                entered.add(host)
                yield Finding(
                    check,
                    Severity.CRITICAL,
                    f"{user} logged in from {where} after {guesses[host]} failed attempts from there",
                    volume_id,
                    sessions.path,
                    shown,
                    ("T1110.001", "T1078"),
                    sessions.last,
                )
                continue
            typed = how.startswith(_BY_PASSWORD)
            severity = Severity.MEDIUM if user == "root" or typed else Severity.INFORMATIONAL
            yield Finding(
                check,
                severity,
                f"{user} logged in{' with a password' if typed else ''} from {where}",
                volume_id,
                sessions.path,
                shown,
                ("T1078",),
                sessions.last,
            )
        for (path, host), count in sorted(self.failures.items(), key=lambda one: (-one[1], one[0])):
            if count >= _GUESSES:
                yield Finding(
                    check,
                    Severity.MEDIUM if host in entered else Severity.LOW,
                    f"{count} failed log-ins from {host}",
                    volume_id,
                    path,
                    f"first {iso_time(self.first_failure[host])}; {'one succeeded later' if host in entered else 'none succeeded'}",
                    ("T1110.001",),
                    self.first_failure[host],
                )
        for what, count in sorted(self.crowded_out.items()):
            yield NotLookedAt(f"{volume_id}: {count} {what} of its logs", f"only {DISTINCT} are kept apart")
        for path, count in sorted(self.wiped.items()):
            yield Finding(check, Severity.HIGH, f"{count} log-in records were overwritten with zeros", volume_id, path, "", ("T1070.002",))
        for path, count in sorted(self.ended.items()):
            yield Finding(
                check,
                Severity.MEDIUM,
                f"{count} log-in records at the end are zeros",
                volume_id,
                path,
                "overwritten, or not yet on the disk when the machine crashed",
                ("T1070.002",),
            )
