# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the victim mounted its file systems: by fstab in all its spellings, by elimination, or by what a file system holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clean_room_analysis.operating_system import small_text
from clean_room_analysis.partitions import Region
from clean_room_analysis.text import lines
from clean_room_analysis.tree import Tree

#: /dev/sdf1, /dev/xvdf1, /dev/nvme1n1p1: the disk's letters or number, and the partition's number.
_DISK = re.compile(r"^/dev/(?:(?:sd|xvd|hd|vd)([a-z]{1,2})(\d*)|nvme(\d+)n\d+(?:p(\d+))?)$")
_NOT_FILES = frozenset({"swap", "proc", "sysfs", "tmpfs", "devpts", "nfs", "nfs4", "efs", "cifs", "none"})
#: Names at the top of a file system that say where it belongs: mount point, names of which all must be there, names of which one must.
_HOLDS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("/boot/efi", frozenset({"EFI"}), frozenset({"EFI"})),
    ("/boot", frozenset(), frozenset({"grub2", "grub", "loader", "vmlinuz"})),
    ("/usr", frozenset({"bin", "lib"}), frozenset({"share", "local", "libexec"})),
    ("/var", frozenset({"log"}), frozenset({"log"})),
    ("/var/log", frozenset(), frozenset({"wtmp", "btmp", "messages", "secure", "auth.log", "syslog", "journal", "lastlog", "audit"})),
    ("/etc", frozenset({"passwd"}), frozenset({"shadow", "fstab", "ssh", "cron.d"})),
    ("/var/spool", frozenset({"cron"}), frozenset({"cron"})),
    ("/var/lib", frozenset(), frozenset({"docker", "containerd", "dpkg", "rpm", "mysql", "cloud", "systemd"})),
    ("/var/www", frozenset(), frozenset({"html", "cgi-bin", "htdocs"})),
    ("/opt", frozenset({"aws"}), frozenset({"aws"})),
)
_HOME_FILES = (".bashrc", ".bash_history", ".ssh", ".profile", ".bash_profile", ".zshrc")


@dataclass(slots=True)
class _Line:
    """One line of fstab that names a file system with files."""

    source: str
    target: str
    used: bool = False


def read_fstab(tree: Tree, root: str = "") -> Iterator[tuple[str, str]]:
    """(source, mount point) of each file system in a root's fstab, and of its systemd mount units."""
    for _, line in lines(small_text(tree, f"{root}/etc/fstab")):
        fields = line.split()
        if len(fields) < 2 or line.lstrip().startswith("#") or not fields[1].startswith("/"):
            continue
        if len(fields) > 2 and fields[2] in _NOT_FILES:
            continue
        yield _unquoted(fields[0]), _unescaped(fields[1])


def _unquoted(source: str) -> str:
    return _unescaped(source.replace('"', "").replace("'", "")).lower()


def _unescaped(text: str) -> str:
    # fstab(5): blanks and tabs are octal escapes.
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


class MountPoints:
    """The mount points of a run, learnt from the fstab of the root file system."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def learn(self, tree: Tree, root: str = "") -> None:
        """Reads the fstab of a root."""
        self._lines += [_Line(source, target) for source, target in read_fstab(tree, root)]

    def of(self, region: Region, device: str | None = None) -> str | None:
        """The mount point of a file system as fstab names it, None when it does not.

        @param device the name under which the victim's volume was attached, such as /dev/sdf
        """
        names = set(_names(region)) | set(_device_names(region, device))
        for line in self._lines:
            if line.source in names:
                line.used = True
                return line.target
        return None

    def left(self, region: Region) -> str | None:
        """By elimination: the one mount point that fstab names by a device whose volume is not known, when the partition's number fits."""
        number = str(region.partition.number) if region.partition is not None else ""
        fitting = []
        for line in self._lines:
            disk = _DISK.match(line.source)
            if disk is not None and not line.used and line.target != "/" and (disk.group(2) or disk.group(4) or "") == number:
                fitting.append(line)
        if len(fitting) != 1:
            return None
        fitting[0].used = True
        return fitting[0].target


def _names(region: Region) -> Iterator[str]:
    partition = region.partition
    for key, value in (
        ("uuid", region.uuid),
        ("label", region.label),
        # PARTUUID and PARTLABEL name a partition, not what LVM divides it into.
        ("partuuid", partition.uuid if partition is not None and region.logical_volume is None else None),
        ("partlabel", partition.name if partition is not None and region.logical_volume is None else None),
    ):
        if value:
            yield f"{key}={value}".lower()
            yield f"/dev/disk/by-{key}/{value}".lower()
    if region.logical_volume is not None:
        group, _, volume = region.logical_volume.partition("/")
        # The device mapper doubles the dashes within a name.
        yield f"/dev/{group}/{volume}".lower()
        yield f"/dev/mapper/{group.replace('-', '--')}-{volume.replace('-', '--')}".lower()


def _device_names(region: Region, device: str | None) -> Iterator[str]:
    match = _DISK.match(device.lower()) if device else None
    if match is None or match.group(1) is None or region.logical_volume is not None:
        return
    number = str(region.partition.number) if region.partition is not None else ""
    for letters in (match.group(1), match.group(1)[-1]):
        for kind in ("sd", "xvd", "hd", "vd"):
            yield f"/dev/{kind}{letters}{number}"


def guess(tree: Tree) -> str | None:
    """Where a file system that nobody maps belongs by what it holds, None when it does not tell."""
    top = {}
    for entry in tree.children("/"):
        top[entry.name] = entry
        if len(top) > 5000:
            break
    names = set(top)
    for place, needed, some in _HOLDS:
        if needed <= names and (names & some or any(name.startswith("vmlinuz") for name in names if place == "/boot")):
            return place
    homes = [entry for entry in top.values() if entry.is_directory and any(tree.entry(f"{entry.path}/{name}") for name in _HOME_FILES)]
    if homes:
        return "/home"
    if any(name in names for name in _HOME_FILES):
        return "/root"
    return None
