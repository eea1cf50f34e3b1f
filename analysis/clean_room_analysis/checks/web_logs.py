# SPDX-License-Identifier: AGPL-3.0-or-later
"""Logs of web servers: who used the web shells that were found, requests that carry commands and were answered, and what commands that
a server ran left in its error log."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_plus

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, suspicions, techniques
from clean_room_analysis.model import Entry, Finding, Severity, TimelineEvent, iso_time

_LOG = re.compile(
    r"^/var/log/(?:nginx|apache2|httpd|lighttpd|caddy|tomcat\d*|php\d*(?:\.\d)?-fpm|php-fpm|haproxy|jetty\d*|varnish|traefik|apache)/.+"
    r"|^/(?:var/www|srv|opt|home/[^/]+)/(?:[^/]+/){0,4}logs?/[^/]*(?:access|error)[^/]*$|^/opt/(?:[^/]+/){0,3}tomcat[^/]*/logs/.+|^/var/log/php[\w.-]*\.log[\w.-]*$"
)
#: Address, time, request and answer, as the common and combined formats have them, whatever stands before (a virtual host).
_REQUEST = re.compile(
    r"(?P<client>[0-9a-fA-F.:]{3,45})[^\[\n]{0,100}\[(?P<at>\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] \"(?P<method>[A-Z]{3,10}) (?P<target>\S{1,3000})[^\"]{0,20}\" (?P<status>\d{3})"
)
#: What a request carries that makes a server run something, by what it says once its escapes are undone.
_ATTACK: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"/cgi-bin/[^?]{0,200}/bin/(?:ba|da)?sh\b", "a known way to run code"),
        (r"\$\{jndi:|\$\{\$\{", "Log4Shell"),
        (r"\(\)\s*\{\s*:?;?\s*\};", "Shellshock"),
        (r"(?:;|\||`|\$\(|&&|%0a|\n|=)\s*(?:wget|curl|/bin/(?:ba)?sh|bash\s+-[ic]|nc\s+-|python[\d.]*\s+-c|perl\s+-e|busybox)\b", "a command"),
        (r"(?:^|[?&])(?:cmd|exec|command|shell|c|x|do|run|code|passthru)=(?:id|whoami|uname|cat\s|ls(?:\s|$)|pwd$|ifconfig|netstat|ps\s|echo\s|wget\s|curl\s|bash|sh\s|python|chmod\s|cd\s)", "a command"),
        (r"/etc/(?:passwd|shadow)\b|(?:\.\./){3}|php://(?:input|filter)|(?:expect|data|phar)://", "another file of the server"),
        (r"allow_url_include|auto_prepend_file|invokefunction|call_user_func_array|/cgi-bin/[^?]{0,80}(?:%2e|\.\.)|class\.module\.classLoader", "a known way to run code"),
        (r"169\.254\.169\.254|metadata\.google\.internal", "the address of the instance's credentials"),
    )
)  # fmt: skip
#: In a header, which logs show behind the request; only a program of CGI hands it to a shell.
_SHELLSHOCK = re.compile(r"\(\)\s*\{\s*:?;?\s*\};")
_SCRIPT_IN_UPLOADS = re.compile(
    r"/(?:uploads?|files|images?|img|avatars?|attachments?|tmp|cache|media)/(?:[^?]{0,200}/)?[^/?]{1,100}\.(?:php\d?|phtml|phar|jspx?|aspx?|ashx)(?:/|\?|$)",
    re.IGNORECASE,
)
#: Programs that a server started, in the words they leave behind when they go wrong or show their progress.
_LEFT_BEHIND = re.compile(
    r"^\s*(?:sh|/bin/sh|bash|dash)(?:: line)?:? ?(?:line )?\d{0,6}:? ?\S{0,200}(?:not found|No such file or directory|Permission denied|Syntax error|syntax error)"
    r"|^--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d--\s+(?:https?|ftp)://|^\s*% Total\s+% Received|^(?:Saving to|Connecting to|Resolving) \S"
    r"|AH01215: .{0,200}(?:sh|bash|wget|curl|python)|^\s*(?:chmod|wget|curl|python\d?|perl|nc|gcc): "
)
_QUOTED, _CLIENTS = 20, 2000


@dataclass(slots=True)
class FoundShells:
    """The web shells of a run, as the check of scripts finds them: their paths on the victim and which file system they are in."""

    paths: dict[str, str] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Keeps one."""
        if len(self.paths) < 2000:
            self.paths[item.path] = item.volume_id


@dataclass(slots=True)
class _Use:
    """Requests for one web shell in one log."""

    count: int = 0
    answered: int = 0
    first: int | None = None
    last: int | None = None
    clients: Counter[str] = field(default_factory=Counter)
    quoted: list[str] = field(default_factory=list)


class WebLogs(Check):
    """T1505.003 (web shell), T1190 (exploit public-facing application)."""

    name = "web-logs"

    def __init__(self, shells: FoundShells) -> None:
        self._shells = shells
        self._logs: list[Item] = []

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        return entry.is_file and entry.size > 0 and path.startswith(("/var/", "/srv/", "/opt/", "/home/")) and _LOG.match(path) is not None

    def look(self, item: Item) -> Iterator[Result]:
        self._logs.append(item)
        attacks: dict[str, list[str]] = {}
        counts: Counter[str] = Counter()
        left: list[str] = []
        for number, line in item.log_lines():
            request = _REQUEST.search(line)
            if request is None:
                if _LEFT_BEHIND.search(line) and len(left) < _QUOTED:
                    left.append(f"line {number}: {line.strip()[:300]}")
                continue
            # Everybody's server is tried all day: what was refused or not found is told by nobody.
            if not request["status"].startswith(("2", "5")):
                continue
            target = _undone(request["target"])
            what = next((meaning for pattern, meaning in _ATTACK if pattern.search(target)), None)
            if what is None and "/cgi-bin/" in target and _SHELLSHOCK.search(line):
                what = "a known way to run code"
            if what is None and request["status"].startswith("2") and _SCRIPT_IN_UPLOADS.search(target):
                what = "a script where uploads or pictures are kept"
            if what is not None:
                counts[what] += 1
                if len(quoted := attacks.setdefault(what, [])) < _QUOTED:
                    quoted.append(f"line {number}: {line.strip()[:300]}")
        for what, quoted in attacks.items():
            reasons = tuple(
                one for line in quoted for one in suspicions(_undone(line)) if one.severity in (Severity.CRITICAL, Severity.HIGH)
            )
            ran = what in ("a command", "a script where uploads or pictures are kept", "a known way to run code")
            severity = Severity.HIGH if reasons and ran else Severity.MEDIUM if ran else Severity.LOW
            said = f": {in_words(reasons)}" if reasons else ""
            yield self.found(
                item,
                severity,
                f"{counts[what]} requests for {what} were answered{said}",
                "\n".join(quoted),
                techniques(reasons, "T1190", "T1505.003"),
            )
        if left:
            yield self.found(
                item,
                Severity.MEDIUM,
                "The web server ran programs that wrote into its error log",
                "\n".join(left),
                ("T1190", "T1505.003", "T1059.004"),
            )

    def conclude(self) -> Iterator[Result]:
        """Looks for the web shells that were found in all logs, once more when there are any."""
        logs, self._logs = self._logs, []
        if not self._shells.paths:
            return
        # The server's root directory is not known: the end of the path, with one directory where there is one, has to do.
        ends: dict[str, list[str]] = {}
        for path in self._shells.paths:
            ends.setdefault(posixpath.basename(path), []).append(path)
        for item in logs:
            uses: dict[str, _Use] = {}
            for number, line in item.log_lines():
                request = _REQUEST.search(line)
                if request is None:
                    continue
                asked = _undone(request["target"]).split("?")[0].split(";")[0]
                for path in ends.get(posixpath.basename(asked), ()):
                    if path.endswith(asked) or posixpath.dirname(asked) in ("", "/"):
                        _count(uses.setdefault(path, _Use()), number, line, request)
            for path, use in uses.items():
                yield from self._told(item, path, use)

    def _told(self, item: Item, path: str, use: _Use) -> Iterator[Result]:
        clients = ", ".join(f"{client} ({count})" for client, count in use.clients.most_common(20))
        yield Finding(
            self.name,
            Severity.HIGH if use.answered else Severity.MEDIUM,
            f"The web shell {path} was asked for {use.count} times, answered {use.answered} times",
            item.volume_id,
            item.entry.path,
            f"from {clients}; first {iso_time(use.first)}, last {iso_time(use.last)}\n" + "\n".join(use.quoted),
            ("T1505.003", "T1190"),
            use.last,
        )
        for at in {use.first, use.last} - {None}:
            assert at is not None
            yield TimelineEvent(at, f"request for the web shell {path}", "web request", item.entry.path, item.volume_id)


def _count(use: _Use, number: int, line: str, request: re.Match[str]) -> None:
    use.count += 1
    use.answered += request["status"].startswith("2")
    if len(use.clients) < _CLIENTS or request["client"] in use.clients:
        use.clients[request["client"]] += 1
    if len(use.quoted) < _QUOTED:
        use.quoted.append(f"line {number}: {line.strip()[:250]}")
    try:
        at = int(datetime.strptime(request["at"], "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        return
    use.first = at if use.first is None else min(use.first, at)
    use.last = at if use.last is None else max(use.last, at)


def _undone(target: str) -> str:
    """A request's target with its escapes undone, twice: what is escaped twice is meant to hide."""
    return unquote_plus(unquote_plus(target, errors="replace"), errors="replace") if "%" in target or "+" in target else target
