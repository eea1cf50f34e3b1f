# SPDX-License-Identifier: AGPL-3.0-or-later
"""Directories whose names hide: blanks and dots alone, or hidden ones where the system's own files lie; and disks' devices outside /dev.
What they hold need not run."""

import re
import stat
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.places import ORDINARY_HIDDEN
from clean_room_analysis.installed_packages import installed_packages, normal
from clean_room_analysis.model import Entry, Severity

_SYSTEM = re.compile(r"^/(?:usr|bin|sbin|lib(?:32|64|x32)?|boot|etc|dev|var/(?:lib|log|spool|cache|opt|mail|run|lock))/")
_TEMPORARY = re.compile(r"^/(?:tmp|var/tmp|dev/shm|run/shm|run/lock|var/lock)/")
#: What the X server and its friends make in /tmp.
_SOCKETS = frozenset({".X11-unix", ".ICE-unix", ".XIM-unix", ".font-unix", ".Test-unix"})
#: Trees of projects and tools, which hide what they please.
_TREES = re.compile(
    r"/(?:node_modules|site-packages|dist-packages|\.git|containers|overlay2?|snap|snapd|flatpak|jvm|gems|go|google-cloud-sdk|docker|containerd|kubelet|jenkins|gitlab|gitea|mysql|postgresql|mongodb|elasticsearch|lib/private|src|modules|vdso|rustlib)/"
)
_ORDINARY = frozenset(
    {
        ".java",
        ".systemPrefs",
        ".userPrefs",
        ".mono",
        ".build-id",
        ".cvsignore",
        ".d",
        ".pki",
        ".local",
        ".cache",
        ".config",
        ".keep",
        ".snapshots",
        ".uuid",
        ".Trash-0",
        ".debug",
        ".install",
        ".well-known",
        ".libs",
        ".deps",
        ".mtree",
        ".factory",
        ".ssh",
        ".etckeeper",
        ".dwz",
        ".fscrypt",
        ".journal",
        ".journald",
        ".fontconfig",
    }
)
#: Names in a directory that are shown.
_SHOWN = 10


class OddDirectories(Check):
    """T1564.001 (hidden files and directories), T1006 (a disk under another name)."""

    name = "odd-directories"

    def wants(self, entry: Entry) -> bool:
        if stat.S_ISBLK(entry.mode):
            return "/dev/" not in entry.logical
        if not entry.is_directory:
            return False
        name = entry.name
        return not name or name[0] in ". " or name[-1] == " " or not name.isprintable()

    def look(self, item: Item) -> Iterator[Result]:
        path, name = item.path, item.entry.name
        if not item.entry.is_directory:
            entry, open_to_others = item.entry, item.entry.mode & 0o006
            detail = f"mode {entry.mode & 0o7777:04o}, owner {entry.user}:{entry.group}: whoever may open it reads and writes a whole disk"
            severity = Severity.HIGH if open_to_others or entry.user else Severity.MEDIUM
            yield self.found(item, severity, "A disk's device outside /dev", detail, ("T1006", "T1564"))
            return
        above = path.rpartition("/")[0] + "/"
        if not name or _TREES.search(path):
            return
        if not name.strip(" .\t\u00a0\u3000") or name[-1] == " " or name[0] == " ":
            yield self.found(item, Severity.HIGH, "Directory whose name hides it", f"{name!r}{self._holds(item)}", ("T1564.001", "T1036"))
        elif not name.isprintable() and name.isascii():
            yield self.found(
                item,
                Severity.MEDIUM,
                "Directory with control characters in its name",
                f"{name!r}{self._holds(item)}",
                ("T1564.001", "T1036"),
            )
        elif name[0] == "." and name not in ORDINARY_HIDDEN and name not in _ORDINARY:
            if _TEMPORARY.match(above):
                held = self._holds(item)
                if name in _SOCKETS or not held:
                    return
                yield self.found(item, Severity.LOW, "Hidden directory in a temporary directory", f"{name}{held}", ("T1564.001",))
            elif _SYSTEM.match(above) and not above.startswith("/dev/"):
                root = item.tree.root_of(item.entry.path)
                if normal(path) in installed_packages(item.tree, root).names:
                    return
                lowest = (
                    Severity.MEDIUM
                    if path.startswith(("/usr/lib", "/usr/bin", "/usr/sbin", "/usr/share/", "/lib", "/bin", "/sbin", "/boot"))
                    else Severity.LOW
                )
                yield self.found(item, lowest, "Hidden directory among the system's", f"{name}{self._holds(item)}", ("T1564.001",))
            elif above.startswith("/dev/"):
                yield self.found(item, Severity.HIGH, "Hidden directory among the devices", f"{name}{self._holds(item)}", ("T1564.001",))

    @staticmethod
    def _holds(item: Item) -> str:
        names = sorted(one.name for one in item.tree.children(item.entry.path))
        return f", which holds {', '.join(map(repr, names[:_SHOWN]))}{' and more' if len(names) > _SHOWN else ''}" if names else ""
