# SPDX-License-Identifier: AGPL-3.0-or-later
"""What sockets give away: whom the host talked to, who listened, and shells at the other end."""

import os.path
from collections.abc import Iterator

from clean_room_analysis.memory.signs import INTERPRETERS, MINING_PORTS, RAW_BY_TRADE, SHELLS, public, said
from clean_room_analysis.memory.subject import CHECK, Judge
from clean_room_analysis.model import Finding, Severity


def connections(judge: Judge) -> Iterator[Finding]:
    """Sockets by their ends and by who holds them."""
    listening: list[str] = []
    connected: list[str] = []
    for one in judge.state.sockets:
        holders = judge.holders.get(one.inode, [])
        who = holders[0] if holders else None
        if not one.listens and one.remote in judge.addresses:
            yield judge.found(Severity.CRITICAL, "A connection to an address of the finding was open", who, ("T1071", "T1041"), said(one))
        if one.table.startswith("tcp") and not one.listens and one.remote_port in MINING_PORTS and public(one.remote):
            yield judge.found(Severity.HIGH, "A connection to a port that mining pools use was open", who, ("T1496",), said(one))
        if one.table.startswith("raw") or one.table == "packet":
            if who is not None and not RAW_BY_TRADE.match(who.program):
                yield judge.found(
                    Severity.MEDIUM,
                    "A program holds a raw socket: it sees packets that are not its own, or makes any",
                    who,
                    ("T1040", "T1205.002"),
                    said(one),
                )
            elif who is None:
                yield judge.found(
                    Severity.LOW, "A raw socket is open and no process that was seen holds it", None, ("T1205.002",), said(one)
                )
        line = f"{said(one)}: {f'{who.pid} {who.name} {who.program}' if who else 'no process that was seen'}"
        if one.listens:
            listening.append(line)
            if who is not None and who.pid in judge.suspected:
                yield judge.found(
                    Severity.HIGH,
                    "A suspicious program listens for connections",
                    who,
                    ("T1571", "T1205"),
                    f"{said(one)}; {judge.suspected[who.pid]}",
                )
        elif one.table.startswith("tcp") and one.state in (1, 2) and public(one.remote):
            connected.append(line)
    for title, lines_ in (
        ("What listened for connections when the state was taken", listening),
        ("Connections to other networks when the state was taken", connected),
    ):
        if lines_:
            yield Finding(CHECK, Severity.INFORMATIONAL, title, judge.volume_id, None, "\n".join(sorted(set(lines_))))


def shells(judge: Judge) -> Iterator[Finding]:
    """Shells whose input and output are a connection."""
    for process in judge.processes:
        name = os.path.basename(process.program)
        if name not in SHELLS and not INTERPRETERS.match(name):
            continue
        ends = [
            judge.sockets.get(int(target[8:-1]))
            for number in (0, 1, 2)
            if (target := process.files.get(number, "")).startswith("socket:[") and target[8:-1].isdigit()
        ]
        wired = [one for one in ends if one is not None and one.table.startswith("tcp") and not one.listens]
        if wired:
            severity = Severity.CRITICAL if name in SHELLS else Severity.HIGH
            yield judge.found(
                severity, "A shell's input and output are a network connection", process, ("T1059.004", "T1071"), said(wired[0])
            )
