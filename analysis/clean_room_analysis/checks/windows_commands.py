# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judges a command line, a script or a path of Windows: what about it an intruder would do and an administrator seldom does."""

import base64
import re

from clean_room_analysis.checks.commands import Suspicion, rank
from clean_room_analysis.model import Entry, Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
_PATTERNS = tuple(
    (severity, reason, attack, re.compile(pattern, re.IGNORECASE))
    for severity, reason, attack, pattern in (
        (
            _HIGH,
            "downloads and runs in one line",
            "T1105",
            r"\b(?:iex|invoke-expression)\b[^\n]{0,300}(?:downloadstring|downloaddata|invoke-webrequest|\biwr\b|\birm\b|invoke-restmethod)"
            r"|(?:downloadstring\s?\(|\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\b)[^\n]{0,400}\|\s{0,4}(?:iex|invoke-expression)\b",
        ),
        (
            _HIGH,
            "loads a program into memory",
            "T1620",
            r"\[(?:system\.)?reflection\.assembly\]::load\s?\(|\bvirtualalloc\b[^\n]{0,2000}\bcreatethread\b",
        ),
        (
            _HIGH,
            "runs a page or script from the network",
            "T1218.005",
            r"\bmshta(?:\.exe)?[\"']?\s+[\"']?(?:https?:|javascript:|vbscript:)",
        ),
        (_HIGH, "runs a script through regsvr32", "T1218.010", r"\bregsvr32(?:\.exe)?\b[^\n]{0,100}(?:/i:(?:https?|ftp):|scrobj)"),
        (
            _HIGH,
            "runs script code through rundll32",
            "T1218.011",
            r"\brundll32(?:\.exe)?\b[^\n]{0,100}(?:javascript:|\bcomsvcs(?:\.dll)?[ ,]{1,4}(?:minidump|#\+?24))",
        ),
        (
            _MEDIUM,
            "runs a library from a place of users through rundll32",
            "T1218.011",
            r"\brundll32(?:\.exe)?[\"']?\s[^\n]{0,20}\\(?:users|programdata|windows\\temp|perflogs)\\(?![^\n]{0,200}\\(?:onedrive|package cache)\\)",
        ),
        (
            _HIGH,
            "downloads with a program of the system",
            "T1105",
            r"\bcertutil(?:\.exe)?\b[^\n]{0,100}[-/](?:urlcache|verifyctl)\b|\bbitsadmin(?:\.exe)?\b[^\n]{0,200}/transfer\b",
        ),
        (_MEDIUM, "decodes a file with certutil", "T1140", r"\bcertutil(?:\.exe)?\b[^\n]{0,100}[-/]decode(?:hex)?\b"),
        (
            _MEDIUM,
            "downloads",
            "T1105",
            r"(?:\.downloadfile\s?\(|\b(?:invoke-webrequest|iwr|start-bitstransfer|curl|wget)(?:\.exe)?\b)[^\n]{0,300}https?://(?!169\.254\.|127\.|10\.|192\.168\.)\d{1,3}(?:\.\d{1,3}){3}\b",
        ),
        (_MEDIUM, "downloads code", "T1105", r"\bdownloadstring\s?\(|\bnet\.webclient\)\s?\.download"),
        (
            _HIGH,
            "dumps credentials",
            "T1003",
            r"\bmimikatz\b|\bsekurlsa::|\blsadump::|\bkerberos::(?:golden|ptt|list)|\binvoke-mimikatz\b|\bprocdump(?:64)?(?:\.exe)?\b[^\n]{0,80}\blsass\b|\blazagne\b"
            r"|\bntdsutil(?:\.exe)?\b[^\n]{0,100}\bifm\b|\breg(?:\.exe)?\s+save\s+[\"']?hk(?:lm|ey_local_machine)\\(?:sam|security|system)\b|\b(?:rubeus|safetykatz|sharpdpapi)\b",
        ),
        (
            _HIGH,
            "removes what a system is restored from",
            "T1490",
            r"\bvssadmin(?:\.exe)?\b[^\n]{0,40}\b(?:delete|resize)\s+shadow|\bwmic(?:\.exe)?\b[^\n]{0,40}\bshadowcopy\b[^\n]{0,40}\bdelete|\bwbadmin(?:\.exe)?\b[^\n]{0,20}\bdelete\b"
            r"|\bbcdedit(?:\.exe)?\b[^\n]{0,80}(?:recoveryenabled\s+no|ignoreallfailures)",
        ),
        (_HIGH, "clears event logs", "T1070.001", r"\bwevtutil(?:\.exe)?\s+(?:cl|clear-log)\b|\bclear-eventlog\b|\bremove-eventlog\b"),
        (
            _HIGH,
            "switches off the virus protection",
            "T1562.001",
            r"\bset-mppreference\b[^\n]{0,200}-disable\w{0,40}\s+(?:\$true|1)\b|\badd-mppreference\b[^\n]{0,60}-exclusion|\b(?:sc|net)(?:\.exe)?\s+(?:stop|config|delete)\s+[\"']?(?:windefend|sense)\b"
            r"|\bamsi(?:utils|initfailed|scanbuffer|context)\b|\buninstall-windowsfeature\b[^\n]{0,40}defender",
        ),
        (
            _MEDIUM,
            "switches off the firewall",
            "T1562.004",
            r"\bnetsh(?:\.exe)?\b[^\n]{0,60}\b(?:state\s+off|opmode\s+disable)|\bset-netfirewallprofile\b[^\n]{0,100}-enabled\s+false",
        ),
        (
            _HIGH,
            "opens a tunnel into the network",
            "T1090",
            r"\bnetsh(?:\.exe)?\s+interface\s+portproxy\s+add\b|\b(?:chisel|ngrok|frpc|plink|ligolo\w{0,10})(?:\.exe)?\b[^\n]{0,100}(?:client|tcp|-R\s|-c\s|connect)",
        ),
        (
            _MEDIUM,
            "makes an account or an administrator",
            "T1136.001",
            r"\bnet1?(?:\.exe)?\s+(?:user|localgroup)\s[^\n]{0,100}/add\b|\b(?:new-localuser|add-localgroupmember)\b",
        ),
        (
            _HIGH,
            "opens a reverse shell",
            "T1059.001",
            r"\bnet\.sockets\.tcpclient\b[^\n]{0,800}(?:getstream|iex|invoke-expression)|\b(?:nc|ncat|netcat)(?:64)?(?:\.exe)?\s[^\n]{0,80}-e\s{0,2}\S{0,60}(?:cmd|powershell)",
        ),
        (
            _MEDIUM,
            "runs PowerShell out of sight",
            "T1564.003",
            r"\b(?:powershell|pwsh)(?:\.exe)?\b[^\n]{0,200}\s[-/]w(?:in\w{0,12})?\s+(?:h(?:id\w{0,3})?|1)\b",
        ),
        (
            _MEDIUM,
            "hides what it runs",
            "T1027",
            r"frombase64string\s?\([^\n]{0,4000}(?:iex|invoke-expression|gzipstream|deflatestream)|-join\s?\([^\n]{0,400}\[char\]",
        ),
        (
            _HIGH,
            "runs a known tool of intruders",
            "T1588.002",
            r"\b(?:psexesvc|paexec|remcomsvc|winexesvc|csexecsvc)\b|\b(?:powerview|sharphound|bloodhound|powersploit|nishang|cobaltstrike|meterpreter|invoke-shellcode|invoke-wmiexec|invoke-smbexec|winpeas)\b",
        ),
        (
            _HIGH,
            "answers through a share or a pipe of its own",
            "T1569.002",
            r"%comspec%\s+/[qc]\b[^\n]{0,300}(?:\\\\127\.0\.0\.1\\|\\\\\.\\pipe\\)|cmd(?:\.exe)?\s+/[qc]\b[^\n]{0,100}\\\\\.\\pipe\\",
        ),
        (_HIGH, "mines cryptocurrency", "T1496", r"\bxmrig\b|\bstratum\+(?:tcp|ssl)://|--donate-level\b"),
        (
            _MEDIUM,
            "runs a program of another machine",
            "T1021.002",
            r"^[\"']?\\\\(?!localhost\\|\?\\|\.\\)[\w.-]{1,100}\\[^\n]{1,200}\.(?:exe|dll|ps1|bat|vbs)\b",
        ),
    )
)
_ENCODED = re.compile(
    r"(?:powershell|pwsh)(?:\.exe)?\b[^\n]{0,300}?\s[-/]e(?:nc?|nco\w{0,12}|c)?\s+[\"']?([A-Za-z0-9+/=]{16,})"
    r"|frombase64string\s?\(\s?[\"']([A-Za-z0-9+/=]{40,})[\"']",
    re.IGNORECASE,
)
#: Where users may write and nobody installs: a program that a machine runs by itself has no business there.
_ODD_PLACE = re.compile(
    r"(?:^|[\s\"'=;,(|&])(?:[a-z]:|%systemdrive%)?(?:\\users\\public\\|\\windows\\(?:temp|tasks|debug|tracing)\\|\\perflogs\\|\\\$recycle\.bin\\|\\programdata\\[^\\\s\"]{1,60}\.(?:exe|dll|ps1|bat|cmd|vbs|js|hta|scr)\b"
    r"|\\users\\[^\\\n]{1,60}\\(?:appdata\\local\\temp|downloads|music|pictures|videos|contacts)\\|\\temp\\|\\intel\\|(?:%temp%|%tmp%|%public%)\\)",
    re.IGNORECASE,
)
_PROFILE = re.compile(r"\\users\\[^\\\n]{1,60}\\|%(?:appdata|localappdata|userprofile)%\\", re.IGNORECASE)
#: A program in a user's own folder that installs itself there and starts with the session.
_ORDINARY_IN_PROFILE = re.compile(
    r"\\(?:microsoft\\(?:onedrive|teams|edge|edgewebview|windowsapps)|google\\(?:chrome|update)|slack|zoom|discord|programs\\[^\\\n]{1,60})\\",
    re.IGNORECASE,
)
_WINDOWS = re.compile(r"^/(?:windows|winnt|users|documents and settings|programdata|perflogs|\$recycle\.bin)(?:/|$)", re.IGNORECASE)


def on_windows(entry: Entry) -> bool:
    """Whether the path is one that only Windows has. Cheap: asked for every entry of every volume."""
    return _WINDOWS.match(entry.path) is not None


def decoded(text: str) -> str:
    """What PowerShell would decode in the text, "" when nothing."""
    for match in _ENCODED.finditer(text):
        packed = match[1] or match[2]
        try:
            raw = base64.b64decode(packed + "=" * (-len(packed) % 4))
        except ValueError:
            continue
        return raw.decode("utf-16-le" if raw[1:2] == b"\0" else "utf-8", "replace")[:20_000]
    return ""


def windows_suspicions(command: str, attack: str | None = None) -> tuple[Suspicion, ...]:
    """Everything that stands out about a command or a block of script, worst first.

    @param attack the technique of the place a program is started from; given for what runs unattended: then its place counts, too
    """
    found: dict[tuple[str, str], Suspicion] = {}
    hidden = decoded(command)
    if hidden:
        found["encoded", ""] = Suspicion(_MEDIUM, "runs encoded commands", "T1027.010")
    # Carets and quotes inside words are what cmd and PowerShell leave out.
    texts = [command, re.sub(r"[\^`]|(?<=\w)[\"']{1,2}(?:\+[\"'])?(?=\w)", "", command), hidden]
    for text in dict.fromkeys(texts):
        for severity, reason, technique, pattern in _PATTERNS:
            if (reason, technique) not in found and pattern.search(text):
                found[reason, technique] = Suspicion(severity, reason, technique)
    if attack is not None:
        if _ODD_PLACE.search(command):
            found["place", ""] = Suspicion(_HIGH, "runs what lies where nothing is installed", attack)
        elif _PROFILE.search(command) and not _ORDINARY_IN_PROFILE.search(command):
            found["place", ""] = Suspicion(_LOW, "runs what lies in a user's folder", attack)
    return tuple(sorted(found.values(), key=lambda one: (rank(one.severity), one.attack)))


def odd_place(path: str) -> bool:
    """Whether a path, with backslashes, is one where nothing is installed."""
    return _ODD_PLACE.search(path) is not None
