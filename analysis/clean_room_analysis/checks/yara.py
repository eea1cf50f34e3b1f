# SPDX-License-Identifier: AGPL-3.0-or-later
"""YARA over the content of every regular file, with the rules that travel with this program and those that a deployment added."""

from collections.abc import Iterator

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.disk_images import disk_images
from clean_room_analysis.model import Entry, NotLookedAt
from clean_room_analysis.rule_bundle import compile_rules
from clean_room_analysis.rule_matches import matches, scanner_of

#: Pattern matches quoted in one finding.
_QUOTED = 8


class Yara(Check):
    """Rules name their severity, ATT&CK technique and meaning in `meta`. Large files are scanned in overlapping windows."""

    name = "yara"

    def __init__(self) -> None:
        # One scanner a process; forked processes share the compiled rules.
        self._rules = compile_rules()
        self._scanner = scanner_of(self._rules)

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
            found = matches(self._scanner, content)
            if found is None:
                item.unseen[f"scanning {len(content)} bytes at byte {offset} took more than {limits.YARA_SECONDS} seconds"] = None
                continue
            for match in found:
                key = f"{match.namespace}:{match.rule}"
                if key not in seen:
                    seen.add(key)
                    quoted = "\n".join(match.each(content, offset)[:_QUOTED])
                    yield self.found(item, match.severity, match.description, quoted, match.attack, rule=match.rule, hashed=True)

    def conclude(self) -> Iterator[Result]:
        for name, why in self._rules.problems:
            yield NotLookedAt(f"the rule bundle {name}", why)
