# SPDX-License-Identifier: AGPL-3.0-or-later
"""What makes JSP, ASP and ASP.NET pages web shells: a request in the same page as something that runs programs or code,
loads classes, or writes files the request names."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.php_shell import CRITICAL, HIGH, Sign
from clean_room_analysis.model import Severity

_I = re.IGNORECASE | re.DOTALL
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")
_Rules = tuple[tuple[re.Pattern[str], Severity, str], ...]


def _rules(*given: tuple[str, Severity, str]) -> _Rules:
    return tuple((re.compile(pattern, _I), severity, meaning) for pattern, severity, meaning in given)


_JSP_INPUT = re.compile(
    r"\brequest\s*\.\s*get(?:Parameter\w*|InputStream|Reader|Header|Part|QueryString|Cookies)\b|\$\{\s*param\b|\bServletFileUpload\b|getRequest\s*\(\s*\)|\bpageContext\b|\brequest\b",
    re.IGNORECASE,
)
_JSP = _rules(
    (r"\bRuntime\s*\.\s*getRuntime\s*\(|\bnew\s+ProcessBuilder\b|\bProcessImpl\b|\bgetRuntime\b", CRITICAL, "runs programs"),
    (
        r"\bdefineClass\b|\bextends\s+ClassLoader\b|\bnew\s+URLClassLoader\b|\bBCEL\b|\bdefineAnonymousClass\b",
        CRITICAL,
        "runs classes that are sent to it",
    ),
    (
        r"\bScriptEngineManager\b|\bELProcessor\b|\bExpressionFactory\b|\bGroovyShell\b|\bSpelExpressionParser\b",
        CRITICAL,
        "runs what the request says",
    ),
    (
        r"\bClass\s*\.\s*forName\s*\([^;]{0,200}\bget(?:Declared)?Method|\.\s*getMethod\s*\([^;]{0,200}\.\s*invoke\s*\(|\.invoke\s*\(",
        HIGH,
        "calls what it names in disguise",
    ),
    (r"\bnew\s+(?:java\.io\.)?(?:FileOutputStream|RandomAccessFile|FileWriter|PrintWriter\s*\(\s*new\s+File)\b", HIGH, "writes files"),
    (r"\bnew\s+(?:java\.net\.)?(?:ServerSocket|Socket)\s*\(|\bSocketChannel\b", HIGH, "opens connections"),
    (r"\bDriverManager\s*\.\s*getConnection\s*\((?!\s*\")", HIGH, "opens databases the request names"),
    (
        r"\blistFiles\s*\(.{0,20000}\.\s*delete\s*\(|\.delete\s*\(.{0,20000}\blistFiles\s*\(|\blistFiles\s*\(|\bnew\s+File(?:InputStream|Reader)?\s*\(\s*request\b",
        HIGH,
        "shows or deletes files of the system",
    ),
)
_ASP_INPUT = re.compile(r"\brequest\b|\bserver\s*\.|\bsession\s*\(|\bexecute|\beval", re.IGNORECASE)
_ASP = _rules(
    (r"(?<![.\w])(?:eval|execute|executeglobal)\s*\(?\s*[^\n]{0,120}\brequest\b", CRITICAL, "runs what the request says"),
    # A name begins with a letter; behind a bracket it may be JScript's.
    (r"(?<![.\w])(?:eval|execute|executeglobal)(?:\s*\(\s*[\w(&\"]|\s+[^\W_]|\s+[(&\"])", HIGH, "runs code"),
    (
        r"\bServer\s*\.\s*(?:Execute|Transfer|CreateObject)\s*\(?\s*(?:request|\w+\s*\()|\bnew\s+ActiveXObject\b|\bMSXML2?\.DOMDocument\b|xslt|addObject",
        HIGH,
        "makes objects the request names",
    ),
    (
        r"wscript\.shell|shell\.application|clsid:(?:72C24DD5-D70A|13709620-C279|0D43FE01-F093|F935DC22-1CF0|093FF999)|\bws[\"']\s*&\s*[\"']cript",
        HIGH,
        "runs programs, or reaches files by another name",
    ),
    (
        r"scripting\.filesystemobject|adodb\.stream|scripting[\"']\s*&|adox\.catalog|\bSaveToFile\b",
        HIGH,
        "reads or writes files of the server",
    ),
    (r"vbscript\.encode|jscript\.encode|#@~\^", HIGH, "hides its code"),
    (r"msscriptcontrol\.scriptcontrol|\bGetObject\s*\(\s*[\"']?(?:winmgmts|winnt|iis)", HIGH, "runs code or rules the server"),
    (r"(?:chrw?\s*\(\s*(?:&H)?[\dA-F]{1,5}\s*\)\s*&\s*){4}|\bstrreverse\s*\(", HIGH, "makes names out of character numbers"),
    (r"microsoft\.xmlhttp|msxml2\.(?:server)?xmlhttp|winhttp\.winhttprequest", HIGH, "fetches files from elsewhere"),
)
_ASPX_INPUT = re.compile(r"\brequest\b|\brunat\s*=|\bHttpContext\b|\bTextBox\b|\bPostedFile\b|InputStream", re.IGNORECASE)
_ASPX = _rules(
    (r"(?<![.\w])eval\s*\(", CRITICAL, "runs what the request says"),
    (r"\bProcessStartInfo\b|\bProcess\s*\.\s*Start\b|\bnew\s+(?:System\.Diagnostics\.)?Process\b|wscript\.shell|\bcmd\.exe\b|\bxp_cmdshell\b", CRITICAL, "runs programs"),
    (r"\bAssembly\b[^;\n]{0,40}\.\s*Load\b|\bCompileAssemblyFrom\w+|\bCreateInstance\s*\(|\bCSharpCodeProvider\b|\bVirtualAlloc\b|\bDllImport\b|\bLosFormatter\b|\bBinaryFormatter\b", CRITICAL, "runs code that is sent to it"),
    (r"\bFile\s*\.\s*(?:WriteAll\w+|Create\w*|AppendAll\w+|Delete|Copy|Move|OpenWrite)\b|\bnew\s+(?:System\.IO\.)?(?:StreamWriter|FileStream)\b|\.\s*SaveAs\s*\(|\bCreateTextFile\b|adodb\.stream|filesystemobject", HIGH, "writes files"),
    (r"\bnew\s+(?:Socket|TcpClient|TcpListener)\b|\bSystem\.Net\.Sockets\b", HIGH, "opens connections"),
    (r"\bGetDirectories\s*\(|\bGetFiles\s*\(|\bDirectoryInfo\b|\bDirectoryEntry\b|\bRegistryKey\b|\bManagementObject\w*\b|\bEventLog\b", HIGH, "shows files or settings of the system"),
    (r"\bnew\s+(?:OleDb|Sql|Odbc)Connection\s*\(\s*(?!\")", HIGH, "opens databases the request names"),
)  # fmt: skip
_SERVLET = re.compile(r"<%|<jsp:", re.IGNORECASE)
_BY_KIND: dict[str, tuple[re.Pattern[str], _Rules]] = {
    "jsp": (_JSP_INPUT, _JSP), "asp": (_ASP_INPUT, _ASP), "aspx": (_ASPX_INPUT, _ASPX),
}  # fmt: skip
_COMMENT = {
    "jsp": re.compile(r"<%--.*?--%>|<!--.*?-->|/\*.*?\*/|(?<![:\"'])//[^\n]*", re.DOTALL),
    "aspx": re.compile(r"<%--.*?--%>|/\*.*?\*/|(?<![:\"'])//[^\n]*", re.DOTALL),
}


def page_signs(kind: str, text: str) -> Iterator[Sign]:
    """Everything that speaks for a web shell. @param kind jsp, asp or aspx"""
    if kind == "jsp" and _ESCAPE.search(text):
        text = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)
    code = _COMMENT[kind].sub(" ", text) if kind in _COMMENT else text
    takes, rules = _BY_KIND[kind]
    if not takes.search(code) and not (kind == "asp" and "#@~^" in code):
        return
    for pattern, severity, meaning in rules:
        if match := pattern.search(code):
            yield severity, meaning, match.start()
