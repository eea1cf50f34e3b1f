# SPDX-License-Identifier: AGPL-3.0-or-later
"""Examines what lies on the acquisition volume; every function here runs in a confined process and yields what it found."""

from clean_room_analysis.errors import cause_of
import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass


from clean_room_analysis import limits
from clean_room_analysis.checks.base import Result
from clean_room_analysis.memory import judge, state as states
from clean_room_analysis.memory.image import ImageError, ImageReport, blocks, note, ram_bytes
from clean_room_analysis.memory.records import records
from clean_room_analysis.memory.state import VolatileState
from clean_room_analysis.model import Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.rule_matches import Match, matches, scanner_of
from clean_room_analysis.text import display_name
from clean_room_analysis.tree import Tree

OUT = "/out"
IMAGE = f"{OUT}/memory.lime"
IMAGE_CHECK = "memory-image"
_MOST_STARTS = 20_000
_MOST_PER_RULE = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """How much there was: files of the volume, processes, and whether a memory image is there."""

    files: int
    processes: int
    image: bool
    banner: str
    ram: int | None


@dataclass(frozen=True, slots=True)
class _Listed:
    bytes: int
    sha256: str | None


def volume(tree: Tree, volume_id: str, addresses: frozenset[str]) -> Iterator[Result | Seen]:
    """Everything but the memory image: manifest, state, copied programs."""
    files: dict[str, int] = {}
    skipped: list[NotLookedAt] = []
    for entry in tree.walk(lambda path, why: skipped.append(NotLookedAt(f"{volume_id}:{path}", why))):
        if entry.is_file and entry.path.startswith(OUT + "/"):
            files[entry.path] = entry.size
            if len(files) > limits.VOLATILE_FILES:
                yield NotLookedAt(
                    f"{volume_id}: what was collected", f"it holds more than {limits.VOLATILE_FILES} files; the rest was not looked at"
                )
                break
    yield from skipped[: limits.NOT_LOOKED_AT]
    if not files:
        yield NotLookedAt(
            f"{volume_id}: volatile state", "nothing was collected: the collector did not run, or was stopped before it had a file system"
        )
        yield Seen(0, 0, False, "", None)
        return
    state = VolatileState()
    yield from _manifest(tree, volume_id, files, state)
    yield from _state(tree, volume_id, files, state)
    yield from judge.findings(state, volume_id, addresses)
    yield from _starts(state, volume_id)
    yield from _copied(tree, volume_id, files)
    yield Seen(
        len(files), len(state.processes), IMAGE in files, state.kernel.get("version", "").strip(), ram_bytes(state.kernel.get("iomem", ""))
    )


def _lines(tree: Tree, path: str) -> Iterator[dict[str, object]]:
    for line in tree.read(path, limits.VOLATILE_MANIFEST_BYTES).splitlines():
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            one = None
        yield one if isinstance(one, dict) else {}


def _manifest(tree: Tree, volume_id: str, files: dict[str, int], state: VolatileState) -> Iterator[Result]:
    """Each file against the collector's manifest, and each part's state."""
    where = f"{volume_id}: manifest of what was collected"
    if f"{OUT}/manifest.jsonl" not in files:
        yield NotLookedAt(
            where, "there is none: the collector was stopped, or somebody removed it; what lies there was looked at without it"
        )
        return
    listed: dict[str, _Listed] = {}
    acquisition: dict[str, object] = {}
    parts: list[str] = []
    ended = False
    for one in _lines(tree, f"{OUT}/manifest.jsonl"):
        name = one.get("name")
        if one.get("type") == "end":
            ended = True
        elif one.get("type") == "acquisition":
            acquisition = one
        elif one.get("type") == "part" and isinstance(name, str):
            said, reason = display_name(str(one.get("state")), 40), display_name(str(one.get("reason") or ""), 200)
            parts.append(f"{display_name(name, 40)}: {said}{f' ({reason})' if reason else ''}")
            if said not in ("complete", "absent"):
                yield NotLookedAt(f"{volume_id}: {display_name(name, 40)} of the volatile state", f"{said}: {reason}")
            elif said == "absent":
                yield NotLookedAt(f"{volume_id}: {display_name(name, 40)} of the volatile state", reason, incomplete=False)
        elif one.get("type") == "file" and isinstance(name, str) and isinstance(size := one.get("bytes"), int):
            digest = one.get("sha256")
            listed[f"{OUT}/{name}"] = _Listed(size, digest if isinstance(digest, str) else None)
    if not ended:
        yield NotLookedAt(where, "it breaks off: the volume was full or the collector was stopped")
    pid = acquisition.get("collectorPid")
    state.own_pid = pid if isinstance(pid, int) else None
    unhashed = sum(one.sha256 is None and path != IMAGE for path, one in listed.items())
    if unhashed:
        yield NotLookedAt(where, f"the collector had no time to hash {unhashed} of its files", incomplete=False)
    wrong: list[str] = []
    for path, one in listed.items():
        if path not in files:
            wrong.append(f"{display_name(path, 200)} is missing")
        elif files[path] != one.bytes or (one.sha256 is not None and _sha256(tree, path) != one.sha256):
            wrong.append(f"{display_name(path, 200)} is not what the collector wrote")
    wrong += [
        f"{display_name(path, 200)} is not in the manifest" for path in files if path not in listed and path != f"{OUT}/manifest.jsonl"
    ]
    if wrong:
        yield Finding(
            "integrity",
            Severity.HIGH,
            "What was collected is not what its manifest says",
            volume_id,
            f"{OUT}/manifest.jsonl",
            "\n".join(wrong[:40]),
            ("T1565.001",),
        )
        yield NotLookedAt(where, f"{len(wrong)} files do not agree with it: they were looked at, and may be somebody else's")
    yield Finding(
        judge.CHECK,
        Severity.INFORMATIONAL,
        "Volatile state was taken",
        volume_id,
        f"{OUT}/manifest.jsonl",
        f"mode {display_name(str(acquisition.get('mode')), 20)}, {display_name(str(acquisition.get('state')), 20)}, {_when(acquisition)}; {len(listed)} files, "
        f"{'each as the manifest has it' if not wrong else f'{len(wrong)} of them not as the manifest has them'}. In the order it was taken:\n"
        + "\n".join(parts),
    )


def _when(acquisition: dict[str, object]) -> str:
    def stamp(value: object) -> str:
        if not isinstance(value, int) or not 0 <= value < 1 << 33:
            return "?"
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))

    return f"from {stamp(acquisition.get('began'))} to {stamp(acquisition.get('ended'))} by the host's clock"


def _sha256(tree: Tree, path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with tree.open(path) as handle:
            while block := handle.read(4 * limits.MEBIBYTE):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def _state(tree: Tree, volume_id: str, files: dict[str, int], state: VolatileState) -> Iterator[Result]:
    """Parses each file; one that is hostile does not take the others with it."""
    which: dict[int, tuple[str, ...]] = {}
    known: dict[tuple[str, ...], states.Program] = {}
    for name in (f"{one}.jsonl" for one in states.FILES):
        path = f"{OUT}/{name}"
        if path not in files:
            yield NotLookedAt(f"{volume_id}: {name}", "the collector left no such file")
            continue
        try:
            with tree.open(path) as handle:
                for record in records(handle, name, state.damaged):
                    if record.get("stalled"):
                        yield NotLookedAt(
                            f"{volume_id}: process {record.get('pid')}", "reading it hung: what it holds open and runs is not known whole"
                        )
                    states.take_line(name, record, state, which, known)
        except (OSError, ValueError, MemoryError) as error:
            yield NotLookedAt(f"{volume_id}: {name}", cause_of(error))
    states.join_programs(state, which, known)
    for name, count in state.damaged.items():
        if count == 0:
            continue
        yield NotLookedAt(f"{volume_id}: {name}", f"{count} lines of it could not be read: cut, or not the collector's")
    for what, count, most in (
        ("processes", len(state.processes), limits.VOLATILE_PROCESSES),
        ("sockets", len(state.sockets), limits.VOLATILE_SOCKETS),
    ):
        if count >= most:
            yield NotLookedAt(f"{volume_id}: {what}", f"there are more than {most}; the rest was not looked at")
    if state.numbers_tried is not None and state.numbers_tried[0] < state.numbers_tried[1]:
        tried = f"looked for up to the process number {state.numbers_tried[0]} of {state.numbers_tried[1]}"
        yield NotLookedAt(f"{volume_id}: hidden processes", tried, incomplete=False)
    if not state.processes:
        yield NotLookedAt(f"{volume_id}: processes", "not one process could be read")


def _starts(state: VolatileState, volume_id: str) -> Iterator[Result]:
    own = state.own()
    for process in list(state.processes.values())[:_MOST_STARTS]:
        at = state.started(process)
        if at is not None and not process.kernel_thread and process.pid not in own:
            yield TimelineEvent(
                at,
                f"process {process.pid} {process.name} of user {process.user}: {process.command[:300]}",
                "Process started",
                process.program,
                volume_id,
            )


def _copied(tree: Tree, volume_id: str, files: dict[str, int]) -> Iterator[Result]:
    """YARA over the programs that were copied out of /proc: no disk has them."""
    scanner = scanner_of(most_per_pattern=20)
    for path in (one for one in files if re.fullmatch(rf"{OUT}/executables/[0-9a-f]{{64}}", one)):
        seen: set[str] = set()
        try:
            for offset, content in tree.windows(path):
                found = matches(scanner, content)
                if found is None:
                    yield _too_slow(f"{volume_id}:{path}", offset)
                for match in found or ():
                    if match.rule not in seen:
                        seen.add(match.rule)
                        yield _finding("yara", match, volume_id, path, match.each(content, offset, "#x"), path.rpartition("/")[2])
        except OSError as error:
            yield NotLookedAt(f"{volume_id}:{path}", f"not scanned to its end: {cause_of(error)}")


def _too_slow(where: str, offset: int) -> NotLookedAt:
    return NotLookedAt(where, f"the rules took more than {limits.YARA_SECONDS} seconds for the block at {offset:#x}")


def _finding(check: str, match: Match, volume_id: str, path: str, quoted: list[str], digest: str | None, where: str = "") -> Finding:
    title, evidence = f"{match.description}{where}", "\n".join(quoted)
    return Finding(check, match.severity, title, volume_id, path, evidence, match.attack, None, digest, match.rule)


def image(tree: Tree, volume_id: str, seconds: float) -> Iterator[Result | ImageReport]:
    """The memory image in parts: rules, kernel banners, how much of it is filled. Ends by itself after `seconds`, and says how far it came."""
    report = ImageReport()
    scanner, seen = scanner_of(most_per_pattern=20), dict[str, int]()
    end = time.monotonic() + seconds
    try:
        with tree.open(IMAGE) as handle:
            for address, content, form in blocks(handle):
                if time.monotonic() >= end:
                    report.problem = f"the time for it was over at the physical address {address:#x}"
                    break
                note(report, content, form)
                found = matches(scanner, content)
                if found is None:
                    yield _too_slow(f"{volume_id}:{IMAGE}", address)
                for match in found or ():
                    seen[match.rule] = seen.get(match.rule, 0) + 1
                    if seen[match.rule] <= _MOST_PER_RULE:
                        yield _finding(IMAGE_CHECK, match, volume_id, IMAGE, match.each(content, address, "#x"), None, ", in memory")
            else:
                report.read_to_end = True
    except ImageError as error:
        report.problem = str(error)
    except OSError as error:
        report.problem = f"it cannot be read: {error.strerror}"
    yield report
