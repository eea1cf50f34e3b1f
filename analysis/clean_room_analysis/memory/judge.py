# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the volatile state says of an intruder. Nothing is read here: `findings` is a function of the state alone."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from clean_room_analysis import limits
from clean_room_analysis.memory import connections, programs
from clean_room_analysis.memory.state import VolatileState
from clean_room_analysis.memory.subject import CHECK, Judge
from clean_room_analysis.model import Finding

__all__ = ["CHECK", "findings"]


def findings(state: VolatileState, volume_id: str, addresses: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Everything that can be said of the state.

    @param volume_id whose findings these are: the acquisition volume
    @param addresses of the finding that opened the incident
    """
    judge = Judge(state, volume_id, addresses)
    first = (programs.programs, programs.disguises, programs.preloading, connections.shells, programs.injected, programs.hidden)
    # Connections last, since a listening socket matters by who holds it.
    found = [finding for look in (*first, connections.connections) for finding in look(judge)]
    same: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for finding in found:
        alone = id(finding) not in judge.process_of
        same[(id(finding),) if alone else (finding.title, finding.severity, judge.process_of[id(finding)].program)].append(finding)
    for each in same.values():
        pids = dict.fromkeys(judge.process_of[id(one)].pid for one in each if id(one) in judge.process_of)
        others = ", ".join(str(pid) for pid in list(pids)[1:41])
        more = f"\nThe same holds for {len(pids) - 1} more processes of it: {others}" if others else ""
        yield replace(each[0], evidence=each[0].evidence[: limits.EVIDENCE_CHARACTERS - len(more) - 1] + more)
