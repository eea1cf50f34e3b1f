# SPDX-License-Identifier: AGPL-3.0-or-later
"""What ran and what was installed, by the logs of cloud-init, the SSM agent, and package managers."""

import io
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from dissect.database.sqlite3 import SQLite3

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import Suspicion, in_words, rank, suspicions, techniques
from clean_room_analysis.isolated import IsolatedError, run_isolated
from clean_room_analysis.model import Entry, Severity, TimelineEvent, nanoseconds_of
from clean_room_analysis.tree import Tree

_RAN = re.compile(
    r"^/var/log/(?:cloud-init(?:-output)?\.log|amazon/ssm/.+\.log|amazon/eks/.+\.log)(?:[.-][\w.-]{1,40})?$"
    r"|^/var/lib/amazon/ssm/.+/(?:stdout|stderr|_script\.sh|_script\.ps1|[^/]*\.log|ipcTempFile\.log)$"
    r"|^/var/snap/amazon-ssm-agent/.+/(?:stdout|stderr|_script\.sh)$"
)
_PACKAGES = re.compile(
    r"^/var/log/(?:dpkg\.log|apt/history\.log|apt/term\.log|yum\.log|dnf\.log|dnf\.rpm\.log|dnf5?/.+\.log|zypp/history|pacman\.log|apk\.log|pip\.log)(?:[.-][\w.-]{1,40})?$"
)
_HISTORY = re.compile(r"^/(?:var/lib/dnf|usr/lib/sysimage/(?:libdnf5|dnf))/(?:history|transaction_history)\.sqlite$")
_TOOL_NAMES = (
    r"(?:nmap|masscan|zmap|hydra|medusa|john|hashcat|netcat(?:-traditional|-openbsd)?|ncat|socat|tor|torsocks|proxychains\w*|sshpass|aircrack-ng|sqlmap|nikto|ettercap\S*|dsniff|tcpdump|hping3"
    r"|responder|crackmapexec|impacket\S*|metasploit\S*|xmrig|cpuminer\S*|wireguard-tools|openvpn|shadowsocks\S*|3proxy|microsocks|frp|ngrok|cloudflared|chisel|rclone|proot|kpcli|libprocesshider)"
)
_DEFENCES = r"(?:auditd|audit|aide|clamav\S*|falco\S*|fail2ban|rsyslog|amazon-ssm-agent|amazon-cloudwatch-agent|amazon-guardduty-agent|wazuh-agent|ossec\S*|osquery\S*|falcon-sensor|crowdstrike\S*|sysmon\S*|selinux-policy\S*|apparmor|firewalld|ufw|iptables(?:-services)?|nftables|crowdsec|tripwire|rkhunter|chkrootkit)"
_NAME_END = r"(?=[\s:,(.]|-\d|$)"
_INSTALLED = re.compile(rf"(?:\b(?:Installed|Install|install|Upgraded?):?\s(?:[^\n]{{0,200}}?[\s:,])?)(?:\d+:)?({_TOOL_NAMES}){_NAME_END}")
_REMOVED = re.compile(
    rf"(?:\b(?:Erased?|Removed?|remove|purge|Remove|Purge|Erase):?\s(?:[^\n]{{0,200}}?[\s:,])?)(?:\d+:)?({_DEFENCES}){_NAME_END}"
)
_AT = re.compile(r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_STATE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:install|remove|purge) ")
_COMMAND_LINE = re.compile(
    r"^Commandline: (.+)$|\bcommand line: (.+)$|DDEBUG Command: (.+)$|INFO Command: (.+)$|ran command .{0,3}: (.+)$", re.IGNORECASE
)
#: Lines of one log that are quoted.
_QUOTED = 30
_SECONDS = 60.0


class ActivityLogs(Check):
    """T1651 (cloud administration command), T1059.004, T1072, T1562.001."""

    name = "activity-logs"

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return (
            entry.is_file
            and entry.size > 0
            and (
                (path.startswith("/var/") and (_RAN.match(path) is not None or _PACKAGES.match(path) is not None))
                or (path.endswith("history.sqlite") and _HISTORY.match(path) is not None)
            )
        )

    def look(self, item: Item) -> Iterator[Result]:
        if _HISTORY.match(item.path):
            yield from self._history(item)
        elif _RAN.match(item.path):
            yield from self._ran(item)
        else:
            yield from self._packages(item)

    def _ran(self, item: Item) -> Iterator[Result]:
        reasons: dict[Suspicion, None] = {}
        quoted: list[str] = []
        for number, line in item.log_lines():
            # Lines of a log repeat much: only what is grave counts.
            found = [one for one in suspicions(line) if one.severity in (Severity.CRITICAL, Severity.HIGH)]
            if found:
                reasons.update((one, None) for one in found)
                if len(quoted) < _QUOTED:
                    quoted.append(f"line {number}: {line.strip()[:300]}")
        if reasons:
            ordered = tuple(sorted(reasons, key=lambda one: rank(one.severity)))
            ssm = "/ssm/" in item.path or "ssm-agent" in item.path
            what = "Run Command or a session of Systems Manager" if ssm else "cloud-init"
            yield self.found(
                item,
                ordered[0].severity,
                f"{what}: {in_words(ordered)}",
                "\n".join(quoted),
                techniques(ordered, *(("T1651",) if ssm else ("T1059.004",))),
            )

    def _packages(self, item: Item) -> Iterator[Result]:
        for number, line in item.log_lines():
            yield from self._package_line(item, number, line.rstrip())

    def _package_line(self, item: Item, number: int, line: str) -> Iterator[Result]:
        shown = f"line {number}: {line[:600]}"
        at = _AT.match(line)
        moment = nanoseconds_of(at.group(1)) if at else None
        if moment is not None and _STATE.match(line):
            yield TimelineEvent(moment, line[20:320], "package installed or removed", item.entry.path, item.volume_id)
        # A command line asks for what the lines after it say was done.
        done = "" if _COMMAND_LINE.search(line) else line
        tool, removed = _INSTALLED.search(done), _REMOVED.search(done)
        if tool:
            yield self.found(item, Severity.LOW, f"A tool that intruders use was installed: {tool.group(1)}", shown, ("T1072", "T1588.002"))
        if removed:
            yield self.found(item, Severity.MEDIUM, f"A defence was removed: {removed.group(1)}", shown, ("T1562.001",))
        command = _COMMAND_LINE.search(line)
        typed = next((one for one in command.groups() if one), "") if command else ""
        reasons = tuple(one for one in suspicions(typed) if one.severity is not Severity.LOW) if typed else ()
        if reasons:
            yield self.found(item, reasons[0].severity, f"A package manager {in_words(reasons)}", shown, techniques(reasons, "T1072"))

    def _history(self, item: Item) -> Iterator[Result]:
        try:
            for at, line in run_isolated(lambda: _transactions(item.tree, item.entry), _SECONDS):
                if at:
                    yield TimelineEvent(at * 1_000_000_000, line[:600], "package transaction", item.entry.path, item.volume_id)
                when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if 0 < at < 1 << 33 else ""
                yield from self._package_line(item, 0, f"{when} {line}".strip())
        except IsolatedError as error:
            raise ValueError(str(error)) from error


def _transactions(tree: Tree, entry: Entry) -> Iterator[tuple[int, str]]:
    """(seconds since 1970, line) of a history of dnf: its command lines and what they installed or removed."""
    log = tree.entry(entry.path + "-wal")
    wal = io.BytesIO(tree.read(log.path, limits.LOG_BYTES)) if log is not None and log.is_file and log.size > 32 else None
    with SQLite3(io.BytesIO(tree.read(entry.path, limits.LOG_BYTES)), wal=wal) as database:
        tables = {table.name.lower(): table for table in database.tables()}
        began: dict[int, int] = {}
        for row in itertools.islice(tables["trans"].rows(), limits.LOGIN_RECORDS) if "trans" in tables else ():
            began[int(row.id)] = int(row.dt_begin or 0)
            said = getattr(row, "cmdline", None) or getattr(row, "description", None) or ""
            yield began[int(row.id)], f"command line: {said}"
        names = {int(row.item_id): str(row.name) for row in tables["rpm"].rows()} if "rpm" in tables else {}
        for row in itertools.islice(tables["trans_item"].rows(), limits.LOGIN_RECORDS) if "trans_item" in tables else ():
            # libdnf's TransactionItemAction: 1 install, 8 remove.
            action = {1: "Installed:", 8: "Removed:"}.get(int(getattr(row, "action", 0) or 0))
            if action and int(row.item_id) in names:
                yield began.get(int(row.trans_id), 0), f"{action} {names[int(row.item_id)]}"
