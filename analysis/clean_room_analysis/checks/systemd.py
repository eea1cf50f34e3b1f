# SPDX-License-Identifier: AGPL-3.0-or-later
"""systemd units, timers and drop-ins: what they run, and units in places where no package puts them."""

import posixpath
import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.persistence import unattended
from clean_room_analysis.checks.places import in_home, in_temporary
from clean_room_analysis.model import Entry, Severity
from clean_room_analysis.text import lines

_SUFFIXES = (".service", ".timer", ".path", ".socket", ".conf")
_UNIT_PLACE = re.compile(r"/(?:systemd/(?:system|user)|systemd/(?:system|user)[.-][^/]+)(?:/[^/]+\.d)?/[^/]+$", re.DOTALL)
_GENERATOR = re.compile(r"^/(?:etc|run|usr/local/lib)/systemd/(?:system|user)-(?:environment-)?generators/[^/]+$", re.DOTALL)
_VENDOR = ("/usr/lib/systemd/", "/lib/systemd/")
_COMMAND = re.compile(r"^\s*(Exec(?:Start|StartPre|StartPost|Stop|StopPost|Reload|Condition)|Environment|EnvironmentFile)\s*=\s*(.+)$")
_PREFIXES = "-@:+!|"


def commands(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, key, value) of what a unit runs or sets, continuation lines joined."""
    pending, first = "", 0
    for number, line in lines(text):
        if pending and line.lstrip().startswith(("#", ";")):
            continue
        first = first if pending else number
        joined = pending + line
        if joined.endswith("\\") and len(joined) < 16_384:
            pending = joined[:-1] + " "
            continue
        pending = ""
        match = _COMMAND.match(joined[:16_384])
        if match:
            yield first, match.group(1), match.group(2).strip()


class Systemd(Check):
    """T1543.002 (systemd service) and T1053.006 (systemd timer)."""

    name = "systemd"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if entry.is_directory:
            return False
        if path.endswith(_SUFFIXES) and "systemd/" in path and _UNIT_PLACE.search(path):
            return True
        return (path.endswith((".service", ".timer")) and (in_temporary(path) or in_home(path))) or (
            path.startswith(("/etc/", "/run/", "/usr/local/")) and _GENERATOR.match(path) is not None
        )

    def look(self, item: Item) -> Iterator[Result]:
        path, entry = item.path, item.entry
        # An enabled unit is a link to a unit file, which is looked at by itself; a link to anywhere else is read here.
        if entry.is_link:
            target = posixpath.join(posixpath.dirname(path), item.tree.link_target(entry.path))
            if target == "/dev/null" or _UNIT_PLACE.search(target):
                return
        technique = "T1053.006" if path.endswith(".timer") else "T1543.002"
        if _GENERATOR.match(path):
            yield self.found(
                item,
                Severity.MEDIUM,
                "Unit generator that no package puts here: it runs as root at every start",
                item.text[:500],
                ("T1543.002",),
                hashed=True,
            )
            return
        if not _UNIT_PLACE.search(path):
            severity = Severity.MEDIUM if in_temporary(path) else Severity.LOW
            yield self.found(item, severity, "Unit file in an odd place", item.text[:500], (technique,))
        if entry.mode & 0o002 and not entry.is_link:
            yield self.found(item, Severity.HIGH, "Anybody may write this unit", f"mode {entry.mode & 0o7777:04o}", (technique,))
        if entry.name.startswith("."):
            yield self.found(item, Severity.MEDIUM, "Hidden unit file", item.text[:500], (technique, "T1564.001"))
        for number, key, value in commands(item.text):
            if key == "EnvironmentFile" and not in_temporary(value.lstrip("-")):
                continue
            command = value.lstrip(_PREFIXES) if key.startswith("Exec") else value
            reasons = unattended(item, command, technique)
            # What the vendor's own units do with temporary directories or nohup is theirs; a real finding there is worse.
            reasons = tuple(one for one in reasons if one.severity is not Severity.LOW or not path.startswith(_VENDOR))
            if reasons:
                yield self.found(
                    item, worst(reasons), f"Unit {in_words(reasons)}", f"line {number}: {key}={value}", techniques(reasons, technique)
                )
