# SPDX-License-Identifier: AGPL-3.0-or-later
"""What programs that run give away: where they lie, what they call themselves, what they load, and what is hidden."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.memory.signs import CONTAINER_RUNTIME, LIBRARIES, MOST, UPDATED, is_disguised, script_of
from clean_room_analysis.memory.state import DELETED
from clean_room_analysis.memory.subject import CHECK, Judge
from clean_room_analysis.model import Finding, Severity


def programs(judge: Judge) -> Iterator[Finding]:
    """Programs that are gone, were never a file, or lie where none belong."""
    for process in judge.processes:
        if process.kernel_thread or not process.program:
            continue
        program = judge.state.programs.get(process.pid)
        deleted = process.deleted or (program is not None and program.links == 0)
        place = process.program
        if place.startswith("/memfd:"):
            if CONTAINER_RUNTIME.match(place):
                yield judge.found(Severity.INFORMATIONAL, "A container runtime runs from memory, as it does by design", process, ("T1620",))
            else:
                yield judge.found(Severity.HIGH, "A program runs that never was a file", process, ("T1620", "T1027.011"))
        elif deleted:
            if UPDATED.match(place) and hidden_part(place) is None:
                yield judge.found(Severity.LOW, "A running program was deleted, which an update does as well", process, ("T1070.004",))
            else:
                yield judge.found(Severity.HIGH, "A running program was deleted", process, ("T1070.004", "T1059"))
        if in_temporary(place):
            yield judge.found(
                Severity.HIGH,
                "A program runs from a temporary directory",
                process,
                ("T1059", "T1564.001") if hidden_part(place) else ("T1059",),
            )
        elif hidden_part(place) is not None and not place.startswith("/memfd:"):
            severity = Severity.MEDIUM if in_home(place) else Severity.HIGH
            yield judge.found(severity, "A program runs under a hidden name", process, ("T1564.001",))
        elif (script := script_of(process)) is not None:
            yield judge.found(
                Severity.MEDIUM,
                "An interpreter runs something from a temporary directory",
                process,
                ("T1059",),
                f"it runs {script[:200]}",
            )


def disguises(judge: Judge) -> Iterator[Finding]:
    """Programs that call themselves like the kernel."""
    for process in judge.processes:
        if process.kernel_thread or not process.program:
            continue
        if is_disguised(process):
            shown = process.arguments[0] if process.arguments else ""
            yield judge.found(
                Severity.HIGH,
                "A program calls itself like a kernel thread",
                process,
                ("T1036.004",),
                f"its name is {process.name!r}, it shows {shown[:100]!r}",
            )


def preloading(judge: Judge) -> Iterator[Finding]:
    """Libraries that are put before those of a program."""
    for process in judge.processes:
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
                severity = Severity.INFORMATIONAL if all(LIBRARIES.match(part) or "/" not in part for part in parts) else Severity.MEDIUM
            else:
                continue
            yield judge.found(severity, f"A process was started with {variable}", process, ("T1574.006",), f"{variable}={value[:500]}")
        if "LD_AUDIT" in process.environment:
            yield judge.found(Severity.MEDIUM, "A process was started with LD_AUDIT", process, ("T1574.006",))
    for namespace, pid, content in judge.state.preloads:
        if content.strip():
            process_of = judge.state.processes.get(pid)
            yield judge.found(
                Severity.CRITICAL,
                "A library is loaded into every program",
                process_of,
                ("T1574.006", "T1014"),
                f"ld.so.preload of mount namespace {namespace}: {content[:500]}",
            )


def injected(judge: Judge) -> Iterator[Finding]:
    """Code in a process that is not of its program."""
    for process in judge.processes:
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
            yield judge.found(
                severity,
                "A process runs code of a file that is gone or lies in a temporary directory",
                process,
                ("T1055", "T1574.006"),
                ", ".join(odd[:MOST]),
            )
        if process.tracer and process.tracer in judge.state.processes:
            tracer = judge.state.processes[process.tracer]
            yield judge.found(
                Severity.MEDIUM,
                "A process was traced by another",
                process,
                ("T1055.008",),
                f"by process {tracer.pid} ({tracer.name}, {tracer.program})",
            )


def hidden(judge: Judge) -> Iterator[Finding]:
    """Processes and modules that one source has and another has not."""
    for status in judge.state.hidden:
        yield Finding(
            CHECK,
            Severity.CRITICAL,
            "A process is hidden: it can be looked up and is not listed",
            judge.volume_id,
            None,
            status[:1000],
            ("T1014", "T1564"),
        )
    for status in judge.state.covered:
        yield Finding(
            CHECK,
            Severity.CRITICAL,
            "A process is hidden by something mounted over its folder in /proc",
            judge.volume_id,
            None,
            status[:1000],
            ("T1564", "T1014"),
        )
    listed = judge.state.modules_listed
    for names, source in ((judge.state.modules_loaded, "/sys/module"), (judge.state.modules_of_symbols, "/proc/kallsyms")):
        for name in sorted((names or set()) - listed) if listed is not None else ():
            yield Finding(
                CHECK,
                Severity.CRITICAL,
                "A kernel module is loaded and not listed",
                judge.volume_id,
                None,
                f"{name}: in {source}, not in /proc/modules",
                ("T1014", "T1547.006"),
            )
