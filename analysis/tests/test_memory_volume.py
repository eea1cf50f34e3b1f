# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the analysis makes of an acquisition volume: the collector's lines, its manifest, a memory image, and what an intruder may have put there."""

import base64
import hashlib
import json
import struct
from io import BytesIO
from pathlib import Path

import cramjam
import pytest
from conftest import VOLUME, TreeMaker
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.base import Result
from clean_room_analysis.crash_state import CrashState
from clean_room_analysis.limits import Deadline
from clean_room_analysis.memory import examine, judge
from clean_room_analysis.memory.image import ImageError, ImageReport, blocks, ram_bytes
from clean_room_analysis.memory.reader import AcquisitionReader
from clean_room_analysis.memory.records import records
from clean_room_analysis.memory.state import Process, Program, Socket, VolatileState, process_of, sockets_of
from clean_room_analysis.model import Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.rule_bundle import compile_rules

DIGEST = "ab" * 32


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text).decode()


def process_line(
    pid: int, name: str = "bash", *, program: str = "/usr/bin/bash", flags: int = 0x400000, more_links: str = "", **members: str
) -> dict[str, object]:
    stat = f"{pid} ({name}) S 1 {pid} {pid} 0 -1 {flags} " + " ".join(["0"] * 12) + " 4200 0 0"
    link = "lrwxrwxrwx    1 0        0                0 Nov 28 21:37 "
    record = f"1000Name:\t{name}\nTgid:\t{pid}\nPPid:\t1\nTracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\n0::/user.slice\n{stat}\n"
    links = f"{link}{pid}/exe -> {program}\n{link}{pid}/cwd -> /\n\n{pid}/ns:\ntotal 0\n{link}net -> net:[4026531840]\n\n{pid}/fd:\ntotal 0\n{more_links}"
    parts = (record, links, members.get("commandLine", ""), "", members.get("environment", ""))
    return {"pid": pid, "between": "*", "content": b64("\n*\n".join(parts))}


def fd(number: int, target: str) -> str:
    return f"lrwx------    1 0        0               64 Nov 28 21:37 {number} -> {target}\n"


def test_a_process_is_read_whatever_it_calls_itself() -> None:
    # Its name is in the kernel's stat line as it is, and pretends to be the end of one.
    evil = process_of(
        process_line(
            77,
            "x) S 2 1 1 0 -1 2097152 (",
            program="/tmp/a b -> c (deleted)",
            commandLine="/tmp/a\0--x\0",
            environment="PATH\nLD_PRELOAD=/tmp/l.so\n",
        )
    )
    assert evil is not None
    assert (evil.pid, evil.parent, evil.user, evil.kernel_thread, evil.started) == (77, 1, 1000, False, 4200)
    assert (evil.program, evil.deleted, evil.arguments, evil.preload) == ("/tmp/a b -> c", True, ["/tmp/a", "--x"], "/tmp/l.so")
    assert process_of({"pid": True}) is None
    assert process_of({"pid": 5, "between": "*", "content": "%%%"}) == Process(5, arguments=[])
    assert process_of({"pid": 5, "between": 7, "content": 7}) == Process(5, arguments=[])


@given(st.binary(max_size=300))
def test_no_line_of_an_intruders_ends_the_parser(content: bytes) -> None:
    state = VolatileState()
    for record in records(BytesIO(content + b'\n{"pid": 1}\n' + content), "processes.jsonl", state.damaged):
        process_of(record)
        list(sockets_of(record))


def test_sockets_are_read_as_the_kernel_writes_them() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0\n"
        "   1: 0A00000A:9C40 077200C6:0D05 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0\n"
        "   2: nonsense\n"
    )
    listening, connected = sockets_of({"table": "tcp", "namespace": 1, "content": b64(table)})
    assert (listening.local, listening.local_port, listening.listens) == ("127.0.0.1", 8080, True)
    assert (connected.remote, connected.remote_port, connected.listens) == ("198.0.114.7", 3333, False)
    mapped = "h\n 0: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF0000077200C6:0050 01 0:0 0:0 0 0 0 333 1\n"
    (six,) = sockets_of({"table": "tcp6", "namespace": 1, "content": b64(mapped)})
    assert (six.local, six.remote, six.inode) == ("127.0.0.1", "198.0.114.7", 333)


def state_of(*processes: Process, **members: object) -> VolatileState:
    state = VolatileState(processes={one.pid: one for one in processes})
    for key, value in members.items():
        setattr(state, key, value)
    return state


def said(state: VolatileState, addresses: tuple[str, ...] = ()) -> dict[str, Finding]:
    return {one.title: one for one in judge.findings(state, VOLUME, frozenset(addresses))}


def test_an_ordinary_host_raises_nothing_above_low() -> None:
    quiet = [
        Process(1, 0, "systemd", 0, program="/usr/lib/systemd/systemd", arguments=["/sbin/init"]),
        Process(2, 0, "kthreadd", 0, kernel_thread=True),
        Process(3, 2, "kworker/0:1", 0, kernel_thread=True),
        Process(50, 1, "sshd", 0, program="/usr/sbin/sshd", deleted=True, arguments=["sshd: /usr/sbin/sshd -D"], files={3: "socket:[9]"}),
        Process(
            60,
            1,
            "node",
            1000,
            program="/usr/bin/node",
            arguments=["node", "/srv/app.js"],
            preload="/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            maps=[("rwxp", "")],
        ),
        Process(61, 1, "dhclient", 0, program="/usr/sbin/dhclient", files={5: "socket:[10]"}),
        Process(62, 1, "runc", 0, program="/memfd:runc_cloned:/proc/self/exe", deleted=True),
        Process(63, 1, "bash", 0, program="/usr/bin/bash", arguments=["bash", "/srv/job.sh", "/tmp/output"]),
    ]
    sockets = [Socket("tcp", 1, 9, 0x0A, "0.0.0.0", 22, "0.0.0.0", 0), Socket("packet", 1, 10, 0, "", 0, "", 0)]
    state = state_of(*quiet, sockets=sockets, modules_listed={"ext4"}, modules_loaded={"ext4"}, modules_of_symbols={"ext4"})
    found = said(state, ("203.0.113.9",))
    assert {one.title for one in found.values() if one.severity not in (Severity.LOW, Severity.INFORMATIONAL)} == set()
    assert "tcp 0.0.0.0:22 listens: 50 sshd" in found["What listened for connections when the state was taken"].evidence


@pytest.mark.parametrize(
    ("process", "title", "severity", "technique"),
    [
        (
            Process(9, 1, "x", 0, program="/opt/x", deleted=True),
            "A running program was deleted, which an update does as well",
            Severity.LOW,
            "T1070.004",
        ),
        (Process(9, 1, "x", 0, program="/home/u/x", deleted=True), "A running program was deleted", Severity.HIGH, "T1070.004"),
        (Process(9, 1, "x", 0, program="/memfd:x", deleted=True), "A program runs that never was a file", Severity.HIGH, "T1620"),
        (Process(9, 1, "x", 0, program="/dev/shm/x"), "A program runs from a temporary directory", Severity.HIGH, "T1059"),
        (Process(9, 1, "x", 0, program="/usr/lib/.x/y"), "A program runs under a hidden name", Severity.HIGH, "T1564.001"),
        (Process(9, 1, "kworker/u8:3", 0, program="/usr/bin/x"), "A program calls itself like a kernel thread", Severity.HIGH, "T1036.004"),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", arguments=["[kthreadd]"]),
            "A program calls itself like a kernel thread",
            Severity.HIGH,
            "T1036.004",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", preload="/tmp/l.so"),
            "A process was started with LD_PRELOAD",
            Severity.HIGH,
            "T1574.006",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", preload="/srv/l.so"),
            "A process was started with LD_PRELOAD",
            Severity.MEDIUM,
            "T1574.006",
        ),
        (
            Process(9, 1, "bash", 0, program="/usr/bin/bash", arguments=["bash", "-c", "/tmp/x.sh"]),
            "An interpreter runs something from a temporary directory",
            Severity.MEDIUM,
            "T1059",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", maps=[("r-xp", "/tmp/evil.so (deleted)")]),
            "A process runs code of a file that is gone or lies in a temporary directory",
            Severity.HIGH,
            "T1055",
        ),
        (
            Process(9, 1, "bash", 0, program="/usr/bin/bash", files={0: "socket:[7]"}),
            "A shell's input and output are a network connection",
            Severity.CRITICAL,
            "T1059.004",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", files={4: "socket:[7]"}),
            "A connection to an address of the finding was open",
            Severity.CRITICAL,
            "T1071",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", files={4: "socket:[7]"}),
            "A connection to a port that mining pools use was open",
            Severity.HIGH,
            "T1496",
        ),
        (
            Process(9, 1, "x", 0, program="/usr/bin/x", files={4: "socket:[8]"}),
            "A program holds a raw socket: it sees packets that are not its own, or makes any",
            Severity.MEDIUM,
            "T1040",
        ),
        (
            Process(9, 1, "x", 0, program="/tmp/x", files={4: "socket:[6]"}),
            "A suspicious program listens for connections",
            Severity.HIGH,
            "T1571",
        ),
    ],
)
def test_signs_of_an_intruder(process: Process, title: str, severity: Severity, technique: str) -> None:
    sockets = [
        Socket("tcp", 1, 7, 1, "10.0.0.5", 40000, "8.8.4.4", 3333),
        Socket("raw", 1, 8, 7, "0.0.0.0", 1, "0.0.0.0", 0),
        Socket("tcp", 1, 6, 0x0A, "0.0.0.0", 31337, "0.0.0.0", 0),
    ]
    finding = said(state_of(process, sockets=sockets, programs={9: Program(DIGEST, 0 if process.deleted else 1, False, 9)}), ("8.8.4.4",))[
        title
    ]
    assert finding.severity is severity
    # A program of the distribution's is no indicator, whatever it is used for; what pretends to be the kernel is one.
    installed = process.program.startswith(("/usr/bin/", "/opt/")) and process.name in ("x", "bash") and process.arguments != ["[kthreadd]"]
    assert (finding.path, finding.sha256) == ((None, None) if installed else (process.program, DIGEST))
    assert f"program {process.program}" in finding.evidence
    assert technique in finding.attack
    assert "process 9" in finding.evidence


def test_what_is_hidden_is_what_one_source_has_and_another_has_not() -> None:
    state = state_of(
        hidden=["Name:\tevil\nPid:\t66"],
        covered=["Name:\tmasked"],
        modules_listed={"ext4"},
        modules_loaded={"ext4", "diamorphine"},
        preloads=[(1, 1, "/lib/evil.so\n")],
    )
    titles = set(said(state))
    assert {
        "A process is hidden: it can be looked up and is not listed",
        "A process is hidden by something mounted over its folder in /proc",
    } <= titles
    assert {"A kernel module is loaded and not listed", "A library is loaded into every program"} <= titles
    assert "A kernel module is loaded and not listed" not in said(state_of(modules_listed=None, modules_loaded={"ext4"})), (
        "a host that shows no list hides nothing by that"
    )


def test_many_processes_of_one_program_are_one_finding_and_the_collector_is_none() -> None:
    state = state_of(
        *(Process(pid, 1, "m", 0, program="/tmp/m") for pid in range(10, 60)),
        Process(100, 1, "sh", 0, program="/run/c/busybox", deleted=True),
        Process(101, 100, "sh", 0, program="/tmp/c/busybox"),
    )
    state.own_pid = 100
    (only,) = [one for one in judge.findings(state, VOLUME) if one.severity is Severity.HIGH]
    assert "49 more processes" in only.evidence
    talker = Process(9, 1, "x", 0, program="/tmp/x", files={number: f"socket:[{number}]" for number in range(20)})
    many = state_of(talker, sockets=[Socket("tcp", 1, number, 1, "10.0.0.5", number, "8.8.4.4", 443) for number in range(20)])
    (alone,) = [one for one in judge.findings(many, VOLUME, frozenset({"8.8.4.4"})) if one.severity is Severity.CRITICAL]
    assert "more processes" not in alone.evidence


class Volume:
    """An acquisition volume as the collector leaves it."""

    def __init__(self, plain: TreeMaker) -> None:
        self.plain = plain
        self.files: dict[str, bytes] = {}
        for name in ("clock", "processes", "sockets", "executables", "hidden", "modules", "loader", "kernel"):
            self.files[f"{name}.jsonl"] = b""
        self.lines("clock.jsonl", {"kind": "clock", "epoch": 1_800_000_000, "uptime": "1000.00 1.0"})
        self.lines("processes.jsonl", process_line(9, "evil", program="/dev/shm/evil (deleted)", commandLine="evil\0"))
        self.lines(
            "executables.jsonl",
            {"kind": "which", "content": b64("1/2/3/0/9/exe\n")},
            {"kind": "executable", "device": 1, "inode": 2, "bytes": 3, "links": 0, "pid": 9, "sha256": DIGEST, "copied": True},
        )
        self.parts = [{"type": "part", "name": "processes", "state": "complete", "reason": "", "began": 1, "ended": 2}]

    def lines(self, name: str, *records_: dict[str, object]) -> None:
        self.files[name] = b"".join(json.dumps(one).encode() + b"\n" for one in records_)

    def manifest(self, **changes: dict[str, object]) -> None:
        lines = [
            {
                "type": "acquisition",
                "schemaVersion": 1,
                "mode": "volatile",
                "state": "complete",
                "began": 1_800_000_000,
                "ended": 1_800_000_009,
                "collectorPid": 4,
            },
            *self.parts,
        ]
        for name, content in self.files.items():
            lines.append(
                {
                    "type": "file",
                    "name": name,
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    **changes.get(name, {}),
                }
            )
        self.plain.file("/out/manifest.jsonl", "".join(json.dumps(one) + "\n" for one in [*lines, {"type": "end"}]))

    def look(self) -> list[Result | examine.Seen]:
        for name, content in self.files.items():
            self.plain.file(f"/out/{name}", content)
        tree = MountedTree(str(self.plain.root))
        try:
            return list(examine.volume(tree, VOLUME, frozenset()))
        finally:
            tree.close()


@pytest.fixture
def volume(plain: TreeMaker) -> Volume:
    return Volume(plain)


def test_a_volume_that_agrees_with_its_manifest_leaves_nothing_unseen(volume: Volume) -> None:
    volume.manifest()
    found = volume.look()
    assert [one for one in found if isinstance(one, NotLookedAt)] == []
    deleted = next(one for one in found if isinstance(one, Finding) and one.title == "A running program was deleted")
    # Boot by the host's clock, 4,200 ticks of ten milliseconds later.
    assert (deleted.path, deleted.sha256, deleted.modified) == ("/dev/shm/evil", DIGEST, (1_800_000_000 - 1000 + 42) * 10**9)
    assert [one.path for one in found if isinstance(one, TimelineEvent)] == ["/dev/shm/evil"]
    assert isinstance(found[-1], examine.Seen) and (found[-1].processes, found[-1].image) == (1, False)


def test_files_that_are_changed_missing_or_new_are_told_and_looked_at(volume: Volume) -> None:
    volume.files["gone.jsonl"] = b"x"
    volume.manifest(**{"sockets.jsonl": {"sha256": DIGEST}, "clock.jsonl": {"sha256": None}})
    del volume.files["gone.jsonl"]
    volume.files["planted.jsonl"] = b"{}\n"
    found = volume.look()
    (integrity,) = [one for one in found if isinstance(one, Finding) and one.check == "integrity"]
    assert integrity.severity is Severity.HIGH
    for words in (
        "/out/sockets.jsonl is not what the collector wrote",
        "/out/gone.jsonl is missing",
        "/out/planted.jsonl is not in the manifest",
    ):
        assert words in integrity.evidence
    assert any(isinstance(one, Finding) and one.title == "A running program was deleted" for one in found)
    assert any(isinstance(one, NotLookedAt) and one.incomplete and "do not agree" in one.why for one in found)
    assert any(isinstance(one, NotLookedAt) and "no time to hash 1 of its files" in one.why for one in found)


def test_what_the_collector_could_not_take_makes_the_run_incomplete(volume: Volume, plain: TreeMaker) -> None:
    volume.parts = [
        {"type": "part", "name": "sockets", "state": "partial", "reason": "the volume is full"},
        {"type": "part", "name": "bpf", "state": "absent", "reason": "none"},
    ]
    volume.lines("processes.jsonl", process_line(9), {"pid": 10, "stalled": True})
    volume.files["sockets.jsonl"] = b'{"cut":'
    volume.manifest()
    volume.lines("hidden.jsonl", {"kind": "tried", "to": 4096, "of": 4194304})
    volume.manifest()
    unseen = [(one.what, one.why, one.incomplete) for one in volume.look() if isinstance(one, NotLookedAt)]
    assert (f"{VOLUME}: sockets of the volatile state", "partial: the volume is full", True) in unseen
    assert (f"{VOLUME}: bpf of the volatile state", "none", False) in unseen
    assert (f"{VOLUME}: hidden processes", "looked for up to the process number 4096 of 4194304", False) in unseen
    assert any(what == f"{VOLUME}: process 10" and incomplete for what, _, incomplete in unseen)
    assert any("1 lines of it could not be read" in why for _, why, _ in unseen)
    plain.file("/out/manifest.jsonl", (plain.root / "out/manifest.jsonl").read_text().replace('{"type": "end"}\n', ""))
    assert any(isinstance(one, NotLookedAt) and "breaks off" in one.why for one in volume.look())


def test_a_volume_without_a_collection_is_no_clean_host(plain: TreeMaker) -> None:
    plain.file("/busybox", b"x")
    tree = MountedTree(str(plain.root))
    found = list(examine.volume(tree, VOLUME, frozenset()))
    tree.close()
    assert any(isinstance(one, NotLookedAt) and one.incomplete and "nothing was collected" in one.why for one in found)


def test_programs_that_were_copied_are_scanned(volume: Volume) -> None:
    # The string that every scanner knows.
    program = b"\x7fELF" + bytes(60) + b"stratum+tcp://pool.supportxmr.com:3333 xmrig --donate-level --rig-id randomx cryptonight"
    volume.files[f"executables/{hashlib.sha256(program).hexdigest()}"] = program
    volume.manifest()
    assert any(isinstance(one, Finding) and one.check == "yara" and "T1496" in one.attack for one in volume.look())


def test_rules_of_a_bundle_say_how_grave_they_are_in_words_of_their_own(
    plain: TreeMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "rules"
    (directory / "bundles").mkdir(parents=True)
    (directory / "own.yar").write_text('rule own { strings: $a = "OWN" condition: $a }')
    rules = (("words", 'severity = "moderate"'), ("number", "severity = 80"), ("score", "score = 40"), ("odd", 'severity = "Severe!"'))
    (directory / "bundles/0a1b.yar").write_text(
        "".join(f'rule {name} {{ meta: {meta} strings: $a = "BUNDLE" condition: $a }}\n' for name, meta in rules)
    )
    monkeypatch.setattr("clean_room_analysis.rule_matches.compile_rules", lambda: compile_rules(str(directory)))
    _, results = image_report(plain, lime(0, b"BUNDLE".ljust(1024 * 1024, b"x")))
    assert {one.rule: one.severity for one in results if isinstance(one, Finding)} == {
        "words": Severity.MEDIUM,
        "number": Severity.HIGH,
        "score": Severity.LOW,
        "odd": Severity.MEDIUM,
    }


BANNER = b"Linux version 6.1.112-122.189.amzn2023.x86_64 (mockbuild@ip-10) (gcc 11.4.1) #1 SMP PREEMPT_DYNAMIC Tue Oct  8 17:01:53 UTC 2024"


def avml(*parts: tuple[int, bytes]) -> bytes:
    """As AVML 0.21 writes it: src/image.rs and src/io/snappy.rs of the crate."""
    out = b""
    for start, content in parts:
        packed = bytes(cramjam.snappy.compress(content))
        out += b"AVML" + struct.pack("<IQQQ", 2, start, start + len(content) - 1, 0) + packed + struct.pack("<Q", len(packed))
    return out


def lime(start: int, content: bytes) -> bytes:
    return b"EMiL" + struct.pack("<IQQQ", 1, start, start + len(content) - 1, 0) + content


def image_report(plain: TreeMaker, content: bytes) -> tuple[ImageReport, list[Result]]:
    plain.file("/out/memory.lime", content)
    tree = MountedTree(str(plain.root))
    rows = list(examine.image(tree, VOLUME, 60))
    tree.close()
    assert isinstance(rows[-1], ImageReport)
    return rows[-1], [one for one in rows[:-1] if not isinstance(one, ImageReport)]


def test_an_image_is_read_in_both_formats(plain: TreeMaker) -> None:
    page = BANNER.ljust(4096, b"\0") + bytes(8192) + b"\x01" * 200_000
    for content in (avml((0x1000, page), (0x100000, bytes([7]) * 4096)), lime(0x1000, page) + lime(0x100000, bytes([7]) * 4096)):
        report, _ = image_report(plain, content)
        assert (report.problem, report.read_to_end, report.blocks, report.recorded) == (None, True, 2, len(page) + 4096)
        assert report.filled == len(page) + 4096 - 8192
        assert list(report.banners) == [BANNER.decode()]


def test_rules_see_what_is_in_memory_alone(plain: TreeMaker) -> None:
    secret = b"\x7fELF" + bytes(60) + b"stratum+tcp://pool.supportxmr.com:3333 xmrig --donate-level --rig-id randomx cryptonight"
    _, found = image_report(plain, avml((0x1000, bytes(4096)), (0x2000, secret.ljust(70_000, b"\0"))))
    assert any(isinstance(one, Finding) and one.check == "memory-image" and one.title.endswith(", in memory") for one in found)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (avml((0, b"a" * 100_000))[:-9], "too soon"),
        (avml((0, b"a" * 100_000))[:-4], "does not end where it says"),
        (lime(0, b"a" * 8192)[:5000], "too soon"),
        (b"AVML" + bytes(10), "ends within the head"),
        (b"nothing that is an image, but long enough", "no block of AVML's"),
        (b"AVML" + struct.pack("<IQQQ", 2, 0, 1 << 40, 0), "says it holds"),
        (b"AVML" + struct.pack("<IQQQ", 2, 0, 4095, 0) + b"\x02\x04\0\0xxxx", "unknown kind"),
        (b"AVML" + struct.pack("<IQQQ", 2, 0, 4095, 0) + b"\x00\x09\0\0xxxx\xff\xff\xff\xff\x0f", "swells"),
    ],
)
def test_an_image_that_is_short_or_no_image_is_said_to_be(plain: TreeMaker, content: bytes, words: str) -> None:
    report, _ = image_report(plain, content)
    assert report.problem is not None and words in report.problem
    assert not report.read_to_end


class Told:
    """What a reader tells the run."""

    def __init__(self) -> None:
        self.unseen: list[tuple[str, bool]] = []
        self.findings: list[Finding] = []

    def not_looked_at(self, what: str, why: str, *, incomplete: bool = True) -> None:
        self.unseen.append((why, incomplete))

    def take(self, result: Finding, place: str, prefix: str | None) -> None:
        self.findings.append(result)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (ImageReport("AVML", 9, 10**9, 10**9, {BANNER.decode(): 3}, None, True), None),
        (ImageReport("AVML", 9, 10**9, 0, {}, None, True), "nothing but zeros"),
        (ImageReport(), "nothing but zeros"),
        (ImageReport("AVML", 9, 10**9, 10**9, {}, None, True), "no kernel names itself"),
        (ImageReport("AVML", 9, 10**6, 10**6, {BANNER.decode(): 1}, None, True), "less than a hundredth"),
        (ImageReport("AVML", 9, 10**9, 10**9, {BANNER.decode(): 1}, "it ends too soon"), "it ends too soon"),
    ],
)
def test_an_image_counts_only_when_it_is_one(report: ImageReport, words: str | None, tmp_path: Path) -> None:
    told = Told()
    reader = AcquisitionReader(told, CrashState(str(tmp_path)), Deadline(60))  # type: ignore[arg-type]
    reader._judge_image(VOLUME, report, examine.Seen(20, 90, True, BANNER.decode(), 2 * 10**9))
    grave = [why for why, incomplete in told.unseen if incomplete]
    if words is None:
        assert grave == []
        assert f"Kernel: {BANNER.decode()}" in told.findings[0].evidence and "Volatility 3" in told.findings[0].evidence
    else:
        assert any(words in why for why in grave)


@given(st.binary(max_size=200))
def test_no_image_of_an_intruders_ends_the_reader(content: bytes) -> None:
    for data in (content, b"AVML" + struct.pack("<IQQQ", 2, 0, 65535, 0) + content):
        try:
            for _ in blocks(BytesIO(data)):
                pass
        except ImageError:
            pass


def test_the_hosts_memory_is_what_iomem_says() -> None:
    assert (
        ram_bytes("00001000-0009fbff : System RAM\n  00001000-00002000 : Kernel code\n00100000-bffdffff : System RAM\n")
        == 0x9EC00 + 0xBFEE0000
    )
    assert ram_bytes("00000000-00000000 : System RAM\n") is None


def test_the_workflow_says_which_volume_it_is(tmp_path: Path) -> None:
    from clean_room_analysis.cli import UsageError, volumes_from_file

    listing = tmp_path / "volumes.json"
    listing.write_text(
        json.dumps([{"sourceVolumeId": "vol-1", "evidence": "/dev/x", "role": "data", "kind": "memory", "addresses": ["198.51.100.7"]}])
    )
    (one,) = volumes_from_file(str(listing))
    assert (one.role, one.addresses) == ("memory", ("198.51.100.7",))
    listing.write_text(json.dumps([{"sourceVolumeId": "vol-1", "evidence": "/dev/x", "role": "data", "addresses": "198.51.100.7"}]))
    with pytest.raises(UsageError, match="addresses"):
        volumes_from_file(str(listing))
