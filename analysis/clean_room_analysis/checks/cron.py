# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scheduled jobs: crontabs, cron.d, the cron.* directories, anacron and at."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.persistence import unattended
from clean_room_analysis.model import Entry, Severity

_PLACES = re.compile(
    r"^(?:/etc/(?:crontab|anacrontab|fcrontab|crontabs/.+)|/etc/cron\.(?:d|hourly|daily|weekly|monthly|yearly)/.+|/etc/periodic/.+"
    r"|/var/spool/(?:cron|at|fcron|anacron-jobs)/.+|/(?:usr/lib|var)/cron/(?:tabs/|crontabs/).+|/etc/bcron/.+)$",
    re.DOTALL,
)
_USER_TABLE = re.compile(
    r"^/(?:var/spool/cron/(?:crontabs/|tabs/)?|var/spool/fcron/|etc/crontabs/|(?:usr/lib|var)/cron/tabs/)(?P<user>[^/]+)$", re.DOTALL
)
_AT = re.compile(r"^/var/spool/(?:at|cron/atjobs)/")
#: Accounts that run services: a crontab of theirs is unusual.
_SERVICE_ACCOUNTS = frozenset(
    {"apache", "www-data", "nginx", "nobody", "daemon", "bin", "mysql", "postgres", "redis", "tomcat", "ftp", "games", "sync", "mail"}
)
_SETTING = re.compile(r"^\s*[A-Za-z_]\w{0,63}\s*=")


class Cron(Check):
    """T1053.003 (cron) and T1053.002 (at)."""

    name = "cron"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return not entry.is_directory and path.startswith(("/etc/", "/var/", "/usr/lib/cron/")) and _PLACES.match(path) is not None

    def look(self, item: Item) -> Iterator[Result]:
        path, entry = item.path, item.entry
        technique = "T1053.002" if _AT.match(path) else "T1053.003"
        user_table = _USER_TABLE.match(path)
        if entry.is_file and entry.mode & 0o002:
            yield self.found(item, Severity.HIGH, "Anybody may write this scheduled job", f"mode {entry.mode & 0o7777:04o}", (technique,))
        if entry.name.startswith(".") and entry.name not in (".placeholder", ".SEQ") and path.startswith("/etc/"):
            yield self.found(item, Severity.MEDIUM, "Hidden file among the scheduled jobs", entry.name, (technique, "T1564.001"))
        for number, line in item.lines():
            command = line.strip()
            if not command or command.startswith("#"):
                continue
            reasons = unattended(item, command, technique)
            if reasons:
                yield self.found(
                    item, worst(reasons), f"Scheduled job {in_words(reasons)}", f"line {number}: {command}", techniques(reasons, technique)
                )
            elif user_table and not _SETTING.match(command):
                severity = Severity.MEDIUM if user_table["user"] in _SERVICE_ACCOUNTS else Severity.INFORMATIONAL
                yield self.found(item, severity, f"Crontab of {user_table['user']} has a job", f"line {number}: {command}", (technique,))
        if entry.is_link and path.startswith("/etc/cron."):
            yield self.found(item, Severity.LOW, "Scheduled job is a link", f"-> {item.tree.link_target(entry.path)}", (technique,))
