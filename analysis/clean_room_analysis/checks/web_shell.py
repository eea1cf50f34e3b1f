# SPDX-License-Identifier: AGPL-3.0-or-later
"""Web shells: server-side scripts that run what a request tells them, and server settings that turn other files into scripts."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import rank
from clean_room_analysis.checks.php_shell import code_of, php_signs
from clean_room_analysis.checks.program_shell import program_signs
from clean_room_analysis.checks.server_page_shell import page_signs
from clean_room_analysis.checks.web_logs import FoundShells
from clean_room_analysis.model import Entry, Severity

_KINDS = {
    **dict.fromkeys(("php", "php3", "php4", "php5", "php7", "php8", "phtml", "phar", "inc"), "php"),
    **dict.fromkeys(("jsp", "jspx", "jspf"), "jsp"),
    **dict.fromkeys(("aspx", "ashx", "asmx", "ascx", "cshtml"), "aspx"),
    **dict.fromkeys(("asp", "asa", "cer", "cdx"), "asp"),
    **dict.fromkeys(("py", "wsgi", "fcgi"), "python"),
    **dict.fromkeys(("js", "mjs", "cjs", "ts"), "node"),
    **dict.fromkeys(("pl", "cgi"), "perl"),
    **dict.fromkeys(("cfm", "cfc", "cfml"), "cfm"),
    "sh": "shell",
}
_IMAGE_SCRIPT = re.compile(
    r"\.(?:php\d?|phtml|phar|jsp|aspx?)\.(?:jpe?g|png|gif|svg|txt)$|\.(?:jpe?g|png|gif)\.(?:php\d?|phtml|jsp|aspx?)$", re.IGNORECASE
)
#: Where what visitors send is kept: a script there was sent by one.
_UPLOADS = re.compile(r"/(?:uploads?|avatars?|attachments?)/")
#: Where a server finds pages. Python and JavaScript are everywhere else too, and no pages there.
_WEB_ROOT = re.compile(
    r"^/(?:var/www|srv|opt|usr/share/nginx|usr/lib/cgi-bin|home/[^/]+/(?:public_html|www|htdocs|app))/|/(?:htdocs|webapps|cgi-bin|public_html)/"
)
_LIBRARIES = re.compile(r"/(?:node_modules|site-packages|dist-packages|vendor|lib(?:64)?/python\d[\d.]*|bower_components|perl5?)/")
_PICTURE = ("GIF8", "\x89PNG", "\udcffØ", "\udcff\udcd8")
_CODE = re.compile(r"<\?(?:php\b|=)|<%|<script[^>]{0,80}runat", re.IGNORECASE)
#: A placeholder against directory listings, as content management systems put one into each directory.
_EMPTY = re.compile(
    r"^\s*<\?php\s*(?://[^\n]*|/\*.{0,300}?\*/|\s)*(?:\?>)?\s*$|^\s*<\?php\s+header\([^;]{0,100}\);\s*(?:exit|die)?;?\s*(?:\?>)?\s*$",
    re.DOTALL,
)


#: Of CGI the first line says the language.
_SHEBANG = re.compile(r"^#![^\n]{0,100}?\b(?:(python)|(perl)|(node)|((?:ba|da|z|k)?sh)|(php))[\d.]*\b")
PROGRAMS = ("python", "node", "perl", "shell")


def kind_of(path: str) -> str | None:
    """The language of a script that a web server may run, None for anything else."""
    kind = _KINDS.get(path.rpartition(".")[2].lower()) if "." in path.rpartition("/")[2] else None
    if kind in PROGRAMS and (not _WEB_ROOT.search(path) or _LIBRARIES.search(path)):
        return None
    return kind


def _language(path: str, text: str) -> str | None:
    """As `kind_of`, by the first line too: it decides what runs a program, whatever its name ends in."""
    kind = kind_of(path) or ("php" if _IMAGE_SCRIPT.search(path) and "<?" in text else None)
    if kind in PROGRAMS and (first := _SHEBANG.match(text)):
        return next(
            name for name, group in zip((*PROGRAMS, "php"), (first[1], first[3], first[2], first[4], first[5]), strict=True) if group
        )
    return "php" if kind in PROGRAMS and text.startswith("<?php") else kind


def judge(path: str, text: str) -> tuple[Severity, list[str], int] | None:
    """What speaks for a web shell: the worst severity, what each sign means, where the first of the worst is; None when nothing does."""
    kind = _language(path, text)
    if kind is None:
        return None
    if kind in (*PROGRAMS, "cfm"):
        signs = list(program_signs(kind, text))
    elif kind in ("aspx", "asp") and re.search(r"<%@\s*(?:page|webhandler)|runat\s*=\s*[\"']?server", text, re.IGNORECASE):
        signs = [*page_signs("aspx", text), *(page_signs("asp", text) if kind == "asp" else ())]
    else:
        signs = list(php_signs(text) if kind == "php" else page_signs(kind, text))
    if not signs:
        return None
    signs.sort(key=lambda sign: rank(sign[0]))
    severity = signs[0][0]
    # One sign of running code by itself may be an honest administration page; two of them are not.
    return severity, list(dict.fromkeys(meaning for _, meaning, _ in signs)), signs[0][2]


_HANDLER = re.compile(
    r"^\s*(?:AddType|AddHandler|SetHandler)\s+[^\n]{0,100}(?:php|cgi-script)[^\n]{0,100}\.(?:jpe?g|png|gif|txt|html?)\b|^\s*php_value\s+auto_(?:prepend|append)_file\s|^\s*auto_prepend_file\s*=\s*\S",
    re.IGNORECASE,
)


_INCLUDED = re.compile(r"\b(?:include|require)(?:_once)?\s{0,4}\(?\s{0,4}[\"'](?:/tmp|/var/tmp|/dev/shm)/[^\"'\n]{1,200}", re.IGNORECASE)


class WebShell(Check):
    """T1505.003 (web shell)."""

    name = "web-shell"
    explained_by_packages = True

    def __init__(self, shells: FoundShells | None = None) -> None:
        """@param shells gets each web shell, for whoever looks for its use"""
        self._shells = shells

    def wants(self, entry: Entry) -> bool:
        name = entry.name
        return entry.is_file and (
            kind_of(entry.logical) is not None or name in (".htaccess", ".user.ini") or _IMAGE_SCRIPT.search(name) is not None
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
        text = item.text
        found = judge(item.path, text)
        if found is not None:
            severity, meanings, start = found
            if self._shells is not None and severity in (Severity.CRITICAL, Severity.HIGH) and item.package_state != "unchanged":
                self._shells.add(item)
            excerpt = (text if start == 0 else code_of(text) if _language(item.path, text) == "php" else text)[max(0, start - 100) :][:1000]
            yield self.found(item, severity, f"Web script {', '.join(meanings)}"[:300], excerpt, ("T1505.003",), hashed=True)
        elif kind_of(item.path) == "php" and (included := _INCLUDED.search(code_of(text))):
            yield self.found(
                item,
                Severity.HIGH,
                "Web script takes in a file from a place that anybody may write",
                included.group(0),
                ("T1505.003",),
                hashed=True,
            )
        elif not _CODE.search(text) or _EMPTY.match(text):
            return
        elif _IMAGE_SCRIPT.search(name) and (text.startswith(_PICTURE) or name.lower().endswith((".jpg", ".jpeg", ".png", ".gif"))):
            yield self.found(item, Severity.MEDIUM, "Web script posing as a picture", text[:500], ("T1505.003", "T1036.008"), hashed=True)
        elif _UPLOADS.search(item.path) and not _LIBRARIES.search(item.path) and not name.endswith(".inc"):
            yield self.found(item, Severity.MEDIUM, "Web script where uploads are kept", text[:500], ("T1505.003",), hashed=True)
