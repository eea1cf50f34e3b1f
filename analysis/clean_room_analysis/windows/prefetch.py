# SPDX-License-Identifier: AGPL-3.0-or-later
"""Prefetch files: which program ran, from where, how often and when."""

from clean_room_analysis.errors import cause_of
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dissect.target.plugins.os.windows.prefetch import Prefetch

from clean_room_analysis.model import Entry, NotLookedAt
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows import nanoseconds

#: How prefetch names the volume a path is on.
_VOLUME = re.compile(r"^\\(?:VOLUME\{[^}]{0,60}\}|DEVICE\\HARDDISKVOLUME\d{1,4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """What one prefetch file says. `program` is its path on its volume where the file names it, else its name; `times` newest first."""

    name: str
    program: str
    count: int
    times: tuple[int, ...]
    path: str


def read_prefetch(tree: Tree, entries: Sequence[Entry]) -> Iterator[Run | NotLookedAt]:
    """All prefetch files of a tree. Runs isolated."""
    for entry in entries:
        try:
            with tree.open(entry.path) as handle:
                one = Prefetch(handle)
            name = one.header.name.decode("utf-16-le", "replace").split("\0")[0]
            loaded = [str(path) for path in one.metrics or ()]
            program = next((path for path in loaded if path.rpartition("\\")[2].upper() == name.upper()), name)
            program = _VOLUME.sub("", program)
            times = [int(one.fn.last_run_time), *(int(each) for each in getattr(one.fn, "last_run_remains", ()))]
            yield Run(name[:260], program[:1000], int(one.fn.run_count), tuple(nanoseconds(each) for each in times if each), entry.path)
        except Exception as error:  # one damaged file must not hide the others
            yield NotLookedAt(entry.path, f"this prefetch file cannot be read: {cause_of(error)}"[:300], incomplete=False)
