/** The message of the report. Pure. */
import { severities } from "../analysisOutputs";
import type { Containment, Incident, Report, SeenFinding, Ticket } from "../containers";
import { time } from "../report/format";
import type { Reading } from "../report/reading";
import { editionSentence, type Edition } from "../report/edition";
import { mostTelling } from "../report/mostTelling";
import { storyLines } from "../report/storySection";
import { instanceLink, objectLink, prefixLink } from "./consoleLinks";
import { drill, incidentFacts, otherFindingsSection, uncutSection, where } from "./incidentFacts";
import type { Link, Message } from "./message";
import { runbookHeadings } from "./runbook";
import { caseFacts, caseLinks } from "./ticket";

/** What the report's message is made of. */
export interface ReportNews {
    incident: Incident;
    /** Null where containment failed before it could say what it did. */
    containment: Containment | null;
    /** All findings of the incident. */
    findings: readonly SeenFinding[];
    /** What the report says. */
    reading: Reading;
    /** What is never looked at, in words: neverLookedAt.ts. */
    neverLookedAt: string;
    report: Report;
    /** What is new since the report before; null for the first. */
    edition: Edition | null;
    /** The case with AWS; null when there is none. */
    ticket: Pick<Ticket, "kind" | "caseId" | "displayId"> | null;
    /** Opens the page without signing in, and until when; null where that is not asked for. */
    shared: SharedLink | null;
}

/** A link that whoever has it can open. */
export interface SharedLink {
    url: string;
    /** ISO 8601: AWS takes it until then. */
    until: string;
    /** Whether it may end earlier, since the session that signed it does not say when it ends. */
    atLatest: boolean;
}

const sharedLinks = (shared: SharedLink | null): Link[] =>
    shared === null
        ? []
        : [
              {
                  label: `Open it without signing in, until ${time(shared.until)}${shared.atLatest ? " at the latest" : ""}`,
                  url: shared.url,
                  place: null,
              },
          ];

/** Facts told. */
const most = 5;

/** Tells of the report: the verdict, the counts, the worst findings and where the page is. */
export function reportMessage({
    incident,
    containment,
    findings,
    reading,
    neverLookedAt,
    report,
    edition,
    ticket,
    shared,
}: ReportNews): Message {
    const { verdict, assessment, agreement, impacts, entries, exposure, facts, credentialUse, spread } = reading;
    const [entry] = entries;
    const told = mostTelling(facts, most);
    const untold = storyLines(facts).length - told.length;
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
        title: `${drill(incident)}${edition === null ? "Report" : `Newer report (edition ${edition.number})`}: ${verdict.headline} – ${where(incident.instance)}`,
        summary: `${edition === null ? "" : `${editionSentence(edition)} `}${verdict.findings} ${agreement.sentence}`,
        whatWeDid: `${verdict.containment} ${verdict.reliability}`,
        whatNow: [
            "Open the report, and read what was not looked at before you rely on what was not found.",
            ...(verdict.tone === "critical" || verdict.tone === "high"
                ? ["Rebuild the instance from a clean image; do not release it. Replace every secret that it could read."]
                : []),
            ...(credentialUse.answer === "yes"
                ? [
                      "The instance's credentials were used elsewhere: undo what they did, which the report lists, and revoke the sessions of its role.",
                  ]
                : []),
            ...(spread.warning === null ? [] : [spread.warning]),
        ],
        runbook: runbookHeadings.report,
        facts: [
            ...incidentFacts(incident),
            ...caseFacts(ticket),
            { label: "Planned checks done", value: report.complete ? "yes" : "NO" },
            { label: "Never looked at", value: neverLookedAt },
            { label: "Intact", value: report.intact ? "yes" : "NO" },
            { label: "Findings", value: counts },
            { label: "Report", value: `s3://${bucket}/${key}` },
        ],
        sections: [
            ...(edition === null ? [] : [{ heading: "What is new in it", items: edition.news }]),
            uncutSection(containment),
            { heading: "What it means", items: impacts.map(({ label, certainty, sentence }) => `${label} – ${certainty}: ${sentence}`) },
            {
                heading: "How it came in",
                items: [
                    entry
                        ? `${entry.what}${entry.at === null ? "" : `, ${time(entry.at)}`} (${entry.confidence} confidence)`
                        : "Not known: nothing that was looked at shows it.",
                    ...(exposure.open === null ? [] : [exposure.open]),
                ],
            },
            { heading: "Stolen credentials used", items: [credentialUse.sentence] },
            { heading: "Who shares its weakness", items: [spread.sentence] },
            {
                heading: "Most serious facts",
                items: [
                    ...told.map(
                        ({ severity, title, paths, attack }) =>
                            `${severity}: ${title}${paths.length > 0 ? ` – ${paths[0]}${paths.length > 1 ? ` and ${paths.length - 1} more` : ""}` : ""}${attack.length > 0 ? ` (${attack.join(", ")})` : ""}`,
                    ),
                    ...(untold > 0 ? [`and ${untold} more, in the report`] : []),
                ],
            },
            otherFindingsSection(incident, findings),
            { heading: "Planned checks not done", items: assessment.incomplete },
            { heading: "Not shown to be intact because", items: assessment.altered },
        ],
        // What a release refuses without a reason is not offered: a button asks for none.
        ...(containment?.contained && report.complete && report.intact && verdict.tone !== "critical" && verdict.tone !== "high"
            ? { offers: ["release"] as const }
            : {}),
        whole: `in the report, s3://${bucket}/${key}`,
        links: [
            objectLink(place, "Open the report", bucket, key),
            ...sharedLinks(shared),
            prefixLink(place, bucket, incident.prefix),
            instanceLink(place, incident.instance.accountId, incident.instance.instanceId),
            ...caseLinks(ticket, incident.finding.partition),
        ],
    };
}
