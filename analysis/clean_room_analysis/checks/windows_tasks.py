# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scheduled tasks of Windows, by what they execute."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import in_words, techniques, worst
from clean_room_analysis.checks.windows_commands import on_windows, windows_suspicions
from clean_room_analysis.model import Entry, Severity

_TASK = re.compile(r"^/win(?:dows|nt)/(?:system32|syswow64)/tasks/", re.IGNORECASE)
_BYTES = 1024 * 1024


def task_of(content: bytes) -> Element:
    """The task's XML. @raises ValueError when it is none"""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        text = content.decode("utf-8", "replace")
    # Its declaration names the encoding that it had as bytes.
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text)
    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ValueError(f"it is no task: {error}") from error
    return root


def _texts(root: Element, name: str) -> list[str]:
    return [(one.text or "").strip() for one in root.iter() if one.tag.rpartition("}")[2] == name]


def _commands(root: Element) -> list[str]:
    found = []
    for one in root.iter():
        kind = one.tag.rpartition("}")[2]
        if kind == "Exec":
            found.append(" ".join(text for text in (*_texts(one, "Command"), *_texts(one, "Arguments")) if text))
        elif kind == "ComHandler":
            found.append(" ".join(("COM class", *_texts(one, "ClassId"), *_texts(one, "Data"))))
    return found


def commands_of_task(content: bytes) -> list[str]:
    """What a task executes; nothing when it is none."""
    try:
        return _commands(task_of(content))
    except ValueError:
        return []


class WindowsTasks(Check):
    """T1053.005 (scheduled task)."""

    name = "windows-tasks"

    def wants(self, entry: Entry) -> bool:
        return on_windows(entry) and entry.is_file and entry.size > 0 and _TASK.match(entry.path) is not None

    def look(self, item: Item) -> Iterator[Result]:
        if item.entry.size > _BYTES:
            raise ValueError(f"a task of {item.entry.size} bytes is more than the {_BYTES} that are read")
        root = task_of(item.tree.read(item.entry.path, _BYTES))
        user = next(iter(_texts(root, "UserId")), "") or next(iter(_texts(root, "GroupId")), "")
        hidden = "true" in (text.lower() for text in _texts(root, "Hidden"))
        vendor = re.match(r"^/[^/]+/[^/]+/tasks/microsoft/", item.entry.path, re.IGNORECASE) is not None
        for command in _commands(root):
            reasons = windows_suspicions(command, "T1053.005")
            shown = f"{command}, as {user}{', hidden' if hidden else ''}"
            if reasons:
                yield self.found(item, worst(reasons), f"Scheduled task that {in_words(reasons)}", shown, techniques(reasons, "T1053.005"))
            elif not vendor:
                severity = Severity.LOW if hidden else Severity.INFORMATIONAL
                yield self.found(item, severity, "Scheduled task that is none of Windows' own", shown, ("T1053.005",))
