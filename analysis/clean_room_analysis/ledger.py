# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run has found and what it could not look at."""

from typing import TextIO

from clean_room_analysis import limits
from clean_room_analysis.model import CheckReport, Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.outputs import json_line
from clean_room_analysis.text import display_name
from clean_room_analysis.timeline import Timeline


class Ledger:
    """Writes findings as they come, counts them, and keeps the list of what was not looked at."""

    def __init__(self, findings: TextIO, timeline: Timeline) -> None:
        self._findings = findings
        self._timeline = timeline
        self._written: set[str] = set()
        self._cut: dict[str, int] = {}
        self.by_severity = {severity.value: 0 for severity in Severity}
        self.checks: dict[str, CheckReport] = {}
        self._not_looked_at: dict[tuple[str, str], None] = {}
        self._more_not_looked_at = 0
        #: False as soon as something that belongs to the run could not be done.
        self.complete = True

    def report(self, check: str) -> CheckReport:
        """The running report of a check, in the order of first use."""
        return self.checks.setdefault(check, CheckReport(check))

    def take(self, result: Finding | TimelineEvent | NotLookedAt) -> None:
        """Keeps one result of a check: once each, up to the bound per check."""
        if isinstance(result, TimelineEvent):
            self._timeline.add_event(result)
            return
        if isinstance(result, NotLookedAt):
            self.not_looked_at(result.what, result.why, incomplete=result.incomplete)
            return
        line = result.to_json()
        report = self.report(result.check)
        if str(line["id"]) in self._written:
            return
        if report.findings >= limits.FINDINGS_PER_CHECK and result.severity is not Severity.CRITICAL:
            self._cut[result.check] = self._cut.get(result.check, 0) + 1
            return
        self._written.add(str(line["id"]))
        report.findings += 1
        self.by_severity[result.severity.value] += 1
        self._findings.write(json_line(line))

    def not_looked_at(self, what: str, why: str, *, incomplete: bool = True) -> None:
        """Records something that was not looked at. @param incomplete False for what this version never looks at, by design"""
        if incomplete:
            self.complete = False
        key = (display_name(what, 1000), display_name(why, 500))
        if key in self._not_looked_at or len(self._not_looked_at) < limits.NOT_LOOKED_AT:
            self._not_looked_at[key] = None
        else:
            self._more_not_looked_at += 1

    def failed(self, check: str, where: str, error: BaseException) -> None:
        """Records that a check could not look at something."""
        report = self.report(check)
        why = f"{type(error).__name__}: {error}"
        report.error = report.error or display_name(f"{where}: {why}", 500)
        self.not_looked_at(f"{check}: {where}", why)

    def unseen(self) -> list[dict[str, str]]:
        """`notLookedAt` of summary.json."""
        listed = [{"what": what, "why": why} for what, why in self._not_looked_at]
        listed += [
            {"what": f"{count} more findings of the check {check}", "why": f"a check reports at most {limits.FINDINGS_PER_CHECK}"}
            for check, count in self._cut.items()
        ]
        if self._more_not_looked_at:
            listed.append({"what": f"{self._more_not_looked_at} more items", "why": f"only {limits.NOT_LOOKED_AT} are listed"})
        return listed
