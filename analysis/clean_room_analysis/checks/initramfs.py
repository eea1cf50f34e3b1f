# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an initial RAM disk runs before the system does: no package owns it, and its content is compressed."""

import re
import stat
from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, suspicions, techniques, worst
from clean_room_analysis.initramfs import Member, members
from clean_room_analysis.model import Entry, Severity
from clean_room_analysis.rule_matches import matches, scanner_of
from clean_room_analysis.text import decode, lines

_NAME = re.compile(r"^(?:initrd|initramfs)(?:[.-].*)?$")
#: What such scripts do as their work: modules, accounts and services of the system to come, file times, what guards it.
_ITS_WORK = ("T1547", "T1136", "T1543", "T1070", "T1562", "T1222")
_GRAVE = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)


class Initramfs(Check):
    """T1542 (pre-OS boot). Each file in it is held to the rules, each script to the patterns of commands."""

    name = "initramfs"

    def __init__(self) -> None:
        self._scanner = scanner_of()

    def wants(self, entry: Entry) -> bool:
        if not entry.is_file or not entry.size:
            return False
        path = entry.logical
        # A volume that is /boot may not be known as such: then they lie at its top.
        return (path.startswith("/boot/") or path.count("/") == 1) and _NAME.match(entry.name) is not None

    def look(self, item: Item) -> Iterator[Result]:
        with item.open() as handle:
            for member in members(handle):
                if stat.S_ISREG(member.mode) and member.size:
                    yield from self._judge(item, member)

    def _judge(self, item: Item, member: Member) -> Iterator[Result]:
        about = f"{member.name}, {member.size} bytes"
        if member.size > len(member.content):
            item.unseen[f"only the first {len(member.content)} bytes of {member.name} in it were scanned"] = None
        found = matches(self._scanner, member.content)
        if found is None:
            item.unseen[f"scanning {member.name} in it took more than {limits.YARA_SECONDS} seconds"] = None
        for match in found or ():
            attack = tuple(dict.fromkeys((*match.attack, "T1542")))
            quoted = f"{about}: {match.around(member.content)}"
            yield self.found(item, match.severity, f"In the initial RAM disk: {match.description}", quoted, attack, rule=match.rule)
        if not member.content.startswith(b"#!"):
            return
        told: set[str] = set()
        for number, line in lines(decode(member.content[: limits.MEBIBYTE])):
            reasons = tuple(one for one in suspicions(line) if not one.attack.startswith(_ITS_WORK))
            if reasons and worst(reasons) in _GRAVE and in_words(reasons) not in told:
                told.add(in_words(reasons))
                title = f"A script of the initial RAM disk {in_words(reasons)}"
                yield self.found(item, worst(reasons), title, f"{about}, line {number}: {line}", techniques(reasons, "T1542"))
