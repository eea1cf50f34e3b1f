# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the volatile state says of an intruder. Nothing is read here: `findings` is a function of the state alone."""

import os.path
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from clean_room_analysis import limits
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.memory.signs import (
    CONTAINER_RUNTIME,
    INTERPRETERS,
    KERNEL_THREAD,
    LIBRARIES,
    MINING_PORTS,
    MOST,
    RAW_BY_TRADE,
    SHELLS,
    UPDATED,
    public,
    said,
    script_of,
)
from clean_room_analysis.memory.state import DELETED, Process, Socket, VolatileState
from clean_room_analysis.model import Finding, Severity, iso_time

CHECK = "volatile-state"


class _Judge:
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
        self.process_of: dict[int, int] = {}

    def found(self, severity: Severity, title: str, process: Process | None, attack: tuple[str, ...], more: str = "") -> Finding:
        path = process.program or None if process is not None else None
        program = self.state.programs.get(process.pid) if process is not None else None
        if process is not None and severity in (Severity.CRITICAL, Severity.HIGH):
            self.suspected.setdefault(process.pid, title)
        finding = Finding(
            CHECK,
            severity,
            title,
            self.volume_id,
            path,
            "\n".join(filter(None, (more, self.describe(process) if process is not None else ""))),
            attack,
            self.state.started(process) if process is not None else None,
            program.sha256 or None if program is not None else None,
        )
        if process is not None:
            self.process_of[id(finding)] = process.pid
        return finding

    def describe(self, process: Process) -> str:
        """A process in some lines: who, what, since when, and its connections."""
        parent = self.state.processes.get(process.parent)
        since = iso_time(self.state.started(process))
        lines = [
            f"process {process.pid} ({process.name}) of user {process.user}, parent {process.parent} ({parent.name if parent else 'gone'})"
            + (f", since {since} by the host's clock" if since else ""),
            f"command line: {process.command[:500]}",
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

    # Each of the following looks at one kind of sign.

    def programs(self) -> Iterator[Finding]:
        for process in self.processes:
            if process.kernel_thread or not process.program:
                continue
            program = self.state.programs.get(process.pid)
            deleted = process.deleted or (program is not None and program.links == 0)
            place = process.program
            if place.startswith("/memfd:"):
                if CONTAINER_RUNTIME.match(place):
                    yield self.found(
                        Severity.INFORMATIONAL, "A container runtime runs from memory, as it does by design", process, ("T1620",)
                    )
                else:
                    yield self.found(Severity.HIGH, "A program runs that never was a file", process, ("T1620", "T1027.011"))
            elif deleted:
                if UPDATED.match(place) and hidden_part(place) is None:
                    yield self.found(Severity.LOW, "A running program was deleted, which an update does as well", process, ("T1070.004",))
                else:
                    yield self.found(Severity.HIGH, "A running program was deleted", process, ("T1070.004", "T1059"))
            if in_temporary(place):
                yield self.found(
                    Severity.HIGH,
                    "A program runs from a temporary directory",
                    process,
                    ("T1059", "T1564.001") if hidden_part(place) else ("T1059",),
                )
            elif hidden_part(place) is not None and not place.startswith("/memfd:"):
                severity = Severity.MEDIUM if in_home(place) else Severity.HIGH
                yield self.found(severity, "A program runs under a hidden name", process, ("T1564.001",))
            elif (script := script_of(process)) is not None:
                yield self.found(
                    Severity.MEDIUM,
                    "An interpreter runs something from a temporary directory",
                    process,
                    ("T1059",),
                    f"it runs {script[:200]}",
                )

    def disguises(self) -> Iterator[Finding]:
        for process in self.processes:
            if process.kernel_thread or not process.program:
                continue
            shown = process.arguments[0] if process.arguments else ""
            if KERNEL_THREAD.match(process.name) or KERNEL_THREAD.match(shown):
                yield self.found(
                    Severity.HIGH,
                    "A program calls itself like a kernel thread",
                    process,
                    ("T1036.004",),
                    f"its name is {process.name!r}, it shows {shown[:100]!r}",
                )

    def preloading(self) -> Iterator[Finding]:
        for process in self.processes:
            for variable, value in (("LD_PRELOAD", process.preload), ("LD_LIBRARY_PATH", process.library_path)):
                if not value:
                    continue
                parts = [part for part in re.split(r"[:\s]+", value) if part]
                odd = [
                    part
                    for part in parts
                    if in_temporary(part + "/")
                    or in_home(part + "/")
                    or hidden_part(part)
                    or (variable == "LD_PRELOAD" and not part.startswith(("/", "$")) and "/" in part)
                ]
                if odd:
                    severity = Severity.HIGH if variable == "LD_PRELOAD" else Severity.LOW
                elif variable == "LD_PRELOAD":
                    severity = (
                        Severity.INFORMATIONAL if all(LIBRARIES.match(part) or "/" not in part for part in parts) else Severity.MEDIUM
                    )
                else:
                    continue
                yield self.found(severity, f"A process was started with {variable}", process, ("T1574.006",), f"{variable}={value[:500]}")
            if "LD_AUDIT" in process.environment:
                yield self.found(Severity.MEDIUM, "A process was started with LD_AUDIT", process, ("T1574.006",))
        for namespace, pid, content in self.state.preloads:
            if content.strip():
                process_of = self.state.processes.get(pid)
                yield self.found(
                    Severity.CRITICAL,
                    "A library is loaded into every program",
                    process_of,
                    ("T1574.006", "T1014"),
                    f"ld.so.preload of mount namespace {namespace}: {content[:500]}",
                )

    def injected(self) -> Iterator[Finding]:
        for process in self.processes:
            odd = sorted(
                {
                    name
                    for _, name in process.maps
                    if (
                        name.endswith(DELETED)
                        and (in_temporary(name) or hidden_part(name.removesuffix(DELETED)) or name.startswith("/memfd:"))
                        or in_temporary(name)
                    )
                    and name.removesuffix(DELETED) != process.program
                    and not CONTAINER_RUNTIME.match(name)
                }
            )
            # Engines that compile as they run keep their code in such memory, too; libffi and wayland name theirs.
            if odd and not all(re.match(r"/memfd:(?:doublemapper|libffi|wayland|pipewire|JITCode|\.?jit)", name) for name in odd):
                severity = Severity.MEDIUM if all(name.startswith("/memfd:") for name in odd) else Severity.HIGH
                yield self.found(
                    severity,
                    "A process runs code of a file that is gone or lies in a temporary directory",
                    process,
                    ("T1055", "T1574.006"),
                    ", ".join(odd[:MOST]),
                )
            if process.tracer and process.tracer in self.state.processes:
                tracer = self.state.processes[process.tracer]
                yield self.found(
                    Severity.MEDIUM,
                    "A process was traced by another",
                    process,
                    ("T1055.008",),
                    f"by process {tracer.pid} ({tracer.name}, {tracer.program})",
                )

    def hidden(self) -> Iterator[Finding]:
        for status in self.state.hidden:
            yield Finding(
                CHECK,
                Severity.CRITICAL,
                "A process is hidden: it can be looked up and is not listed",
                self.volume_id,
                None,
                status[:1000],
                ("T1014", "T1564"),
            )
        for status in self.state.covered:
            yield Finding(
                CHECK,
                Severity.CRITICAL,
                "A process is hidden by something mounted over its folder in /proc",
                self.volume_id,
                None,
                status[:1000],
                ("T1564", "T1014"),
            )
        listed = self.state.modules_listed
        for names, source in ((self.state.modules_loaded, "/sys/module"), (self.state.modules_of_symbols, "/proc/kallsyms")):
            for name in sorted((names or set()) - listed) if listed is not None else ():
                yield Finding(
                    CHECK,
                    Severity.CRITICAL,
                    "A kernel module is loaded and not listed",
                    self.volume_id,
                    None,
                    f"{name}: in {source}, not in /proc/modules",
                    ("T1014", "T1547.006"),
                )

    def connections(self) -> Iterator[Finding]:
        listening: list[str] = []
        connected: list[str] = []
        for one in self.state.sockets:
            holders = self.holders.get(one.inode, [])
            who = holders[0] if holders else None
            if not one.listens and one.remote in self.addresses:
                yield self.found(
                    Severity.CRITICAL, "A connection to an address of the finding was open", who, ("T1071", "T1041"), said(one)
                )
            if one.table.startswith("tcp") and not one.listens and one.remote_port in MINING_PORTS and public(one.remote):
                yield self.found(Severity.HIGH, "A connection to a port that mining pools use was open", who, ("T1496",), said(one))
            if one.table.startswith("raw") or one.table == "packet":
                if who is not None and not RAW_BY_TRADE.match(who.program):
                    yield self.found(
                        Severity.MEDIUM,
                        "A program holds a raw socket: it sees packets that are not its own, or makes any",
                        who,
                        ("T1040", "T1205.002"),
                        said(one),
                    )
                elif who is None:
                    yield self.found(
                        Severity.LOW, "A raw socket is open and no process that was seen holds it", None, ("T1205.002",), said(one)
                    )
            line = f"{said(one)}: {f'{who.pid} {who.name} {who.program}' if who else 'no process that was seen'}"
            if one.listens:
                listening.append(line)
                if who is not None and who.pid in self.suspected:
                    yield self.found(
                        Severity.HIGH,
                        "A suspicious program listens for connections",
                        who,
                        ("T1571", "T1205"),
                        f"{said(one)}; {self.suspected[who.pid]}",
                    )
            elif one.table.startswith("tcp") and one.state in (1, 2) and public(one.remote):
                connected.append(line)
        for title, lines_ in (
            ("What listened for connections when the state was taken", listening),
            ("Connections to other networks when the state was taken", connected),
        ):
            if lines_:
                yield Finding(CHECK, Severity.INFORMATIONAL, title, self.volume_id, None, "\n".join(sorted(set(lines_))))

    def shells(self) -> Iterator[Finding]:
        for process in self.processes:
            name = os.path.basename(process.program)
            if name not in SHELLS and not INTERPRETERS.match(name):
                continue
            ends = [
                self.sockets.get(int(target[8:-1]))
                for number in (0, 1, 2)
                if (target := process.files.get(number, "")).startswith("socket:[") and target[8:-1].isdigit()
            ]
            wired = [one for one in ends if one is not None and one.table.startswith("tcp") and not one.listens]
            if wired:
                severity = Severity.CRITICAL if name in SHELLS else Severity.HIGH
                yield self.found(
                    severity, "A shell's input and output are a network connection", process, ("T1059.004", "T1071"), said(wired[0])
                )


def findings(state: VolatileState, volume_id: str, addresses: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Everything that can be said of the state.

    @param volume_id whose findings these are: the acquisition volume
    @param addresses of the finding that started the incident, and of those that joined it
    """
    judge = _Judge(state, volume_id, addresses)
    groups = (judge.programs, judge.disguises, judge.preloading, judge.shells, judge.injected, judge.hidden)
    # Connections last, since a listening socket matters by who holds it.
    found = [finding for look in (*groups, judge.connections) for finding in look()]
    same: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for finding in found:
        alone = id(finding) not in judge.process_of
        same[(id(finding),) if alone else (finding.title, finding.severity, finding.path, finding.sha256)].append(finding)
    for each in same.values():
        others = [str(judge.process_of[id(one)]) for one in each[1:]]
        more = f"\nThe same holds for {len(others)} more processes of it: {', '.join(others[:40])}" if others else ""
        yield replace(each[0], evidence=each[0].evidence[: limits.EVIDENCE_CHARACTERS - len(more) - 1] + more)
