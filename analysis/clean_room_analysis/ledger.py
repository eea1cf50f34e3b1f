# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run has found and what it could not look at."""

from clean_room_analysis import limits
from clean_room_analysis.model import CheckReport, Finding, NotLookedAt, Severity, TimelineEvent
from clean_room_analysis.outputs import Writable, json_line
from clean_room_analysis.text import display_name
from clean_room_analysis.timeline import Timeline


class Ledger:
    """Writes findings as they come, counts them, and keeps the list of what was not looked at."""

    def __init__(self, findings: Writable, timeline: Timeline) -> None:
        self._findings = findings
        self._timeline = timeline
        self._written: set[str] = set()
        self._gravest: dict[Severity, list[dict[str, object]]] = {severity: [] for severity in Severity}
        #: Findings over the bound, by check and severity.
        self._cut: dict[tuple[str, Severity], int] = {}
        self._kept: dict[tuple[str, Severity], int] = {}
        self.by_severity = {severity.value: 0 for severity in Severity}
        self.checks: dict[str, CheckReport] = {}
        self._not_looked_at: dict[tuple[str, str], None] = {}
        self._more_not_looked_at = 0
        #: How many things that belong to the run could not be done.
        self.incomplete_count = 0
        #: The same, and what `lenient` forgave.
        self.troubles = 0
        #: While True, nothing that cannot be read counts against the run: a leftover of an earlier file system is read.
        self.lenient = False

    @property
    def complete(self) -> bool:
        """False as soon as something that belongs to the run could not be done."""
        return self.incomplete_count == 0

    def report(self, check: str) -> CheckReport:
        """The running report of a check, in the order of first use."""
        return self.checks.setdefault(check, CheckReport(check))

    def take(self, result: Finding | TimelineEvent | NotLookedAt, place: str = "", prefix: str | None = None) -> None:
        """Keeps one result of a check: once each, up to the bound per check and severity, so that no flood hides what is graver.

        @param place where in the volume the file system lies: the same finding in two partitions is two
        @param prefix where the victim mounted it ("" for its root), None when that is not known here
        """
        if isinstance(result, TimelineEvent):
            self._timeline.add_event(result)
            return
        if isinstance(result, NotLookedAt):
            self.not_looked_at(result.what, result.why, incomplete=result.incomplete)
            return
        line = result.to_json(place, prefix)
        report = self.report(result.check)
        if str(line["id"]) in self._written:
            return
        key = (result.check, result.severity)
        if self._kept.get(key, 0) >= limits.FINDINGS_PER_CHECK[result.severity.value]:
            self._cut[key] = self._cut.get(key, 0) + 1
            self.incomplete_count += 1
            return
        self._kept[key] = self._kept.get(key, 0) + 1
        self._written.add(str(line["id"]))
        report.findings += 1
        self.by_severity[result.severity.value] += 1
        self._findings.write(json_line(line))
        self._timeline.mark(line)
        if len(self._gravest[result.severity]) < limits.FIRST_LOOK_FINDINGS:
            self._gravest[result.severity].append(line)

    def gravest(self, count: int) -> list[dict[str, object]]:
        """The gravest findings so far, as findings.jsonl has them, at most `limits.FIRST_LOOK_FINDINGS`."""
        return [line for severity in Severity for line in self._gravest[severity]][:count]

    @property
    def over_bound(self) -> dict[str, int]:
        """Findings that were made and not written, by severity."""
        total: dict[str, int] = {}
        for (_, severity), count in self._cut.items():
            total[severity.value] = total.get(severity.value, 0) + count
        return total

    def not_looked_at(self, what: str, why: str, *, incomplete: bool = True) -> None:
        """Records something that was not looked at. @param incomplete False for what this version never looks at, by design"""
        if incomplete:
            self.troubles += 1
            self.incomplete_count += not self.lenient
        key = (display_name(what, 1000), display_name(why, 500))
        if key in self._not_looked_at or len(self._not_looked_at) < limits.NOT_LOOKED_AT:
            self._not_looked_at[key] = None
        else:
            self._more_not_looked_at += 1

    def failed(self, check: str, where: str, why: str) -> None:
        """Records that a check could not look at something."""
        report = self.report(check)
        report.error = report.error or display_name(f"{where}: {why}", 500)
        self.not_looked_at(f"{check}: {where}", why)

    def unseen(self) -> list[dict[str, str]]:
        """`notLookedAt` of summary.json."""
        listed = [{"what": what, "why": why} for what, why in self._not_looked_at]
        listed += [
            {
                "what": f"{count} more {severity.value} findings of the check {check}",
                "why": f"a check reports at most {limits.FINDINGS_PER_CHECK[severity.value]} of that severity",
            }
            for (check, severity), count in self._cut.items()
        ]
        if self._more_not_looked_at:
            listed.append({"what": f"{self._more_not_looked_at} more items", "why": f"only {limits.NOT_LOOKED_AT} are listed"})
        return listed
