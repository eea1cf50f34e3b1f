# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each kind of Windows event means: one function a kind, which says lines for the timeline and findings."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.windows_commands import windows_suspicions
from clean_room_analysis.checks.windows_tasks import commands_of_task
from clean_room_analysis.model import Severity, iso_time
from clean_room_analysis.windows.event_log import Event

#: Addresses, accounts and findings kept apart.
DISTINCT = 20_000
_NOBODY = re.compile(r"^(?:system|local service|network service|anonymous logon|dwm-\d+|umfd-\d+|-|.*\$|)$", re.IGNORECASE)
HERE = frozenset({"", "-", "LOCAL", "local"})
_WAYS = {
    "2": "console",
    "3": "network",
    "7": "unlock",
    "8": "network, password in clear",
    "9": "other credentials",
    "10": "remote desktop",
    "11": "cached",
}
_GROUPS = {
    "544": (Severity.HIGH, "the local administrators"),
    "555": (Severity.MEDIUM, "who may use remote desktop"),
    "580": (Severity.MEDIUM, "who may use remote management"),
    "551": (Severity.MEDIUM, "the backup operators"),
    "512": (Severity.HIGH, "the domain's administrators"),
    "519": (Severity.HIGH, "the forest's administrators"),
}
_SSH = re.compile(r"(Accepted|Failed) (\S+) for (?:invalid user )?(.{1,64}?) from (\S+) port")


@dataclass(slots=True)
class Sums:
    """What the logs of one tree add up to."""

    failures: Counter[str] = field(default_factory=Counter)
    first_failure: dict[str, int] = field(default_factory=dict)
    #: (user, address, way) -> first, last, count, log.
    successes: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    logs: dict[tuple[str, str, str] | str, str] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)


#: What a handler says: a line for the timeline, or (severity, title, evidence, techniques).
Said = str | tuple[Severity, str, str, tuple[str, ...]]
_Handler = Callable[[Event, Sums], Iterator[Said]]
_HANDLERS: dict[tuple[str, int], _Handler] = {}


def _on(log: str, *numbers: int) -> Callable[[_Handler], _Handler]:
    def keep(handler: _Handler) -> _Handler:
        _HANDLERS.update({(log, number): handler for number in numbers})
        return handler

    return keep


def _short(path: str) -> str:
    name = path.rpartition("/")[2].lower().removesuffix(".evtx")
    return name if name in ("security", "system") else name.removeprefix("microsoft-windows-").removesuffix("%4operational")


def _who(event: Event, kind: str = "Target") -> str:
    domain, user = event.get(f"{kind}DomainName"), event.get(f"{kind}UserName")
    return f"{domain}\\{user}" if domain not in ("", "-") else user


def _success(sums: Sums, event: Event, user: str, host: str, way: str) -> None:
    key = (user[:100], host.removeprefix("::ffff:")[:100], way)
    if key in sums.successes or len(sums.successes) < DISTINCT:
        seen = sums.successes.setdefault(key, [event.at, event.at, 0])
        sums.logs.setdefault(key, event.path)
        seen[:] = [min(seen[0], event.at), max(seen[1], event.at), seen[2] + 1]


def _failure(sums: Sums, event: Event, host: str) -> None:
    host = host.removeprefix("::ffff:")[:100]
    if host not in sums.first_failure and len(sums.first_failure) >= DISTINCT:
        return
    sums.failures[host] += 1
    sums.logs.setdefault(host, event.path)
    sums.first_failure[host] = min(sums.first_failure.get(host, event.at), event.at)


def _judged(command: str, what: str, attack: str, otherwise: Severity | None = None, shown: str = "") -> Iterator[Said]:
    reasons = windows_suspicions(command, attack)
    if reasons:
        yield worst(reasons), f"{what} {in_words(reasons)}", shown or command, techniques(reasons, attack)
    elif otherwise is not None:
        yield otherwise, what, shown or command, (attack,)


@_on("security", 4624)
def _log_in(event: Event, sums: Sums) -> Iterator[Said]:
    way = _WAYS.get(event.get("LogonType"))
    user, host = event.get("TargetUserName"), event.get("IpAddress")
    if way is not None and not _NOBODY.match(user):
        _success(sums, event, _who(event), host, way)
        yield f"{_who(event)} logged in from {host} ({way})"


@_on("security", 4625)
def _failed(event: Event, sums: Sums) -> Iterator[Said]:
    _failure(sums, event, event.get("IpAddress"))
    yield f"failed log-in as {_who(event)} from {event.get('IpAddress')}"


@_on("security", 4648)
def _explicit(event: Event, sums: Sums) -> Iterator[Said]:
    if not _NOBODY.match(event.get("SubjectUserName")):
        yield f"{_who(event, 'Subject')} used the credentials of {_who(event)} on {event.get('TargetServerName')} by {event.get('ProcessName')}"


@_on("security", 4672)
def _privileged(event: Event, sums: Sums) -> Iterator[Said]:
    if not _NOBODY.match(event.get("SubjectUserName")):
        yield f"{_who(event, 'Subject')} logged in with the rights of an administrator"


@_on("terminalservices-localsessionmanager", 21, 25)
def _session(event: Event, sums: Sums) -> Iterator[Said]:
    user = _ending(event, "User")
    host = _ending(event, "Address")
    if host not in HERE and host:
        _success(sums, event, user, host, "remote desktop")
        yield f"{user} {'reconnected' if event.number == 25 else 'began'} a session of remote desktop from {host}"


@_on("terminalservices-remoteconnectionmanager", 1149)
def _remote(event: Event, sums: Sums) -> Iterator[Said]:
    user, domain, host = _ending(event, "Param1"), _ending(event, "Param2"), _ending(event, "Param3")
    if user:
        yield f"{domain}\\{user} connected to remote desktop from {host}"


@_on("openssh", 4)
def _ssh(event: Event, sums: Sums) -> Iterator[Said]:
    if said := _SSH.search(event.get("payload")):
        if said[1] == "Accepted":
            _success(sums, event, said[3], said[4], f"ssh, {said[2]}")
            yield f"{said[3]} logged in by ssh from {said[4]}"
        else:
            _failure(sums, event, said[4])


@_on("system", 7045)
@_on("security", 4697)
def _service(event: Event, sums: Sums) -> Iterator[Said]:
    name = event.get("ServiceName")
    command = event.get("ImagePath") or event.get("ServiceFileName")
    shown = f"{command}, as {event.get('AccountName') or event.get('ServiceAccount')}, {iso_time(event.at)}"
    yield f"service {name} was installed: {command}"
    yield from judge_service(name, command, f"The service {name} was installed", shown)


def judge_service(name: str, command: str, what: str, shown: str, ordinary: Severity | None = Severity.INFORMATIONAL) -> Iterator[Said]:
    """What stands out about a service: the way tools of intruders name and place theirs, and what it runs."""
    reasons = windows_suspicions(f"{name} {command}", "T1543.003")
    if _REMOTE_SERVICE.match(command.strip('"')) and _RANDOM.match(name):
        yield Severity.HIGH, f"{what} as tools for remote execution name theirs", shown, ("T1569.002", "T1543.003")
    elif reasons:
        yield worst(reasons), f"{what}, and {in_words(reasons)}", shown, techniques(reasons, "T1543.003")
    elif ordinary is not None:
        yield ordinary, what, shown, ("T1543.003",)


#: impacket and Metasploit put a program of eight random letters into the directory of Windows.
_REMOTE_SERVICE = re.compile(r"^(?:%systemroot%|c:\\windows|\\\\127\.0\.0\.1\\admin\$)\\[a-z]{8}\.exe$", re.IGNORECASE)
_RANDOM = re.compile(r"^[A-Za-z]{4,16}$")


@_on("security", 1102)
@_on("system", 104)
def _cleared(event: Event, sums: Sums) -> Iterator[Said]:
    log = _ending(event, "Channel") if event.number == 104 else "Security"
    by = _ending(event, "SubjectUserName")
    yield f"the event log {log} was cleared by {by}"
    yield Severity.HIGH, f"The event log {log} was cleared", f"by {by} at {iso_time(event.at)}", ("T1070.001",)


@_on("security", 4719)
def _audit_policy(event: Event, sums: Sums) -> Iterator[Said]:
    # %%8448: success removed, %%8450: failure removed.
    if re.search(r"8448|8450", event.get("AuditPolicyChanges")) and not _NOBODY.match(event.get("SubjectUserName")):
        yield (
            Severity.MEDIUM,
            "Auditing was reduced",
            f"by {_who(event, 'Subject')}: {event.get('SubcategoryGuid')} {event.get('AuditPolicyChanges')}",
            ("T1562.002",),
        )


@_on("security", 4720, 4722, 4724, 4726, 4738)
def _account(event: Event, sums: Sums) -> Iterator[Said]:
    who, by = _who(event), _who(event, "Subject")
    done = {4720: "was made", 4722: "was enabled", 4724: "got a new password", 4726: "was removed", 4738: "was changed"}[event.number]
    yield f"account {who} {done} by {by}"
    if event.number == 4720:
        name = event.get("TargetUserName")
        # Session Manager makes ssm-user by itself, when somebody first opens a session.
        severity = Severity.HIGH if name.endswith("$") else Severity.LOW if name == "ssm-user" else Severity.MEDIUM
        hidden = ("T1564.002",) if name.endswith("$") else ()
        yield severity, f"The account {who} was made", f"by {by} at {iso_time(event.at)}", ("T1136.001", *hidden)
    elif event.number in (4722, 4724, 4726) and not _NOBODY.match(event.get("SubjectUserName")):
        yield (
            Severity.LOW,
            f"The account {who} {done}",
            f"by {by} at {iso_time(event.at)}",
            ("T1098",) if event.number != 4726 else ("T1531",),
        )


@_on("security", 4728, 4732, 4756)
def _member(event: Event, sums: Sums) -> Iterator[Said]:
    group = event.get("TargetSid").rpartition("-")[2]
    member = event.get("MemberName") if event.get("MemberName") not in ("", "-") else event.get("MemberSid")
    yield f"{member} was added to the group {event.get('TargetUserName')} by {_who(event, 'Subject')}"
    if group in _GROUPS:
        severity, what = _GROUPS[group]
        said = f"added to {event.get('TargetUserName')} by {_who(event, 'Subject')} at {iso_time(event.at)}"
        yield severity, f"{member} became one of {what}", said, ("T1098.007",)


@_on("security", 4688)
@_on("sysmon", 1)
def _process(event: Event, sums: Sums) -> Iterator[Said]:
    command = event.get("CommandLine") or event.get("NewProcessName")
    reasons = windows_suspicions(command)
    if reasons:
        yield f"ran {command[:400]}"
        who = event.get("SubjectUserName") or event.get("User")
        yield (
            worst(reasons),
            f"A command that the event log keeps {in_words(reasons)}",
            f"{who}: {command}",
            techniques(reasons, "T1059.003"),
        )


@_on("security", 4698, 4702)
def _task(event: Event, sums: Sums) -> Iterator[Said]:
    name = event.get("TaskName")
    content = event.get("TaskContent") or event.get("TaskContentNew")
    by = _who(event, "Subject")
    yield f"scheduled task {name} was {'made' if event.number == 4698 else 'changed'} by {by}"
    for command in commands_of_task(content.encode("utf-8", "replace")):
        otherwise = Severity.INFORMATIONAL if event.number == 4698 and not name.lower().startswith("\\microsoft\\") else None
        yield from _judged(command, f"The scheduled task {name} was set by {by} and", "T1053.005", None, f"{command}, {iso_time(event.at)}")
        if otherwise is not None and not windows_suspicions(command, "T1053.005"):
            yield otherwise, f"The scheduled task {name} was made by {by}", command, ("T1053.005",)


@_on("taskscheduler", 129, 200)
def _task_ran(event: Event, sums: Sums) -> Iterator[Said]:
    command = event.get("ActionName") or event.get("Path")
    yield from _judged(command, f"The scheduled task {event.get('TaskName')} ran and", "T1053.005")


@_on("powershell", 4104)
@_on("powershellcore", 4104)
def _script(event: Event, sums: Sums) -> Iterator[Said]:
    text = event.get("ScriptBlockText")
    reasons = windows_suspicions(text)
    if reasons:
        yield f"PowerShell ran a script that {in_words(reasons)}"
        yield (
            worst(reasons),
            f"PowerShell ran a script that {in_words(reasons)}",
            f"{event.get('Path')} {text[:1500]}",
            techniques(reasons, "T1059.001"),
        )


@_on("windows powershell", 400, 800)
def _host(event: Event, sums: Sums) -> Iterator[Said]:
    text = " ".join(value for name, value in event.data.items() if name.endswith("Data"))
    started = re.search(r"HostApplication=([^\n\r]{1,8000})", text)
    reasons = windows_suspicions(started[1]) if started else ()
    if reasons and started:
        yield worst(reasons), f"PowerShell was started with what {in_words(reasons)}", started[1], techniques(reasons, "T1059.001")


@_on("windows defender", 1006, 1116, 1117)
def _detected(event: Event, sums: Sums) -> Iterator[Said]:
    name, path = event.get("Threat Name"), event.get("Path")
    yield f"Defender found {name}"
    yield Severity.HIGH, f"Defender found {name}", f"{path} {event.get('Process Name')} {event.get('Action Name')}", ("T1204.002",)


@_on("windows defender", 5001, 5010, 5012, 5013)
def _protection(event: Event, sums: Sums) -> Iterator[Said]:
    if event.number != 5013:
        yield "Defender's protection was switched off"
        yield Severity.HIGH, "Defender's protection was switched off", f"event {event.number} at {iso_time(event.at)}", ("T1562.001",)


@_on("windows defender", 5007)
def _exclusion(event: Event, sums: Sums) -> Iterator[Said]:
    value = event.get("New Value")
    if "\\Exclusions\\" in value:
        yield Severity.HIGH, "Defender was told to leave something out", value, ("T1562.001",)


@_on("wmi-activity", 5861)
def _consumer(event: Event, sums: Sums) -> Iterator[Said]:
    text = " ".join(event.data.values())
    if "SCM Event Log" not in text:
        yield Severity.HIGH, "An event of WMI starts a command or script", text, ("T1546.003",)


def _ending(event: Event, name: str) -> str:
    """A datum of an event whose data have a path for a name."""
    return event.get(name) or next((value for key, value in event.data.items() if key.endswith("_" + name)), "")


def meaning(event: Event, sums: Sums) -> Iterator[Said]:
    """What one event says; nothing for a kind that is not known. `sums` takes the log-ins."""
    handler = _HANDLERS.get((_short(event.path), event.number))
    return iter(()) if handler is None else handler(event, sums)
