/** The message of the report. Pure. */
import { severities, type DiskFinding } from "../analysisOutputs";
import type { Incident, Report, SeenFinding } from "../containers";
import type { Assessment } from "../report/assessment";
import type { Verdict } from "../report/reportVerdict";
import { instanceLink, objectLink, prefixLink } from "./consoleLinks";
import { drill, incidentFacts, otherFindingsSection, where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** What the report's message is made of. */
export interface ReportNews {
    incident: Incident;
    /** All findings of the incident. */
    findings: readonly SeenFinding[];
    verdict: Verdict;
    assessment: Assessment;
    /** The most severe findings, the first five of which are told. */
    top: readonly DiskFinding[];
    report: Report;
    /** The AWS Support case; null when there is none. */
    caseId: string | null;
}

/** Tells of the report: the verdict, the counts, the worst findings and where the page is. */
export function reportMessage({ incident, findings, verdict, assessment, top, report, caseId }: ReportNews): Message {
    const place = { partition: incident.finding.partition, region: incident.instance.region };
    const { bucket, key } = report.page;
    const counts = severities.map((severity) => `${report.findingsBySeverity[severity] ?? 0} ${severity}`).join(", ");
    return {
        tone:
            verdict.tone === "critical" || verdict.tone === "high"
                ? "danger"
                : verdict.tone === "medium" || !report.complete || !report.intact
                  ? "warning"
                  : "neutral",
        title: `${drill(incident)}Report: ${verdict.headline} – ${where(incident.instance)}`,
        summary: `${verdict.findings} ${verdict.containment} ${verdict.reliability}`,
        whatNow: [
            "Open the report, and read what was not looked at before you rely on what was not found.",
            ...(verdict.tone === "critical" || verdict.tone === "high"
                ? ["Rebuild the instance from a clean image; do not release it. Replace every secret that it could read."]
                : []),
        ],
        runbook: runbookHeadings.report,
        facts: [
            ...incidentFacts(incident),
            ...(caseId === null ? [] : [{ label: "Support case", value: caseId }]),
            { label: "Complete", value: report.complete ? "yes" : "NO" },
            { label: "Intact", value: report.intact ? "yes" : "NO" },
            { label: "Findings", value: counts },
            { label: "Report", value: `s3://${bucket}/${key}` },
        ],
        sections: [
            {
                heading: "Most serious findings",
                items: top
                    .slice(0, 5)
                    .map(
                        ({ severity, title, path, attack }) =>
                            `${severity}: ${title}${path ? ` – ${path}` : ""}${attack.length > 0 ? ` (${attack.join(", ")})` : ""}`,
                    ),
            },
            otherFindingsSection(incident, findings),
            { heading: "Not complete because", items: assessment.incomplete },
            { heading: "Not shown to be intact because", items: assessment.altered },
        ],
        links: [
            objectLink(place, "Open the report", bucket, key),
            prefixLink(place, bucket, incident.prefix),
            instanceLink(place, incident.instance.instanceId),
        ],
    };
}
