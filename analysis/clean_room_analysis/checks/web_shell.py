# SPDX-License-Identifier: AGPL-3.0-or-later
"""Web shells: server-side scripts that run what a request tells them, and server settings that turn other files into scripts."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import Entry, Severity

_SCRIPT = re.compile(r"\.(?:php\d?|phtml|phar|inc|jspx?|jspf|aspx?|ashx|cgi|cfm)$", re.I)
_IMAGE_SCRIPT = re.compile(
    r"\.(?:php\d?|phtml|phar|jsp|aspx?)\.(?:jpe?g|png|gif|svg|txt)$|\.(?:jpe?g|png|gif)\.(?:php\d?|phtml|jsp|aspx?)$", re.I
)
_UPLOADS = re.compile(r"/(?:uploads?|avatars?|attachments?)/", re.I)
_INPUT = r"\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)\b|\$\{?[\"']?_(?:GET|POST|REQUEST)|php://input|getallheaders\s*\("
_RUN = r"\b(?:eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function)\s{0,10}\("
#: pattern, severity, what it means
_SIGNS: tuple[tuple[re.Pattern[str], Severity, str], ...] = (
    (re.compile(_RUN + r"[^;\n]{0,200}(?:" + _INPUT + ")", re.I), Severity.CRITICAL, "runs what the request says"),
    (re.compile(r"(?:" + _INPUT + r")[^\n]{0,100}\]\s{0,5}\(", re.I), Severity.CRITICAL, "calls the function the request names"),
    (re.compile(r"`[^`\n]{0,100}\$_(?:GET|POST|REQUEST|COOKIE)", re.I), Severity.CRITICAL, "runs what the request says"),
    (
        re.compile(r"\b(?:eval|assert)\s{0,10}\(\s{0,10}(?:gzinflate|gzuncompress|base64_decode|str_rot13|strrev)\s{0,10}\(", re.I),
        Severity.HIGH,
        "runs code it decodes first",
    ),
    (
        re.compile(r"preg_replace\s{0,10}\(\s{0,10}[\"'].{0,100}/[a-z]{0,5}e[a-z]{0,5}[\"']", re.I),
        Severity.HIGH,
        "runs code through preg_replace /e",
    ),
    (
        re.compile(
            r"Runtime\.getRuntime\(\)\.exec\s{0,5}\([^;\n]{0,200}request\.getParameter|new\s+ProcessBuilder\([^;\n]{0,200}request\.getParameter"
        ),
        Severity.CRITICAL,
        "runs what the request says",
    ),
    (
        re.compile(r"(?:Process\.Start|WScript\.Shell|eval)\s{0,5}\([^;\n]{0,200}Request(?:\.(?:Form|QueryString|Item)|\[)", re.I),
        Severity.CRITICAL,
        "runs what the request says",
    ),
)
_HANDLER = re.compile(
    r"^\s*(?:AddType|AddHandler|SetHandler)\s+[^\n]{0,100}(?:php|cgi-script)[^\n]{0,100}\.(?:jpe?g|png|gif|txt|html?)\b|^\s*php_value\s+auto_(?:prepend|append)_file\s|^\s*auto_prepend_file\s*=\s*\S",
    re.I,
)


class WebShell(Check):
    """T1505.003 (web shell)."""

    name = "web-shell"

    def wants(self, entry: Entry) -> bool:
        name = entry.name
        return entry.is_file and (
            _SCRIPT.search(name) is not None or _IMAGE_SCRIPT.search(name) is not None or name in (".htaccess", ".user.ini")
        )

    def look(self, item: Item) -> Iterator[Result]:
        name = item.entry.name
        if name in (".htaccess", ".user.ini"):
            for number, line in item.lines():
                if _HANDLER.search(line):
                    yield self.found(
                        item,
                        Severity.HIGH,
                        "Server setting turns other files into scripts",
                        f"line {number}: {line.strip()}",
                        ("T1505.003",),
                    )
            return
        signs = {(severity, meaning): match for pattern, severity, meaning in _SIGNS if (match := pattern.search(item.text))}
        if signs:
            severity = Severity.CRITICAL if any(sign is Severity.CRITICAL for sign, _ in signs) else Severity.HIGH
            start = max(0, min(match.start() for match in signs.values()) - 100)
            yield self.found(
                item,
                severity,
                f"Web script {', '.join(dict.fromkeys(meaning for _, meaning in signs))}",
                item.text[start : start + 1000],
                ("T1505.003",),
                hashed=True,
            )
        elif _IMAGE_SCRIPT.search(name) or (
            _UPLOADS.search(item.path) and "<?php" in item.text and "/node_modules/" not in item.path and not name.endswith(".inc")
        ):
            yield self.found(
                item,
                Severity.MEDIUM,
                "Web script where uploads are kept, or posing as a picture",
                item.text[:500],
                ("T1505.003",),
                hashed=True,
            )
