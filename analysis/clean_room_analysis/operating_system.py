# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who the victim says it is (os-release, hostname)."""

import re
import shlex

from clean_room_analysis.model import OperatingSystem
from clean_room_analysis.text import decode, display_name, lines
from clean_room_analysis.tree import Tree

_SMALL = 64 * 1024


def small_text(tree: Tree, path: str) -> str:
    """A small file, links followed inside the tree; "" when it is not there."""
    entry = tree.resolve(path)
    try:
        return decode(tree.read(entry.path, _SMALL)) if entry is not None and entry.is_file else ""
    except OSError:
        return ""


def _settings(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, line in lines(text):
        name, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Z_]{1,40}", name):
            try:
                found[name] = "".join(shlex.split(value))
            except ValueError:
                found[name] = value
    return found


def identify(tree: Tree, root: str = "") -> OperatingSystem | None:
    """The operating system whose root is the directory `root` ("" for the top of the tree), None when nothing says there is one.

    An account database alone is one too: a name is missing then, not a system.
    """
    release = _settings(small_text(tree, f"{root}/etc/os-release") or small_text(tree, f"{root}/usr/lib/os-release"))
    hostname = small_text(tree, f"{root}/etc/hostname").strip().split("\n")[0]
    windows = next((one for one in (tree.entry("/Windows/System32"), tree.entry("/WINDOWS/system32")) if one is not None), None)
    if not release and not hostname and windows is not None and windows.is_directory:
        return OperatingSystem("Windows", None, None)
    if not release and not hostname and tree.resolve(f"{root}/etc/passwd") is None:
        return None

    def shown(value: str | None) -> str | None:
        return display_name(value, 128) if value else None

    return OperatingSystem(shown(release.get("NAME")), shown(release.get("VERSION_ID") or release.get("VERSION")), shown(hostname))
