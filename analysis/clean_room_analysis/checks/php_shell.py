# SPDX-License-Identifier: AGPL-3.0-or-later
"""What makes PHP a web shell: input of the request that reaches something which runs code or writes files, code that hides what it
calls, and the set of abilities that only a remote administration kit has. Comments are taken out first: they run nothing."""

import re
from collections.abc import Iterator

from clean_room_analysis.model import Severity

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
#: severity, what it means, where in the code
Sign = tuple[Severity, str, int]

_STRING = r"'(?:\\.|[^'\\])*+'|\"(?:\\.|[^\"\\])*+\""
#: A block of PHP ends where its end stands outside strings and comments of several lines.
_BLOCK = re.compile(
    r"<\?(?:php\b|=|(?!xml))((?:" + _STRING + r"|/\*.*?(?:\*/|\Z)|(?://|#)[^\n?]*+|\?(?!>)|[^?])*+)"
    r"|<script\s+language\s*=\s*[\"']?php[\"']?\s*>(.*?)(?:</script>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_CODED = re.compile(r"\\x([2-7][0-9a-f])|\\([1-7]?[0-7]{2})(?!\d)", re.IGNORECASE)
_TOKEN = re.compile(r"(" + _STRING + r")|/\*.*?(?:\*/|\Z)|(?://|#(?!\[))[^\n]*", re.DOTALL)
_JOINED = re.compile(r"([\"'])\s*\.\s*\1")
_INPUT = r"(?:\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)\b|\$HTTP_(?:GET|POST|RAW_POST|COOKIE)_\w+|\$\s*\{?\s*[\"']_(?:GET|POST|REQUEST|COOKIE)|php://input|\bgetallheaders\s*\()"
_BODY = r"(?:\$_(?:GET|POST|REQUEST|COOKIE)\b|\$\s*\{?\s*[\"']_(?:GET|POST|REQUEST|COOKIE)|php://input|\$HTTP_(?:GET|POST|RAW_POST)_\w+)"
_CALL = r"(?<![\w>:$\\])@?"
_RUN = _CALL + r"(?:eval|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function|expect_popen)\s*\("
_DECODE = r"(?:gzinflate|gzuncompress|gzdecode|base64_decode|str_rot13|strrev|convert_uudecode|hex2bin|pack|rawurldecode|urldecode|openssl_decrypt)\s*\("
_NAMES = r"(?:assert|eval|system|exec|shell_exec|passthru|popen|proc_open|create_function|base64_decode|gzinflate|str_rot13|preg_replace|file_put_contents)"
_I = re.IGNORECASE | re.DOTALL

_CALLBACKS = (
    r"(?:array_(?:map|filter|walk\w*|reduce|diff_u\w+|udiff\w*|uintersect\w*|intersect_u\w+)|call_user_func(?:_array)?|u[ak]?sort|register_(?:shutdown|tick)_function"
    r"|ob_start|set_error_handler|iterator_apply|forward_static_call\w*|filter_var(?:_array)?|preg_replace_callback|Closure::fromCallable)"
)
_Rules = tuple[tuple[re.Pattern[str], Severity, str], ...]


def _rules(*given: tuple[str, Severity, str]) -> _Rules:
    return tuple((re.compile(pattern, _I), severity, meaning) for pattern, severity, meaning in given)


_RUNS_INPUT = "runs what the request says"
_HANDS_OVER = "hands a function that runs code, or one the request names, to another"
_DIRECT = _rules(
    (_RUN + r"[^;]{0,200}?" + _BODY, CRITICAL, _RUNS_INPUT),
    (
        _CALL + r"assert\s*\(\s*(?:@|(?!is_|isset|in_array|empty|count)\w{1,30}\s*\(\s*){0,3}" + _BODY + r"[^;=<>!]{0,60}\)\s*;",
        CRITICAL,
        _RUNS_INPUT,
    ),
    (_RUN + r"[^;]{0,120}?(?:\$_SERVER\s*\[|getenv\s*\()\s*[\"']HTTP_", CRITICAL, _RUNS_INPUT),
    (_INPUT + r"\s*[\]\}]?\s*[\[\{][^\]\};]{1,80}[\]\}]\s*\(", CRITICAL, "calls the function the request names"),
    (_CALL + r"(?:include|require)(?:_once)?\s*\(?\s*@?[\"']?" + _BODY, HIGH, "includes the file the request names"),
    (
        _CALL
        + r"(?:eval|assert|create_function)\s*\(\s*(?:[\"']{2}\s*,\s*)?(?:[\"']\s*\?>\s*[\"']\s*\.\s*)?@?(?:"
        + _DECODE
        + r"|file_get_contents\s*\(\s*[\"']https?:)",
        HIGH,
        "runs code it decodes first",
    ),
    (
        _CALL
        + r"(?:preg_replace|mb_ereg_replace|preg_filter)\s*\(\s*[\"']([/#~|@!%]).{0,100}?\1[imsxuADSUXJ]{0,6}e[imsxuADSUXJ]{0,6}[\"']\s*,",
        HIGH,
        "runs code through a pattern's modifier e",
    ),
    (
        _CALL + r"mb_eregi?_replace\s*\([^;]{0,200},\s*[\"'][imsx]{0,3}e[imsx]{0,3}[\"']\s*\)",
        HIGH,
        "runs code through a pattern's modifier e",
    ),
    # As the key of a list a name is no function.
    (_CALL + _CALLBACKS + r"\s*\([^;]{0,120}?(?:[\"']" + _NAMES + r"[\"'](?!\s*=>)|\bassert\s*,)", HIGH, _HANDS_OVER),
    # By itself it calls functions that a list names, without arguments.
    (_CALL + _CALLBACKS + r"\s*\([^;]{0,120}?[\"']call_user_func(?:_array)?[\"']\s*,[^;]{0,120}?" + _BODY, HIGH, _HANDS_OVER),
    (
        _CALL + r"(?:array_map|call_user_func(?:_array)?|register_shutdown_function|ob_start)\s*\(\s*@?" + _BODY + r"\s*\[",
        HIGH,
        _HANDS_OVER,
    ),
    (_CALL + r"(?:array_filter|u[ak]?sort|array_walk)\s*\([^;,]{0,80},\s*@?" + _BODY + r"\s*\[", HIGH, _HANDS_OVER),
    (r"[=(]\s*\(?[\"'][^\"'\n]{1,60}[\"']\s*\^\s*(?:[\"'][^\"'\n]{1,60}[\"']|\$\w+)", HIGH, "makes names out of scrambled characters"),
    # Of characters that names have: the first bytes of a picture are none.
    (
        r"(?:chr\s*\(\s*(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]|\d{1,3}\s*[-+^*]\s*\d{1,4})\s*\)\s*\.\s*){4}",
        HIGH,
        "makes names out of character numbers",
    ),
    (
        r"\$\w{1,40}\s*=\s*[\"'](?:assert|eval|system|shell_exec|passthru|create_function)[\"']\s*;",
        HIGH,
        "calls a function that runs code under another name",
    ),
    (r"new\s+(?:ReflectionFunction|ReflectionMethod)\s*\(\s*(?:[\"']" + _NAMES + "|" + _BODY + ")", HIGH, _HANDS_OVER),
    (r"new\s+COM\s*\(\s*[\"'](?:WScript\.Shell|Shell\.Application)", HIGH, "runs programs of the system"),
    (_CALL + r"(?:file_put_contents|fwrite|fputs)\s*\([^;]{0,120}?" + _BODY, HIGH, "writes what the request says into a file"),
    (
        _CALL + r"(?:move_uploaded_file|copy)\s*\(\s*@?\$(?:_FILES|HTTP_POST_FILES)[^;]{0,100},[^;]{0,60}(?:\$_FILES|" + _BODY + ")",
        HIGH,
        "stores what is uploaded under the name the request gives",
    ),
    (r"\$\{?[\"']\\x[0-9a-f]{2}(?:\\x[0-9a-f]{2}|\w){3}", HIGH, "hides the names of its variables"),
    (
        r"\$GLOBALS\s*\[\s*[\"'][^\"']{1,40}[\"']\s*\]\s*[\[\{]\s*\d{1,3}\s*[\]\}]\s*\.\s*\$GLOBALS",
        HIGH,
        "makes names out of a scrambled alphabet",
    ),
    (r"(?:\$\w{1,8}\s*\(\s*\d{1,3}\s*\)\s*\.\s*){5}", HIGH, "makes names out of character numbers"),
    (
        r"(\$\w{1,30})\s*[\[\{]\s*\d{1,3}\s*[\]\}]\s*\.\s*(?:\1\s*[\[\{]\s*\d{1,3}\s*[\]\}]\s*\.\s*){7}",
        HIGH,
        "makes names out of a scrambled alphabet",
    ),
    (
        r"str_i?replace\s*\(\s*[\"']([^\"']{1,8})[\"']\s*,\s*[\"'][\"']\s*,\s*[\"'](?:[^\"'\s]{0,6}\1){3}",
        HIGH,
        "makes names out of scrambled characters",
    ),
    (r"php:function(?:String)?\s*\(|registerPHPFunctions\s*\(|\bFFI::cdef\s*\(", HIGH, "lets what it loads call functions"),
)
#: Only outside strings, in which SQL has these marks, too.
_BACKTICK = re.compile(r"`[^`\n]{0,200}" + _BODY, re.IGNORECASE)
#: Signs that honest plug-ins have, too; they count in a small file that takes input and belongs to no larger program.
_IN_SMALL_FILES = _rules(
    (
        r"(?<![\w>:])@?\$\w{1,40}\s*\(\s*@?(?:\w{1,30}\s*\(\s*){0,2}(?:" + _BODY + r"|\$_SESSION|getallheaders\s*\()",
        HIGH,
        "calls a function by a variable's value",
    ),
    (r"(?:\)|(?:[\]\}]))\s*\(\s*@?" + _BODY, HIGH, "calls what an expression names"),
    (_CALL + r"(?:eval\s*\(\s*@?[\"']?\s*[\$\w]|assert\s*\(\s*@?[\"']?\s*\$)", HIGH, "runs code out of a variable"),
    (_CALL + r"(?:move_uploaded_file|copy)\s*\(\s*@?\$(?:_FILES|HTTP_POST_FILES)", HIGH, "stores whatever is uploaded"),
    (
        r"\b(?:fsockopen|socket_create)\s*\([^;]{0,100};.{0,1500}\b(?:proc_open|shell_exec|exec|popen)\s*\(",
        HIGH,
        "gives a shell to a remote machine",
    ),
    (_RUN, HIGH, "runs programs or code"),
    (_CALL + _CALLBACKS + r"\s*\(\s*@?\$\w{1,40}(?:\s*\[[^\]]{1,30}\])?\s*(?:\.[^,;]{1,40})?,[^;]{0,80}?" + _BODY, HIGH, _HANDS_OVER),
    (_CALL + _CALLBACKS + r"\s*\([^;]{0,120}?" + _BODY + r"[^;]{0,80},\s*@?\$\w{1,40}(?:\s*\[[^\]]{1,30}\])?\s*[.,)]", HIGH, _HANDS_OVER),
    (r"\$\$\w|\$\{\s*\$|\bextract\s*\(\s*\$_|\bparse_str\s*\(\s*" + _BODY, HIGH, "sets variables the request names"),
    (r"\^\s*\$\w|\$\w{1,30}\s*\^", HIGH, "makes names out of scrambled characters"),
    (
        r"str_(?:i?replace)\s*\(\s*[\"']([^\"']{1,8})[\"']\s*,\s*[\"'][\"']\s*,\s*[\"'][^\"']{0,60}\1[^\"']{0,60}\1",
        HIGH,
        "makes names out of scrambled characters",
    ),
    (r"(?:\$\w{1,30}\s*[\[\{]\s*\d{1,3}\s*[\]\}]\s*\.\s*){3}\$\w{1,30}\s*[\[\{]", HIGH, "makes names out of a scrambled alphabet"),
    (r"into\s+(?:out|dump)file", HIGH, "writes files through the database"),
)
#: Part of a larger program: a namespace, a guard against being called by itself, other files of it.
_PART = re.compile(
    r"^\s*namespace\s+[\w\\]+\s*;|\bdefined\s*\(\s*[\"']|\b(?:require|include)(?:_once)?\s*\(?\s*(?:__DIR__|dirname|[\"'])|\bclass\s+\w+\s+(?:extends|implements)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SMALL = 6000
#: Abilities of a remote administration kit. One of the first line and several of all make one.
_RUNS = re.compile(
    _CALL + r"(system|exec|shell_exec|passthru|popen|proc_open|eval|assert|preg_replace|create_function|pcntl_exec)\s*\(", re.IGNORECASE
)
_SHELL_ABILITIES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bdisable_functions\b", r"\bsafe_mode\b", r"\bopen_basedir\b", r"\bposix_get(?:pw|gr|e?uid|e?gid)\w*\s*\(", r"/etc/(?:passwd|shadow)\b", r"\bfileperms\s*\(",
        r"\bcmd\.exe\b|\bnetstat\b|\bifconfig\b|\bwhoami\b|\bipconfig\b", r"\bphpinfo\s*\(", r"\bmagic_quotes\w*", r"\bmove_uploaded_file\s*\(|\bcopy\s*\(\s*\$_FILES",
        r"\b(?:c99|r57|wso|b374k|web\s?shell|php\s?shell|back\s?door|back\s?connect|bind\s?port|antichat|hacked|spider|exploit|bypass)\w{0,10}\b", r"\bperl\b[^\n]{0,60}\bsocket\b|use\s+Socket",
    )
)  # fmt: skip
_OTHER_ABILITIES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bphp_uname\s*\(", r"\bset_time_limit\s*\(\s*0", r"\berror_reporting\s*\(\s*0\s*\)", r"\bchmod\s*\(", r"\b(?:unlink|rmdir)\s*\(", r"\b(?:opendir|scandir|glob)\s*\(", r"\bfsockopen\s*\(|\bsocket_create\s*\(",
        r"\bmysqli?_(?:connect|list_dbs)\s*\(", r"\bini_(?:set|restore|get)\s*\(", r"\b(?:getmyuid|get_current_user|disk_free_space|diskfreespace)\s*\(", r"\bfilemtime\s*\(|\btouch\s*\(", r"\bbase64_decode\s*\(", r"\breadfile\s*\(|\bfopen\s*\(", r"\brename\s*\(",
    )
)  # fmt: skip
_EVAL_VARIABLE = re.compile(_CALL + r"(?:eval|create_function)\s*\([^;]{0,40}\$", re.IGNORECASE)
_LISTS = re.compile(_CALL + r"(?:opendir|scandir|glob|readdir|dir)\s*\(", re.IGNORECASE)
_CHANGES = re.compile(
    _CALL + r"(unlink|rmdir|rename|mkdir|chmod|copy|move_uploaded_file|fwrite|fputs|file_put_contents|touch)\s*\(", re.IGNORECASE
)
_ASSIGNED = re.compile(r"\$(\w{1,60})\s*\.?=\s*([^;]{1,400})", re.DOTALL)
_LONG_CODE = re.compile(r"[\"'][A-Za-z0-9+/=\s\\]{1500,}[\"']")
_CAN_RUN = re.compile(
    _CALL
    + r"(?:eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function|preg_replace|array_\w+|call_user_func|chr)\s*\(|\$\w+\s*\(|`|\bCOM\b|\^|FFI|registerPHP",
    re.IGNORECASE,
)
#: Letters by their numbers, or names of random letters, in a row.
_SCRAMBLED = re.compile(
    r"(?:\\x[0-9a-f]{2}|\\[0-7]{2,3}){12}[^\n]{0,2000}\(|(?:\$[O0Il_]{4,}\b[^;\n]{0,80}){3}|(?:goto\s+\w+;\s*\w+:[^;]{0,200};\s*){4}",
    re.IGNORECASE,
)
_EVALUATES = re.compile(_CALL + r"(?:eval|assert|create_function|preg_replace)\s*\(", re.IGNORECASE)


def code_of(text: str) -> str:
    """The PHP of a file without its comments and its page, neighbouring string pieces joined."""
    blocks = [match.group(1) or match.group(2) or "" for match in _BLOCK.finditer(text)]
    code = "\n".join(_TOKEN.sub(lambda match: match.group(1) or " ", block) for block in blocks)
    return _JOINED.sub("", code)


def _letter(match: re.Match[str]) -> str:
    """A character that a string gives by its number."""
    return chr(int(match.group(1), 16) if match.group(1) else int(match.group(2), 8) & 0x7F)


def _tainted(code: str) -> set[str]:
    """Variables that hold what the request says, through at most three assignments."""
    taken: set[str] = set()
    assignments = [(match.group(1), match.group(2)) for match in _ASSIGNED.finditer(code)][:5000]
    source = re.compile(_BODY, re.IGNORECASE)
    for _ in range(3):
        before = len(taken)
        for name, value in assignments:
            if name in taken or re.search(r"escapeshell|\bintval\b|\(int\)|\bmd5\b|\bhash\b|\bcount\b|->", value):
                continue
            if source.search(value) or any(used in taken for used in re.findall(r"\$(\w{1,60})", value)):
                taken.add(name)
        if len(taken) == before:
            break
    return taken


def php_signs(text: str) -> Iterator[Sign]:
    """Everything that speaks for a web shell."""
    code = code_of(text)
    if not code.strip():
        return
    # Tables of data, which some programs carry by the megabyte, have neither input nor calls.
    takes_input = re.search(_INPUT, code, re.IGNORECASE) is not None
    if not takes_input and not _CAN_RUN.search(code):
        return
    plain = _CODED.sub(_letter, code)
    for pattern, severity, meaning in _DIRECT:
        if match := pattern.search(code) or (pattern.search(plain) if plain != code else None):
            yield severity, meaning, match.start()
    part = _PART.search(code) is not None
    if backtick := _BACKTICK.search(_TOKEN.sub("''", code)):
        yield CRITICAL, _RUNS_INPUT, backtick.start()
    takes_input = takes_input or "$_SESSION" in code or "$$" in code
    if len(code) <= _SMALL and takes_input and not part:
        for pattern, severity, meaning in _IN_SMALL_FILES:
            if match := pattern.search(code):
                yield severity, meaning, match.start()
    if takes_input and (taken := _tainted(code)):
        names = "|".join(sorted(map(re.escape, taken))[:500])
        reached = re.search(_RUN + r"[^;()]{0,80}\$(?:" + names + r")\b(?!\s*->)", code, re.IGNORECASE)
        if reached and not part:
            yield CRITICAL, _RUNS_INPUT, reached.start()
        if not part and len(code) <= _SMALL:
            given = rf"\$(?:{names})\b"
            called = re.search(rf"(?<![\w>:]){given}\s*\(|(?<![\w>:])\$\w{{1,40}}\s*\(\s*{given}\s*\)", code)
            handed = re.search(_CALL + _CALLBACKS + rf"\s*\([^;]{{0,120}}{given}\s*[,.)]", code, re.IGNORECASE)
            if called or handed:
                yield HIGH, "calls the function the request names", (called or handed).start()  # type: ignore[union-attr]
    runs = {match.group(1).lower() for match in _RUNS.finditer(code)}
    shell = sum(pattern.search(text) is not None for pattern in _SHELL_ABILITIES)
    other = sum(pattern.search(code) is not None for pattern in _OTHER_ABILITIES)
    enough = (
        (runs and shell >= 3 and shell + other >= 7)
        or (shell >= 4 and shell + other >= 9)
        or (runs and shell >= 2 and shell + other >= 5 and len(text) < 60_000)
    )
    if enough and not part:
        yield HIGH, f"has {shell + other} of the abilities of a remote administration kit", 0
    if not part and takes_input and _LISTS.search(code) and len({match.group(1).lower() for match in _CHANGES.finditer(code)}) >= 3:
        yield HIGH, "lists and changes files of the server", 0
    if len(code) <= 1500 and not part and (alone := _EVAL_VARIABLE.search(code)):
        yield HIGH, "does little but run code out of a variable", alone.start()
    long = _LONG_CODE.search(code)
    if long and _EVALUATES.search(code):
        yield HIGH, "runs code it carries in a coded form", long.start()
    scrambled = _SCRAMBLED.search(code) if len(code) <= 100_000 else None
    if scrambled and not part:
        yield HIGH, "is written to be unreadable", scrambled.start()
