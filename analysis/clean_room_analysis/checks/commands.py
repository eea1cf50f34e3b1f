# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judges a shell command line: what about it an intruder would do and an administrator seldom does.

Patterns are bounded and linear, since every line is hostile. They are for triage: a match says why, a person decides.
"""

import re
from dataclasses import dataclass

from clean_room_analysis.model import Severity

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a command stands out. `attack` is a MITRE ATT&CK technique id."""

    severity: Severity
    reason: str
    attack: str


_PATTERNS: tuple[tuple[Severity, str, str, str], ...] = (
    (
        HIGH,
        "downloads and runs in one line",
        "T1105",
        r"\b(?:curl|wget|fetch|lwp-download)\b[^\n]{0,400}\|\s*(?:sudo\s+)?(?:/\S{0,40}/)?(?:ba|da|z|k|a)?sh\b",
    ),
    (HIGH, "downloads and runs in one line", "T1105", r"\b(?:curl|wget)\b[^\n]{0,400}\|\s*(?:sudo\s+)?(?:python|perl|ruby|php)[\d.]*\b"),
    (HIGH, "downloads and runs in one line", "T1105", r"(?:<\(|\$\(|`)\s*(?:curl|wget)\b"),
    (
        HIGH,
        "downloads a file and makes it executable",
        "T1105",
        r"\b(?:curl|wget)\b[^\n]{0,400}(?:&&|;)\s*chmod\b[^\n]{0,20}(?:\+x|[0-7]?7[0-7]{2})",
    ),
    (
        MEDIUM,
        "downloads from a bare IP address",
        "T1105",
        r"\b(?:curl|wget)\b[^\n]{0,200}?(?:https?|ftp)://(?!169\.254\.|127\.|10\.|192\.168\.)\d{1,3}(?:\.\d{1,3}){3}\b",
    ),
    (MEDIUM, "downloads into a temporary directory", "T1105", r"\b(?:curl|wget)\b[^\n]{0,300}(?:-[oOP]\s?|>\s?)/(?:tmp|var/tmp|dev/shm)/"),
    (
        HIGH,
        "runs decoded data",
        "T1140",
        r"\bbase64\s+(?:-d|-D|--decode)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:\S{0,40}/)?(?:(?:ba|da|z)?sh|python[\d.]*|perl)\b",
    ),
    (HIGH, "opens a reverse shell", "T1059.004", r"/dev/(?:tcp|udp)/[^\s/]{1,253}/\d"),
    (
        HIGH,
        "opens a reverse shell",
        "T1059.004",
        r"(?<![\w\[.^-])(?:nc|ncat|netcat|nc\.traditional|nc\.openbsd)(?=\s)[^\n]{0,100}\s(?:-\w{0,5}[ec]\b|--exec\b|--sh-exec\b)",
    ),
    (HIGH, "opens a reverse shell", "T1059.004", r"\bmkfifo\b[^\n]{0,200}\b(?:nc|ncat|netcat|telnet|openssl)\b"),
    (HIGH, "opens a reverse shell", "T1059.004", r"\bsocat\b[^\n]{0,200}\bexec:[^\n]{0,40}(?:sh|bash)"),
    (HIGH, "opens a reverse shell", "T1059.006", r"\bpython[\d.]*\s+-c\b[^\n]{0,300}\bsocket\b"),
    (HIGH, "opens a reverse shell", "T1059", r"\b(?:perl|ruby|php)\b\s+-[er]\w?\b[^\n]{0,300}\b(?:Socket|TCPSocket|fsockopen)\b"),
    (
        HIGH,
        "opens a reverse shell",
        "T1059.004",
        r"\bsocat\b[^\n]{0,200}\bsystem:[^\n]{0,40}sh\b|\bgs-netcat\b|\bgsocket\.io\b|\bztcp\s+\S{1,253}\s+\d",
    ),
    (
        HIGH,
        "opens a reverse shell",
        "T1059.004",
        r"(?<![\w\[.^-])(?:nc|ncat|netcat|telnet)\s[^\n|]{1,120}\|\s*(?:/\S{0,20}/)?(?:ba|da|z|k|a)?sh\b",
    ),
    (HIGH, "opens a reverse shell", "T1059", r"/inet/(?:tcp|udp)/\d{1,5}/[^\s/]{1,253}/\d"),
    (
        HIGH,
        "opens a reverse shell",
        "T1059",
        r"\b(?:perl|ruby|php)\b(?:\s+-\S{1,40}){0,4}?\s+-\w{0,3}[er][\s'\"][^\n]{0,300}\b(?:Socket|TCPSocket|fsockopen)\b|\blua[\d.]*\s+-e\b[^\n]{0,300}\bsocket\b",
    ),
    (
        HIGH,
        "opens a reverse shell",
        "T1059.007",
        r"\bnode(?:js)?\s+(?:-e|--eval)\b(?=[^\n]{0,600}child_process)[^\n]{0,600}\b(?:net|tls)\b",
    ),
    (
        HIGH,
        "runs decoded data",
        "T1140",
        r"(?:<\(|\b(?:ba|da|z)?sh\s+-c\s+[\"']?\$\()[^\n]{0,300}\bbase64\s+(?:-d|-D|--decode)\b|\{base64,-d\}|\bprintf\s+['\"](?:\\\\?x[0-9a-f]{2}){4}[^\n]{0,800}\|\s*(?:ba|da|z)?sh\b|\beval\s{0,4}\(?\s{0,4}decode_base64\b",
    ),
    (HIGH, "downloads and runs in one line", "T1105", r"\b(?:tftp|ftpget)\s[^\n]{0,200}(?:;|&&|\|\|)\s*(?:chmod|(?:ba)?sh|\./)"),
    (
        HIGH,
        "names a known coin miner or its dropper",
        "T1496",
        r"--donate-level\b|(?:--algo[= ]|\s-a\s)(?:rx|cn|randomx|cryptonight|kawpow|ghostrider)\b|\b[\w-]{0,30}\.?(?:supportxmr|minexmr|hashvault|nanopool|moneroocean|2miners|unmineable|c3pool|nicehash|herominers)\.\w{2,4}\b",
    ),
    (
        HIGH,
        "names a tool of intruders",
        "T1588.002",
        r"\b(?:linpeas|linenum|pspy(?:32|64)?|linux-exploit-suggester|PEASS-ng|msfvenom|msfconsole|meterpreter|mimipenguin|lazagne|sqlmap|ligolo(?:-ng)?|sliver-(?:client|server)|merlin-agent|impacket|kerbrute|deepce|traitor)\b|\bhydra\s+-[lLpPC]\b",
    ),
    (
        HIGH,
        "uses a flaw to become root",
        "T1068",
        r"\./\S{0,60}(?:exploit|pwnkit|dirty_?(?:cow|pipe|cred))|\bsudo\s+-u\s?#-1\b|\bsudoedit\s+-s\b",
    ),
    (MEDIUM, "makes a name space of its own to become root", "T1068", r"\bunshare\s+-\w{0,4}r\w{0,4}\s+(?:-\w+\s+)*(?:ba)?sh\b"),
    (CRITICAL, "mines cryptocurrency", "T1496", r"\bstratum\+(?:tcp|ssl|tls)://"),
    (
        HIGH,
        "names a known coin miner or its dropper",
        "T1496",
        r"\b(?:xmrig|xmr-stak|minerd|cpuminer|ccminer|kdevtmpfsi|kinsing|nbminer|t-rex|lolminer|cryptonight|randomx)\b",
    ),
    (HIGH, "loads a library into every program", "T1574.006", r"/etc/ld\.so\.preload"),
    (HIGH, "loads a library into other programs", "T1574.006", r"\bLD_PRELOAD\s?="),
    (HIGH, "looks for programs in a temporary directory first", "T1574.007", r"\bPATH=[\"']?/(?:tmp|var/tmp|dev/shm)\b"),
    (HIGH, "makes a program set-user-id", "T1548.001", r"\bchmod\b[^\n]{0,40}\s(?:[ugoa]{0,4}\+[rwx]{0,3}s|0?[4-7][0-7]{3})\b"),
    (
        HIGH,
        "makes a second superuser",
        "T1136.001",
        r"\b(?:useradd|usermod|adduser)\b[^\n]{0,200}(?:-o\s[^\n]{0,40}-u\s{0,2}0\b|-u\s{0,2}0\s[^\n]{0,40}-o\b|-ou\s{0,2}0\b)",
    ),
    (MEDIUM, "makes an account", "T1136.001", r"^\s*(?:sudo\s+)?(?:useradd|adduser)\s"),
    (HIGH, "writes the account database directly", "T1136.001", r"(?:>>?|\btee\s(?:-a\s|--append\s)?)\s*/etc/(?:passwd|shadow|sudoers)\b"),
    (
        HIGH,
        "adds a key for log-in",
        "T1098.004",
        r"(?:>>?|\btee\s(?:-a\s|--append\s)?)\s*(?:~|\$HOME|/root|/home/[^/\s]{1,64})?/?\.ssh/authorized_keys",
    ),
    (HIGH, "asks for the instance role's credentials", "T1552.005", r"169\.254\.169\.254[^\s]{0,100}(?:iam|security-credentials)"),
    (
        HIGH,
        "reads the password hashes",
        "T1003.008",
        r"\b(?:cat|less|more|head|tail|strings|cp|scp|base64|xxd|unshadow)\s[^\n|;]{0,100}/etc/shadow\b",
    ),
    (MEDIUM, "reads cloud credentials", "T1552.001", r"\b(?:cat|less|more|cp|scp|grep|base64)\s[^\n|;]{0,100}\.aws/credentials\b"),
    (
        HIGH,
        "switches command history off or clears it",
        "T1070.003",
        r"\bunset\s+HIST\w{0,20}|\bHISTFILE=(?:/dev/null|\s|;|$)|\bHISTSIZE=0\b|\bhistory\s+-[acdnrw]{0,3}c[acdnrw]{0,3}\b|\bset\s+\+o\s+history\b|\bkill\s+-(?:9|KILL)\s+\$\$|\bln\s[^\n]{0,40}/dev/null\s[^\n]{0,60}_history|(?:>|\brm\b[^\n]{0,20}|\bshred\b[^\n]{0,20})\s*\S{0,60}\.\w{2,4}_history",
    ),
    (
        HIGH,
        "clears logs",
        "T1070.002",
        r"(?:\brm\b[^\n;|&]{0,60}|\bshred\b[^\n;|&]{0,60}|\btruncate\b[^\n;|&]{0,60}|(?:^|[;&\s])>\s*|/dev/null\s*>\s*|\becho\s*>\s*|\bcat\s+/dev/null\s*>\s*)/var/log/",
    ),
    (
        HIGH,
        "clears logs",
        "T1070.002",
        r"\bsed\s+-i\b[^\n]{0,200}\s/var/log/|\bdd\s[^\n]{0,80}\bof=/var/log/|\butmpdump\s+-r\b|\bjournalctl\s[^\n]{0,60}--vacuum-(?:time=\d{1,2}(?:s|sec|m|min)\b|size=\d{1,2}[KM]?\b)",
    ),
    (
        HIGH,
        "clears logs",
        "T1070.002",
        r"\bfind\s+/var/log\b(?![^\n]{0,200}-[acm](?:time|min)\b)[^\n]{0,200}(?:-delete|-exec\s+(?:rm|shred|truncate)\b)",
    ),
    # Not sudo's own start-up script, which makes what it keeps in memory old.
    (
        MEDIUM,
        "sets file times",
        "T1070.006",
        r"(?!(?<=\bfind /run/sudo -exec )touch -d @0 '\{\}' )\btouch\s[^\n]{0,60}(?:-[acm]*[rtd]\b|--reference|--date)",
    ),
    (
        HIGH,
        "switches a defence off",
        "T1562.001",
        r"\b(?:systemctl|service|chkconfig)\b[^\n]{0,60}\b(?:stop|disable|mask)\b[^\n]{0,60}\b(?:auditd|rsyslog|amazon-ssm-agent|amazon-cloudwatch-agent|falcon-sensor|guardduty|wazuh-agent|clamd?)|\b(?:service|rc-service)\s+(?:auditd|rsyslog|amazon-ssm-agent|falcon-sensor|wazuh-agent)\s+stop\b|\b(?:pkill|killall)\s[^\n]{0,40}\b(?:amazon-ssm-agent|ssm-agent|auditd|rsyslogd?|amazon-cloudwatch-agent|falcon-sensor|wazuh|osqueryd|aliyun|cloudmonitor)|\b(?:apt(?:-get)?|yum|dnf|rpm|dpkg)\s[^\n]{0,60}(?:remove|purge|erase|\s-e)\b[^\n]{0,60}\b(?:auditd?|rsyslog|amazon-ssm-agent|amazon-cloudwatch-agent|falcon-sensor|wazuh-agent|clamav)\b|\bsetenforce\s+0\b|\bauditctl\s+-(?:D|e\s*0)\b",
    ),
    (
        HIGH,
        "switches a defence off",
        "T1562.004",
        r"\biptables\s+(?:-F|--flush|-P\s+INPUT\s+ACCEPT)|\bnft\s+flush\b|\b(?:systemctl|service)\b[^\n]{0,40}(?:stop|disable)[^\n]{0,40}\b(?:firewalld|iptables|nftables|ufw)\b|\bufw\s+disable\b",
    ),
    (MEDIUM, "makes a file unchangeable", "T1222.002", r"\bchattr\s+[^\n]{0,10}[+-]\w{0,3}[ia]"),
    (HIGH, "loads a kernel module by path", "T1547.006", r"\binsmod\s+\S"),
    (MEDIUM, "changes scheduled jobs", "T1053.003", r"\|\s*crontab\s+-|>>?\s*/(?:etc/cron|var/spool/cron)"),
    (
        HIGH,
        "leaves its container",
        "T1611",
        r"\bnsenter\b[^\n]{0,100}(?:-t\s*1\b|--target[=\s]1\b)|\bchroot\s+/(?:host|mnt|hostfs|rootfs)\b",
    ),
    (
        HIGH,
        "runs decoded data",
        "T1140",
        r"\b(?:eval|exec)\b[^\n]{0,40}\b(?:base64|b64decode|frombase64|unhexlify)\b|\bxxd\s+-r\b[^\n]{0,100}\|\s*(?:ba|da|z)?sh\b",
    ),
    (
        HIGH,
        "gives a program capabilities",
        "T1548.001",
        r"\bsetcap\b[^\n]{0,60}cap_(?:setuid|setgid|sys_admin|dac_override|dac_read_search|sys_ptrace|sys_module)",
    ),
    (MEDIUM, "opens a tunnel", "T1572", r"\b(?:ngrok|frpc|chisel|gost|cloudflared)\b\s|\bssh\b[^\n]{0,60}\s-\w{0,5}R\s?\d"),
    (MEDIUM, "scans the network", "T1046", r"\b(?:nmap|masscan|zmap|pnscan)\b\s"),
    (MEDIUM, "sends data out", "T1048", r"\bcurl\b[^\n]{0,200}\s(?:-T\s|--upload-file\s|-F\s?\S{1,60}=@|--data-binary\s+@|-d\s?@)"),
    (
        HIGH,
        "asks for the instance role's credentials",
        "T1552.005",
        r"169\.254\.170\.(?:2|23)\S{0,10}(?:\$\{?AWS_CONTAINER|/v[12]/credentials)",
    ),
    (MEDIUM, "sends data out", "T1048", r"\b(?:tar|zip|cat|gzip|mysqldump|pg_dump)\s[^\n]{0,200}\|\s*(?:nc|ncat|netcat|socat)\s"),
    (
        MEDIUM,
        "looks for keys and credentials",
        "T1552.004",
        r"\bfind\s+/\S{0,60}\s[^\n]{0,160}(?:\.pem\b|id_rsa|id_ed25519|\.aws\b|credentials|\.kube\b|wp-config)",
    ),
    (
        MEDIUM,
        "takes secrets of the cluster",
        "T1552.007",
        r"\bkubectl\s[^\n]{0,60}\bget\s+secrets?\b[^\n]{0,60}(?:-A\b|--all-namespaces|-o\s?(?:yaml|json))",
    ),
    (
        MEDIUM,
        "changes who may act in the account",
        "T1098.001",
        r"\baws\s[^\n]{0,60}\biam\s+(?:create-user|create-access-key|create-login-profile|attach-(?:user|role|group)-policy|put-(?:user|role|group)-policy|add-user-to-group|update-assume-role-policy|update-login-profile)\b",
    ),
    (LOW, "asks who it is in the account", "T1087.004", r"\baws\s[^\n]{0,60}\bsts\s+get-caller-identity\b"),
    (
        MEDIUM,
        "puts an account into a group with root's rights",
        "T1098.007",
        r"\b(?:usermod|gpasswd|adduser)\s[^\n]{0,60}\b(?:sudo|wheel|docker|lxd|root)\b[^\n]{0,60}\b(?:www-data|nobody|daemon|apache|nginx|mysql|redis|tomcat|ftp|games|backup|bin|mail)\b",
    ),
    (MEDIUM, "sets a password", "T1098", r"\bchpasswd\b|\bpasswd\s+-[du]\s+\S|\bpasswd\s+--(?:delete|unlock)\b"),
    (
        MEDIUM,
        "weakens the kernel's protection",
        "T1562",
        r"(?:\becho\s+['\"]?0['\"]?\s*>\s*/proc/sys/kernel/|\bkernel\.)(?:randomize_va_space|yama\.ptrace_scope|kptr_restrict|dmesg_restrict)(?:\s*=\s*0\b|\s|$)",
    ),
    (
        MEDIUM,
        "makes a full terminal of a bare shell",
        "T1059.004",
        r"\bpty\.spawn\(|\bscript\s+(?:-\w{1,3}\s+){1,2}/bin/(?:ba)?sh\s+/dev/null|\bscript\s+/dev/null\s+-\w?c\b",
    ),
    (
        MEDIUM,
        "replaces a program of the system",
        "T1036",
        r"\bmv\s+(?:/usr)?/s?bin/(?:ps|ls|netstat|ss|top|lsof|find|login|sshd|ssh|sudo|su|passwd|crontab|wget|curl)\s",
    ),
    (
        MEDIUM,
        "changes scheduled jobs",
        "T1053.002",
        r"(?:^|[;&|(]\s*)(?:at\s+(?:now|midnight|noon|-f)\b|crontab\s+/(?:tmp|var/tmp|dev/shm)/)",
    ),
    (MEDIUM, "makes a service of a file in an odd place", "T1543.002", r"\bsystemctl\s[^\n]{0,60}\s/(?:tmp|var/tmp|dev/shm)/"),
    (
        MEDIUM,
        "builds a library or module that hooks others",
        "T1574.006",
        r"\bgcc\s[^\n]{0,160}-shared\b[^\n]{0,160}-ldl\b|\bmake\s+-C\s+/lib/modules/\S{1,100}\s[^\n]{0,60}\bM=",
    ),
    (LOW, "turns away packets to another port", "T1562.004", r"\biptables\s[^\n]{0,120}-j\s+(?:REDIRECT|DNAT)\b"),
    (
        LOW,
        "takes a whole store of data",
        "T1530",
        r"\baws\s[^\n]{0,60}\bs3\s+(?:sync|cp\s[^\n]{0,100}--recursive)\s[^\n]{0,40}s3://|\b(?:mysqldump|pg_dumpall)\b[^\n]{0,60}(?:--all-databases\b|-A\b|>\s?/(?:tmp|var/tmp|dev/shm)/)",
    ),
    (LOW, "looks for passwords", "T1552.001", r"\bgrep\s+-\w{0,5}[rR]\w{0,5}\s+['\"]?(?:passw|secret|token|api_?key)"),
    (LOW, "serves files to the network", "T1105", r"\bpython[\d.]*\s+-m\s+(?:http\.server|SimpleHTTPServer)\b"),
    (LOW, "leaves a program running after log-out", "T1059.004", r"\bnohup\s+\S{1,200}|\bsetsid\s+\S"),
)
_COMPILED = tuple((severity, reason, attack, re.compile(pattern, re.IGNORECASE)) for severity, reason, attack, pattern in _PATTERNS)


def suspicions(command: str) -> tuple[Suspicion, ...]:
    """Everything that stands out about a command of one line, each reason once, worst first."""
    found: dict[tuple[str, str], Suspicion] = {}
    for severity, reason, attack, pattern in _COMPILED:
        if (reason, attack) not in found and pattern.search(command):
            found[(reason, attack)] = Suspicion(severity, reason, attack)
    return tuple(sorted(found.values(), key=lambda one: (rank(one.severity), one.attack)))


_ORDER = {severity: index for index, severity in enumerate(Severity)}


def rank(severity: Severity) -> int:
    """0 for critical to 4 for informational."""
    return _ORDER[severity]


def worst(reasons: tuple[Suspicion, ...]) -> Severity:
    """The worst severity of at least one suspicion."""
    return min((one.severity for one in reasons), key=rank)


def in_words(reasons: tuple[Suspicion, ...]) -> str:
    """The reasons as a clause: "downloads and runs in one line, mines cryptocurrency"."""
    return ", ".join(dict.fromkeys(one.reason for one in reasons))


def techniques(reasons: tuple[Suspicion, ...], *first: str) -> tuple[str, ...]:
    """ATT&CK ids, those of the place first, each once, at most 8."""
    return tuple(dict.fromkeys((*first, *(one.attack for one in reasons))))[:8]
