# SPDX-License-Identifier: AGPL-3.0-or-later
"""The dynamic linker: /etc/ld.so.preload, and library directories that anybody may write to."""

from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.model import Entry, Severity


class LdPreload(Check):
    """T1574.006 (dynamic linker hijacking)."""

    name = "ld-preload"

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return (
            path.startswith("/etc/ld.so.")
            and not entry.is_directory
            and (path in ("/etc/ld.so.preload", "/etc/ld.so.conf") or path.startswith("/etc/ld.so.conf.d/"))
        )

    def look(self, item: Item) -> Iterator[Result]:
        if item.path == "/etc/ld.so.preload":
            yield from self._preload(item)
            return
        for number, line in item.lines():
            directory = line.split("#")[0].strip()
            if in_temporary(directory + "/") or in_home(directory + "/") or (directory.startswith("/") and hidden_part(directory)):
                yield self.found(
                    item,
                    Severity.HIGH,
                    "Libraries are looked for in a directory that users may write to",
                    f"line {number}: {directory}",
                    ("T1574.006",),
                )

    def _preload(self, item: Item) -> Iterator[Result]:
        if item.entry.is_link:
            yield self.found(
                item, Severity.CRITICAL, "/etc/ld.so.preload is a link", f"-> {item.tree.link_target(item.entry.path)}", ("T1574.006",)
            )
            return
        libraries = [name for _, line in item.lines() for name in line.split("#")[0].replace(":", " ").split()]
        if not libraries:
            yield self.found(item, Severity.LOW, "/etc/ld.so.preload exists and names no library", "", ("T1574.006",))
        for name in libraries:
            library = item.tree.resolve(name) if name.startswith("/") else None
            state = "which is on the volume" if library is not None else "which is not on this volume"
            yield self.found(item, Severity.CRITICAL, "A library is loaded into every program", f"{name} ({state})", ("T1574.006", "T1014"))
