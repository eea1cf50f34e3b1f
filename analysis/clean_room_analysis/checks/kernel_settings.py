# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the kernel is told to start: its command line, helpers named by sysctl, interpreters of binfmt_misc."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.model import Entry, Severity

_BOOT = re.compile(
    r"^(?:/boot|/boot/efi|/efi)(?:/[^/]+){0,4}/(?:grub\.cfg|grub\.conf|menu\.lst|grubenv|custom\.cfg|user\.cfg|[^/]+\.conf|cmdline\.txt|extlinux\.conf)$"
    r"|^/etc/(?:default/grub(?:\.d/.+)?|kernel/cmdline|grub2?(?:-efi)?\.cfg|sysconfig/grub)$"
)
_SYSCTL = re.compile(r"^/(?:etc|usr/lib|usr/local/lib|lib|run)/sysctl\.(?:conf|d/[^/]+)$")
_BINFMT = re.compile(r"^/(?:etc|usr/lib|usr/local/lib|lib|run)/binfmt\.d/[^/]+$|^/var/lib/binfmts/[^/]+$|^/usr/share/binfmts/[^/]+$")
_INIT = re.compile(r"(?:^|[\s\"'])(?:rd)?init=(\S+?)[\"']?(?=\s|$)")
_ORDINARY_INIT = re.compile(r"^(?:/usr)?/(?:s?bin/(?:init|systemd|bash|sh|sulogin)|lib/systemd/systemd)$|^/init$")
#: setting -> what it means; an administrator may want these, so they are told and no more.
_WEAKER = re.compile(
    r"(?:^|[\s\"'])(selinux=0|enforcing=0|apparmor=0|audit=0|lockdown=none|module\.sig_enforce=0|lsm=(?=[\s\"']|$)|nokaslr|mitigations=off)(?=[\s\"']|$)"
)
#: A root shell at the next start, without a password.
_SHELL = re.compile(
    r"(?:^|[\s\"'])(?:systemd\.debug[-_]shell(?:=1)?|rd\.break(?:=\S+)?|systemd\.run=(\S+)|init=(?:/usr)?/bin/(?:ba|da|z)?sh)(?=[\s\"']|$)"
)
#: sysctl settings whose value is a program that the kernel starts as root.
_HELPERS = ("kernel.core_pattern", "kernel.modprobe", "kernel.hotplug", "kernel.poweroff_cmd", "kernel.usermodehelper")
_KNOWN_HELPERS = re.compile(
    r"^(?:/usr)?/(?:lib/systemd/systemd-coredump|libexec/abrt-hook-ccpp|libexec/kdump\S*|s?bin/modprobe|lib/kde\S*|libexec/drkonqi\S*|share/apport/apport|s?bin/chrome_crashpad\S*|libexec/sssd/\S+|s?bin/poweroff|bin/false)$"
)
_SENSITIVE = {
    "kernel.yama.ptrace_scope": "0",
    "kernel.modules_disabled": "0",
    "kernel.kptr_restrict": "0",
    "kernel.randomize_va_space": "0",
}


class KernelSettings(Check):
    """T1542 (pre-OS boot), T1546 (event triggered execution), T1562 (impair defences)."""

    name = "kernel-settings"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file:
            return False
        if path.startswith(("/boot/", "/efi/")):
            return _BOOT.match(path) is not None
        return ("sysctl." in path or "binfmt" in path or "/grub" in path or path.endswith("/cmdline")) and any(
            pattern.match(path) for pattern in (_BOOT, _SYSCTL, _BINFMT)
        )

    def look(self, item: Item) -> Iterator[Result]:
        if _SYSCTL.match(item.path):
            yield from self._sysctl(item)
        elif _BINFMT.match(item.path):
            yield from self._binfmt(item)
        else:
            yield from self._boot(item)

    def _boot(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            if line.lstrip().startswith("#"):
                continue
            shown = f"line {number}: {line.strip()[:500]}"
            started = _INIT.search(line)
            if started and not _ORDINARY_INIT.match(started.group(1)):
                yield self.found(
                    item, Severity.HIGH, "The kernel starts another program than the system's first", shown, ("T1542", "T1037")
                )
            if _SHELL.search(line) and "recovery" not in line and "single" not in line:
                yield self.found(item, Severity.HIGH, "The next start gives a shell or runs a command as root", shown, ("T1542", "T1037"))
            weaker = _WEAKER.search(line)
            if weaker:
                yield self.found(item, Severity.LOW, f"The kernel starts with a defence off: {weaker.group(1)}", shown, ("T1562.001",))

    def _sysctl(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            setting, equals, value = line.strip().partition("=")
            setting, value = setting.strip().lstrip("-").replace("/", "."), value.strip()
            if not equals or setting.startswith(("#", ";")):
                continue
            shown = f"line {number}: {line.strip()}"
            program = value.removeprefix("|").split(" ")[0]
            if setting in _HELPERS and program.startswith("/") and (value.startswith("|") or setting != "kernel.core_pattern"):
                odd = in_temporary(program) or in_home(program) or hidden_part(program) is not None
                if not _KNOWN_HELPERS.match(program):
                    what = "A crash" if setting == "kernel.core_pattern" else "The kernel"
                    yield self.found(item, Severity.HIGH if odd else Severity.MEDIUM, f"{what} runs a program as root", shown, ("T1546",))
            elif _SENSITIVE.get(setting) == value:
                yield self.found(item, Severity.LOW, f"The kernel's defence {setting} is off", shown, ("T1562.001",))

    def _binfmt(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            text = line.strip()
            if not text or text.startswith(("#", ";")):
                continue
            shown = f"line {number}: {text[:500]}"
            if item.path.startswith(("/var/lib/binfmts/", "/usr/share/binfmts/")):
                interpreter, flags = (text if text.startswith("/") else text.removeprefix("interpreter ").strip()), ""
                if not interpreter.startswith("/"):
                    continue
            else:
                fields = text[1:].split(text[0])
                if len(fields) < 6:
                    continue
                interpreter, flags = fields[5], fields[6] if len(fields) > 6 else ""
            odd = in_temporary(interpreter) or in_home(interpreter) or hidden_part(interpreter) is not None
            reasons = persistent_suspicions(interpreter, "T1546")
            if odd or reasons:
                why = in_words(reasons) if reasons else "is in an odd place"
                severity = min((Severity.HIGH, *(one.severity for one in reasons)), key=list(Severity).index) if odd else worst(reasons)
                yield self.found(item, severity, f"The interpreter of a kind of program {why}", shown, techniques(reasons, "T1546"))
            elif "C" in flags and "qemu" not in interpreter:
                yield self.found(
                    item, Severity.MEDIUM, "An interpreter runs with the rights of a set-user-id program", shown, ("T1546", "T1548.001")
                )
