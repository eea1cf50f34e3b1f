/**
 * The report: one self-contained page without a script, rendered from data of hostile origin. A pure function; reading
 * and writing the evidence bucket is `sendReport`'s. The order is the reader's: can I rely on it, what is it, then why.
 */
import type { Custody } from "../containers";
import { findingFactLines } from "../findingWords";
import { assess, type Assessment, type ReportInput } from "./assessment";
import { coverageSection } from "./coverageSection";
import { custodySection } from "./custodySection";
import { findingsSection } from "./findingsSection";
import { noCounts } from "./findingLines";
import { findingSeverity, time } from "./format";
import { html, preformatted, toText, type Html } from "./html";
import { integritySection } from "./integritySection";
import { style } from "./style";
import { code, facts, table } from "./table";
import { timelineSection } from "./timelineSection";
import { verdict, type Verdict } from "./reportVerdict";

/** The verdict on what was read, as the page and the message both state it. */
export function reportVerdict(input: ReportInput, assessment: Assessment = assess(input)): Verdict {
    const worst = input.findings?.shown[0];
    return verdict({
        counts: input.findings?.counts ?? noCounts(),
        worst: worst ? { title: worst.title, path: worst.path } : null,
        containment: input.custody.containment,
        assessment,
    });
}

function pageHeader({ custody, summary, generatedAt }: ReportInput): Html {
    const system = summary?.operatingSystem;
    const { finding, instance, incidentId } = custody.incident;
    const severity = findingSeverity(finding.severity);
    return html`<header>
<p class="kicker">Incident report${finding.sample ? html` <span class="drill">Drill</span>` : null}</p>
<h1>Instance <code>${instance.instanceId}</code></h1>
<p class="lead"><span class="chip ${severity}">${severity}</span> ${finding.type}</p>
${facts([
    ["Account", instance.accountId],
    ["Region", instance.region],
    ["Host name", system?.hostname],
    ["Operating system", system && [system.name, system.version].filter(Boolean).join(" ")],
    ["Incident", code(incidentId)],
    ["Opened", time(custody.incident.openedAt)],
    ["Report written", time(generatedAt)],
])}
<nav aria-label="Contents"><ol>
<li><a href="#integrity">Completeness and integrity</a></li><li><a href="#verdict">Verdict</a></li><li><a href="#findings">Findings</a></li>
<li><a href="#timeline">Timeline</a></li><li><a href="#custody">Chain of custody</a></li><li><a href="#not-looked-at">What was not looked at</a></li>
<li><a href="#original-finding">Original finding</a></li>
</ol></nav>
</header>`;
}

function verdictSection({ headline, tone, findings, containment, reliability }: Verdict): Html {
    return html`<section id="verdict" class="verdict ${tone}">
<h2>Verdict</h2>
<p class="headline">${headline}</p>
<ol><li>${findings}</li><li>${containment}</li><li>${reliability}</li></ol>
</section>`;
}

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
<h2>Original finding</h2>
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

/** Renders the page. @returns a whole HTML document in UTF-8. */
export function renderReport(input: ReportInput): string {
    const assessment = assess(input);
    // No script, no image, no font, no connection, nothing to submit to: the policy holds even if escaping had a hole.
    return toText(html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>Incident ${input.custody.incident.incidentId}</title>
${style}
</head>
<body>
<main>
${pageHeader(input)}
${integritySection(input, assessment)}
${verdictSection(reportVerdict(input, assessment))}
${findingsSection(input.findings, assessment)}
${timelineSection(input)}
${custodySection(input)}
${coverageSection(input)}
${originalFindingSection(input)}
</main>
</body>
</html>
`);
}
