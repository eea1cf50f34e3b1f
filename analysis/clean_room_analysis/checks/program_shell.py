# SPDX-License-Identifier: AGPL-3.0-or-later
"""What makes programs that web servers run (Python, Node, Perl and shell CGI, ColdFusion) web shells: what a request says reaches
something that runs programs or code, a connection is given a shell, or code in another language is carried along to be planted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clean_room_analysis.model import Severity

CRITICAL, HIGH = Severity.CRITICAL, Severity.HIGH
#: severity, what it means, where in the code
Sign = tuple[Severity, str, int]
_I = re.IGNORECASE | re.DOTALL
_RUNS_INPUT = "runs what the request says"
_REMOTE = "gives a shell to a remote machine"


@dataclass(frozen=True, slots=True)
class _Language:
    """How one language takes what a request says, and what it may do with it."""

    comment: re.Pattern[str]
    #: An expression that holds what the request says.
    source: re.Pattern[str]
    #: `name = expression`, the name in group 1 and the expression in group 2.
    assigned: re.Pattern[str]
    #: Calls that run programs or code, up to and with their opening bracket.
    sinks: str
    #: Of these any variable will do in a small program that takes requests; others need the request's own.
    loose: str
    #: Signs that need no request.
    others: tuple[tuple[re.Pattern[str], Severity, str], ...]


def _rules(*given: tuple[str, Severity, str]) -> tuple[tuple[re.Pattern[str], Severity, str], ...]:
    return tuple((re.compile(pattern, _I), severity, meaning) for pattern, severity, meaning in given)


_PHP_INSIDE = (
    r"<\?php[^?]{0,2000}?\b(?:eval|assert|system|passthru|shell_exec|exec|(?:fwrite|fputs|file_put_contents|move_uploaded_file))\s*\(|getallheaders\s*\(\s*\)\s*\[|(?<!\w)(?:eval|system|assert|passthru)\s*\(\s*(?:base64_decode\s*\(\s*)?[\"'\\]{0,2}\$_(?:GET|POST|REQUEST|COOKIE)",
    HIGH,
    "carries a web shell in another language",
)
_DRIVES = (
    r"(?:urllib\d?|requests|http\.client|httplib)\b.{0,6000}(?:system|shell_exec|passthru|exec|eval)\(\s*(?:base64_decode\()?'?%s|(?:system|shell_exec|passthru|eval)\(\s*(?:base64_decode\()?'?%s.{0,6000}(?:urllib\d?|requests)\b",
    HIGH,
    "sends commands to a web shell elsewhere",
)

_PYTHON = _Language(
    re.compile(r"^\s*#[^\n]*|(?<=\s)#\s[^\n]*", re.MULTILINE),
    re.compile(
        r"\bFieldStorage\s*\(|\bflask\.request\b|\brequest\.(?:args|form|values|GET|POST|json|data|params|get_json|headers|cookies|files|query_params|body|match_info|rel_url)|\bQUERY_STRING\b|\bweb\.input\s*\(|\bget_(?:query_|body_)?argument\s*\("
        r"|\bself\.(?:rfile|path|headers|request)\b|\bparse_qs\w*\s*\(|\benviron\s*(?:\[|\.get\s*\()\s*[\"'](?:wsgi\.input|HTTP_\w+|QUERY_STRING|PATH_INFO)|\bevent\s*(?:\[|\.get\s*\()\s*[\"'](?:queryString\w*|body|pathParameters)|\.recv(?:from)?\s*\("
    ),
    re.compile(r"^[ \t]*(?:global\s+)?(\w{1,60})(?:\s*,\s*\w{1,60}){0,3}\s*(?::\s*[\w\[\]]+\s*)?\+?=(?!=)\s*([^\n]{1,400})", re.MULTILINE),
    r"(?:\bos\s*\.\s*(?:system|popen[234]?|exec[lv]p?e?|spawn[lv]p?e?)|\bcommands\s*\.\s*get\w+|\bpopen[234]?\s*\.\s*\w+|\bsubprocess\s*\.\s*\w+|(?<![.\w])Popen|\bpty\.spawn|(?<![.\w])(?:eval|exec|compile|execfile)|\brender_template_string|\b(?:c?[Pp]ickle|marshal|dill)\.loads|\bcreate_subprocess_(?:shell|exec)|getattr\s*\(\s*os\s*,[^()]{1,60}\))\s*\(",
    r"(?:\bos\s*\.\s*(?:system|popen[234]?)|\bcommands\s*\.\s*get(?:status)?output|\bpty\.spawn|\bcreate_subprocess_shell)\s*\(\s*(?![\"'][^\"'%+{]*[\"']\s*\))|\bsubprocess\s*\.\s*\w+\s*\(\s*(?![\"'])[^()]{0,200}shell\s*=\s*True",
    _rules(
        (r"(?<![.\w])(?:exec|eval)\s*\(\s*(?:compile\s*\(\s*)?(?:\w+\.)?(?:b64decode|decompress|fromhex|unhexlify|loads|a2b_\w+|__import__\([^)]{1,40}\)\.\w+)\s*\(", HIGH, "runs code it decodes first"),
        (r"(?<![.\w])(?:exec|eval)\s*\(\s*(?:requests\.|urllib\d?\.|urlopen)", CRITICAL, "runs code it fetches"),
        (r"\bsocket\s*\.\s*socket\s*\(.{0,4000}\b(?:os\.dup2\s*\(|pty\.spawn\s*\()", HIGH, _REMOTE),
        (r"import[^\n]{0,80}\bsmtpd\b.{0,9000}\bos\.(?:popen|system)|\bprocess_message\s*\(.{0,4000}\b(?:os\.popen|os\.system|subprocess)", HIGH, "runs what mail says"),
        _PHP_INSIDE,
        _DRIVES,
    ),
)  # fmt: skip
_NODE = _Language(
    re.compile(r"/\*.*?\*/|(?<![:\"'\\])//[^\n]*", re.DOTALL),
    re.compile(r"\b(?:req(?:uest)?|ctx(?:\.request)?)\.(?:query|body|params|url|headers|cookies|param\s*\(|get\s*\(|path|originalUrl|header\s*\()|\burl\.parse\s*\(\s*req|\bquerystring\.parse\s*\(|\bnew\s+URL\s*\(\s*req|\bsearchParams\b|\bon\s*\(\s*[\"']data[\"']"),
    re.compile(r"(?:\b(?:const|let|var)\s+)?\{?\s*(\w{1,60})\s*(?:,[^=;\n]{0,80})?\}?\s*\+?=(?![=>])\s*([^;\n]{1,400})"),
    r"(?:(?:(?<![\w.$)/])(?:{runner}\s*\.\s*)?|require\s*\(\s*[\"'](?:node:)?child_process[\"']\s*\)\s*\.\s*)(?:exec|execSync|spawn|spawnSync|execFile|execFileSync|fork)|(?<![.\w$])(?:eval|Function)|\bvm\s*\.\s*run\w+)\s*\(",
    r"(?:(?:(?<![\w.$)/]){runner}|require\s*\(\s*[\"'](?:node:)?child_process[\"']\s*\))\s*\.\s*(?:exec|execSync)|(?<![\w.$])execSync)\s*\(\s*(?![\"'`][^\"'`+$]*[\"'`])",
    _rules(
        (r"(?<![.\w])(?:eval|Function)\s*\(\s*(?:Buffer\.from\s*\(|atob\s*\(|zlib\.)", HIGH, "runs code it decodes first"),
        (r"(?:\bnet\.(?:Socket|connect|createConnection|createServer)|new\s+net\.Socket|require\([\"'](?:node:)?net[\"']\)).{0,6000}\bspawn\s*\(\s*(?:[\"'](?:/bin/(?:ba|da|z)?sh|sh|bash|cmd(?:\.exe)?|powershell)|\w{1,20}\s*[,)])|\bspawn\s*\(\s*[\"'](?:/bin/(?:ba|da|z)?sh|sh|bash|cmd(?:\.exe)?)[\"'].{0,6000}(?:\bnet\.|\.connect\s*\()", HIGH, _REMOTE),
        _PHP_INSIDE,
    ),
)  # fmt: skip
_PERL = _Language(
    re.compile(r"^\s*#[^\n]*|(?<=;)\s*#[^\n]*|^=\w+.*?^=cut", re.MULTILINE | re.DOTALL),
    re.compile(r"\$ENV\s*\{\s*[\"']?(?:QUERY_STRING|CONTENT_LENGTH|REQUEST_METHOD|HTTP_\w+|PATH_INFO)|\bparam\s*\(|\bCGI\s*->\s*new|\bnew\s+CGI\b|\bread\s*\(\s*STDIN|<STDIN>|\b(?:sys)?recv\b|<\$?(?:sock\w*|client|SOCK\w*)>|\$(?:in|FORM|form|input|query)\s*\{"),
    re.compile(r"(?:\bmy\s+)?\(?[$%@](\w{1,60})[^=;\n]{0,60}\)?\s*\.?=(?![=~])\s*([^;]{1,400})"),
    r"(?:(?<![\w$>])(?:system|exec|eval|qx|syscall)\s*[\(\s{\"'$]|(?<![\w$])open\s*\(?\s*\w+\s*,\s*\"?[^;\n]{0,60})",
    r"`[^`\n]{0,200}\$\w|(?<![\w$>])(?:system|exec|qx)\s*[\(\s{]\s*\"?[^;\n]{0,60}\$\w|(?<![\w$])open\s*\(?\s*[\"']?\w+[\"']?\s*,\s*[^;\n]{0,80}\|\s*\"|(?<![\w$>])eval\s*[({]?\s*\$\w",
    _rules(
        (r"\bSocket\b.{0,8000}(?:\b(?:exec|system)\b[\s({'\"]{0,6}(?:/bin/|/usr/bin/)?(?:env\s+)?\w{0,4}sh\b|open\s*\(?\s*STD(?:IN|OUT)\s*,\s*[\"'][<>]&)", HIGH, _REMOTE),
        _PHP_INSIDE,
    ),
)  # fmt: skip
_SHELL = _Language(
    re.compile(r"^\s*#[^\n]*", re.MULTILINE),
    re.compile(r"\bQUERY_STRING\b|\bCONTENT_LENGTH\b|\bHTTP_\w+\b|\bPATH_INFO\b"),
    re.compile(r"^\s*(\w{1,60})=([^\n]{1,400})", re.MULTILINE),
    r"(?:\beval\b|\b(?:ba|da|z)?sh\s+-c\b|`|\$\()",
    r"\beval\s[^\n]{0,80}\$|\b(?:ba)?sh\s+-c\s[^\n]{0,80}\$|^\s*\$\{?\w+\}?(?:\s|$)|\$\(\s*\$|`\s*\$|\bls\s[^\n]{0,40}\$\{?\w+|\bcat\s*>\s*[\"']?\$",
    (),
)
_FUSION = _rules(
    (r"<cfexecute\b|createObject\s*\(\s*[\"']java[\"']\s*,\s*[\"']java\.lang\.(?:Runtime|ProcessBuilder)|\bgetRuntime\s*\(", CRITICAL, "runs programs"),
    (r"<cffile\b[^>]{0,300}action\s*=\s*[\"']?(?:write|append|upload|delete|copy|move|rename|read)\b[^>]{0,300}#(?:form|url|attributes|trim)?|fileWrite\s*\(|<cffile\b[^>]{0,200}filefield", HIGH, "reads or writes files the request names"),
    (r"<cfquery\b[^>]{0,300}datasource\s*=\s*[\"']?#|<cfquery\b.{0,300}#(?:form|url)\.\w+#\s*</cfquery|preserveSingleQuotes\s*\(\s*(?:form|url)", HIGH, "opens databases the request names"),
    (r"<cfdirectory\b[^>]{0,300}#|directoryList\s*\(", HIGH, "shows files of the system"),
    (r"\bevaluate\s*\(\s*(?:form|url)\.", CRITICAL, _RUNS_INPUT),
    (r"ServiceFactory|cfusion_(?:encrypt|decrypt)|getDatasources|coldfusion\.server", HIGH, "reads the server's own settings"),
)  # fmt: skip
_LANGUAGES = {"python": _PYTHON, "node": _NODE, "perl": _PERL, "shell": _SHELL}
_RUNNER = re.compile(
    r"\b(\w{1,40})\s*=\s*require\s*\(\s*[\"'](?:node:)?child_process[\"']\s*\)|\bimport\s+(?:\*\s+as\s+)?(\w{1,40})\s+from\s+[\"'](?:node:)?child_process[\"']"
)
_EVALUATES = r"(?:(?<![.\w$])(?:eval|Function)|\bvm\s*\.\s*run\w+)\s*\("
_LISTENS = re.compile(r"\bsocket\s*\.\s*socket\s*\(")
_RUNS_RECEIVED = re.compile(
    r"\.recv(?:from)?\s*\(.{0,6000}\b(?:os\.popen\w?|os\.system)\s*\(\s*(?![\"'][^\"']*[\"']\s*\))|\b(?:os\.popen\w?|os\.system)\s*\(\s*(?![\"'][^\"']*[\"']\s*\)).{0,6000}\.recv(?:from)?\s*\("
    r"|\.recv(?:from)?\s*\(.{0,6000}shell\s*=\s*True|shell\s*=\s*True.{0,6000}\.recv(?:from)?\s*\(",
    re.DOTALL,
)
#: Without one of these no rule has anything to say; most programs have none.
_MAY = {
    "python": re.compile(r"os\s*\.\s*(?:system|popen|exec|spawn|dup2)|popen|subprocess|(?<![.\w])(?:exec|eval|execfile|compile)\s*\(|pty\.|commands\s*\.|render_template_string|\bloads\b|getattr\s*\(\s*os|<\?php|shell|\$_|%s", re.IGNORECASE),
    "node": re.compile(r"child_process|\b(?:eval|Function|vm)\b|<\?php|getallheaders|\$_"),
    "perl": re.compile(r"system|exec|eval|qx|`|open|Socket|<\?php|\$_"),
    "shell": re.compile(r"QUERY_STRING|CONTENT_LENGTH|HTTP_|PATH_INFO"),
}  # fmt: skip
#: Client-side scripts have no such thing.
_SERVER_SIDE = re.compile(r"\brequire\s*\(|\bprocess\.|\bcreateServer\b|\bmodule\.exports\b|\bimport\s[^\n]{0,200}\bfrom\b|getallheaders")
#: A program of this size that takes requests and runs what a variable says is no larger application's module.
_SMALL = 80_000


def program_signs(kind: str, text: str) -> Iterator[Sign]:
    """Everything that speaks for a web shell. @param kind python, node, perl, shell or cfm"""
    if kind == "cfm":
        code = re.sub(r"<!---.*?--->", " ", text, flags=re.DOTALL)
        if re.search(r"\b(?:form|url|cgi|session)\.|cfform|<form\b|<cfparam|cfabort", code, re.IGNORECASE):
            yield from _found(_FUSION, code)
        return
    language = _LANGUAGES[kind]
    if not _MAY[kind].search(text):
        return
    code = language.comment.sub(" ", text)
    if kind == "node" and not _SERVER_SIDE.search(code):
        return
    yield from _found(language.others, code)
    small = len(code) <= _SMALL
    if kind == "python" and small and _LISTENS.search(code) and (shell := _RUNS_RECEIVED.search(code)):
        yield HIGH, _REMOTE, shell.start()
    source = language.source.search(code)
    if source is None:
        return
    # The names under which the module that starts programs is kept.
    runner = "(?:" + "|".join(["child_process", *sorted({name for names in _RUNNER.findall(code) for name in names if name})[:20]]) + ")"
    runs, loosely = (pattern.replace("{runner}", runner) for pattern in (language.sinks, language.loose))
    if kind == "node" and "child_process" not in code:
        runs, loosely = _EVALUATES, r"(?!)"
    # Bundles of many thousand lines use one name for many things.
    taken = _tainted(language, code) if small else set()
    names = "|".join(sorted(map(re.escape, taken))[:300])
    given = language.source.pattern + (rf"|[$@%{{]*\b(?:{names})\b" if names else "")
    if direct := re.search(runs + r"[^;\n)]{0,160}?(?:" + given + ")", code, re.IGNORECASE if kind == "perl" else 0):
        yield CRITICAL, _RUNS_INPUT, direct.start()
    elif small and (loose := re.search(loosely, code, re.MULTILINE)):
        yield HIGH, "takes requests and runs what a variable says", loose.start()


def _found(rules: tuple[tuple[re.Pattern[str], Severity, str], ...], code: str) -> Iterator[Sign]:
    for pattern, severity, meaning in rules:
        if match := pattern.search(code):
            yield severity, meaning, match.start()


def _tainted(language: _Language, code: str) -> set[str]:
    """Variables that hold what a request says, through at most three assignments."""
    taken: set[str] = set()
    assignments = [(match.group(1), match.group(2)) for match in language.assigned.finditer(code)][:5000]
    for _ in range(3):
        before = len(taken)
        for name, value in assignments:
            if name in taken or re.search(r"\b(?:int|float|len|bool|parseInt|Number|shlex\.quote|quote|escape\w*)\s*\(", value):
                continue
            if language.source.search(value) or any(word in taken for word in re.findall(r"\w{1,60}", value)):
                taken.add(name)
        if len(taken) == before:
            break
    return taken - {"self", "os", "sys", "true", "false", "null", "i", "j", "_"}
