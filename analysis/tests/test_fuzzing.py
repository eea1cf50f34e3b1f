# SPDX-License-Identifier: AGPL-3.0-or-later
"""Damaged logs, registries and file systems: every reader ends, and what it could not read it says.

A short form runs with the other tests; `ANALYSIS_FUZZ_EXAMPLES=3000 pytest -k "damage"` is the long one of continuous integration, with new
examples each time.
"""

import lzma
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import windows_files as made
from conftest import TreeMaker
from disks import file_system
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clean_room_analysis.login_records import read_records
from clean_room_analysis.model import Entry
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.raw_tree import RawTree
from clean_room_analysis.tree import Tree
from clean_room_analysis.windows.event_log import read_events
from clean_room_analysis.windows.prefetch import read_prefetch
from clean_room_analysis.windows.registry import apply_logs, read_values

_LONG = os.environ.get("ANALYSIS_FUZZ_EXAMPLES")
_SECONDS = 30
_BEFORE = made.hive({r"Microsoft\Windows\CurrentVersion\Run": {"a": r"C:\Windows\SysW\fine.exe"}}, sequences=(2, 1))
_AFTER = made.hive({r"Microsoft\Windows\CurrentVersion\Run": {"a": r"C:\Users\Public\evil.exe"}}, sequences=(2, 1))
_EVENT_LOG = made.event_log([(4624, 1.7e9 + one, "x", {"TargetUserName": f"user{one}", "IpAddress": "203.0.113.9"}) for one in range(40)])
_JOURNAL = lzma.decompress((Path(__file__).parent / "data/small.journal.xz").read_bytes())


@contextmanager
def _bounded() -> Iterator[None]:
    """Fails where a reader does not come back."""

    def late(*_: object) -> None:
        pytest.fail(f"it did not end within {_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _events(tree: Tree, entry: Entry) -> Iterator[object]:
    return read_events(tree, entry, frozenset({4624}))


def _registry(tree: Tree, entry: Entry) -> Iterator[object]:
    return read_values(tree, entry, (r"Microsoft\Windows\CurrentVersion\Run", r"*\**", r"*\*"))


def _prefetch(tree: Tree, entry: Entry) -> Iterator[object]:
    return read_prefetch(tree, [entry])


_TARGETS: dict[str, tuple[str, bytes, Callable[[Tree, Entry], Iterator[object]]]] = {
    "event log": ("/Windows/System32/winevt/Logs/Security.evtx", _EVENT_LOG, _events),
    "registry": ("/Windows/System32/config/SOFTWARE", _BEFORE, _registry),
    "prefetch": ("/Windows/Prefetch/A.EXE-1.pf", made.prefetch("A.EXE", r"\VOLUME{1}\A.EXE", 3, [1.7e9]), _prefetch),
    "journal": ("/var/log/journal/1/system.journal", _JOURNAL, read_records),
    "wtmp": ("/var/log/wtmp", random.Random(3).randbytes(384 * 20), read_records),
}


def _damaged(content: bytes, seed: int) -> bytes:
    """Bytes changed, parts repeated, taken out or cut off, most of them near the beginning, where formats have their sizes."""
    chance = random.Random(seed)
    disk = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        at = min(int(chance.paretovariate(0.6)), len(disk) - 1) if chance.random() < 0.5 else chance.randrange(len(disk))
        match chance.randrange(5):
            case 0:
                disk[at] = chance.randrange(256)
            case 1:
                disk[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x01\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80"))
            case 2:
                disk[at : at + 8] = chance.randbytes(8)
            case 3:
                disk[at : at + 64] = disk[max(0, at - 128) : max(0, at - 64)]
            case _:
                del disk[at : at + chance.choice((1, 4, 512))]
        if len(disk) < 2:
            return bytes(disk)
    return bytes(disk)


@pytest.mark.parametrize("name", _TARGETS)
@settings(
    max_examples=int(_LONG or 15), derandomize=_LONG is None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_damage_to_a_log_ends_in_rows_or_an_error(name: str, plain: TreeMaker, seed: int) -> None:
    path, content, read = _TARGETS[name]
    plain.file(path, _damaged(content, seed))
    tree = MountedTree(str(plain.root))
    try:
        entry = tree.entry(path)
        assert entry is not None
        with _bounded():
            try:
                assert sum(1 for _ in read(tree, entry)) < 1_000_000
            except Exception as error:  # of any kind: the parent process names it (isolated.py)
                assert not isinstance(error, AssertionError), error
    finally:
        tree.close()


@settings(max_examples=int(_LONG or 15), derandomize=_LONG is None, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damage_to_a_transaction_log_leaves_the_hive_or_makes_it_the_next_one(seed: int) -> None:
    hive = bytearray(_BEFORE)
    with _bounded():
        applied = apply_logs(hive, [_damaged(made.transaction_log(_BEFORE, _AFTER, 1), seed)])
    assert bytes(hive[4096:]) == (_AFTER if applied else _BEFORE)[4096:]


@pytest.mark.parametrize("name", ["ext4-few-inodes", "xfs", "ntfs"])
@settings(max_examples=max(4, int(_LONG or 4) // 20), derandomize=_LONG is None, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damage_to_a_file_system_ends_in_a_walk_that_names_it(name: str, seed: int) -> None:
    import io

    with _bounded():
        try:
            tree = RawTree(io.BytesIO(_damaged(file_system(name), seed)), "ext4" if name.startswith("ext4") else name)
        except OSError:
            return
        count = 0
        for _ in tree.walk(lambda path, why: None):
            count += 1
            if count > 5000:
                return
