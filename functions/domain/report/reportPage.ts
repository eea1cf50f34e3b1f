/**
 * The report: one self-contained page, rendered from data of hostile origin. A pure function; reading and writing the evidence
 * bucket is `sendReport`'s. The order is the reader's: what happened and can I rely on it, the story, then everything it rests on.
 * Its one program (report-page/) makes findings and timeline explorable; without it everything grave is there all the same.
 */
import { createHash } from "node:crypto";
import type { Custody } from "../containers";
import { findingFactLines } from "../findingWords";
import type { ReportInput } from "./assessment";
import { containmentSection } from "./containmentSection";
import { controlPlaneSection } from "./controlPlaneSection";
import { coverageSection } from "./coverageSection";
import { custodySection } from "./custodySection";
import { editionSentence, resultsDigest } from "./edition";
import { findingsSection } from "./findingsSection";
import { findingSeverity, time } from "./format";
import { dataBlock, html, preformatted, programBlock, toText, type Html } from "./html";
import { indicatorsSection } from "./indicatorsSection";
import { integritySection } from "./integritySection";
import { packed, pageData } from "./pageData";
import { read, type Reading } from "./reading";
import { reportProgram } from "./reportProgram";
import { storySection } from "./storySection";
import { style } from "./style";
import { summarySection } from "./summarySection";
import { bullets, code, facts, table } from "./table";
import { timelineSection } from "./timelineSection";

const sections = [
    ["impact", "What it means"],
    ["story", "The attack"],
    ["findings", "Findings"],
    ["timeline", "Timeline"],
    ["control-plane", "AWS calls"],
    ["spread", "Spread"],
    ["indicators", "Indicators"],
    ["containment", "Containment"],
    ["not-looked-at", "Not looked at"],
    ["integrity", "Reliability"],
    ["custody", "Custody"],
    ["original-finding", "The alert"],
] as const;

function pageHeader({ custody, summary, generatedAt, edition }: ReportInput, { verdict }: Reading): Html {
    const system = summary?.operatingSystem;
    const { finding, instance, incidentId } = custody.incident;
    const severity = findingSeverity(finding.severity);
    return html`<header class="${verdict.tone}">
<p class="kicker">Incident report${finding.sample ? html` <span class="drill">Drill</span>` : null}</p>
<h1>${verdict.headline}: <code>${instance.instanceId}</code></h1>
<p class="lead"><span class="chip ${severity}">${severity} alert</span> ${finding.type}</p>
${facts([
    ["Account", instance.accountId],
    ["Region", instance.region],
    ["Host", system && [system.hostname, system.name, system.version].filter(Boolean).join(" ")],
    ["Incident", code(incidentId)],
    ["Opened", time(custody.incident.openedAt)],
    ["Report written", time(generatedAt)],
    ["Edition", edition && String(edition.number)],
])}
</header>`;
}

/** What the newer report has to say first: that there was one before, and what is new. */
const editionNote = ({ edition }: ReportInput): Html | null =>
    edition === undefined
        ? null
        : html`<section id="edition">
<h2>What is new</h2>
<p>${editionSentence(edition)}</p>
${bullets(edition.news)}
</section>`;

/** Whether a page is of results; one of before, which does not say it, is taken to be. @param digest resultsDigest in edition.ts */
export const isPageOf = (page: string, digest: string): boolean => {
    const said = /<meta name="clean-room-results" content="([0-9a-f]{64})">/.exec(page.slice(0, 4096))?.[1];
    return said === undefined || said === digest;
};

const contents: Html = html`<nav aria-label="Contents"><ol>${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ol></nav>`;

/** Every finding of the incident: the one that opened it, and those that joined. */
function allFindings({ findings }: Custody): Html {
    if (findings.length < 2) return html`<p>No other finding about the instance joined the incident.</p>`;
    return table(
        "All findings of the incident",
        [
            { title: "Seen", kind: "time" },
            { title: "Type" },
            { title: "Severity" },
            { title: "Source" },
            { title: "Rules said" },
            { title: "Finding", kind: "code" },
        ],
        findings.map(({ id, type, severity, origin, mode, seenAt }) => [
            seenAt && time(seenAt),
            type,
            `${severity} (${findingSeverity(severity)})`,
            origin,
            mode,
            code(id),
        ]),
    );
}

function originalFindingSection({ custody }: ReportInput): Html {
    const { finding } = custody.incident;
    return html`<section id="original-finding">
<h2>The alert</h2>
<h3>${finding.title}</h3>
<p>${finding.description}</p>
${facts([
    ["Type", finding.type],
    ["Severity", `${finding.severity} (${findingSeverity(finding.severity)})`],
    ["Source", finding.origin],
    ["Sample", finding.sample ? "yes" : "no"],
    ["Created", finding.createdAt && time(finding.createdAt)],
    ["Updated", finding.updatedAt && time(finding.updatedAt)],
])}
${facts(findingFactLines(finding))}
${allFindings(custody)}
<pre>${preformatted(JSON.stringify(finding, null, 2))}</pre>
</section>`;
}

/** Whose script may run: the one of the build, by its hash. */
const scriptSource = (program: string): string => `'sha256-${createHash("sha256").update(program).digest("base64")}'`;

/**
 * Renders the page.
 *
 * @param reading what {@link read} makes of the input
 * @param program the page's own; null leaves a document without one
 * @returns a whole HTML document in UTF-8
 */
export function renderReport(input: ReportInput, reading: Reading = read(input), program: string | null = reportProgram()): string {
    // No script but ours, no image, no font, no connection, nothing to submit to: the policy holds even if escaping had a hole.
    return toText(html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; ${program === null ? null : html`script-src ${scriptSource(program)}; `}base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="clean-room-results" content="${resultsDigest([input.manifest.ref, ...(input.manifest.further ?? [])])}">
<meta name="referrer" content="no-referrer">
<title>Incident ${input.custody.incident.incidentId}</title>
${style}
</head>
<body>
<a class="skip" href="#verdict">To the verdict</a>
<main>
${pageHeader(input, reading)}
${editionNote(input)}
${summarySection(input, reading)}
${contents}
${storySection(reading)}
${findingsSection(input.findings, reading.assessment)}
${timelineSection(input, reading)}
${controlPlaneSection(input, reading)}
${indicatorsSection(reading)}
${containmentSection(input)}
${coverageSection(input)}
${integritySection(input, reading.assessment)}
${custodySection(input)}
${originalFindingSection(input)}
</main>
${program === null ? null : html`${dataBlock("report-data", packed(pageData(input, reading)))}${programBlock(program)}`}
</body>
</html>
`);
}
