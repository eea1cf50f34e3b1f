# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts: second superusers, empty passwords, service accounts that can log in, sudo without a password, PAM modules."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.installed_packages import installed_packages
from clean_room_analysis.model import Entry, Finding, Severity

_FILES = frozenset({"/etc/group", "/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/sudoers", "/etc/doas.conf"})
_NO_HASH = ("", "x", "*", "!", "!!")
_NO_SHELL = ("nologin", "false", "sync", "shutdown", "halt", "")
_SUDO_ALL = re.compile(r"^\s*(\S+)\s+ALL\s*=\s*(?:\([^)]{0,64}\)\s*)?NOPASSWD:\s*ALL\b")
#: Files and accounts of cloud images, whose first user has sudo without a password by design.
_CLOUD_SUDO = re.compile(r"^/etc/sudoers\.d/(?:90-cloud-init-users|cloud-init)$")
_CLOUD_USERS = frozenset({"ec2-user", "ubuntu", "admin", "centos", "rocky", "fedora", "debian", "root", "ssm-user"})
#: Accounts that their software makes with a shell.
_WITH_SHELL = frozenset(
    [
        "postgres",
        "jenkins",
        "git",
        "gitlab-psql",
        "gitlab-runner",
        "gitea",
        "nagios",
        "zabbix",
        "oracle",
        "grid",
        "hadoop",
        "hdfs",
        "yarn",
        "spark",
        "hive",
        "db2inst1",
        "informix",
        "vagrant",
        "couchdb",
        "rabbitmq",
        "cassandra",
    ]
)
#: Programs that give whoever may run them as root a shell or a file of root's.
_ESCAPES = (
    r"(?:ba|da|z|k|fi)?sh|vim?|vim\.\w+|nano|less|more|man|find|awk|gawk|perl|python[\d.]*|ruby|lua|php|node|env|nmap|tar|zip|git|ftp|socat|nc|gdb|strace|tcpdump|rsync|docker|"
    r"systemctl|journalctl|cp|mv|tee|dd|chmod|chown|su|visudo|crontab|at|screen|tmux|ed|sed|bash|wget|curl|mount|insmod|modprobe|ssh|apt(?:-get)?|yum|dnf|dpkg|rpm|pip3?|npm"
)
_SUDO_PROGRAM = re.compile(
    rf"^\s*([^\s#]\S*)\s+\S+\s*=\s*(?:\([^)]{{0,64}}\)\s*)?(?:\w+:\s*){{0,3}}NOPASSWD:\s*(?:\w+:\s*){{0,3}}[^\n]{{0,300}}?/(?:{_ESCAPES})(?=\s*(?:,|$|\*))"
)
_SUDO_PLACE = re.compile(r"NOPASSWD:[^\n]{0,200}?(/(?:tmp|var/tmp|dev/shm|home)/\S+|/\S*/\.[^/\s]\S*)")
_SUDO_DEFAULTS = re.compile(
    r"^\s*Defaults\S*\s[^\n]{0,200}(?:!authenticate|env_keep\s*\+?=\s*[^\n]{0,100}LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|!env_reset|!syslog|!logfile|timestamp_timeout\s*=\s*-1|!tty_tickets|pam_service)"
)
#: pam_permit ends the stack with success; distributions have it as "required" after what has asked.
_PAM_PERMIT = re.compile(r"^\s*-?auth\s+sufficient\s+\S*pam_permit\.so\b")
#: One account for which log-in asks for nothing more.
_PAM_ACCOUNT = re.compile(r"^\s*-?auth\s+sufficient\s+\S*pam_succeed_if\.so\b[^\n]{0,100}\buser\s*=\s*(?!root\b)\w")
_PAM_NAMED = re.compile(r"^\s*-?(?:auth|account|password|session)\s+(?:\[[^\]\n]{0,300}\]|\S+)\s+(pam_\w{1,60})\.so\b")
#: Modules of Linux-PAM and of what distributions ship beside it.
_PAM_MODULES = frozenset(
    f"pam_{name}"
    for name in (
        "access cap chauthtok_helper ck_connector console cracklib debug deny echo ecryptfs env exec extrausers faildelay faillock filter fprintd ftp gdm "
        "gnome_keyring group issue kanidm keyinit krb5 kwallet kwallet5 lastlog lastlog2 ldap limits listfile localuser loginuid mail mkhomedir motd namespace "
        "newnet nologin oslogin_login oslogin_admin p11_kit permit pkcs11 postgresok pwhistory pwquality radius rhosts rootok rundir script securetty selinux "
        "sepermit setquota shells slurm slurm_adopt snapper sss ssh_agent_auth sssd stress succeed_if systemd systemd_home systemd_loadkey tally tally2 time "
        "timestamp tty_audit u2f umask unix unix_acct unix_auth unix_passwd unix_session userdb usertype usb warn wheel winbind wtmpdb xauth yubico "
        "google_authenticator duo cifscreds apparmor cgfs cgroup elogind fscrypt lxcfs mysql oath passwdqc pwdfile opie otpw sshauth tacplus uuid zfs_key "
        "gkr_pam pam_ssh ssh mount ccreds smbpass smb_passwd ihosts apple duo_unix okta centrify centrifydc vas3 lsass"
    ).split()
)
_PAM_LIBRARIES = (
    "/usr/lib64/security/{}.so",
    "/usr/lib/security/{}.so",
    "/lib64/security/{}.so",
    "/lib/security/{}.so",
    "/usr/lib/x86_64-linux-gnu/security/{}.so",
    "/usr/lib/aarch64-linux-gnu/security/{}.so",
    "/lib/x86_64-linux-gnu/security/{}.so",
    "/lib/aarch64-linux-gnu/security/{}.so",
)
#: Groups whose members are root, or as good as, and accounts of services, which have no business in them.
_GRAVE_GROUPS = frozenset({"root", "sudo", "wheel", "admin", "docker", "lxd", "shadow", "disk"})
_SERVICES = frozenset(
    {
        "www-data",
        "apache",
        "nginx",
        "nobody",
        "daemon",
        "mysql",
        "redis",
        "tomcat",
        "ftp",
        "games",
        "mail",
        "backup",
        "bin",
        "sync",
        "lp",
        "news",
        "uucp",
        "proxy",
        "list",
        "irc",
    }
)
_PAM_EXEC = re.compile(r"\bpam_(?:exec|script)\.so\b")
_PAM_PATH = re.compile(r"\s(/\S{1,300}\.so)\b")
_PAM_DIRECTORY = re.compile(r"^/(?:usr/)?lib(?:64|32)?/(?:[\w-]+/)?security/")


class Accounts(Check):
    """T1136.001 (local account), T1078.003, T1548.003 (sudo), T1556.003 (PAM)."""

    name = "accounts"

    def __init__(self) -> None:
        self._before: dict[str, set[str]] = {}
        self._now: dict[str, dict[str, tuple[Item, str]]] = {}

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return (
            path.startswith("/etc/") and not entry.is_directory and (path in _FILES or path.startswith(("/etc/sudoers.d/", "/etc/pam.d/")))
        )

    def look(self, item: Item) -> Iterator[Result]:
        path = item.path
        if path == "/etc/passwd":
            yield from self._passwd(item)
        elif path == "/etc/group":
            yield from self._groups(item)
        elif path == "/etc/passwd-":
            self._before[item.volume_id] = {line.split(":")[0] for _, line in item.lines()}
        elif path == "/etc/shadow":
            yield from self._shadow(item)
        elif path.startswith("/etc/pam.d/"):
            yield from self._pam(item)
        else:
            yield from self._sudo(item)

    def _passwd(self, item: Item) -> Iterator[Result]:
        accounts = self._now.setdefault(item.volume_id, {})
        for number, line in item.lines():
            fields = line.split(":")
            if len(fields) < 7 or line.startswith("#"):
                continue
            name, password, user = fields[0], fields[1], fields[2].strip()
            shell = fields[6].strip()
            # A report goes to many readers: where it was found is enough, the hash stays on the disk.
            masked = password if password in _NO_HASH else "(hash)"
            shown = f"line {number}: {':'.join((name, masked, *fields[2:]))}"
            accounts[name] = (item, shown)
            if user.isdigit() and int(user) == 0 and name != "root":
                yield self.found(item, Severity.CRITICAL, f"A second account is superuser: {name}", shown, ("T1136.001", "T1078.003"))
            if password == "":
                yield self.found(item, Severity.HIGH, f"Account {name} has no password at all", shown, ("T1078.003",))
            elif password not in _NO_HASH:
                yield self.found(item, Severity.HIGH, f"Password hash of {name} lies in /etc/passwd", shown, ("T1136.001",))
            if user.isdigit() and 0 < int(user) < 1000 and shell.rpartition("/")[2] not in _NO_SHELL:
                severity = Severity.LOW if name in _WITH_SHELL else Severity.MEDIUM
                yield self.found(item, severity, f"Service account {name} has a log-in shell", shown, ("T1078.003",))

    def _groups(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            fields = line.strip().split(":")
            members = _SERVICES & set(fields[3].split(",")) if len(fields) == 4 and fields[0] in _GRAVE_GROUPS else set()
            for name in sorted(members):
                if name == fields[0] or (fields[0], name) in (("root", "daemon"), ("disk", "backup")):
                    continue
                yield self.found(
                    item,
                    Severity.MEDIUM,
                    f"The service account {name} is in the group {fields[0]}, whose members can become root",
                    f"line {number}: {line.strip()}",
                    ("T1098.007", "T1078.003"),
                )

    def _shadow(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            fields = line.split(":")
            if len(fields) >= 3 and fields[0] and fields[1] == "":
                yield self.found(
                    item,
                    Severity.HIGH,
                    f"Account {fields[0]} can log in without a password",
                    f"line {number}: the password field is empty",
                    ("T1078.003",),
                )

    def _sudo(self, item: Item) -> Iterator[Result]:
        if item.entry.is_file and item.entry.mode & 0o022:
            yield self.found(
                item, Severity.HIGH, "Others may write this file of sudo", f"mode {item.entry.mode & 0o7777:04o}", ("T1548.003",)
            )
        for number, line in item.lines():
            if item.path == "/etc/doas.conf":
                if re.match(r"^\s*permit\s+[^\n]{0,60}nopass", line):
                    yield self.found(
                        item,
                        Severity.HIGH,
                        "doas: users may become root without a password",
                        f"line {number}: {line.strip()}",
                        ("T1548.003",),
                    )
                continue
            match = _SUDO_ALL.match(line)
            if match and not (_CLOUD_SUDO.match(item.path) and match.group(1) in _CLOUD_USERS):
                known = match.group(1) in _CLOUD_USERS or match.group(1).startswith("%")
                yield self.found(
                    item,
                    Severity.LOW if known else Severity.HIGH,
                    f"{match.group(1)} may become root without a password",
                    f"line {number}: {line.strip()}",
                    ("T1548.003",),
                )

            elif not match and _SUDO_DEFAULTS.match(line):
                yield self.found(
                    item, Severity.HIGH, "sudo is told to ask less or to log less", f"line {number}: {line.strip()}", ("T1548.003",)
                )
            elif not match and (place := _SUDO_PLACE.search(line)):
                yield self.found(
                    item,
                    Severity.HIGH,
                    f"What users may write runs as root without a password: {place.group(1)}",
                    f"line {number}: {line.strip()}",
                    ("T1548.003",),
                )
            elif not match and (program := _SUDO_PROGRAM.match(line)):
                name = program.group(1)
                severity = Severity.LOW if name.startswith("%") or name in _CLOUD_USERS else Severity.MEDIUM
                yield self.found(
                    item,
                    severity,
                    f"{name} may become root by way of a program without a password",
                    f"line {number}: {line.strip()}",
                    ("T1548.003",),
                )

    def _pam(self, item: Item) -> Iterator[Result]:
        for number, line in item.lines():
            if line.lstrip().startswith("#"):
                continue
            module = _PAM_PATH.search(line)
            if _PAM_PERMIT.search(line):
                yield self.found(item, Severity.HIGH, "Log-in asks for nothing (PAM)", f"line {number}: {line.strip()}", ("T1556.003",))
            elif _PAM_ACCOUNT.search(line):
                yield self.found(
                    item, Severity.HIGH, "Log-in asks one account for nothing (PAM)", f"line {number}: {line.strip()}", ("T1556.003",)
                )
            elif _PAM_EXEC.search(line):
                yield self.found(
                    item, Severity.HIGH, "A program runs at every log-in (PAM)", f"line {number}: {line.strip()}", ("T1556.003",)
                )
            elif module and not _PAM_DIRECTORY.match(module.group(1)):
                yield self.found(
                    item, Severity.HIGH, "Log-in uses a PAM module from an odd place", f"line {number}: {line.strip()}", ("T1556.003",)
                )
            elif (named := _PAM_NAMED.search(line)) and named.group(1) not in _PAM_MODULES:
                yield from self._pam_module(item, named.group(1), f"line {number}: {line.strip()}")

    def _pam_module(self, item: Item, name: str, shown: str) -> Iterator[Result]:
        """A module that no distribution is known to ship: grave when no package put it there either."""
        root = item.tree.root_of(item.entry.path)
        library = next((one for one in (item.tree.resolve(root + place.format(name)) for place in _PAM_LIBRARIES) if one is not None), None)
        state = "unknown" if library is None else installed_packages(item.tree, root).state(item.tree, library)
        if state not in ("unchanged", "owned"):
            severity = Severity.HIGH if state in ("unowned", "changed") else Severity.MEDIUM
            yield self.found(item, severity, f"Log-in uses an unusual PAM module: {name}", shown, ("T1556.003",))

    def conclude(self) -> Iterator[Result]:
        """/etc/passwd- is the state before the last change by useradd and the like: what it lacks is new."""
        for volume, accounts in self._now.items():
            before = self._before.get(volume)
            for name, (item, shown) in accounts.items() if before else ():
                if before is not None and name not in before:
                    yield Finding(
                        self.name,
                        Severity.LOW,
                        f"Account {name} was made in the last change of accounts",
                        volume,
                        item.entry.path,
                        shown,
                        ("T1136.001",),
                        item.entry.modified,
                    )
