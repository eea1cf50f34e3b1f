# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads syslog text files (secure, auth.log, messages, syslog, cron), with ISO times or with the traditional ones without a year."""

import re
from collections import deque
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_LINE = re.compile(
    r"^(?:<\d{1,3}>)?(?:(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:?\d\d)?"
    r"|(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2})(?: \d{4})? (?P<time>\d\d:\d\d:\d\d)) +\S{1,256} "
    r"(?P<program>[^\s\[\]:()]{1,64})(?:\([^)]{0,64}\))?(?:\[[\d.]{1,12}\])?: ?(?P<message>.*)$",
    re.DOTALL,
)
#: RFC 5424, as rsyslog writes it when it is told to: version, time, host, program, process, message's kind, structured data.
_PROTOCOL_23 = re.compile(
    r"^(?:<\d{1,3}>)?1 (?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)?(?P<month>)(?P<day>)(?P<time>) "
    r"\S{1,256} (?P<program>\S{1,64}) \S{1,128} \S{1,64} (?:-|(?:\[[^\]]{0,1000}\]){1,8}) ?(?:\ufeff)?(?P<message>.*)$",
    re.DOTALL,
)
#: What a line says that this program would have to understand.
_SPEAKS = re.compile(r"\bAccepted \S{1,40} for .{1,200} from |\bFailed \S{1,40} for .{1,200} from |\bsession opened for user ")
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


@dataclass(frozen=True, slots=True)
class SyslogLine:
    """One line. `at` is in nanoseconds since 1970."""

    at: int
    program: str
    message: str


@dataclass(frozen=True, slots=True)
class SyslogReading:
    """What a file says: its lines of the programs asked for, how many of the oldest had no room, and how many lines speak of log-ins in a
    form that is not known."""

    lines: Iterator[SyslogLine]
    left_out: int
    unknown: int


def read_syslog(lines: Iterable[tuple[int, str]], programs: Container[str], modified: int, zone: tzinfo, limit: int) -> SyslogReading:
    """The newest lines of these programs, at most `limit`.

    @param modified when the file was last written, in nanoseconds: lines without a year get theirs from it, the last line first
    @param zone the victim's time zone, for times that do not say theirs
    """
    kept: deque[tuple[int, re.Match[str]]] = deque(maxlen=limit)
    years, before, matched, last, unknown = 0, 0, 0, None, 0
    earlier = 0
    # A crash leaves zeros, and so may somebody who wants the next line overlooked.
    for number, line in ((number, part) for number, whole in lines for part in (whole.split("\0") if "\0" in whole else (whole,))):
        match = _LINE.match(line) or _PROTOCOL_23.match(line)
        if match is None:
            # The second piece of a line that is too long begins in its middle.
            unknown += number != earlier and _SPEAKS.search(line) is not None
            earlier = number
            continue
        earlier = number
        if match["month"]:
            month = _MONTHS.get(match["month"], 0)
            years += month < before
            before, last = month, match
        if match["program"] in programs:
            matched += 1
            kept.append((years, match))
    end = datetime.fromtimestamp(modified // 1_000_000_000, zone)
    newest = end.year
    if last is not None and (moment := _moment(last, newest, zone)) is not None and moment > end + timedelta(days=1):
        newest -= 1
    return SyslogReading(_dated(kept, newest - years, zone), matched - len(kept), unknown)


def _dated(kept: Iterable[tuple[int, re.Match[str]]], first_year: int, zone: tzinfo) -> Iterator[SyslogLine]:
    for years, match in kept:
        moment = _moment(match, first_year + years, zone)
        if moment is not None:
            at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
            yield SyslogLine(at, match["program"], match["message"])


def _moment(match: re.Match[str], year: int, zone: tzinfo) -> datetime | None:
    """When a line was written; None for a date the calendar does not have."""
    try:
        if match["iso"]:
            offset = (match["zone"] or "").replace("Z", "+00:00")
            moment = datetime.fromisoformat(match["iso"] + "." + ((match["fraction"] or "") + "000000")[:6] + offset)
        else:
            hour, minute, second = (int(part) for part in match["time"].split(":"))
            moment = datetime(year, _MONTHS[match["month"]], int(match["day"]), hour, minute, second)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except (KeyError, ValueError, OverflowError):
        return None
