# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is asked for names and rights: nsswitch.conf and its modules, polkit's rules, the names that the machine itself answers."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.installed_packages import installed_packages
from clean_room_analysis.model import Entry, Severity

#: Modules of distributions and of well-known directory services.
_MODULES = frozenset(
    [
        "files",
        "systemd",
        "sss",
        "dns",
        "compat",
        "db",
        "cache",
        "nis",
        "nisplus",
        "ldap",
        "hesiod",
        "winbind",
        "wins",
        "myhostname",
        "mymachines",
        "resolve",
        "mdns",
        "mdns4",
        "mdns6",
        "mdns_minimal",
        "mdns4_minimal",
        "mdns6_minimal",
        "altfiles",
        "extrausers",
        "libvirt",
        "libvirt_guest",
        "oslogin",
        "cache_oslogin",
        "google",
        "docker",
        "ecryptfs",
        "gw_name",
        "myhostname",
        "sudoers",
        "http",
        "aad",
        "himmelblau",
        "kanidm",
        "centrifydc",
        "lsass",
        "usrfiles",
        "vas4",
        "initgroups",
        "return",
        "continue",
        "merge",
    ]
)
_LIBRARIES = tuple(
    f"{directory}/libnss_{{}}.so.2"
    for directory in (
        "/usr/lib64",
        "/lib64",
        "/usr/lib",
        "/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib/x86_64-linux-gnu",
    )
)
_POLKIT = re.compile(
    r"^/(?:etc|usr/share|usr/local/share|run)/polkit-1/(?:rules\.d/[^/]+|actions/[^/]+|localauthority(?:\.conf\.d)?/.+)$|^/var/lib/polkit-1/localauthority/.+$"
)
_RULE = re.compile(r"polkit\.addRule\s*\(\s*function[^{]{0,100}\{(.{0,4000}?)\}\s*\)", re.DOTALL)
_YES = re.compile(r"polkit\.Result\.YES|return\s+[\"']yes[\"']", re.IGNORECASE)
_CONDITION = re.compile(r"\bif\s*\(|\?|&&")
#: Actions that are as good as root.
_ROOT_ACTIONS = re.compile(r"org\.freedesktop\.policykit\.exec|org\.freedesktop\.systemd1\.manage-units?\b|org\.freedesktop\.accounts")
_WHO = re.compile(
    r"isInGroup\(\s*[\"'](?:root|wheel|sudo|admin|adm|libvirt\w*|lpadmin|netdev|plugdev|docker)[\"']|\bactive\b|\blocal\b|subject\.user\s*(?:==|!=)\s*[\"'](?:root|polkitd|gdm|colord|fwupd\S*|systemd\S*|mysql|geoclue|pcp|rtkit)"
)
#: Names that a machine must not answer itself: updates, this cloud's services, makers of defences.
_DEFENDERS = re.compile(
    r"(?:amazonaws\.com|\bupdate|security\.(?:debian|ubuntu)|clamav\.net|crowdstrike|falcon|sentinelone|sophos|wazuh|aliyun|rapid7|qualys|trendmicro|virustotal|defender|paloalto|guardicore|lacework)",
    re.IGNORECASE,
)


class NameServices(Check):
    """T1556 (modify authentication process), T1548 (abuse elevation control), T1562.001."""

    name = "name-services"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return entry.is_file and (
            path in ("/etc/nsswitch.conf", "/etc/hosts") or ("/polkit-1/" in path and _POLKIT.match(path) is not None)
        )

    def look(self, item: Item) -> Iterator[Result]:
        if item.path == "/etc/nsswitch.conf":
            yield from self._modules(item)
        elif item.path == "/etc/hosts":
            yield from self._hosts(item)
        else:
            yield from self._polkit(item)

    def _modules(self, item: Item) -> Iterator[Result]:
        root = item.tree.root_of(item.entry.path)
        for number, line in item.lines():
            service, colon, names = line.split("#")[0].partition(":")
            if not colon:
                continue
            for name in re.sub(r"\[[^\]]{0,200}\]", " ", names).split():
                if name.lower() in _MODULES:
                    continue
                library = next(
                    (one for one in (item.tree.resolve(root + place.format(name)) for place in _LIBRARIES) if one is not None), None
                )
                state = "unknown" if library is None else installed_packages(item.tree, root).state(item.tree, library)
                if state in ("unchanged", "owned"):
                    continue
                severity = Severity.HIGH if state in ("unowned", "changed") else Severity.MEDIUM
                where = library.logical if library is not None else "whose library is not on this volume"
                yield self.found(
                    item,
                    severity,
                    f"An unusual module answers for {service.strip()}: {name}",
                    f"line {number}: {line.strip()}; {where}",
                    ("T1556",),
                )

    def _hosts(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            fields = line.split("#")[0].split()
            if (
                len(fields) > 1
                and re.match(r"^(?:0\.0\.0\.0|127\.|::1?$)", fields[0])
                and any(_DEFENDERS.search(name) for name in fields[1:])
            ):
                yield self.found(
                    item,
                    Severity.MEDIUM,
                    "A name of updates or defences leads nowhere",
                    f"line {number}: {line.strip()}",
                    ("T1562.001", "T1565.001"),
                )

    def _polkit(self, item: Item) -> Iterator[Result]:
        text = item.text
        if "/rules.d/" in item.path:
            code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", " ", text, flags=re.DOTALL)
            for rule in _RULE.finditer(code):
                body = rule.group(1)
                if _YES.search(body) and not _CONDITION.search(body):
                    yield self.found(item, Severity.HIGH, "polkit grants everybody everything", rule.group(0)[:800], ("T1548",))
                elif _YES.search(body) and _ROOT_ACTIONS.search(body) and not _WHO.search(body):
                    yield self.found(item, Severity.HIGH, "polkit lets a chosen user run as root", rule.group(0)[:800], ("T1548",))
        elif "/actions/" in item.path:
            if (
                re.search(r"policykit\.exec\.path|<action", text)
                and re.search(r"<allow_any>\s*yes\s*</allow_any>", text)
                and "policykit.exec" in text
            ):
                yield self.found(item, Severity.HIGH, "polkit lets anybody run a program as root", text[:800], ("T1548",))
        elif re.search(r"^\s*ResultAny\s*=\s*yes", text, re.MULTILINE) and re.search(
            r"^\s*(?:Identity\s*=\s*unix-user:|Action\s*=\s*[^\n]{0,200}\*)", text, re.MULTILINE
        ):
            yield self.found(item, Severity.HIGH, "polkit grants users what they ask for", text[:800], ("T1548",))
