"""Condition blocks of IAM policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

#: Values of condition keys: one, or several for multi-valued keys.
Context = Mapping[str, str | list[str]]

_NEGATED = re.compile(r"^(String|Numeric|Date|Arn|)Not(.+)$")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@lru_cache(maxsize=4096)
def _glob(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    translated = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile(translated, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches_glob(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """`*` and `?` are the only wildcards."""
    return _glob(pattern, ignore_case).fullmatch(value) is not None


def matches_arn(pattern: str, arn: str) -> bool:
    """Colon-separated parts are matched one by one; the sixth takes the rest."""
    if pattern == "*":
        return True
    expected, actual = pattern.split(":", 5), arn.split(":", 5)
    return len(expected) == len(actual) and all(matches_glob(one, other) for one, other in zip(expected, actual, strict=True))


def _date(value: str) -> datetime:
    return datetime.fromtimestamp(float(value)).astimezone() if re.fullmatch(r"\d+(\.\d+)?", value) else datetime.fromisoformat(value)


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


#: (value in the request, value in the policy) of the operators that are not negations.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringEqualsIgnoreCase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "StringLike": lambda actual, wanted: matches_glob(wanted, actual),
    "ArnEquals": lambda actual, wanted: matches_arn(wanted, actual),
    "ArnLike": lambda actual, wanted: matches_arn(wanted, actual),
    "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "NumericEquals": lambda actual, wanted: float(actual) == float(wanted),
    "NumericLessThan": lambda actual, wanted: float(actual) < float(wanted),
    "NumericLessThanEquals": lambda actual, wanted: float(actual) <= float(wanted),
    "NumericGreaterThan": lambda actual, wanted: float(actual) > float(wanted),
    "NumericGreaterThanEquals": lambda actual, wanted: float(actual) >= float(wanted),
    "DateEquals": lambda actual, wanted: _date(actual) == _date(wanted),
    "DateLessThan": lambda actual, wanted: _date(actual) < _date(wanted),
    "DateLessThanEquals": lambda actual, wanted: _date(actual) <= _date(wanted),
    "DateGreaterThan": lambda actual, wanted: _date(actual) > _date(wanted),
    "DateGreaterThanEquals": lambda actual, wanted: _date(actual) >= _date(wanted),
    "IpAddress": _in_network,
}


def substitute(text: str, context: Context) -> str:
    """Replaces policy variables such as ${aws:username}; an unknown one matches nothing. Keys are case-insensitive."""

    def value(match: re.Match[str]) -> str:
        found = _lookup(context, match[1])
        return found[0] if found else "\0"

    return _VARIABLE.sub(value, text) if "${" in text else text


def _lookup(context: Context, key: str) -> list[str] | None:
    lowered = key.lower()
    for name, value in context.items():
        if name.lower() == lowered:
            values = [str(each) for each in value] if isinstance(value, list) else [str(value)]
            return values or None
    return None


def _as_list(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def conditions_met(block: Mapping[str, Mapping[str, Any]] | None, context: Context) -> bool:
    """All operators and all their keys must hold. An operator that is not known does not."""
    return all(
        _holds(operator, _lookup(context, key), [substitute(each, context) for each in _as_list(wanted)])
        for operator, keys in (block or {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, actual: list[str] | None, wanted: list[str]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base == "Null":
        return (actual is None) == (wanted[0].lower() == "true")
    negation = _NEGATED.match(base)
    positive = f"{negation[1]}{negation[2]}" if negation else base
    compare = _OPERATORS.get(positive)
    if compare is None:
        return False
    if actual is None:
        # A key that is not in the request fails, but for IfExists, ForAllValues and, as AWS has it, negations.
        return name.endswith("IfExists") or quantifier == "ForAllValues" or (negation is not None and quantifier != "ForAnyValue")

    def one(value: str) -> bool:
        return any(_safely(compare, value, each) for each in wanted) != (negation is not None)

    return all(map(one, actual)) if quantifier == "ForAllValues" or (negation and not quantifier) else any(map(one, actual))


def _safely(compare: Callable[[str, str], bool], actual: str, wanted: str) -> bool:
    try:
        return compare(actual, wanted)
    except (TypeError, ValueError):
        return False
