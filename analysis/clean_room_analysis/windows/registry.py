# SPDX-License-Identifier: AGPL-3.0-or-later
"""Registry hives, with what still lies in their transaction logs.

Windows writes changes to a hive's .LOG1 and .LOG2 at once and to the hive itself up to an hour later: of a machine that was running when its
snapshot was taken, what an intruder set last stands in the logs alone. dissect.regf reads a hive as it lies there, so the logs are
applied first, by the format that msuhanov documents (github.com/msuhanov/regf, "Windows registry file format specification").
"""

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dissect.regf import RegistryHive
from dissect.regf.regf import KeyNode

from clean_room_analysis import limits
from clean_room_analysis.model import Entry, NotLookedAt
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows import nanoseconds

#: Where the cells begin, behind the header; and where the entries of a log begin, behind its copy of the header.
_CELLS, _LOG_ENTRIES = 4096, 512
_SEED = int.from_bytes(bytes.fromhex("82ef4d887a4e55c5"), "little")
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a key. `key` is its path in the hive, `at` when the key was last written, in nanoseconds; `data` is "" for a key that is
    told for itself (`name` None then)."""

    key: str
    at: int
    name: str | None
    data: str | int | bytes | tuple[str, ...]

    @property
    def text(self) -> str:
        """The data as one line."""
        if isinstance(self.data, tuple):
            return " ".join(self.data)
        return self.data.hex() if isinstance(self.data, bytes) else str(self.data)


def marvin32(data: bytes, seed: int = _SEED) -> int:
    """The checksum of log entries (Marvin32, 64 bits)."""
    low, high = seed & _MASK, seed >> 32
    whole = len(data) // 4 * 4
    rest = data[whole:] + b"\x80" + bytes(3 - (len(data) - whole))
    for (word,) in struct.iter_unpack("<I", data[:whole] + rest + bytes(4)):
        low = (low + word) & _MASK
        high ^= low
        low = (((low << 20) | (low >> 12)) + high) & _MASK
        high = ((high << 9) | (high >> 23)) & _MASK
        high ^= low
        low = (((low << 27) | (low >> 5)) + high) & _MASK
        high = ((high << 19) | (high >> 13)) & _MASK
    return low | high << 32


def log_entries(log: bytes) -> Iterator[tuple[int, bytes]]:
    """(sequence number, entry) of one transaction log, unchecked, until something is no entry."""
    at = _LOG_ENTRIES
    while log[at : at + 4] == b"HvLE" and at + 40 <= len(log):
        size, _, sequence = struct.unpack_from("<III", log, at + 4)
        if size < 40 or size % 512 or at + size > len(log):
            return
        yield sequence, log[at : at + size]
        at += size


def apply_logs(hive: bytearray, logs: Iterable[bytes]) -> int:
    """Puts what the logs hold into the hive. @returns how many entries were applied"""
    after = struct.unpack_from("<I", hive, 8)[0]
    waiting = {sequence: entry for log in logs for sequence, entry in log_entries(log) if sequence >= after}
    applied = 0
    # Entries follow each other: where one is missing, or its checksum says that it was not written whole, the rest belongs to no state.
    for expected, sequence in enumerate(sorted(waiting), min(waiting, default=0)):
        entry = waiting[sequence]
        size, pages, content, header = *struct.unpack_from("<II", entry, 16), *struct.unpack_from("<QQ", entry, 24)
        if sequence != expected or content != marvin32(entry[40:]) or header != marvin32(entry[:32]) or size > limits.HIVE_BYTES:
            break
        at = 40 + 8 * pages
        for index in range(pages):
            offset, length = struct.unpack_from("<II", entry, 40 + 8 * index)
            if at + length > len(entry) or offset + length > size:
                return applied
            if _CELLS + offset + length > len(hive):
                hive.extend(bytes(_CELLS + offset + length - len(hive)))
            hive[_CELLS + offset : _CELLS + offset + length] = entry[at : at + length]
            at += length
        struct.pack_into("<I", hive, 40, size)
        applied += 1
    return applied


def read_values(tree: Tree, entry: Entry, patterns: Iterable[str]) -> Iterator[Value | NotLookedAt]:
    """The values of the keys that the patterns name. Runs isolated.

    @param patterns paths of keys, "*" for any one key, "**" as the last part for the keys themselves at any depth below, without values
    @raises ValueError, OSError and whatever dissect.regf says when it is no hive
    """
    if entry.size > limits.HIVE_BYTES:
        yield NotLookedAt(entry.path, f"a registry hive of {entry.size} bytes is more than the {limits.HIVE_BYTES} that are read")
        return
    content = bytearray(tree.read(entry.path, limits.HIVE_BYTES))
    if content[:4] != b"regf" or len(content) <= _CELLS:
        raise ValueError("it is no registry hive")
    _, problem = _with_logs(tree, entry, content)
    if problem is not None:
        yield problem
    hive = RegistryHive(io.BytesIO(content))
    given = 0
    for pattern in patterns:
        for path, key in _keys(hive.root(), "", pattern.split("\\")):
            moment = nanoseconds(int(key.cell.LastWriteTime))
            if pattern.endswith("**"):
                names = {str(value.name).upper() for value in key.values()}
                rows: Iterable[Value] = [Value(path, moment, None, "" if "SD" in names or not names else "without SD")]
            else:
                rows = [Value(path, moment, "", ""), *(Value(path, moment, str(one.name), _data(one)) for one in key.values())]
            for row in rows:
                given += 1
                if given > limits.HIVE_VALUES:
                    yield NotLookedAt(entry.path, f"only the first {limits.HIVE_VALUES} of its values were looked at")
                    return
                yield row


def _with_logs(tree: Tree, entry: Entry, content: bytearray) -> tuple[int, NotLookedAt | None]:
    logs = []
    directory, _, name = entry.path.rpartition("/")
    for child in tree.children(directory or "/"):
        if child.is_file and child.name.lower() in (f"{name.lower()}.log1", f"{name.lower()}.log2") and child.size > _LOG_ENTRIES:
            logs.append(tree.read(child.path, limits.HIVE_BYTES))
    dirty = content[4:8] != content[8:12]
    applied = apply_logs(content, logs)
    if dirty and not applied:
        why = "it was being written when the snapshot was taken, and its transaction logs hold nothing that fits: its last changes are missing"
        return 0, NotLookedAt(entry.path, why, incomplete=False)
    return applied, None


def _keys(key: KeyNode, path: str, parts: list[str]) -> Iterator[tuple[str, KeyNode]]:
    if not parts:
        yield path, key
        return
    part = parts[0].lower()
    if part == "**":
        yield from _all_below(key, path, 0)
        return
    for child in key.subkeys():
        if part == "*" or child.name.lower() == part:
            yield from _keys(child, f"{path}\\{child.name}" if path else child.name, parts[1:])


def _all_below(key: KeyNode, path: str, depth: int) -> Iterator[tuple[str, KeyNode]]:
    for child in key.subkeys():
        below = f"{path}\\{child.name}"
        yield below, child
        if depth < limits.HIVE_DEPTH:
            yield from _all_below(child, below, depth + 1)


def _data(value: object) -> str | int | bytes | tuple[str, ...]:
    data = getattr(value, "value", "")
    if isinstance(data, list):
        return tuple(str(one)[: limits.HIVE_DATA_BYTES] for one in data[:1000])
    if isinstance(data, int):
        return int(data)
    return bytes(data[: limits.HIVE_DATA_BYTES]) if isinstance(data, bytes) else str(data)[: limits.HIVE_DATA_BYTES]
