# SPDX-License-Identifier: AGPL-3.0-or-later
"""OpenSSH: who may log in by key, commands tied to keys, and weak server settings."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, suspicions, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.model import Entry, Finding, Severity

_KEYS = re.compile(r"(?:/\.ssh/authorized_keys2?|^/etc/ssh/authorized_keys(?:\.d)?/[^/]+|^/etc/ssh/authorized_keys)$", re.DOTALL)
_SERVER = re.compile(r"^/etc/ssh/sshd_config(?:\.d/[^/]+)?$", re.DOTALL)
_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]{2,60})\s+([A-Za-z0-9+/]{16,}={0,3})(?:\s+(.*))?$")
_FORCED = re.compile(r'\bcommand="((?:[^"\\]|\\.){0,1000})"', re.IGNORECASE)
#: What cloud-init puts before the launch key in root's file: the key may only be told to use another account.
_CLOUD_INIT = re.compile(r"^echo 'Please login as the user [^';&|`$<>]{1,100}'(?:;echo)?(?:;sleep \d{1,3})?(?:;exit \d{1,3})?$")
#: Gives the holder of the key a shell, or what he likes.
_INTERPRETER = re.compile(
    r"^\s*(?:exec\s+|sudo\s+|/usr/bin/env\s+)*(?:/\S{0,40}/)?(?:(?:ba|da|z|k|c|tc|fi)?sh|python[\d.]*|perl|ruby|php|node|lua|busybox|socat|nc|ncat)\b|\$SSH_ORIGINAL_COMMAND",
    re.IGNORECASE,
)
_PERSON = re.compile(r"^/home/([^/]+)/")
#: setting -> value that weakens the server, severity, what it means, technique
_WEAK: tuple[tuple[str, re.Pattern[str], Severity, str, str], ...] = (
    (
        "permitrootlogin",
        re.compile(r"^yes$", re.IGNORECASE),
        Severity.MEDIUM,
        "root may log in over the network, with a password too",
        "T1021.004",
    ),
    (
        "permitemptypasswords",
        re.compile(r"^yes$", re.IGNORECASE),
        Severity.HIGH,
        "accounts without a password may log in over the network",
        "T1556",
    ),
    (
        "passwordauthentication",
        re.compile(r"^yes$", re.IGNORECASE),
        Severity.MEDIUM,
        "passwords are accepted and so can be guessed",
        "T1110.001",
    ),
    (
        "authorizedkeyscommand",
        re.compile(r"^(?!none$)(?!/opt/aws/bin/eic_run_authorized_keys\b)", re.IGNORECASE),
        Severity.MEDIUM,
        "a program decides which keys may log in",
        "T1556",
    ),
    (
        "authorizedkeyscommand",
        re.compile(r"/(?:tmp|var/tmp|dev/shm|home|root)/|/\.[^/\s]"),
        Severity.HIGH,
        "a program in a place of users decides which keys may log in",
        "T1556",
    ),
    (
        "subsystem",
        re.compile(
            r"^sftp\s+(?!internal-sftp\b|/usr/(?:local/)?(?:lib|lib64|libexec)/(?:openssh/|ssh/)?sftp-server\b)|^(?!sftp\b)\S+\s+[^\n]*(?:/(?:tmp|var/tmp|dev/shm)/|/\.[^/\s])",
            re.IGNORECASE,
        ),
        Severity.HIGH,
        "an unusual program answers for file transfer",
        "T1554",
    ),
    (
        "forcecommand",
        re.compile(r"/(?:tmp|var/tmp|dev/shm)/|/\.[^/\s]|\b(?:curl|wget|nc|ncat|socat|base64)\s"),
        Severity.HIGH,
        "every log-in runs an unusual command",
        "T1546.004",
    ),
    ("trustedusercakeys", re.compile(r"^(?!none$)", re.IGNORECASE), Severity.LOW, "whoever an authority signs for may log in", "T1098.004"),
    (
        "authorizedkeysfile",
        re.compile(r"(?:^|\s)(?!/etc/ssh/)/|/\.(?!ssh/)"),
        Severity.HIGH,
        "keys are read from an unusual file",
        "T1098.004",
    ),
    ("strictmodes", re.compile(r"^no$", re.IGNORECASE), Severity.MEDIUM, "keys that others may write to are accepted", "T1556"),
    (
        "gatewayports",
        re.compile(r"^(?:yes|clientspecified)$", re.IGNORECASE),
        Severity.MEDIUM,
        "forwarded ports are open to the network",
        "T1572",
    ),
    (
        "permituserenvironment",
        re.compile(r"^(?!no$)", re.IGNORECASE),
        Severity.MEDIUM,
        "users may set variables such as LD_PRELOAD at log-in",
        "T1574.006",
    ),
)


def fingerprint(encoded: str) -> str | None:
    """The key's fingerprint as ssh-keygen -l shows it; None when it is not base64."""
    try:
        return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(encoded, validate=True)).digest()).decode().rstrip("=")
    except (binascii.Error, ValueError):
        return None


class Ssh(Check):
    """T1098.004 (SSH authorized keys), T1021.004, T1556."""

    name = "ssh"

    def __init__(self) -> None:
        self._launch_keys: set[str] = set()
        self._others: list[tuple[str, Finding]] = []

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return (
            not entry.is_directory
            and ("/.ssh/" in path or path.startswith("/etc/ssh/"))
            and (
                _KEYS.search(path) is not None
                or _SERVER.match(path) is not None
                or path.endswith(("/.ssh/rc", "/.ssh/environment", "/.ssh/known_hosts"))
                or path == "/etc/ssh/sshrc"
            )
        )

    def look(self, item: Item) -> Iterator[Result]:
        if _SERVER.match(item.path):
            yield from self._server(item)
        elif item.path.endswith("/known_hosts"):
            yield from self._known(item)
        elif item.path.endswith("/.ssh/environment"):
            if re.search(r"^\s*(?:LD_|PATH=|BASH_ENV=|ENV=)", item.text, re.MULTILINE):
                yield self.found(
                    item, Severity.HIGH, "Variables set at SSH log-in load or find other programs", item.text[:500], ("T1574.006",)
                )
        elif item.path.endswith(("/.ssh/rc", "/sshrc")):
            yield self.found(item, Severity.MEDIUM, "Commands run at every SSH log-in", item.text[:500], ("T1546.004",))
        else:
            yield from self._keys(item)

    def _keys(self, item: Item) -> Iterator[Result]:
        if item.entry.is_link:
            yield self.found(
                item,
                Severity.MEDIUM,
                "The file of authorised keys is a link",
                f"-> {item.tree.link_target(item.entry.path)}",
                ("T1098.004",),
            )
        if item.entry.mode & 0o022 and item.entry.is_file:
            yield self.found(
                item,
                Severity.MEDIUM,
                "Others may write this file of authorised keys",
                f"mode {item.entry.mode & 0o7777:04o}",
                ("T1098.004",),
            )
        person = _PERSON.match(item.path)
        owner = person.group(1) if person else "root" if item.path.startswith("/root/") else None
        for number, line in item.lines():
            key = _KEY.search(line) if not line.lstrip().startswith("#") else None
            if key is None:
                continue
            shown = f"line {number}: {key.group(1)} {fingerprint(key.group(2)) or 'not base64'} {key.group(3) or ''}".rstrip()
            options = line[: key.start(1)]
            forced = _FORCED.search(options)
            reasons = persistent_suspicions(forced.group(1), "T1098.004") if forced else ()
            reasons += suspicions(options) if "environment=" in options.lower() and not reasons else ()
            if forced and _CLOUD_INIT.search(forced.group(1)):
                self._launch_keys.add(key.group(2))
            if reasons:
                yield self.found(
                    item,
                    worst(reasons),
                    f"Command tied to a key {in_words(reasons)}",
                    f"{shown}; {forced.group(0) if forced else ''}",
                    techniques(reasons, "T1098.004"),
                )
            elif forced and _CLOUD_INIT.search(forced.group(1)):
                continue
            elif owner == "root" or owner is None:
                where = "as root" if owner == "root" else "to an account whose home is not in /home"
                # Whatever command it is tied to: the holder chooses its input, and forwards ports unless that is forbidden.
                tied = ", tied to a command" if forced else ""
                yield self.found(
                    item,
                    Severity.HIGH,
                    f"This key may log in {where}{tied}",
                    f"{shown}{'; ' + forced.group(0) if forced else ''}",
                    ("T1098.004",),
                )
            elif forced:
                severity = Severity.MEDIUM if _INTERPRETER.search(forced.group(1)) else Severity.LOW
                yield self.found(
                    item, severity, f"This key may log in as {owner}, tied to a command", f"{shown}; {forced.group(0)}", ("T1098.004",)
                )
            else:
                self._others.append(
                    (key.group(2), self.found(item, Severity.INFORMATIONAL, f"This key may log in as {owner}", shown, ("T1098.004",)))
                )

    def _known(self, item: Item) -> Iterator[Result]:
        """Where this account went by SSH: the machines to look at next."""
        names: dict[str, None] = {}
        hashed = 0
        for _, line in item.lines():
            first = line.split(" ", 1)[0]
            if first.startswith("|1|"):
                hashed += 1
            elif first and not first.startswith(("#", "@")) and " " in line:
                names[first] = None
        if names or hashed:
            more = f"{'; ' if names else ''}{hashed} under hashed names" if hashed else ""
            yield self.found(
                item,
                Severity.INFORMATIONAL,
                f"This account knows {len(names) + hashed} machines by SSH",
                f"{', '.join(list(names)[:100])}{more}",
                ("T1021.004",),
            )

    def _server(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            words = line.strip().replace("=", " ", 1).split(None, 1)
            if len(words) < 2 or words[0].startswith("#"):
                continue
            for setting, weak, severity, meaning, technique in _WEAK:
                if words[0].lower() == setting and weak.search(words[1].strip().strip('"')):
                    yield self.found(item, severity, f"SSH server: {meaning}", f"line {number}: {line.strip()}", (technique,))

    def conclude(self) -> Iterator[Result]:
        """A user's key is ordinary when it is the one the instance was launched with, and worth a look when it is not."""
        for key, finding in self._others:
            added = bool(self._launch_keys) and key not in self._launch_keys
            yield Finding(
                finding.check,
                Severity.LOW if added else finding.severity,
                finding.title + (", and it is not the launch key" if added else ""),
                finding.volume_id,
                finding.path,
                finding.evidence,
                finding.attack,
                finding.modified,
            )
