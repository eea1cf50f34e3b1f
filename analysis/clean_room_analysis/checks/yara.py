# SPDX-License-Identifier: AGPL-3.0-or-later
"""YARA over the content of every regular file, with the rules that travel with this program."""

import os
from collections.abc import Iterator

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.disk_images import disk_images
from clean_room_analysis.model import Entry, Severity
from clean_room_analysis.text import decode

_BESIDE_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "rules")
#: Pattern matches quoted in one finding.
_QUOTED = 8


def compile_rules(directory: str = _BESIDE_PACKAGE) -> yara_x.Rules:
    """All `*.yar` files of a directory. @raises FileNotFoundError when there is none: scanning with no rule is not a scan"""
    names = sorted(name for name in os.listdir(directory) if name.endswith(".yar")) if os.path.isdir(directory) else []
    if not names:
        raise FileNotFoundError(f"no YARA rules in {directory}: the analysis archive is not whole")
    compiler = yara_x.Compiler()
    for name in names:
        with open(os.path.join(directory, name), encoding="utf-8") as handle:
            compiler.add_source(handle.read(), origin=name)
    return compiler.build()


class Yara(Check):
    """Rules name their severity, ATT&CK technique and meaning in `meta`. Large files are scanned in overlapping windows."""

    name = "yara"

    def __init__(self) -> None:
        # One scanner a process; forked processes share the compiled rules.
        self._scanner = yara_x.Scanner(compile_rules())
        self._scanner.set_timeout(limits.YARA_SECONDS)
        self._scanner.max_matches_per_pattern(100)

    def wants(self, entry: Entry) -> bool:
        return entry.is_file and entry.size > 0

    def look(self, item: Item) -> Iterator[Result]:
        seen: set[str] = set()
        scanned = 0
        for offset, content in item.windows():
            if scanned >= limits.YARA_FILE_BYTES:
                item.unseen[f"YARA scanned only its content up to byte {offset}"] = None
                return
            if scanned == 0:
                yield from disk_images(self, item, content)
            scanned += len(content)
            try:
                rules = self._scanner.scan(content).matching_rules
            except yara_x.TimeoutError:
                item.unseen[f"scanning {len(content)} bytes at byte {offset} took more than {limits.YARA_SECONDS} seconds"] = None
                continue
            for rule in sorted(rules, key=lambda one: one.identifier):
                if rule.identifier not in seen:
                    seen.add(rule.identifier)
                    yield self._finding(item, rule, content, offset)

    def _finding(self, item: Item, rule: yara_x.Rule, content: bytes, offset: int) -> Result:
        meta = dict(rule.metadata)
        quoted = [
            f"{pattern.identifier} at {offset + match.offset}: "
            f"{decode(content[max(0, match.offset - 20) : match.offset + min(match.length, 200) + 60])}"
            for pattern in rule.patterns
            for match in tuple(pattern.matches)[:1]
        ][:_QUOTED]
        return self.found(
            item,
            Severity(str(meta.get("severity", "medium"))),
            str(meta.get("description", rule.identifier)),
            "\n".join(quoted),
            tuple(str(meta.get("attack", "")).split()),
            rule=rule.identifier,
            hashed=True,
        )
