# SPDX-License-Identifier: AGPL-3.0-or-later
"""The volatile state as it is judged: who holds which socket, which program is odd, and how a finding about a process is written."""

from collections import defaultdict

from clean_room_analysis.memory.signs import MOST, is_odd, said
from clean_room_analysis.memory.state import Process, Socket, VolatileState
from clean_room_analysis.model import Finding, Severity, iso_time

CHECK = "volatile-state"


class Judge:
    """One state while it is judged."""

    def __init__(self, state: VolatileState, volume_id: str, addresses: frozenset[str]) -> None:
        self.state = state
        self.volume_id = volume_id
        self.addresses = addresses
        own = state.own()
        self.processes = [one for pid, one in sorted(state.processes.items()) if pid not in own]
        self.holders: dict[int, list[Process]] = defaultdict(list)
        for process in self.processes:
            for target in process.files.values():
                if target.startswith("socket:[") and target[8:-1].isdigit():
                    self.holders[int(target[8:-1])].append(process)
        self.sockets: dict[int, Socket] = {one.inode: one for one in state.sockets if one.inode}
        #: Why a process is suspected, by its number.
        self.suspected: dict[int, str] = {}
        #: Whose a finding is, by its identity.
        self.process_of: dict[int, Process] = {}
        #: Processes whose program itself is odd, by what it is or where it lies.
        self.odd = {one.pid for one in self.processes if one.program and is_odd(one)}

    def found(self, severity: Severity, title: str, process: Process | None, attack: tuple[str, ...], more: str = "") -> Finding:
        """A finding about a process. A shell of the distribution's that an intruder uses is not the intruder's: its path and hash are no indicators."""
        program = self.state.programs.get(process.pid) if process is not None else None
        if process is not None and severity in (Severity.CRITICAL, Severity.HIGH):
            self.suspected.setdefault(process.pid, title)
        theirs = process is not None and process.pid in self.odd
        finding = Finding(
            CHECK,
            severity,
            title,
            self.volume_id,
            process.program if process is not None and theirs else None,
            "\n".join(filter(None, (more, self.describe(process) if process is not None else ""))),
            attack,
            self.state.started(process) if process is not None else None,
            program.sha256 or None if program is not None and theirs else None,
        )
        if process is not None:
            self.process_of[id(finding)] = process
        return finding

    def describe(self, process: Process) -> str:
        """A process in some lines: who, what, since when, and its connections."""
        parent = self.state.processes.get(process.parent)
        since = iso_time(self.state.started(process))
        lines = [
            f"process {process.pid} ({process.name}) of user {process.user}, parent {process.parent} ({parent.name if parent else 'gone'})"
            + (f", since {since} by the host's clock" if since else ""),
            f"program {process.program or 'of the kernel'}, command line: {process.command[:500]}",
        ]
        program = self.state.programs.get(process.pid)
        if program is not None and program.copied:
            lines.append(f"its program was copied: executables/{program.sha256}")
        held = [
            self.sockets[int(target[8:-1])]
            for target in process.files.values()
            if target.startswith("socket:[") and target[8:-1].isdigit() and int(target[8:-1]) in self.sockets
        ]
        lines += [said(one) for one in held[:MOST]]
        return "\n".join(lines)
