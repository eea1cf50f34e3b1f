# SPDX-License-Identifier: AGPL-3.0-or-later
"""YARA over the content of every regular file, with the rules that travel with this program and those that a deployment added."""

import re
from collections.abc import Iterator, Mapping

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.disk_images import disk_images
from clean_room_analysis.model import Entry, NotLookedAt, Severity
from clean_room_analysis.rule_bundle import compile_rules
from clean_room_analysis.text import decode

#: Pattern matches quoted in one finding.
_QUOTED = 8


class Yara(Check):
    """Rules name their severity, ATT&CK technique and meaning in `meta`. Large files are scanned in overlapping windows."""

    name = "yara"

    def __init__(self) -> None:
        # One scanner a process; forked processes share the compiled rules.
        self._rules = compile_rules()
        self._scanner = yara_x.Scanner(self._rules.rules)
        self._scanner.set_timeout(limits.YARA_SECONDS)
        self._scanner.max_matches_per_pattern(100)

    def wants(self, entry: Entry) -> bool:
        return entry.is_file and entry.size > 0

    def look(self, item: Item) -> Iterator[Result]:
        seen: set[str] = set()
        scanned = 0
        if self._rules.bundles:
            self._scanner.set_global("filename", item.entry.name)
            self._scanner.set_global("filepath", item.path)
            self._scanner.set_global("extension", item.entry.name.rpartition(".")[2] if "." in item.entry.name else "")
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
                key = f"{rule.namespace}:{rule.identifier}"
                if key not in seen:
                    seen.add(key)
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
            item, severity_of(meta), description_of(rule), "\n".join(quoted), techniques_of(meta), rule=rule.identifier, hashed=True
        )

    def conclude(self) -> Iterator[Result]:
        for name, why in self._rules.problems:
            yield NotLookedAt(f"the rule bundle {name}", why)


#: How collections of rules say how grave a match is, where they do not say it in our words.
_GRAVE = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "medium": Severity.MEDIUM, "moderate": Severity.MEDIUM, "low": Severity.LOW}
_INFORMATIONAL = frozenset({"informational", "info", "information"})


def severity_of(meta: Mapping[str, object]) -> Severity:
    """By `severity` in words, or by a `score` of 0 to 100 as signature-base has it (75 and more is high); else medium."""
    said = str(meta.get("severity", "")).lower()
    if said in _GRAVE:
        return _GRAVE[said]
    if said in _INFORMATIONAL:
        return Severity.INFORMATIONAL
    score = meta.get("score", meta.get("severity"))
    if isinstance(score, int | float):
        return Severity.HIGH if score >= 75 else Severity.MEDIUM if score >= 50 else Severity.LOW
    return Severity.MEDIUM


def description_of(rule: yara_x.Rule) -> str:
    """What a match means, in the rule's own words or by its name."""
    return str(dict(rule.metadata).get("description") or rule.identifier)[:500]


def techniques_of(meta: Mapping[str, object]) -> tuple[str, ...]:
    """ATT&CK ids of the rule: of `attack`, or wherever its notes name some."""
    said = str(meta["attack"]) if "attack" in meta else " ".join(str(value) for value in meta.values())
    return tuple(dict.fromkeys(re.findall(r"\bT\d{4}(?:\.\d{3})?\b", said)))[:8]
