# SPDX-License-Identifier: AGPL-3.0-or-later
"""Installed files against what their packages installed."""

import contextlib
import hashlib
import lzma
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest
from conftest import TreeMaker
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.packages import Packages
from clean_room_analysis.model import Severity
from clean_room_analysis.rpm_ndb import headers


def test_dpkg(plain: TreeMaker) -> None:
    honest = hashlib.md5(b"honest", usedforsecurity=False).hexdigest()
    paths = (
        "usr/bin/ls",
        "usr/sbin/sshd",
        "bin/linked",
        "usr/lib/x86_64-linux-gnu/security/pam_unix.so",
        "usr/share/doc/a",
        "usr/bin/gone",
        "usr/bin/moved",
    )
    plain.file("/var/lib/dpkg/info/base.md5sums", "".join(f"{honest}  {path}\n" for path in paths))
    plain.file("/var/lib/dpkg/diversions", "/usr/bin/moved\n/usr/bin/moved.distrib\nother\n")
    for path in ("usr/bin/ls", "usr/bin/linked"):
        plain.file(f"/{path}", "honest", 0o755)
    for path in ("usr/sbin/sshd", "usr/lib/x86_64-linux-gnu/security/pam_unix.so", "usr/share/doc/a", "usr/bin/moved"):
        plain.file(f"/{path}", "changed", 0o755)
    plain.link("/bin", "usr/bin")
    assert {(one.path, one.severity) for one in plain.findings(Packages())} == {
        ("/usr/sbin/sshd", Severity.CRITICAL),
        ("/usr/lib/x86_64-linux-gnu/security/pam_unix.so", Severity.CRITICAL),
        (None, Severity.LOW),
    }


def rpm_header(files: dict[str, tuple[bytes, int]]) -> bytes:
    """A header as rpm stores it: the index of tags, then their values. Files are path -> (content, flags)."""
    names = list(files)
    directories = sorted({name.rpartition("/")[0] + "/" for name in names})
    text = lambda values: b"".join(value.encode() + b"\0" for value in values)  # noqa: E731
    digests = [hashlib.sha256(files[name][0]).hexdigest() for name in names]
    tags = [
        (1000, 6, 1, text(["base"])),
        (1028, 4, len(names), struct.pack(f">{len(names)}I", *(len(files[name][0]) for name in names))),
        (1030, 3, len(names), struct.pack(f">{len(names)}H", *(0o100755 for _ in names))),
        (1035, 8, len(names), text(digests)),
        (1037, 4, len(names), struct.pack(f">{len(names)}I", *(files[name][1] for name in names))),
        (1116, 4, len(names), struct.pack(f">{len(names)}I", *(directories.index(name.rpartition("/")[0] + "/") for name in names))),
        (1117, 8, len(names), text(name.rpartition("/")[2] for name in names)),
        (1118, 8, len(directories), text(directories)),
        (5011, 4, 1, struct.pack(">I", 8)),
    ]
    index, data = b"", b""
    for tag, kind, count, value in tags:
        data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(tags), len(data)) + index + data


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_rpm(plain: TreeMaker, mode: str) -> None:
    header = rpm_header(
        {"/usr/bin/ls": (b"honest", 0), "/usr/sbin/sshd": (b"honest", 0), "/usr/libexec/ghost": (b"x", 64), "/usr/bin/b": (b"honest", 1)}
    )
    plain.file("/usr/bin/ls", "honest")
    plain.file("/usr/bin/b", "edited configuration")
    plain.file("/usr/sbin/sshd", "changed")
    with closing(sqlite3.connect(plain.file("/var/lib/rpm/rpmdb.sqlite"))) as database:
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.execute("INSERT INTO Packages(blob) VALUES(?)", (header,))
        database.commit()
        (finding,) = plain.findings(Packages())
    assert (finding.path, finding.severity, finding.attack[0]) == ("/usr/sbin/sshd", Severity.CRITICAL, "T1554")


NDB = lzma.decompress((Path(__file__).parent / "data/rpm-ndb.xz").read_bytes())


def test_rpm_of_suse(plain: TreeMaker) -> None:
    """A database that rpm itself wrote, of two packages."""
    plain.file("/usr/lib/sysimage/rpm/Packages.db", NDB)
    for path in ("/usr/bin/ls", "/usr/bin/second", "/usr/sbin/other"):
        plain.file(path, "honest", 0o755)
    plain.file("/usr/sbin/sshd", "changed", 0o755)
    plain.file("/etc/c.conf", "edited")
    (finding,) = plain.findings(Packages())
    assert (finding.path, finding.severity) == ("/usr/sbin/sshd", Severity.CRITICAL)


@pytest.mark.parametrize(("at", "damage"), [(4, b"\1"), (32, b"slot"), (40, b"\xff\xff"), (4096, b"X"), (len(NDB) - 2, b"x")])
def test_damage_of_one_package_is_named_and_the_others_are_compared(at: int, damage: bytes) -> None:
    content = NDB[:at] + damage + NDB[at + len(damage) :]
    read: list[bytes] = []
    with pytest.raises(ValueError, match="damaged" if at > 4 else "cannot be read"):
        for one in headers(content):
            read.append(one)
    assert len(read) == (0 if at == 4 else 1)


@given(st.binary(max_size=200), st.integers(0, len(NDB)))
def test_any_bytes_are_a_database_or_an_error(damage: bytes, at: int) -> None:
    with contextlib.suppress(ValueError):
        assert len(list(headers(NDB[:at] + damage + NDB[at + len(damage) :]))) <= 256


def test_a_database_that_cannot_be_read_is_an_error(plain: TreeMaker) -> None:
    plain.file("/usr/lib/sysimage/rpm/Packages.db", b"RpmP")
    with pytest.raises(ValueError, match="no database of rpm"):
        plain.findings(Packages())
