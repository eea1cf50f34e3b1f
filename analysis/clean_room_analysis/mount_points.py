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
_DISK = re.compile(r"^/dev/(?:(?:sd|xvd|hd|vd)(?P<letters>[a-z]{1,2})(?P<number>\d*)|nvme\d+n\d+(?:p(?P<part>\d+))?)$")
#: Names by serial number or bus, of which nothing but the partition's number can be known here.
_BY_PLACE = re.compile(r"^/dev/disk/by-(?:id|path)/.{1,200}?(?:-part(?P<part>\d+))?$")
_NOT_FILES = frozenset({"swap", "proc", "sysfs", "tmpfs", "devpts", "nfs", "nfs4", "efs", "cifs", "none"})
#: Names at the top of a file system that say where it belongs: mount point, names of which all must be there, names of which one must.
_HOLDS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("/boot/efi", frozenset({"EFI"}), frozenset({"EFI"})),
    ("/boot", frozenset(), frozenset({"grub2", "grub", "loader", "vmlinuz"})),
    ("/usr", frozenset({"bin", "lib"}), frozenset({"share", "local", "libexec"})),
    ("/var", frozenset({"log"}), frozenset({"log"})),
    ("/var", frozenset({"spool"}), frozenset({"spool"})),
    ("/var", frozenset({"cache", "lib"}), frozenset({"cache"})),
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
    """One line of fstab, or mount unit, that names a file system with files. `source` is in lower case, but for a bind mount's directory."""

    source: str
    target: str
    #: The directory of the file system that is mounted, "" for its top: btrfs' subvol=.
    part: str = ""
    #: Whether `source` is a directory that is shown at another place.
    bind: bool = False
    used: bool = False


def read_fstab(tree: Tree, root: str = "") -> Iterator[_Line]:
    """Each file system in a root's fstab, and of its systemd mount units."""
    for _, line in lines(small_text(tree, f"{root}/etc/fstab")):
        fields = line.split()
        if len(fields) < 2 or line.lstrip().startswith("#"):
            continue
        yield from _line(fields[0], fields[1], fields[2] if len(fields) > 2 else "", fields[3] if len(fields) > 3 else "")
    for place in ("/etc/systemd/system", "/usr/lib/systemd/system"):
        directory = tree.resolve(root + place)
        for entry in tree.children(directory.path) if directory is not None and directory.is_directory else ():
            if entry.name.endswith(".mount") and not entry.is_directory:
                unit = dict(
                    (key.strip(), value.strip())
                    for key, equals, value in (line.partition("=") for _, line in lines(small_text(tree, entry.path)))
                    if equals
                )
                yield from _line(unit.get("What", ""), unit.get("Where", ""), unit.get("Type", ""), unit.get("Options", ""))


def _line(source: str, target: str, kind: str, options: str) -> Iterator[_Line]:
    given = options.split(",")
    bind = bool({"bind", "rbind"} & set(given))
    if not source or not target.startswith("/") or (kind in _NOT_FILES and not bind):
        return
    part = next((option.partition("=")[2] for option in given if option.startswith("subvol=")), "")
    source = _unescaped(source.replace('"', "").replace("'", ""))
    yield _Line(source if bind else source.lower(), _unescaped(target), _unescaped(part).strip("/"), bind)


def _unescaped(text: str) -> str:
    # fstab(5): blanks and tabs are octal escapes; udev's names, and systemd's, have hexadecimal ones.
    text = re.sub(r"\\x([0-9A-Fa-f]{2})", lambda match: chr(int(match.group(1), 16)), text)
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


class MountPoints:
    """The mount points of a run, learnt from the fstab of the root file system."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def learn(self, tree: Tree, root: str = "") -> None:
        """Reads the fstab of a root."""
        self._lines += read_fstab(tree, root)

    def of(self, region: Region, device: str | None = None, volume_id: str = "") -> str | None:
        """The mount point of a file system as fstab names it, None when it does not.

        @param device the name under which the victim's volume was attached, such as /dev/sdf
        @param volume_id the victim's volume, which Nitro's names of devices hold
        """
        named = self._named(region, device, volume_id)
        for line in named:
            line.used = True
        # The top of a file system before a part of it.
        return min(named, key=lambda line: bool(line.part)).target if named else None

    def _named(self, region: Region, device: str | None, volume_id: str) -> list[_Line]:
        names = set(_names(region)) | set(_device_names(region, device)) | set(_nitro_names(region, volume_id))
        return [line for line in self._lines if not line.bind and line.source in names]

    def shown_elsewhere(self, region: Region, prefix: str, device: str | None, volume_id: str) -> list[tuple[str, str]]:
        """(directory of the file system, where the victim saw it) for subvolumes and bind mounts. @param prefix where its top is"""
        found = [(f"/{line.part}", line.target) for line in self._named(region, device, volume_id) if line.part]
        for line in self._lines:
            if line.bind and line.source.startswith(f"{prefix}/"):
                found.append((line.source[len(prefix) :], line.target))
        return found

    def left(self, region: Region) -> str | None:
        """By elimination: the one mount point that fstab names by a device whose volume is not known, when the partition's number fits."""
        number = str(region.partition.number) if region.partition is not None else ""
        fitting = []
        for line in self._lines:
            disk = _DISK.match(line.source) or _BY_PLACE.match(line.source)
            if disk is None or line.used or line.bind or line.target == "/":
                continue
            if (disk.groupdict().get("part") or disk.groupdict().get("number") or "") == number:
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
    if match is None or match["letters"] is None or region.logical_volume is not None:
        return
    number = str(region.partition.number) if region.partition is not None else ""
    for letters in (match["letters"], match["letters"][-1]):
        for kind in ("sd", "xvd", "hd", "vd"):
            yield f"/dev/{kind}{letters}{number}"


def _nitro_names(region: Region, volume_id: str) -> Iterator[str]:
    """The NVMe serial number is the volume id without its dash: udev's links are named by it."""
    if region.logical_volume is None and volume_id.startswith("vol-"):
        part = f"-part{region.partition.number}" if region.partition is not None else ""
        for namespace in ("", "_1", "-ns-1"):
            yield f"/dev/disk/by-id/nvme-amazon_elastic_block_store_{volume_id.replace('-', '', 1)}{namespace}{part}".lower()


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
