# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who the victim says it is (os-release, hostname) and where it mounts its volumes (fstab)."""

import re
import shlex

from clean_room_analysis.model import OperatingSystem
from clean_room_analysis.partitions import Region
from clean_room_analysis.text import decode, display_name, lines
from clean_room_analysis.tree import Tree

_SMALL = 64 * 1024


def _text(tree: Tree, path: str) -> str:
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


def identify(tree: Tree) -> OperatingSystem | None:
    """The operating system of a root file system, None when it does not say."""
    release = _settings(_text(tree, "/etc/os-release") or _text(tree, "/usr/lib/os-release"))
    hostname = _text(tree, "/etc/hostname").strip().split("\n")[0]
    if not release and not hostname:
        return None

    def shown(value: str | None) -> str | None:
        return display_name(value, 128) if value else None

    return OperatingSystem(shown(release.get("NAME")), shown(release.get("VERSION_ID") or release.get("VERSION")), shown(hostname))


class MountPoints:
    """Where the victim's fstab mounts file systems, by UUID, label and logical volume."""

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}

    def learn(self, tree: Tree) -> None:
        """Reads /etc/fstab of the root file system."""
        for _, line in lines(_text(tree, "/etc/fstab")):
            fields = line.split()
            if len(fields) >= 2 and not line.startswith("#") and fields[1].startswith("/"):
                self._by_name[fields[0].lower().replace('"', "")] = fields[1].replace("\\040", " ")

    def of(self, region: Region) -> str:
        """The mount point of a file system, "/" when fstab does not name it."""
        names = [f"uuid={region.uuid}", f"/dev/disk/by-uuid/{region.uuid}", f"label={region.label}", f"/dev/disk/by-label/{region.label}"]
        if region.logical_volume is not None:
            group, _, volume = region.logical_volume.partition("/")
            # The device mapper doubles the dashes within a name.
            names += [f"/dev/{group}/{volume}", f"/dev/mapper/{group.replace('-', '--')}-{volume.replace('-', '--')}"]
        return next((self._by_name[name.lower()] for name in names if name.lower() in self._by_name), "/")
