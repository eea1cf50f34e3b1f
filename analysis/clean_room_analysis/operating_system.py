# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who the victim says it is (os-release, hostname)."""

import functools
import re
import shlex

from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import OperatingSystem
from clean_room_analysis.text import decode, display_name, lines
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows.registry import Value, read_values

_SMALL = 64 * 1024
#: Seconds for one hive of Windows.
_SECONDS = 60.0


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


def _windows(tree: Tree) -> OperatingSystem:
    """The name and version that the registry says, and the name of the machine; "Windows" where it cannot be read."""
    said: dict[str, str] = {}
    for path, keys in (
        ("/Windows/System32/config/SOFTWARE", (r"Microsoft\Windows NT\CurrentVersion",)),
        ("/Windows/System32/config/SYSTEM", (r"ControlSet001\Control\ComputerName\ComputerName",)),
    ):
        entry = tree.entry(path)
        if entry is None or not entry.is_file:
            continue
        try:
            for value in run_isolated(functools.partial(read_values, tree, entry, keys), _SECONDS):
                if isinstance(value, Value) and value.name:
                    said[value.name] = display_name(value.text, 128)
        except IsolatedError:  # the check of the registry tells what is wrong with it
            continue
    version = said.get("DisplayVersion") or said.get("ReleaseId")
    build = said.get("CurrentBuildNumber")
    whole = " ".join(one for one in (version, f"build {build}" if build else None) if one)
    return OperatingSystem(said.get("ProductName", "Windows"), whole or None, said.get("ComputerName"))


def identify(tree: Tree, root: str = "") -> OperatingSystem | None:
    """The operating system whose root is the directory `root` ("" for the top of the tree), None when nothing says there is one.

    An account database alone is one too: a name is missing then, not a system.
    """
    release = _settings(small_text(tree, f"{root}/etc/os-release") or small_text(tree, f"{root}/usr/lib/os-release"))
    hostname = small_text(tree, f"{root}/etc/hostname").strip().split("\n")[0]
    windows = next((one for one in (tree.entry("/Windows/System32"), tree.entry("/WINDOWS/system32")) if one is not None), None)
    if not release and not hostname and windows is not None and windows.is_directory:
        return _windows(tree)
    if not release and not hostname and tree.resolve(f"{root}/etc/passwd") is None:
        return None

    def shown(value: str | None) -> str | None:
        return display_name(value, 128) if value else None

    return OperatingSystem(shown(release.get("NAME")), shown(release.get("VERSION_ID") or release.get("VERSION")), shown(hostname))
