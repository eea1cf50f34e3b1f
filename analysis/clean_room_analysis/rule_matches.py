# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a match of a YARA rule means: how grave, in which words, by which techniques, and what it matched."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yara_x

from clean_room_analysis import limits
from clean_room_analysis.model import Severity
from clean_room_analysis.rule_bundle import RuleSet, compile_rules
from clean_room_analysis.text import decode

#: How collections of rules say how grave a match is, where they do not say it in our words.
_GRAVE = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "medium": Severity.MEDIUM, "moderate": Severity.MEDIUM, "low": Severity.LOW}
_INFORMATIONAL = frozenset({"informational", "info", "information"})


@dataclass(frozen=True, slots=True)
class Match:
    """One rule that matched. `places` are (pattern, offset, length) of the first match of each pattern, in the rule's order."""

    namespace: str
    rule: str
    severity: Severity
    description: str
    attack: tuple[str, ...]
    places: tuple[tuple[str, int, int], ...]

    @property
    def offset(self) -> int:
        """Where in the content the first match begins; 0 where the rule needs none."""
        return min((offset for _, offset, _ in self.places), default=0)

    def around(self, content: bytes) -> str:
        """The content around the first match, as text."""
        _, offset, length = min(self.places, key=lambda place: place[1], default=("", 0, 0))
        return decode(content[max(0, offset - 40) : offset + min(length, 200) + 100])

    def each(self, content: bytes, base: int, form: str = "d") -> list[str]:
        """What each pattern matched. @param base where the content begins, `form` how places are written"""
        return [
            f"{name} at {base + offset:{form}}: {decode(content[max(0, offset - 20) : offset + min(length, 200) + 60])}"
            for name, offset, length in self.places
        ]


def scanner_of(rules: RuleSet | None = None, most_per_pattern: int = 100) -> yara_x.Scanner:
    """A scanner with the time limit of a content. @param rules all that there are when None"""
    scanner = yara_x.Scanner((rules or compile_rules()).rules)
    scanner.set_timeout(limits.YARA_SECONDS)
    scanner.max_matches_per_pattern(most_per_pattern)
    return scanner


def matches(scanner: yara_x.Scanner, content: bytes) -> tuple[Match, ...] | None:
    """Every rule that matches, by name; None when the rules took more than `limits.YARA_SECONDS`, and the content counts as not scanned."""
    try:
        rules = scanner.scan(content).matching_rules
    except yara_x.TimeoutError:
        return None
    return tuple(_match(rule) for rule in sorted(rules, key=lambda one: one.identifier))


def _match(rule: yara_x.Rule) -> Match:
    meta = dict(rule.metadata)
    places = tuple((pattern.identifier, match.offset, match.length) for pattern in rule.patterns for match in tuple(pattern.matches)[:1])
    description = str(meta.get("description") or rule.identifier)[:500]
    return Match(rule.namespace, rule.identifier, severity_of(meta), description, techniques_of(meta), places)


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


def techniques_of(meta: Mapping[str, object]) -> tuple[str, ...]:
    """ATT&CK ids of the rule: of `attack`, or wherever its notes name some."""
    said = str(meta["attack"]) if "attack" in meta else " ".join(str(value) for value in meta.values())
    return tuple(dict.fromkeys(re.findall(r"\bT\d{4}(?:\.\d{3})?\b", said)))[:8]
