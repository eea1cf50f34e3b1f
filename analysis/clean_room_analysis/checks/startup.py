# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs by itself at start, at log-in, or when something happens: scripts, hooks, and settings that name a program."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import Suspicion, in_words, techniques, worst
from clean_room_analysis.checks.persistence import unattended
from clean_room_analysis.checks.places import hidden_part
from clean_room_analysis.model import Entry, Severity

_HOME_FILES = frozenset(
    [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zprofile",
        ".zshenv",
        ".zlogin",
        ".zlogout",
        ".cshrc",
        ".tcshrc",
        ".login",
        ".logout",
        ".kshrc",
        ".mkshrc",
        ".xinitrc",
        ".xprofile",
        ".xsession",
        ".xsessionrc",
        ".pam_environment",
        ".inputrc",
        ".screenrc",
        ".tmux.conf",
        "config.fish",
    ]
)


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of file from which something runs. `runs` is what a line must hold to run anything; None: every line may."""

    pattern: re.Pattern[str]
    technique: str
    what: str
    runs: re.Pattern[str] | None = None


def _places(*given: tuple[str, str, str] | tuple[str, str, str, str]) -> tuple[Place, ...]:
    return tuple(
        Place(re.compile(one[0], re.DOTALL), one[1], one[2], re.compile(one[3], re.IGNORECASE) if len(one) > 3 else None) for one in given
    )


_UNIT = r"^(?:/usr(?:/local)?)?/lib/"
#: Below directories that hold nothing else, so that few paths are tried.
_PLACES = _places(
    (r"^/etc/(?:rc\.d/)?(?:rc|boot|after)\.local$", "T1037.004", "Start-up script"),
    (r"^/etc/(?:rc\.d/)?init\.d/[^/]+$|^/etc/(?:rc|rc\.d/rc)[0-6S]\.d/[^/]+$|^/etc/local\.d/[^/]+$", "T1037.004", "Start-up script"),
    (r"^/etc/init/[^/]+\.conf$|^/etc/inittab$", "T1037.004", "Start-up script"),
    (r"^/etc/(?:profile|bashrc|bash\.bashrc|bash\.bash_logout|zshrc|zprofile|zshenv|environment|csh\.cshrc|csh\.login)$", "T1546.004", "Shell configuration of all users"),
    (r"^/etc/(?:profile\.d|zsh|fish|bash_completion\.d|environment\.d|skel)/.+|^/etc/security/pam_env\.conf$", "T1546.004", "Shell configuration of all users"),
    (r"^/etc/update-motd\.d/[^/]+$|^/etc/update-motd$", "T1546.004", "Message of the day"),
    (r"^/(?:etc|usr/lib|lib|run)/udev/rules\.d/[^/]+$", "T1546.017", "Device rule", r"\b(?:RUN|PROGRAM|IMPORT)\b|^\s*[^#].*/(?:tmp|dev/shm|var/tmp)/"),
    (r"^/etc/(?:NetworkManager/dispatcher\.d|network/if-(?:pre-up|up|down|post-down)\.d|networkd-dispatcher|ppp/ip-(?:up|down)\.d|sysconfig/network-scripts/if(?:up|down)-)/?.*", "T1546", "Network hook"),
    (r"^/etc/network/interfaces(?:\.d/.+)?$", "T1546", "Network hook", r"^\s*(?:pre-up|up|post-up|down|pre-down|post-down)\s"),
    (r"^/etc/dhcp/(?:dhclient-(?:exit|enter)-hooks(?:\.d/.+)?|dhclient\.d/.+)$", "T1546", "Network hook"),
    (r"^/etc/(?:apt/apt\.conf(?:\.d/.+)?|yum/pluginconf\.d/.+|dnf/plugins/.+|dpkg/dpkg\.cfg\.d/.+)$", "T1546.016", "Package manager hook"),
    (r"^/usr/lib/python3[\d.]*/site-packages/dnf-plugins/.+\.py$|^/usr/lib/yum-plugins/.+\.py$", "T1546.016", "Package manager hook", r"system\(|popen\(|subprocess"),
    (r"^/var/lib/dpkg/info/[^/]+\.(?:preinst|postinst|prerm|postrm)$", "T1546.016", "Installation script of a package"),
    (r"/\.config/autostart/[^/]+\.desktop$|^/etc/xdg/autostart/[^/]+\.desktop$", "T1547.013", "Desktop autostart", r"^\s*Exec"),
    (r"^/(?:etc|usr/share|usr/local/share)/dbus-1/(?:system-)?services/[^/]+\.service$", "T1543", "D-Bus service", r"^\s*Exec\s*="),
    (r"^/etc/(?:initramfs-tools/(?:hooks|scripts)/.+|initramfs-tools/.+\.conf|dracut\.conf(?:\.d/.+)?|mkinitcpio\.conf|kernel/(?:pre|post)(?:inst|rm)\.d/.+|kernel/install\.d/.+)$", "T1542", "Hook of the initial RAM disk or of kernel installation"),
    (r"^/usr/share/initramfs-tools/(?:hooks|scripts)/.+|" + _UNIT[1:] + r"dracut/modules\.d/.+\.sh$", "T1542", "Hook of the initial RAM disk or of kernel installation"),
    (r"^/etc/grub\.d/[^/]+$", "T1542.003", "Script that makes the boot menu"),
    (r"^/etc/(?:inetd\.conf|xinetd\.conf|xinetd\.d/.+)$", "T1543", "Service of inetd", r"server|\s/\S+\s|stream\s+tcp"),
    (r"^/etc/(?:supervisor/.+|supervisord(?:\.conf|\.d/.+)|monit/.+|monitrc|runit/.+|service/.+/run|sv/.+/run|s6/.+|circus/.+)$", "T1543", "Service of a supervisor", r"command|exec|start|^\s*/|run"),
    (r"^/etc/logrotate(?:\.conf|\.d/.+)$", "T1546", "Hook of log rotation"),
    (r"^/etc/(?:rsyslog\.conf|rsyslog\.d/.+|syslog-ng/.+)$", "T1546", "Program run by the log service", r"omprog|binary=|program\(|\^/"),
    (r"^/etc/(?:audit/plugins\.d|audisp/plugins\.d)/.+$", "T1546", "Plug-in of the audit service", r"^\s*path"),
    (r"^/etc/(?:aliases|mail/aliases|postfix/aliases)$|/\.forward$", "T1546", "Mail that starts a program", r"\|"),
    (r"/\.procmailrc$", "T1546", "Mail that starts a program", r"^\s*\|"),
    (r"^/etc/hosts\.(?:allow|deny)$", "T1546", "Connection that starts a program", r"\b(?:spawn|twist)\b"),
    (r"/\.gitconfig$|/\.config/git/config$|^/etc/gitconfig$", "T1546", "Setting of git that starts a program", r"sshcommand|fsmonitor|pager|editor|hookspath|=\s*!|textconv|external|helper"),
    (r"/\.(?:vimrc|exrc|gvimrc)$|^/etc/vim/vimrc(?:\.local)?$|/\.vim/(?:plugin|after|ftplugin)/.+\.vim$|/\.config/nvim/.+$", "T1546", "Setting of an editor that starts a program", r"\bsystem\(|:?!|job_start|os\.execute|jobstart"),
    (r"/\.emacs$|/\.emacs\.d/init\.el$", "T1546", "Setting of an editor that starts a program", r"shell-command|start-process|call-process"),
    (r"/\.ssh/config$|^/etc/ssh/ssh_config(?:\.d/.+)?$", "T1546", "Setting of ssh that starts a program", r"^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand|Match\s+exec)\b"),
    (r"/(?:site|dist)-packages/[^/]+\.pth$", "T1546.018", "Code that Python runs at every start", r"^\s*import\s"),
    (r"/python[\d.]*/(?:(?:site|dist)-packages/)?(?:sitecustomize|usercustomize)\.py$", "T1546.018", "Code that Python runs at every start"),
    (r"^/var/lib/cloud/scripts/per-(?:boot|instance|once)/.+", "T1037", "cloud-init script"),
    (r"^/var/lib/cloud/instances?/[^/]+/(?:user-data\.txt(?:\.i)?|vendor-data2?\.txt(?:\.i)?|cloud-config\.txt|scripts/.+|handlers/.+)$|^/var/lib/cloud/seed/.+", "T1037", "Instance user data"),
    (r"^/etc/cloud/cloud\.cfg(?:\.d/.+)?$", "T1037", "Setting of cloud-init"),
    (r"\.git/hooks/[^/]+(?<!\.sample)$", "T1546", "Hook of git"),
    (r"\.git/config$", "T1546", "Setting of git that starts a program", r"sshcommand|fsmonitor|pager|editor|hookspath|=\s*!|textconv|external|helper|clean|smudge"),
    (r"^/etc/X11/(?:Xsession\.d|xinit)/.+", "T1546.004", "Script of the desktop"),
    (r"^/usr/src/[^/]+/dkms\.conf$", "T1547.006", "Hook of module building", r"^\s*(?:PRE|POST)_\w+\s*="),
    (r"^/etc/acpi/.+", "T1546", "Program run by a power event"),
    (r"^/etc/snmp/[^/]+\.conf$", "T1546", "Program run by the SNMP service", r"^\s*(?:extend|exec|pass|pass_persist|extend-sh|dlmod)\b"),
    (r"/\.gdbinit$", "T1546", "Setting of a debugger that starts a program", r"^\s*(?:shell|!|python|source)\b"),
    (r"/\.psqlrc$|/\.my\.cnf$", "T1546", "Setting of a database client that starts a program", r"\\!|^\s*(?:pager|init-command)"),
    (r"/\.mailcap$|^/etc/mailcap$", "T1546", "Mail that starts a program"),
    (r"^/(?:usr/share|etc)/containers/oci/hooks\.d/.+\.json$", "T1546", "Hook of containers", r"path"),
    (_UNIT + r"systemd/system-(?:sleep|shutdown)/.+", "T1546", "Hook of systemd"),
    (r"^/etc/systemd/(?:system|user)\.conf(?:\.d/.+)?$", "T1574.006", "Environment of every service", r"^\s*(?:DefaultEnvironment|ManagerEnvironment)\s*="),
    (r"^/etc/sudo\.conf$", "T1548.003", "Plug-in of sudo", r"^\s*(?:Plugin|Path)\s"),
    (r"^/etc/(?:nginx|apache2|httpd|lighttpd|php|php\.d|redis|mysql|my\.cnf\.d|postgresql)/.+|^/etc/(?:php\.ini|redis\.conf|my\.cnf)$", "T1505", "Setting of a server", r"^\s*(?:load_?module|loadfile|(?:zend_)?extension|auto_(?:ap|pre)pend_file|plugin_load\w*|plugin_dir|shared_preload_libraries|init[-_]file|(?:script)?alias|documentroot|root)\b"),
    (r"/package\.json$", "T1546.016", "Installation script of a package", r"\"(?:pre|post)?install\"\s*:"),
    (r"/\.pm2/dump\.pm2$|/\.config/(?:systemd/user|environment\.d)/.+\.(?:sh|conf)$", "T1543", "Service of a user"),
)  # fmt: skip
_ROOTS = (
    "/etc/",
    "/var/lib/cloud/",
    "/var/lib/dpkg/info/",
    "/usr/share/dbus-1/",
    "/usr/local/share/dbus-1/",
    "/usr/share/initramfs-tools/",
    "/usr/share/containers/oci/",
    "/usr/src/",
)
_ANYWHERE = re.compile(
    r"/(?:\.config/|\.gitconfig$|\.vim|\.exrc$|\.gvimrc$|\.emacs|\.ssh/config$|\.forward$|\.procmailrc$|\.pm2/|\.gdbinit$|\.psqlrc$|\.my\.cnf$|\.mailcap$|systemd/system-(?:sleep|shutdown)/|udev/rules\.d/|dracut/modules\.d/|dnf-plugins/|yum-plugins/)"
    r"|\.git/(?:hooks/|config$)|\.pth$|/package\.json$|(?:site|user)customize\.py$"
)
#: A name that people type, given to something else: what they type into it (a password) goes elsewhere first.
_SHADOWED = re.compile(
    r"^\s*(?:alias\s+(?:sudo|su|ssh|scp|passwd|doas|mysql|kubectl|aws)=(?!['\"]?(?:sudo|su|ssh|scp|passwd|doas|mysql|kubectl|aws)\b)|(?:function\s+)?(?:sudo|su|ssh|passwd|doas)\s*\(\s*\))"
)
#: tmpfiles.d: a line that makes, or changes the mode of, what the system believes.
_TMPFILES = re.compile(r"^/(?:etc|run|usr(?:/local)?/lib)/tmpfiles\.d/[^/]+\.conf$")
_MADE = re.compile(
    r"^\s*[fFwLCcpd][+!=~^-]{0,4}\s+(?:/etc/(?:cron|ld\.so|passwd|shadow|sudoers|systemd|pam\.d|profile|ssh/|rc\.|init\.d)|/(?:root|home/[^/]+)/\.ssh|/var/spool/cron|/(?:usr/)?lib/(?:systemd/system|security)/)\S*\s+\S+\s+\S+\s+\S+\s+\S+\s+(?![-\s]*$)\S"
    r"|^\s*[zZmfFd]\S{0,4}\s+/\S+\s+[=~:]{0,2}0?[4-7][0-7]{3}\s"
)
_SHARED_DIRECTORIES = re.compile(r"/(?:var/log/journal|run/log/journal|var/(?:spool|lib|mail|cache)|tmp|run)\b")
#: systemd's own: a key for root that the hypervisor may hand over when the machine is made.
_PROVISIONED = ("/usr/lib/tmpfiles.d/provision.conf", "f^ /root/.ssh/authorized_keys :0600 root :root - ssh.authorized_keys.root")
_MISC: tuple[tuple[re.Pattern[str], Severity, str, str], ...] = (
    (_SHADOWED, Severity.HIGH, "puts something else behind the name of a command that takes passwords", "T1056"),
    (re.compile(r"^\s*(?:export\s+)?(?:BASH_ENV|ENV|PROMPT_COMMAND|PYTHONSTARTUP|PERL5OPT|NODE_OPTIONS|LD_AUDIT)=[\"']?\S*(?:/tmp/|/dev/shm/|/var/tmp/|/\.[a-z])"), Severity.HIGH, "runs a hidden or temporary file with every program", "T1546.004"),
    (re.compile(r"^\s*LD_(?:PRELOAD|AUDIT|LIBRARY_PATH)\s+(?:DEFAULT|OVERRIDE)="), Severity.HIGH, "loads a library into every session", "T1574.006"),
    (re.compile(r"^\s*trap\s+['\"][^'\"\n]{1,300}(?:/dev/tcp|curl|wget|nc\s|base64)[^'\"\n]{0,300}['\"]\s+(?:DEBUG|EXIT|ERR)"), Severity.HIGH, "runs something after every command", "T1546.005"),
)  # fmt: skip
_PYTHON_HIDES = re.compile(
    r"base64|\bos\.(?:system|popen|exec\w+)|subprocess|\bsocket\b|urllib|requests\.|__import__\(\s*['\"](?:socket|subprocess|base64)"
)
#: What an installation script has no reason for; accounts, modes and logs are its business.
_NOT_FOR_INSTALLERS = frozenset({"T1105", "T1140", "T1059.004", "T1059.006", "T1059", "T1496", "T1574.006", "T1098.004", "T1562.001"})


def place_of(path: str, name: str) -> Place | None:
    """What kind of start-up file this is, None when it is none."""
    if name in _HOME_FILES:
        return _HOME_PLACE
    if path.startswith(_ROOTS) or _ANYWHERE.search(path):
        for place in _PLACES:
            if place.pattern.search(path):
                return place
    return None


_HOME_PLACE = Place(re.compile(""), "T1546.004", "Shell configuration of a user")


class Startup(Check):
    """T1037 (boot or logon initialisation scripts), T1546 (event triggered execution)."""

    name = "startup"
    explained_by_packages = True

    def wants(self, entry: Entry) -> bool:
        if not entry.is_file or (entry.name == "package.json" and entry.size > limits.MEBIBYTE):
            return False
        return place_of(entry.logical, entry.name) is not None or (
            "tmpfiles.d/" in entry.logical and _TMPFILES.match(entry.logical) is not None
        )

    def look(self, item: Item) -> Iterator[Result]:
        place = place_of(item.path, item.entry.name)
        if place is None:
            yield from self._made_at_start(item)
            return
        technique, what = place.technique, place.what
        # Packages of Node come by the hundred, and run something only when somebody installs them: an application open to all is no hundred findings.
        if item.entry.mode & 0o002 and item.entry.name != "package.json":
            yield self.found(item, Severity.HIGH, f"{what} that anybody may write", f"mode {item.entry.mode & 0o7777:04o}", (technique,))
        hidden = item.entry.name not in _HOME_FILES and hidden_part(item.entry.name) and item.path.startswith("/etc/")
        if (
            hidden
            and not item.path.startswith("/etc/skel/")
            and item.entry.name not in (".placeholder", ".depend.boot", ".depend.start", ".depend.stop")
        ):
            yield self.found(item, Severity.MEDIUM, f"{what} under a hidden name", item.text[:500], (technique, "T1564.001"))
        for number, line in item.lines():
            command = line.strip()
            if not command or command.startswith("#") or (place.runs is not None and not place.runs.search(command)):
                continue
            reasons = unattended(item, command, technique) + self._more(place, command)
            if place.technique == "T1546.016" and "dpkg" in item.path:
                reasons = tuple(one for one in reasons if one.attack in _NOT_FOR_INSTALLERS and one.severity is not Severity.LOW)
            if reasons:
                yield self.found(
                    item, worst(reasons), f"{what} {in_words(reasons)}", f"line {number}: {command}", techniques(reasons, technique)
                )

    def _made_at_start(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            if _MADE.search(line) and not _SHARED_DIRECTORIES.search(line) and (item.path, line.strip()) != _PROVISIONED:
                yield self.found(
                    item,
                    Severity.MEDIUM,
                    "A setting makes a file of the system at every start",
                    f"line {number}: {line.strip()}",
                    ("T1547",),
                )

    @staticmethod
    def _more(place: Place, command: str) -> tuple[Suspicion, ...]:
        found = [Suspicion(severity, reason, attack) for pattern, severity, reason, attack in _MISC if pattern.search(command)]
        if place.technique == "T1546.018" and _PYTHON_HIDES.search(command):
            found.append(Suspicion(Severity.HIGH, "runs code or programs", "T1059.006"))
        return tuple(found)
