"""Command documents: which one a caller means, and the script it becomes with the caller's parameters. Knows no process and no instance."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .errors import InvalidDocument, InvalidParameters

#: AWS's own document, as far as it matters on Linux.
_MANAGED = {
    "AWS-RunShellScript": {
        "schemaVersion": "2.2",
        "parameters": {
            "commands": {"type": "StringList"},
            "executionTimeout": {
                "type": "String",
                "default": "3600",
                "allowedPattern": r"([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)",
            },
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "runShellScript",
                "inputs": {"runCommand": "{{ commands }}", "timeoutSeconds": "{{ executionTimeout }}"},
            }
        ],
    },
}
#: Seconds. The agent takes its default for what is no number within the limits.
_SHORTEST_TIMEOUT, _DEFAULT_TIMEOUT, _LONGEST_TIMEOUT = 5, 3600, 172_800
_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

type Parameters = Mapping[str, list[str]]


@dataclass(frozen=True)
class Document:
    """A version of a stored document."""

    name: str
    version: str
    content: Mapping[str, Any]
    #: As it was given, which its hash is of.
    text: str = ""


@dataclass(frozen=True)
class Script:
    """What the agent runs."""

    step: str
    text: str
    timeout_seconds: int


def parse(name: str, version: str, text: str) -> Document:
    """Takes JSON and YAML, as Systems Manager does. Raises InvalidDocument."""
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except ValueError as problem:
        raise InvalidDocument(f"The document {name} is neither JSON nor YAML: {problem}") from problem
    except yaml.YAMLError as problem:
        raise InvalidDocument(f"The document {name} is not YAML: {problem}") from problem
    if not isinstance(content, dict):
        raise InvalidDocument(f"The document {name} is not an object.")
    return Document(name, version, content, text)


def managed(name: str) -> Document | None:
    """A document that AWS owns."""
    return Document(name, "1", _MANAGED[name]) if name in _MANAGED else None


def script_of(document: Document, given: Parameters) -> Script:
    """
    The script of a document of schema 2.2 with one aws:runShellScript step for Linux. Raises InvalidDocument for another one, and
    InvalidParameters for parameters the document does not admit.
    """
    content = document.content
    steps = content.get("mainSteps")
    if str(content.get("schemaVersion")) != "2.2" or not isinstance(steps, list) or len(steps) != 1:
        raise InvalidDocument(f"The document {document.name} cannot run here: it must have schema version 2.2 and one step.")
    step = steps[0]
    if step.get("action") != "aws:runShellScript" or not _runs_on_linux(step.get("precondition")):
        raise InvalidDocument(
            f"The document {document.name} cannot run here: its step must be aws:runShellScript, for Linux or without a precondition."
        )
    values = _admitted(document, given)
    inputs = step.get("inputs", {})
    if inputs.get("workingDirectory"):
        raise InvalidDocument(
            f"The document {document.name} cannot run here: its script runs in a folder of its own, not in a workingDirectory."
        )
    lines = inputs.get("runCommand", [])
    # A list parameter that stands alone gives its items.
    alone = _REFERENCE.fullmatch(lines.strip()) if isinstance(lines, str) else None
    lines = values[alone[1]] if alone else [_substituted(line, values) for line in ([lines] if isinstance(lines, str) else lines)]
    return Script(str(step.get("name", "")), "\n".join(lines) + "\n", _timeout(_substituted(str(inputs.get("timeoutSeconds", "")), values)))


def _timeout(text: str) -> int:
    seconds = int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
    return seconds if _SHORTEST_TIMEOUT <= seconds <= _LONGEST_TIMEOUT else _DEFAULT_TIMEOUT


def _runs_on_linux(precondition: Any) -> bool:
    return precondition is None or precondition == {"StringEquals": ["platformType", "Linux"]}


def _admitted(document: Document, given: Parameters) -> dict[str, list[str]]:
    """The caller's values with the document's defaults for the others."""
    declared = document.content.get("parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        raise InvalidParameters(f"The document {document.name} has no parameter {', '.join(unknown)}.")
    values: dict[str, list[str]] = {}
    for name, rule in declared.items():
        if name not in given and "default" not in rule:
            raise InvalidParameters(f"The document {document.name} needs the parameter {name}.")
        value = given[name] if name in given else _as_list(rule["default"])
        _check(document.name, name, rule, value)
        values[name] = value
    return values


def _check(document: str, name: str, rule: Mapping[str, Any], value: list[str]) -> None:
    if rule.get("type", "String") == "String" and len(value) != 1:
        raise InvalidParameters(f"The parameter {name} of {document} takes one value, not {len(value)}.")
    for each in value:
        pattern, allowed = rule.get("allowedPattern"), rule.get("allowedValues")
        if pattern and not re.fullmatch(pattern, each):
            raise InvalidParameters(f"The parameter {name} of {document} does not match its allowedPattern {pattern}.")
        if allowed and each not in [str(one) for one in allowed]:
            raise InvalidParameters(f"The parameter {name} of {document} is none of its allowedValues.")


def _as_list(default: Any) -> list[str]:
    return [str(each) for each in (default if isinstance(default, list) else [default])]


def _substituted(text: str, values: Mapping[str, list[str]]) -> str:
    """Names that are no parameter stay, such as {{ global:DATE }}. A list becomes JSON."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        return match[0] if found is None else found[0] if len(found) == 1 else json.dumps(found)

    return _REFERENCE.sub(value, text)
