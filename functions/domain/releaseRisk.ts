/** What speaks against connecting an instance again, from what its analysis came to. Pure. */
import type { Report } from "./containers";

/** @param report of the incident; null when there is none. @returns why a person has to take the risk by name; null when nothing does */
export function releaseRisk(report: Pick<Report, "findingsBySeverity" | "complete" | "intact"> | null): string | null {
    if (report === null) return "there is no report: the analysis has not ended, or failed";
    const grave = ["critical", "high"].flatMap((severity) => {
        const count = report.findingsBySeverity[severity] ?? 0;
        return count > 0 ? [`${count} ${severity}`] : [];
    });
    if (grave.length > 0) return `the report shows signs of compromise (${grave.join(" and ")} findings)`;
    if (!report.intact) return "the report's evidence is not intact";
    if (!report.complete) return "the report is incomplete: not everything was looked at";
    return null;
}
