# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is believed without being asked: hosts and names that may log in or mount without a password."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import Entry, Severity

_TRUSTS = re.compile(
    r"^(?:/root|/home/[^/]+|/var/(?!lib/docker/)[^\n]{1,200})?/\.(?:rhosts|shosts|k5login|k5users)$|^/etc/(?:hosts\.equiv|shosts\.equiv|ssh/shosts\.equiv)$"
)


class RemoteTrust(Check):
    """T1556 (modify authentication process), T1021 (remote services), T1039."""

    name = "remote-trust"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return entry.is_file and (path == "/etc/exports" or path.startswith("/etc/exports.d/") or _TRUSTS.match(path) is not None)

    def look(self, item: Item) -> Iterator[Result]:
        shared = item.path.startswith("/etc/exports")
        for number, line in item.lines():
            said = line.split("#")[0].strip()
            if not said:
                continue
            if shared:
                if "no_root_squash" in said and re.search(r"\brw\b", said):
                    whole = re.match(r"^[\"']?/(?:etc|root|home|usr|boot)?[\"']?\s", said) is not None
                    severity = Severity.HIGH if whole else Severity.LOW
                    yield self.found(
                        item, severity, "Root of another machine may write here as root", f"line {number}: {said}", ("T1039", "T1548")
                    )
            else:
                severity = Severity.HIGH if said.startswith("+") or item.path.startswith("/root/") else Severity.MEDIUM
                yield self.found(
                    item,
                    severity,
                    "Another machine's word lets its users log in without a password",
                    f"line {number}: {said}",
                    ("T1556", "T1021"),
                )
