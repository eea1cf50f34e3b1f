# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judges a command that the system runs by itself (a job, a unit, a start-up script), where more stands out than in a shell."""

import io
import posixpath
import re

from clean_room_analysis import limits
from clean_room_analysis.checks.base import Item
from clean_room_analysis.checks.commands import Suspicion, in_words, rank, suspicions, techniques, worst
from clean_room_analysis.checks.places import hidden_path_in, temporary_path_in
from clean_room_analysis.installed_packages import installed_packages
from clean_room_analysis.model import Severity
from clean_room_analysis.text import stream_lines

#: A script that tests, makes or remembers a temporary file does what scripts do.
_MENTION = re.compile(
    r"\bmktemp\b|(?:^|\s)(?:\[\[?|test)\s|^\s*(?:export\s+|local\s+|readonly\s+)?(?!(?:exec\w*|command|program|server|binary|run|shell|action|auto_\w+|\w*extension|LD_\w+|(?:PRE|POST)_\w+)\b)\w{1,64}=[\"']?/",
    re.IGNORECASE,
)


def persistent_suspicions(command: str, attack: str) -> tuple[Suspicion, ...]:
    """What stands out about a command that runs unattended, worst first.

    @param attack the technique of the place it was found in, for programs in odd directories
    """
    found = list(suspicions(command))
    temporary = temporary_path_in(command)
    if temporary is not None:
        severity = Severity.LOW if _MENTION.search(command) else Severity.HIGH
        found.append(Suspicion(severity, "names a path in a temporary directory", attack))
    elif hidden_path_in(command) is not None:
        found.append(Suspicion(Severity.HIGH, "names a hidden path", attack))
    return tuple(sorted(found, key=lambda one: rank(one.severity)))


_NAMED = re.compile(r"(?:^|[\s\"'=;|&(`!@+-])(/(?!dev/|proc/|sys/|run/)[^\s\"';|&)`<>$*{}]{2,300})")
#: Where administrators have no reason to put a program.
_VENDOR = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/usr/share/", "/lib/", "/lib64/", "/bin/", "/sbin/")
#: Scripts looked at for one command, and what is read of each.
_SCRIPTS = 4
_SCRIPT_BYTES = limits.MEBIBYTE


def scripts_run(item: Item, command: str, attack: str) -> tuple[Suspicion, ...]:
    """What stands out in the scripts that a command names, worst first: a job is judged by what it executes, not by its name.

    Only what is grave counts, and nothing in a script that is as its package installed it.

    @param item where the command was found; its root is where the paths lead
    """
    found: list[Suspicion] = []
    root = item.tree.root_of(item.entry.path)
    for path in list(dict.fromkeys(_NAMED.findall(command)))[:_SCRIPTS]:
        script = item.tree.resolve(root + posixpath.normpath(path)) if not item.tree.prefix or root else None
        if script is None or not script.is_file or script.size == 0:
            continue
        try:
            content = item.tree.read(script.path, _SCRIPT_BYTES)
            if path.startswith(_VENDOR) and installed_packages(item.tree, root).state(item.tree, script) == "unowned":
                found.append(Suspicion(Severity.MEDIUM, f"runs {path}, which no package put there", attack))
            if b"\0" in content[:4096]:
                continue
            grave: dict[Suspicion, None] = {}
            for _, line in stream_lines(io.BytesIO(content)):
                if not line.lstrip().startswith("#"):
                    grave.update((one, None) for one in suspicions(line) if one.severity in (Severity.CRITICAL, Severity.HIGH))
            if grave and installed_packages(item.tree, root).state(item.tree, script) != "unchanged":
                reasons = tuple(sorted(grave, key=lambda one: rank(one.severity)))
                found.append(Suspicion(worst(reasons), f"runs {path}, which {in_words(reasons)}", techniques(reasons)[0]))
        except OSError:
            continue
        if script.size > _SCRIPT_BYTES:
            item.unseen[f"of the script {path} only the first {_SCRIPT_BYTES} bytes were looked at"] = None
    return tuple(sorted(found, key=lambda one: rank(one.severity)))


def unattended(item: Item, command: str, attack: str) -> tuple[Suspicion, ...]:
    """What stands out about a command that runs unattended, and about the scripts it runs, worst first."""
    return tuple(sorted((*persistent_suspicions(command, attack), *scripts_run(item, command, attack)), key=lambda one: rank(one.severity)))
