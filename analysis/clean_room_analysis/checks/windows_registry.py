# SPDX-License-Identifier: AGPL-3.0-or-later
"""What Windows' registry starts by itself, trusts and hides: run keys, services, log-on programs, debuggers, packages, accounts."""

import functools
import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.windows_commands import on_windows, windows_suspicions
from clean_room_analysis.checks.windows_accounts import Accounts, Judge
from clean_room_analysis.checks.windows_event_kinds import judge_service
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry, NotLookedAt, Severity
from clean_room_analysis.windows.registry import Value, read_values

_HIVE = re.compile(
    r"^/win(?:dows|nt)/(?:system32/config/(software|system|sam)|system32/config/systemprofile/(ntuser\.dat)|serviceprofiles/[^/]+/(ntuser\.dat))$"
    r"|^/(?:users|documents and settings)/[^/]+/(ntuser\.dat)$",
    re.IGNORECASE,
)
_SECONDS = 180.0
_CURRENT = r"Microsoft\Windows\CurrentVersion"
_NT = r"Microsoft\Windows NT\CurrentVersion"


def _of_user(below: str) -> tuple[str, ...]:
    return (
        *(rf"{below}{_CURRENT}\{key}" for key in ("Run", "RunOnce", "RunServices", r"Policies\Explorer\Run", r"RunOnceEx\*")),
        rf"{below}{_NT}\Winlogon",
        rf"{below}{_NT}\Windows",
        rf"{below}Microsoft\Command Processor",
    )


_KEYS: dict[str, tuple[str, ...]] = {
    "software": (
        *_of_user(""),
        *_of_user("Wow6432Node\\"),
        rf"{_NT}\Image File Execution Options\*",
        rf"{_NT}\SilentProcessExit\*",
        rf"{_NT}\Schedule\TaskCache\Tree\**",
        r"Microsoft\Active Setup\Installed Components\*",
        *(
            rf"{vendor}\Exclusions\{kind}"
            for vendor in (r"Microsoft\Windows Defender", r"Policies\Microsoft\Windows Defender")
            for kind in ("Paths", "Processes", "Extensions")
        ),
        r"Policies\Microsoft\Windows Defender",
        r"Policies\Microsoft\Windows Defender\Real-Time Protection",
        r"Microsoft\Windows Defender\Real-Time Protection",
        r"Microsoft\Windows Defender\Features",
    ),
    "ntuser.dat": (
        *_of_user("Software\\"),
        "Environment",
        rf"Software\{_CURRENT}\Explorer\RunMRU",
        r"Software\Microsoft\Terminal Server Client\Servers\*",
    ),
    "system": (
        "Select",
        r"*\Services\*",
        r"*\Services\*\Parameters",
        r"*\Services\PortProxy\*\*",
        r"*\Control\Lsa",
        r"*\Control\Lsa\OSConfig",
        r"*\Control\SecurityProviders\WDigest",
        r"*\Control\SecurityProviders",
        r"*\Control\Session Manager",
        r"*\Control\Session Manager\AppCertDlls",
        r"*\Control\Print\Monitors\*",
        r"*\Control\NetworkProvider\Order",
    ),
    "sam": (r"SAM\Domains\Account\Users\*", r"SAM\Domains\Builtin\Aliases\00000220"),
}
_RUN = re.compile(r"\\(?:Run|RunOnce|RunServices|RunOnceEx\\[^\\]+)$", re.IGNORECASE)
_SHELL = {
    "shell": re.compile(r'^"?(?:%windir%\\|c:\\windows\\)?explorer\.exe"?,?$', re.IGNORECASE),
    "userinit": re.compile(r'^"?(?:(?:%systemroot%|c:\\windows)\\system32\\)?userinit(?:\.exe)?"?,?$', re.IGNORECASE),
}
_ACCESSIBILITY = re.compile(r"^(?:sethc|utilman|osk|magnify|narrator|displayswitch|atbroker)\.exe$", re.IGNORECASE)
#: What Windows loads into its log-in process by itself.
_LSA = {
    "authentication packages": frozenset({"msv1_0"}),
    "security packages": frozenset(
        {"", '""', "kerberos", "msv1_0", "schannel", "wdigest", "tspkg", "pku2u", "livessp", "cloudap", "negoexts"}
    ),
    "notification packages": frozenset({"scecli", "rassfm", "kdcpw", "azureadpasswordprotectionfilterdriver"}),
}
_MONITORS = frozenset(
    {
        "localspl.dll",
        "tcpmon.dll",
        "usbmon.dll",
        "appmon.dll",
        "fxsmon.dll",
        "wsdmon.dll",
        "ipp-mon.dll",
        "inetpp.dll",
        "apmon.dll",
        "pjlmon.dll",
        "fxsmon.dll",
        "ncadpmon.dll",
    }
)


class WindowsRegistry(Check):
    """T1547.001, T1543.003, T1546.008, T1546.012, T1547.004, T1547.005, T1562.001, T1098, T1136.001, T1564.002."""

    name = "windows-registry"

    def wants(self, entry: Entry) -> bool:
        return on_windows(entry) and entry.is_file and _HIVE.match(entry.path) is not None

    def look(self, item: Item) -> Iterator[Result]:
        kind = next(group for group in _HIVE.match(item.entry.path).groups() if group).lower()  # type: ignore[union-attr]
        judge = {"system": _System, "sam": Accounts}.get(kind, _Software)(self, item)
        try:
            for value in run_isolated(functools.partial(read_values, item.tree, item.entry, _KEYS[kind]), _SECONDS):
                if isinstance(value, NotLookedAt):
                    yield value
                else:
                    yield from judge.take(value)
        except IsolatedError as error:
            raise ValueError(str(error)) from error
        finally:
            yield from judge.end()


class _Software(Judge):
    """SOFTWARE, and the hives of users."""

    def take(self, value: Value) -> Iterator[Result]:
        key, name, text = value.key.lower(), (value.name or "").lower(), value.text
        if value.name is None:
            if value.data == "without SD":
                yield self.found(
                    value, Severity.HIGH, "A scheduled task is hidden from the tools that list tasks", "T1564", "T1053.005", shown=value.key
                )
        elif value.name == "":
            return
        elif _RUN.search(key):
            if text:
                yield from self.started(value, "A run key", "T1547.001")
        elif key.endswith("\\winlogon"):
            if name in _SHELL and text and not _SHELL[name].match(text.strip()):
                yield self.found(value, Severity.HIGH, "Log-on starts another program than Windows' own", "T1547.004")
            elif name in ("taskman", "vmapplet", "system", "mpnotify") and text and "systempropertiesperformance" not in text.lower():
                yield self.found(value, Severity.HIGH, "Log-on starts another program than Windows' own", "T1547.004")
            elif name == "defaultpassword" and text:
                yield self.found(
                    value, Severity.LOW, "A password for automatic log-on stands in the registry", "T1552.002", shown=value.key
                )
        elif key.endswith("\\windows") and name == "appinit_dlls" and text.strip():
            yield self.found(value, Severity.HIGH, "A library is loaded into every program with windows", "T1546.010")
        elif key.endswith("\\windows") and name in ("load", "run") and text.strip():
            yield from self.started(value, "A run key", "T1547.001", Severity.MEDIUM)
        elif key.endswith("command processor") and name == "autorun" and text.strip():
            yield from self.started(value, "Every command prompt", "T1546", Severity.MEDIUM)
        elif "image file execution options" in key and name in ("debugger", "verifierdlls"):
            program = value.key.rpartition("\\")[2]
            grave = _ACCESSIBILITY.match(program) is not None
            title = (
                f"{program} starts another program in its place" if not grave else f"{program} of the log-on screen starts another program"
            )
            yield self.found(value, Severity.CRITICAL if grave else Severity.HIGH, title, "T1546.008" if grave else "T1546.012")
        elif "silentprocessexit" in key and name == "monitorprocess":
            yield self.found(value, Severity.HIGH, "The end of a program starts another one", "T1546.012")
        elif "installed components" in key and name == "stubpath":
            if reasons := windows_suspicions(text, "T1547.014"):
                yield self.found(value, worst(reasons), f"Active Setup {in_words(reasons)}", *techniques(reasons, "T1547.014"))
        elif "\\exclusions\\" in key:
            yield self.found(value, Severity.MEDIUM, "Defender leaves something out", "T1562.001", shown=f"{value.key}: {value.name}")
        elif "windows defender" in key and name.startswith("disable") and text not in ("0", "") and name != "disablelocaladminmerge":
            yield self.found(value, Severity.HIGH, "Defender's protection is switched off", "T1562.001")
        elif "windows defender\\features" in key and name == "tamperprotection":
            return
        elif key == "environment" and name in ("userinitmprlogonscript", "cor_profiler_path"):
            yield from self.started(value, "A user's log-on", "T1037.001" if name.startswith("user") else "T1574.012", Severity.HIGH)
        elif key.endswith("\\runmru") and name != "mrulist":
            if reasons := windows_suspicions(text):
                yield self.found(value, worst(reasons), f"A user ran what {in_words(reasons)}", *techniques(reasons, "T1059"))
        elif "terminal server client\\servers" in key and name == "usernamehint":
            server = value.key.rpartition("\\")[2]
            yield self.found(value, Severity.LOW, f"Remote desktop was used from here to {server}", "T1021.001", shown=f"as {text}")


class _System(Judge):
    """SYSTEM, of the control set that started last."""

    def __init__(self, check: Check, item: Item) -> None:
        super().__init__(check, item)
        self._set = "controlset001"
        self._services: dict[str, dict[str, Value]] = {}

    def take(self, value: Value) -> Iterator[Result]:
        if value.key.lower() == "select":
            if (value.name or "").lower() == "current" and isinstance(value.data, int):
                self._set = f"controlset{value.data:03d}"
            return
        control, _, rest = value.key.partition("\\")
        if control.lower() != self._set or not value.name:
            return
        key, name = rest.lower(), value.name.lower()
        if key.startswith("services\\"):
            if key.startswith("services\\portproxy\\"):
                yield self.found(value, Severity.HIGH, "Connections are handed on to another machine", "T1090.001")
            else:
                self._services.setdefault(rest.split("\\")[1], {})[name] = value
        elif key == "control\\lsa" or key == "control\\lsa\\osconfig":
            if name in _LSA:
                listed = value.data if isinstance(value.data, tuple) else tuple(value.text.split())
                odd = [one for one in listed if one.lower().strip() not in _LSA[name]]
                if odd:
                    technique = (
                        "T1556.002" if name.startswith("notification") else "T1547.005" if name.startswith("security") else "T1547.002"
                    )
                    yield self.found(value, Severity.HIGH, f"Log-in loads an unusual library: {', '.join(odd)[:200]}", technique)
            elif name == "disablerestrictedadmin" and value.data == 0:
                yield self.found(value, Severity.MEDIUM, "Remote desktop takes a hash in place of a password", "T1550.002")
        elif key.endswith("wdigest") and name == "uselogoncredential" and value.data == 1:
            yield self.found(value, Severity.HIGH, "Windows keeps passwords in clear in memory", "T1112", "T1003.001")
        elif key.endswith("session manager") and name == "bootexecute":
            listed = value.data if isinstance(value.data, tuple) else (value.text,)
            if odd := [one for one in listed if one.strip() and not one.lower().startswith("autocheck autochk")]:
                yield self.found(value, Severity.HIGH, f"The start of Windows runs {odd[0][:200]}", "T1547.001")
        elif key.endswith("appcertdlls"):
            yield self.found(value, Severity.HIGH, "A library is loaded into every program that starts another", "T1546.009")
        elif key.startswith("control\\print\\monitors\\") and name == "driver" and value.text.lower() not in _MONITORS:
            yield self.found(value, Severity.MEDIUM, "The print service loads an unusual library", "T1547.010")

    def end(self) -> Iterator[Result]:
        for service, values in sorted(self._services.items()):
            for name, technique in (("imagepath", "T1543.003"), ("servicedll", "T1543.003"), ("failurecommand", "T1543.003")):
                value = values.get(name)
                if value is None or not value.text:
                    continue
                shown = (
                    f"{value.key}: {value.name} = {value.text}, as {values['objectname'].text if 'objectname' in values else 'LocalSystem'}"
                )
                for said in judge_service(service, value.text, f"The service {service}", shown, None):
                    if not isinstance(said, str):
                        yield self.found(value, said[0], said[1], *said[3], shown=shown)
                        break
                else:
                    if name == "failurecommand":
                        yield self.found(
                            value, Severity.LOW, f"The service {service} starts a program when it fails", technique, shown=shown
                        )
