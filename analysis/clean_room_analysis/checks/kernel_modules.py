# SPDX-License-Identifier: AGPL-3.0-or-later
"""Kernel modules: files outside the module tree, modules depmod does not know or whose file is gone, and what is loaded at start."""

import re
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.model import Entry, Finding, Severity
from clean_room_analysis.text import decode

_MODULE = re.compile(r"\.ko(?:\.(?:xz|gz|zst))?$")
#: ELF, or one of the compressions modules come in: Vim's Korean tutor is a .ko too.
_CONTENT = (b"\x7fELF", b"\xfd7zXZ", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_TREE = re.compile(r"^(?:/usr)?/lib/modules/([^/]+)/(.+)$", re.DOTALL)
_INSTALL = re.compile(r"^\s*(?:install|remove)\s+\S+\s+(.+)$")
#: Rootkits by the names they are published under.
_ROOTKITS = re.compile(
    r"^(?:diamorphine|reptile(?:_module)?|suterusu|kovid|puszek|adore(?:-ng)?|knark|rkduck|nuk3gh0st|nurupo|beurk|brokepkg|sutersu|rootkit|lkm_?rootkit|kbeast|enyelkm|azazel|caraxes|singularity|drovorub|syslogk|pumakit|krasue|horse_?pill)(?:[._-]|$)",
    re.IGNORECASE,
)
#: Missing modules named in one finding.
_NAMED = 20


class KernelModules(Check):
    """T1547.006 (kernel modules), T1014 (rootkit)."""

    name = "kernel-modules"
    explained_by_packages = True

    def __init__(self) -> None:
        self._present: dict[tuple[str, str], dict[str, Item]] = {}
        self._known: dict[tuple[str, str], tuple[Item, set[str]]] = {}

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file:
            return False
        return (
            ".ko" in entry.name
            and _MODULE.search(entry.name) is not None
            or path.endswith("/modules.dep")
            or path.startswith(("/etc/modprobe.d/", "/etc/modules-load.d/"))
            or path == "/etc/modules"
        )

    def look(self, item: Item) -> Iterator[Result]:
        path, entry = item.path, item.entry
        tree = _TREE.match(path)
        if path.startswith("/etc/modprobe.d/"):
            yield from self._install(item)
        elif path.startswith("/etc/modules-load.d/") or path == "/etc/modules":
            names = [line.strip() for _, line in item.lines() if line.strip() and line.lstrip()[0] not in "#;"]
            if known := [name for name in names if _ROOTKITS.match(name)]:
                yield self.found(item, Severity.HIGH, "A rootkit is loaded at start", ", ".join(known), ("T1014", "T1547.006"))
            elif names:
                yield self.found(item, Severity.INFORMATIONAL, "Modules loaded at start", ", ".join(names), ("T1547.006",))
        elif entry.name == "modules.dep":
            if tree:
                content = decode(item.tree.read(entry.path, 8 * limits.MEBIBYTE))
                self._known[item.volume_id, tree.group(1)] = (item, {line.split(":")[0] for line in content.splitlines() if ":" in line})
        elif _ROOTKITS.match(entry.name) and item.head.startswith(_CONTENT):
            yield self.found(
                item, Severity.HIGH, "Kernel module named like a rootkit", f"{entry.size} bytes", ("T1014", "T1547.006"), hashed=True
            )
        elif tree:
            self._present.setdefault((item.volume_id, tree.group(1)), {})[tree.group(2)] = item
        elif item.head.startswith(_CONTENT) and not path.startswith(
            ("/usr/src/", "/usr/lib/dracut/", "/boot/", "/var/lib/dkms/", "/home/")
        ):
            yield self.found(
                item, Severity.HIGH, "Kernel module outside the module tree", f"{entry.size} bytes", ("T1547.006", "T1014"), hashed=True
            )

    def _install(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            command = _INSTALL.match(line)
            reasons = persistent_suspicions(command.group(1), "T1547.006") if command else ()
            if reasons:
                yield self.found(
                    item,
                    worst(reasons),
                    f"Loading a module {in_words(reasons)}",
                    f"line {number}: {line.strip()}",
                    techniques(reasons, "T1547.006"),
                )

    def conclude(self) -> Iterator[Result]:
        """modules.dep lists what depmod saw when the kernel or a module was installed."""
        for place, (listing, known) in self._known.items():
            present = self._present.get(place, {})
            for name in sorted(set(present) - known):
                yield self.found(
                    present[name],
                    Severity.MEDIUM,
                    "Kernel module that depmod does not list",
                    f"kernel {place[1]}",
                    ("T1547.006", "T1014"),
                    hashed=True,
                )
            gone = sorted(known - set(present))
            if present and gone:
                yield Finding(
                    self.name,
                    Severity.LOW,
                    f"{len(gone)} kernel modules are listed but their files are gone",
                    place[0],
                    listing.entry.path,
                    ", ".join(gone[:_NAMED]),
                    ("T1070.004",),
                    listing.entry.modified,
                )
