# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs and libraries that are no longer what their package installed, and files that no package put where only packages put any."""

import re
import time
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.installed_packages import SECONDS, InstalledPackages, digest, installed_packages, normal
from clean_room_analysis.model import Entry, Finding, NotLookedAt, Severity
from clean_room_analysis.packages_database import RPM_DATABASES
from clean_room_analysis.tree import Tree

#: What runs, or is loaded by what runs. Documentation and data of packages are left to the administrator.
_RUNS = re.compile(
    r"^/(?:usr/(?:local/)?)?(?:s?bin/|lib(?:32|64|x32)?/(?:.+\.so(?:\.[\w.]+)?$|.*/?security/|systemd/|udev/|modules/.+\.ko)|libexec/)"
)
#: Findings of little weight told one by one.
_EACH = 40
_LIB = r"^(?:/usr)?/lib(?:32|64|x32)?/(?:[\w-]+-linux-gnu\w*/)?"
#: place, severity, what a file there is, technique. Administrators have places of their own for all of these, below /etc and /usr/local.
_ONLY_PACKAGES: tuple[tuple[re.Pattern[str], Severity, str, str], ...] = tuple(
    (re.compile(pattern), severity, what, technique)
    for pattern, severity, what, technique in (
        (_LIB + r"security/[^/]+\.so$", Severity.HIGH, "PAM module", "T1556.003"),
        (_LIB + r"libnss_[^/]+\.so\.2$", Severity.HIGH, "Name service module", "T1556"),
        (r"^(?:/usr)?/lib/systemd/(?:system|user)-(?:environment-)?generators/[^/]+$", Severity.HIGH, "Unit generator", "T1543.002"),
        (r"^(?:/usr)?/lib/systemd/system-(?:sleep|shutdown)/[^/]+$", Severity.HIGH, "Hook of systemd", "T1546"),
        (r"^(?:/usr)?/lib/systemd/(?:system|user)/(?:[^/]+\.d/)?[^/]+\.(?:service|timer|socket|path|conf)$", Severity.MEDIUM, "Unit among the vendor's", "T1543.002"),
        (r"^(?:/usr)?/lib/udev/(?:rules\.d/[^/]+|(?!hwdb\.bin$)[^/]+)$", Severity.MEDIUM, "Device rule or helper among the vendor's", "T1546.017"),
        (r"^/usr/share/polkit-1/(?:rules\.d|actions)/[^/]+$", Severity.MEDIUM, "Rule of polkit among the vendor's", "T1548"),
        (r"^/usr/share/dbus-1/system-services/[^/]+\.service$", Severity.MEDIUM, "D-Bus service among the vendor's", "T1543"),
        (r"^/usr/share/initramfs-tools/(?:hooks|scripts)/.+|^(?:/usr)?/lib/dracut/modules\.d/[^/]+/.+", Severity.MEDIUM, "Hook of the initial RAM disk among the vendor's", "T1542"),
        (r"^(?:/usr)?/lib/(?:binfmt|sysctl|modules-load|modprobe|tmpfiles)\.d/[^/]+$", Severity.MEDIUM, "Kernel setting among the vendor's", "T1547"),
        (r"^(?:/usr)?/lib/NetworkManager/dispatcher\.d/.+", Severity.MEDIUM, "Network hook among the vendor's", "T1546"),
        (_LIB + r"[^/]+\.so(?:\.[\d.]+)?$", Severity.LOW, "Library", "T1574"),
        (r"^(?:/usr)?/s?bin/[^/]+$", Severity.LOW, "Program", "T1036.005"),
    )
)  # fmt: skip


class Packages(Check):
    """T1554 (compromise host software binary), T1036.005."""

    name = "packages"

    def __init__(self) -> None:
        self._databases: list[Entry] = []
        self._candidates: list[Entry] = []
        self._volume_id = ""

    def wants(self, entry: Entry) -> bool:
        if not entry.is_file:
            return False
        path = entry.logical
        if path.startswith("/var/lib/dpkg/"):
            return path == "/var/lib/dpkg/status"
        return path in RPM_DATABASES or (path.startswith(("/usr/", "/lib", "/bin/", "/sbin/")) and _kind(path) is not None)

    def look(self, item: Item) -> Iterator[Result]:
        database = item.path in RPM_DATABASES or item.path == "/var/lib/dpkg/status"
        (self._databases if database else self._candidates).append(item.entry)
        self._volume_id = item.volume_id
        return iter(())

    def leave(self, tree: Tree) -> Iterator[Result]:
        """Compares the files of every database of the tree that was just walked."""
        databases, self._databases = self._databases, []
        candidates, self._candidates = self._candidates, []
        end = time.monotonic() + SECONDS
        errors: list[str] = []
        # dpkg's status may be gone while its lists are there.
        roots = dict.fromkeys([tree.root_of(one.path) for one in databases])
        for root in dict.fromkeys([*roots, ""]):
            if time.monotonic() > end:
                yield NotLookedAt(
                    f"{self._volume_id}:{root or '/'}: installed packages", f"packages are compared for at most {SECONDS:.0f} seconds"
                )
                continue
            packages = installed_packages(tree, root)
            errors += packages.errors
            yield from self._compare(tree, root, packages)
            if packages.whole and not packages.errors:
                unowned = [one for one in candidates if tree.root_of(one.path) == root and normal(one.logical) not in packages.names]
                yield from self._all_unowned(tree, unowned)
        if errors:
            raise ValueError("; ".join(errors[:5]))

    def _compare(self, tree: Tree, root: str, packages: InstalledPackages) -> Iterator[Result]:
        missing: dict[str, int] = {}
        for path, (package, algorithm, expected) in packages.files.items():
            if not _RUNS.match(path) or path in packages.diverted:
                continue
            found = tree.resolve(root + path) or tree.resolve(f"{root}/usr{path}")
            if found is None or not found.is_file:
                missing[package] = missing.get(package, 0) + 1
            elif (actual := digest(tree, found, algorithm)) != expected:
                yield Finding(
                    self.name,
                    Severity.CRITICAL,
                    f"{path.rpartition('/')[2]} is not what its package {package} installed",
                    self._volume_id,
                    found.path,
                    f"{algorithm} {actual}, installed as {expected}",
                    ("T1554", "T1036.005"),
                    found.modified,
                    actual if algorithm == "sha256" else None,
                )
        for package, count in sorted(missing.items()):
            yield Finding(
                self.name,
                Severity.LOW,
                f"{count} programs or libraries of the package {package} are gone",
                self._volume_id,
                None,
                "",
                ("T1070.004",),
            )

    def _all_unowned(self, tree: Tree, unowned: list[Entry]) -> Iterator[Result]:
        counts: dict[str, list[str]] = {}
        for entry in unowned:
            kind = _kind(entry.logical)
            if kind is None:
                continue
            severity, what, technique = kind
            names = counts.setdefault(what, [])
            names.append(entry.path)
            if severity is Severity.LOW and len(names) > _EACH:
                continue
            item = Item(entry, tree, self._volume_id)
            detail = (
                f"mode {entry.mode & 0o7777:04o}, owner {entry.user}:{entry.group}, {entry.size} bytes; no package of this system owns it"
            )
            yield self.found(item, severity, f"{what} that no package put here", detail, (technique,), hashed=True)
        for what, names in counts.items():
            more = names[_EACH:]
            if more and what in ("Library", "Program"):
                title = f"{len(more)} more files of this kind that no package put here: {what.lower()}"
                yield Finding(self.name, Severity.LOW, title, self._volume_id, None, "\n".join(more), ("T1036.005",))


def _kind(path: str) -> tuple[Severity, str, str] | None:
    return next(((severity, what, technique) for pattern, severity, what, technique in _ONLY_PACKAGES if pattern.match(path)), None)
