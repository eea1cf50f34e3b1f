# SPDX-License-Identifier: AGPL-3.0-or-later
"""The volatile state as acquisition/parts.sh wrote it. Everything comes from a compromised host: it is parsed in a confined process, and
what makes no sense is left out and counted, never believed to be empty."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from clean_room_analysis import limits
from clean_room_analysis.memory.records import number_of, text_of

#: PF_KTHREAD of the kernel's include/linux/sched.h: set by the kernel alone.
_KERNEL_THREAD_FLAG = 0x200000
#: USER_HZ, the unit of times in /proc, on every processor that EC2 has.
_TICKS_PER_SECOND = 100
_LINK = re.compile(r"^l\S{9}\S?\s+\d+\s+\S+\s+\S+\s+\d+\s+\w{3}\s+\d+\s+[\d:]{4,5}\s+(\S+) -> (.*)$")
_MODULE_OF_SYMBOL = re.compile(r"^\[(\w+)\]$")
DELETED = " (deleted)"


@dataclass(slots=True)
class Process:
    """One process. `program` is what /proc/PID/exe leads to, without " (deleted)"; "" for a kernel thread."""

    pid: int
    parent: int = 0
    name: str = ""
    user: int | None = None
    kernel_thread: bool = False
    tracer: int = 0
    #: Ticks after boot.
    started: int | None = None
    program: str = ""
    deleted: bool = False
    directory: str = ""
    namespaces: dict[str, str] = field(default_factory=dict)
    #: What its descriptors lead to, by number.
    files: dict[int, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    #: Executable parts of its memory: (protection, what they are of; "" for no file).
    maps: list[tuple[str, str]] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    preload: str = ""
    library_path: str = ""
    groups: str = ""

    @property
    def command(self) -> str:
        """The command line as people write it."""
        return " ".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Socket:
    """One line of a table of /proc/net."""

    table: str
    namespace: int
    inode: int
    state: int
    local: str
    local_port: int
    remote: str
    remote_port: int

    @property
    def listens(self) -> bool:
        """TCP that listens, or UDP that is bound and not connected."""
        return self.state == 0x0A if self.table.startswith("tcp") else self.table.startswith("udp") and self.remote_port == 0


@dataclass(frozen=True, slots=True)
class Program:
    """An executable that runs, by device, inode and size."""

    sha256: str
    links: int
    copied: bool
    bytes: int


@dataclass(slots=True)
class VolatileState:
    """Everything that was collected, as far as it could be read."""

    processes: dict[int, Process] = field(default_factory=dict)
    sockets: list[Socket] = field(default_factory=list)
    #: What runs, by process.
    programs: dict[int, Program] = field(default_factory=dict)
    #: Names of modules: as listed, as sysfs has them loaded, as symbols name them. None where it was not to be had.
    modules_listed: set[str] | None = None
    modules_loaded: set[str] | None = None
    modules_of_symbols: set[str] | None = None
    #: Status of processes that were not listed, and of those that something lies over.
    hidden: list[str] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)
    #: Up to which process number it was tried whether there is one, and how far the numbers go.
    numbers_tried: tuple[int, int] | None = None
    #: Content of ld.so.preload by mount namespace.
    preloads: list[tuple[int, int, str]] = field(default_factory=list)
    kernel: dict[str, str] = field(default_factory=dict)
    #: Seconds since 1970 on the host's clock at boot.
    boot: float | None = None
    #: Lines that could not be read, by file.
    damaged: dict[str, int] = field(default_factory=dict)
    own_pid: int | None = None

    def started(self, process: Process) -> int | None:
        """Nanoseconds since 1970 by the host's own clock; None when it is not known."""
        if self.boot is None or process.started is None:
            return None
        return int((self.boot + process.started / _TICKS_PER_SECOND) * 1_000_000_000)

    def own(self) -> set[int]:
        """The collector's own processes: whatever descends from it."""
        own = set() if self.own_pid is None else {self.own_pid}
        while more := {one.pid for one in self.processes.values() if one.parent in own} - own:
            own |= more
        return own


def process_of(record: dict[str, object]) -> Process | None:
    """One line of processes.jsonl; None when it names no process."""
    pid = number_of(record.get("pid"))
    if pid is None:
        return None
    process = Process(pid)
    between = record.get("between")
    parts = text_of(record, "content").split(f"\n{between}\n") if isinstance(between, str) and between else []
    text, links, command, maps, environment = (*parts, "", "", "", "", "")[:5]
    status: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            status.setdefault(key.lstrip("0123456789"), value.strip())
    process.name = status.get("Name", "")
    process.groups = "\n".join(line for line in text.splitlines() if re.match(r"\d+:[\w,=.-]*:/", line))[:4096]
    for key, attribute in (("PPid", "parent"), ("TracerPid", "tracer")):
        if status.get(key, "").isdigit():
            setattr(process, attribute, int(status[key]))
    user = status.get("Uid", "").split()
    process.user = int(user[0]) if user and user[0].isdigit() else None
    # The last bracket: the name before it may hold brackets of its own.
    _, bracket, fields = text.rpartition(")")
    numbers = fields.split()
    if bracket and len(numbers) > 19 and numbers[6].isdigit() and numbers[19].isdigit():
        process.kernel_thread = bool(int(numbers[6]) & _KERNEL_THREAD_FLAG)
        process.started = int(numbers[19])
    _links(process, links)
    arguments = command.split("\0")
    process.arguments = arguments[:-1] if arguments[-1] == "" else arguments
    for line in maps.splitlines():
        fields_of = line.split(None, 5)
        if len(fields_of) >= 5:
            process.maps.append((fields_of[1], fields_of[5] if len(fields_of) == 6 else ""))
    for line in environment.splitlines():
        name, _, value = line.partition("=")
        process.environment.append(name)
        if name == "LD_PRELOAD":
            process.preload = value
        elif name == "LD_LIBRARY_PATH":
            process.library_path = value
    return process


def _links(process: Process, listing: str) -> None:
    folder = ""
    for line in listing.splitlines():
        if re.fullmatch(r"\d+/(?:ns|fd):", line):
            folder = line.partition("/")[2][:-1]
            continue
        match = _LINK.match(line)
        if match is None:
            continue
        name, target = match[1].rpartition("/")[2], match[2]
        if folder == "ns":
            process.namespaces[name] = target
        elif folder == "fd":
            if name.isdigit():
                process.files[int(name)] = target
        elif name == "exe":
            process.deleted = target.endswith(DELETED)
            process.program = target.removesuffix(DELETED)
        elif name == "cwd":
            process.directory = target


def _address(field_: str) -> tuple[str, int] | None:
    """`0100007F:1F90` as the kernel writes it: each 32 bits in the processor's order, which is little-endian on EC2."""
    address, _, port = field_.partition(":")
    try:
        raw = bytes.fromhex(address)
        number = int(port, 16)
    except ValueError:
        return None
    if len(raw) not in (4, 16):
        return None
    parsed = ipaddress.ip_address(b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4)))
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed), number


def sockets_of(record: dict[str, object]) -> Iterator[Socket]:
    """The sockets of one line of sockets.jsonl; nothing for tables of other kinds."""
    table, namespace = record.get("table"), number_of(record.get("namespace")) or 0
    if not isinstance(table, str):
        return
    for line in text_of(record, "content").splitlines()[1:]:
        fields = line.split()
        if table == "packet" and len(fields) >= 9 and fields[8].isdigit():
            yield Socket(table, namespace, int(fields[8]), 0, "", 0, "", 0)
        elif table in ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6") and len(fields) >= 10 and fields[9].isdigit():
            local, remote = _address(fields[1]), _address(fields[2])
            if local is not None and remote is not None and re.fullmatch(r"[0-9A-Fa-f]{2}", fields[3]):
                yield Socket(table, namespace, int(fields[9]), int(fields[3], 16), *local, *remote)


def take_line(
    name: str, record: dict[str, object], state: VolatileState, which: dict[int, tuple[str, ...]], known: dict[tuple[str, ...], Program]
) -> None:
    """Puts one line of the file `name` where it belongs."""
    kind, content = record.get("kind"), text_of(record, "content")
    if name == "processes.jsonl":
        process = process_of(record) if not record.get("stalled") else None
        if process is not None and len(state.processes) < limits.VOLATILE_PROCESSES:
            state.processes[process.pid] = process
    elif name == "sockets.jsonl":
        for one in sockets_of(record):
            if len(state.sockets) < limits.VOLATILE_SOCKETS:
                state.sockets.append(one)
    elif name == "executables.jsonl" and kind == "which":
        for line in content.splitlines():
            parts = line.split("/")
            if len(parts) >= 5 and parts[4].isdigit():
                which[int(parts[4])] = tuple(parts[:3])
    elif name == "executables.jsonl" and kind == "executable":
        digest = record.get("sha256")
        known[tuple(str(record.get(key)) for key in ("device", "inode", "bytes"))] = Program(
            digest if isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest) else "",
            number_of(record.get("links")) or 0,
            record.get("copied") is True,
            number_of(record.get("bytes")) or 0,
        )
    elif name == "modules.jsonl":
        if kind == "listed":
            state.modules_listed = {line.split()[0] for line in content.splitlines() if line.split()}
        elif kind == "loaded" and content:
            state.modules_loaded = {line.split("/")[-2] for line in content.splitlines() if line.count("/") >= 2}
        elif kind == "symbols" and content:
            named = {match[1] for line in content.splitlines() if (match := _MODULE_OF_SYMBOL.match(line))}
            state.modules_of_symbols = {one for one in named if one != "bpf" and not one.startswith("__builtin__")}
    elif name == "hidden.jsonl" and kind in ("hidden", "covered"):
        (state.hidden if kind == "hidden" else state.covered).append(content)
    elif name == "hidden.jsonl" and kind == "tried":
        state.numbers_tried = (number_of(record.get("to")) or 0, number_of(record.get("of")) or 0)
    elif name == "loader.jsonl" and kind == "preload":
        state.preloads.append((number_of(record.get("namespace")) or 0, number_of(record.get("pid")) or 0, content))
    elif name == "kernel.jsonl" and isinstance(kind, str) and kind != "log":
        state.kernel[kind] = content
    elif name == "clock.jsonl":
        now, uptime = number_of(record.get("epoch")), str(record.get("uptime", "")).split()
        if now is not None and uptime and re.fullmatch(r"\d{1,12}(?:\.\d+)?", uptime[0]):
            state.boot = now - float(uptime[0])


#: The files that are parsed, in the order they were taken.
FILES = ("clock", "processes", "sockets", "executables", "hidden", "modules", "loader", "kernel")


def join_programs(state: VolatileState, which: dict[int, tuple[str, ...]], known: dict[tuple[str, ...], Program]) -> None:
    """Says of each process what it runs."""
    for pid, key in which.items():
        if key in known:
            state.programs[pid] = known[key]
