# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes small registry hives, transaction logs, event logs and prefetch files, by the published descriptions of their formats: a test says
what is in them, and no file of somebody's machine is needed."""

import struct
import zlib
from collections.abc import Mapping

from clean_room_analysis.windows.registry import marvin32

Data = str | int | bytes | list[str]
#: Path of a key -> its values by name.
Keys = Mapping[str, Mapping[str, Data]]


def filetime(seconds: float) -> int:
    """Seconds since 1970 as Windows' time."""
    return int(seconds * 10_000_000) + 116_444_736_000_000_000


class _Hive:
    def __init__(self, at: float) -> None:
        self.cells = bytearray(32)  # the header of the bin
        self._at = filetime(at)

    def cell(self, content: bytes) -> int:
        offset = len(self.cells)
        size = -(-(len(content) + 4) // 8) * 8
        self.cells += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return offset

    def value(self, name: str, data: Data) -> int:
        kind, raw = _raw(data)
        place = int.from_bytes(raw.ljust(4, b"\0"), "little") if len(raw) <= 4 else self.cell(raw)
        length = len(raw) | (0x80000000 if len(raw) <= 4 else 0)
        return self.cell(struct.pack("<2sHIIIHH", b"vk", len(name), length, place, kind, 1, 0) + name.encode("latin-1"))

    def key(self, name: str, tree: dict[str, object], *, top: bool = False) -> int:
        values = [self.value(one, data) for one, data in tree.get("", {}).items()]  # type: ignore[attr-defined]
        names = sorted(one for one in tree if one)
        children = [self.key(one, tree[one]) for one in names]  # type: ignore[arg-type]
        subkeys = (
            self.cell(
                b"lh"
                + struct.pack("<H", len(children))
                + b"".join(struct.pack("<II", one, _hash(name)) for one, name in zip(children, names, strict=True))
            )
            if children
            else 0xFFFFFFFF
        )
        listed = self.cell(struct.pack(f"<{len(values)}I", *values)) if values else 0xFFFFFFFF
        head = struct.pack(
            "<2sHQIIIIIIII", b"nk", 0x2C if top else 0x20, self._at, 0, 0, len(children), 0, subkeys, 0xFFFFFFFF, len(values), listed
        )
        return self.cell(head + struct.pack("<IIIIIIIHH", 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0, 0, len(name), 0) + name.encode("latin-1"))


def _hash(name: str) -> int:
    number = 0
    for character in name.upper():
        number = (number * 37 + ord(character)) & 0xFFFFFFFF
    return number


def _raw(data: Data) -> tuple[int, bytes]:
    if isinstance(data, int):
        return 4, struct.pack("<I", data)
    if isinstance(data, bytes):
        return 3, data
    if isinstance(data, list):
        return 7, "".join(f"{one}\0" for one in (*data, "")).encode("utf-16-le")
    return 1, (data + "\0").encode("utf-16-le")


def hive(keys: Keys, at: float = 1_700_000_000, sequences: tuple[int, int] = (1, 1)) -> bytes:
    """A registry hive; its keys were written at the given time."""
    tree: dict[str, object] = {}
    for path, values in keys.items():
        node = tree
        for part in path.split("\\"):
            node = node.setdefault(part, {})  # type: ignore[assignment]
        node[""] = values
    made = _Hive(at)
    root = made.key("ROOT", tree, top=True)
    size = -(-len(made.cells) // 4096) * 4096
    rest = size - len(made.cells)
    if rest:
        made.cells += struct.pack("<i", rest).ljust(rest, b"\0")
    struct.pack_into("<4sIIQQI", made.cells, 0, b"hbin", 0, size, 0, filetime(at), 0)
    head = bytearray(4096)
    struct.pack_into("<4sIIQIIIIIII", head, 0, b"regf", *sequences, filetime(at), 1, 5, 0, 1, root, size, 1)
    checksum = 0
    for (word,) in struct.iter_unpack("<I", head[:508]):
        checksum ^= word
    struct.pack_into("<I", head, 508, checksum)
    return bytes(head + made.cells)


def transaction_log(before: bytes, after: bytes, sequence: int) -> bytes:
    """A log of one entry that makes the hive `before` the hive `after`, whose root must lie at the same place."""
    cells = after[4096:]
    pages = [(at, 512) for at in range(0, len(cells), 512) if before[4096 + at : 4096 + at + 512] != cells[at : at + 512]]
    body = b"".join(struct.pack("<II", *page) for page in pages) + b"".join(cells[at : at + size] for at, size in pages)
    size = -(-(40 + len(body)) // 512) * 512
    body = body.ljust(size - 40, b"\0")
    head = b"HvLE" + struct.pack("<IIIIIQ", size, 0, sequence, len(cells), len(pages), marvin32(body))
    return before[:512] + head + struct.pack("<Q", marvin32(head)) + body


class _Xml:
    """Binary XML of one event as a template, at its place in a chunk."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.out = bytearray()

    def name(self, text: str) -> None:
        self.out += struct.pack("<I", self._at + len(self.out) + 4)
        self.out += struct.pack("<IHH", 0, 0, len(text)) + text.encode("utf-16-le") + b"\0\0"

    def element(
        self, tag: str, attributes: Mapping[str, str | int], *children: "tuple[str, dict[str, str | int], tuple[object, ...]] | int"
    ) -> None:
        self.out += struct.pack("<BHI", 0x41 if attributes else 1, 0xFFFF, 0)
        self.name(tag)
        if attributes:
            start = len(self.out)
            self.out += bytes(4)
            for key, value in attributes.items():
                self.out += b"\x06"
                self.name(key)
                if isinstance(value, int):
                    self.out += struct.pack("<BHB", 0x0E, value, 0)
                else:
                    self.out += struct.pack("<BBH", 5, 1, len(value)) + value.encode("utf-16-le")
            struct.pack_into("<I", self.out, start, len(self.out) - start - 4)
        self.out += b"\x02"
        for child in children:
            if isinstance(child, int):
                self.out += struct.pack("<BHB", 0x0E, child, 0)
            else:
                self.element(child[0], child[1], *child[2])  # type: ignore[arg-type]
        self.out += b"\x04"


Event = tuple[int, float, str, Mapping[str, str]]


def _record(number: int, event: Event, offset: int) -> bytes:
    """(EventID, seconds, provider, data) as a record at an offset of its chunk."""
    identity, seconds, provider, data = event
    values: list[tuple[int, bytes]] = [(6, struct.pack("<H", identity)), (0x11, struct.pack("<Q", filetime(seconds)))]
    values += [(1, text.encode("utf-16-le")) for text in data.values()]
    start = offset + 24
    # Behind the fragment's header (4), the token (1), the reference (9) and the definition's head (24).
    xml = _Xml(start + 4 + 1 + 9 + 24 + 4)
    named = tuple(("Data", {"Name": name}, (2 + index,)) for index, name in enumerate(data))
    system = ("System", {}, (("Provider", {"Name": provider}, ()), ("EventID", {}, (0,)), ("TimeCreated", {"SystemTime": 1}, ())))
    xml.element("Event", {}, system, ("EventData", {}, named))  # type: ignore[arg-type]
    body = b"\x0f\x01\x01\0" + bytes(xml.out) + b"\0"
    content = b"\x0f\x01\x01\0" + b"\x0c" + struct.pack("<BII", 1, 1, start + 14)
    content += struct.pack("<I16sI", 0, bytes(16), len(body)) + body
    content += struct.pack("<I", len(values)) + b"".join(struct.pack("<HBB", len(raw), kind, 0) for kind, raw in values)
    content += b"".join(raw for _, raw in values) + b"\0"
    size = 24 + len(content) + 4
    return struct.pack("<IIQQ", 0x2A2A, size, number, filetime(seconds)) + content + struct.pack("<I", size)


def event_log(events: list[Event]) -> bytes:
    """An event log (.evtx) in as many chunks as the events need."""
    chunks: list[bytearray] = []
    first: list[int] = []
    for number, event in enumerate(events, 1):
        record = _record(number, event, len(chunks[-1]) if chunks else 512)
        if not chunks or len(chunks[-1]) + len(record) > 65536:
            chunks.append(bytearray(512))
            first.append(number)
            record = _record(number, event, 512)
        chunks[-1] += record
    for index, chunk in enumerate(chunks):
        last = (first[index + 1] if index + 1 < len(chunks) else len(events) + 1) - 1
        used = len(chunk)
        struct.pack_into(
            "<8sQQQQIIII", chunk, 0, b"ElfChnk\0", first[index], last, first[index], last, 128, 512, used, zlib.crc32(chunk[512:])
        )
        struct.pack_into("<I", chunk, 124, zlib.crc32(bytes(chunk[:120]) + bytes(chunk[128:512])))
        chunk += bytes(65536 - used)
    head = bytearray(4096)
    struct.pack_into("<8sQQQIHHHH", head, 0, b"ElfFile\0", 0, max(0, len(chunks) - 1), len(events) + 1, 128, 1, 3, 4096, len(chunks))
    struct.pack_into("<I", head, 124, zlib.crc32(bytes(head[:120])))
    return bytes(head) + b"".join(bytes(chunk) for chunk in chunks)


def prefetch(name: str, program: str, count: int, times: list[float]) -> bytes:
    """A prefetch file of version 30, as Windows 10 has them uncompressed."""
    text = (program + "\0").encode("utf-16-le")
    metrics, strings = 84 + 224, 84 + 224 + 32
    moments = [filetime(one) for one in times] + [0] * (8 - len(times))
    info = struct.pack("<9I2I8Q2Q4I", metrics, 1, 0, 0, strings, len(text), 0, 0, 0, 0, 0, *moments, 0, 0, count, 0, 0, 0)
    head = struct.pack("<I4sII", 30, b"SCCA", 0, strings + len(text)) + name.encode("utf-16-le").ljust(60, b"\0") + struct.pack("<II", 0, 0)
    return head + info.ljust(224, b"\0") + struct.pack("<6IQ", 0, 0, 0, 0, len(program), 0, 0) + text


def account(number: int, name: str, *, acts_as: int | None = None, disabled: bool = False) -> dict[str, bytes]:
    """The values of one account in SAM."""
    fixed = bytearray(0x50)
    struct.pack_into("<QQQ", fixed, 8, filetime(1_700_000_500), 0, filetime(1_700_000_100))
    struct.pack_into("<I", fixed, 0x30, number if acts_as is None else acts_as)
    struct.pack_into("<H", fixed, 0x38, 0x11 if disabled else 0x10)
    raw = name.encode("utf-16-le")
    variable = bytearray(0xCC) + raw
    struct.pack_into("<II", variable, 12, 0, len(raw))
    return {"F": bytes(fixed), "V": bytes(variable)}


def group(numbers: list[int]) -> dict[str, bytes]:
    """The value of a group in SAM with members of this machine."""
    head = bytearray(0x34)
    struct.pack_into("<III", head, 0x28, 0, 0, len(numbers))
    return {"C": bytes(head) + b"".join(struct.pack("<BB6s5I", 1, 5, b"\0\0\0\0\0\5", 21, 1, 2, 3, one) for one in numbers)}
