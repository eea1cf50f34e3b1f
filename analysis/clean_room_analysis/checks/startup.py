# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scripts that run by themselves at start, at log-in, or when something happens."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.checks.places import hidden_part
from clean_room_analysis.model import Entry, Severity

_HOME_FILES = frozenset(
    {
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zprofile",
        ".zshenv",
        ".cshrc",
        ".kshrc",
        ".xinitrc",
        ".xprofile",
    }
)
#: place, technique, what runs it
_PLACES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), technique, what)
    for pattern, technique, what in (
        (r"^/etc/(?:rc\.d/)?rc\.local$", "T1037.004", "Start-up script"),
        (r"^/etc/(?:rc\.d/)?init\.d/[^/]+$", "T1037.004", "Start-up script"),
        (r"^/etc/(?:profile|bashrc|bash\.bashrc|zshrc|zprofile|environment|csh\.cshrc)$", "T1546.004", "Shell configuration of all users"),
        (r"^/etc/(?:profile\.d|zsh)/.+", "T1546.004", "Shell configuration of all users"),
        (r"^/etc/update-motd\.d/[^/]+$", "T1546.004", "Message of the day"),
        (r"^/etc/(?:udev|usr/lib/udev)/rules\.d/[^/]+$", "T1546.017", "Device rule"),
        (r"^/etc/NetworkManager/dispatcher\.d/.+", "T1546", "Network hook"),
        (r"^/etc/dhcp/(?:dhclient-(?:exit|enter)-hooks(?:\.d/.+)?|dhclient\.d/.+)$", "T1546", "Network hook"),
        (r"^/etc/(?:apt/apt\.conf\.d|yum/pluginconf\.d|dnf/plugins)/.+", "T1546.016", "Package manager hook"),
        (r"/\.config/autostart/[^/]+\.desktop$|^/etc/xdg/autostart/[^/]+\.desktop$", "T1547.013", "Desktop autostart"),
        (r"^/var/lib/cloud/scripts/per-(?:boot|instance|once)/.+", "T1037", "cloud-init script"),
        (r"^/var/lib/cloud/instances/[^/]+/(?:user-data\.txt|scripts/.+)$", "T1037", "Instance user data"),
    )
)
_ROOTS = ("/etc/", "/var/lib/cloud/")


def place_of(path: str, name: str) -> tuple[str, str] | None:
    """(technique, what runs it) of a start-up file, None when it is not one."""
    if name in _HOME_FILES:
        return "T1546.004", "Shell configuration of a user"
    if path.startswith(_ROOTS) or "/.config/autostart/" in path:
        for pattern, technique, what in _PLACES:
            if pattern.search(path):
                return technique, what
    return None


class Startup(Check):
    """T1037 (boot or logon initialisation scripts), T1546 (event triggered execution)."""

    name = "startup"

    def wants(self, entry: Entry) -> bool:
        return entry.is_file and place_of(entry.logical, entry.name) is not None

    def look(self, item: Item) -> Iterator[Result]:
        place = place_of(item.path, item.entry.name)
        if place is None:
            return
        technique, what = place
        if item.entry.mode & 0o002:
            yield self.found(item, Severity.HIGH, f"{what} that anybody may write", f"mode {item.entry.mode & 0o7777:04o}", (technique,))
        if item.entry.name not in _HOME_FILES and hidden_part(item.entry.name) and item.path.startswith("/etc/"):
            yield self.found(item, Severity.MEDIUM, f"{what} under a hidden name", item.text[:500], (technique, "T1564.001"))
        for number, line in item.lines():
            command = line.strip()
            reasons = persistent_suspicions(command, technique) if command and not command.startswith("#") else ()
            if reasons:
                yield self.found(
                    item, worst(reasons), f"{what} {in_words(reasons)}", f"line {number}: {command}", techniques(reasons, technique)
                )
