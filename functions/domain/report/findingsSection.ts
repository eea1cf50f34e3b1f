/** Findings on the disks, the most severe first. */
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import { lookedAtSentence } from "./reportVerdict";
import type { Assessment } from "./assessment";
import type { FindingsRead } from "./findingLines";
import { count, time } from "./format";
import { html, preformatted, type Html } from "./html";
import { code, facts, hash } from "./table";

const heading: Record<Severity, string> = {
    critical: "Critical",
    high: "High",
    medium: "Medium",
    low: "Low",
    informational: "Informational",
};

function findingArticle(finding: DiskFinding): Html {
    return html`<article class="finding ${finding.severity}">
<h4>${finding.title}</h4>
${finding.path === null ? null : html`<p class="path">${code(finding.path)}</p>`}
${finding.evidence === "" ? null : html`<pre>${preformatted(finding.evidence)}</pre>`}
${facts([
    ["ATT&CK", finding.attack.join(", ")],
    ["Modified", finding.modified && time(finding.modified)],
    ["Check", finding.check],
    ["Rule", finding.rule],
    ["Volume", code(finding.volumeId)],
    ["SHA-256", finding.sha256 && hash(finding.sha256)],
])}
</article>`;
}

function severityGroup(severity: Severity, findings: readonly DiskFinding[], total: number): Html | null {
    if (total === 0) return null;
    const hidden = total - findings.length;
    return html`<h3>${heading[severity]} <span class="note">${count(total, "finding")}</span></h3>
${findings.map(findingArticle)}
${hidden > 0 ? html`<p class="note">${count(hidden, "more finding")} of this severity: see findings.jsonl in the evidence bucket.</p>` : null}`;
}

function noFindings(assessment: Assessment): Html {
    return html`<p>No finding. This says only that the checks saw nothing in what they looked at:
${lookedAtSentence(assessment)}. ${assessment.complete ? "It does not prove that the instance is free of an intruder." : "The analysis is not complete, so it says little about the instance."}</p>`;
}

export function findingsSection(findings: FindingsRead | null, assessment: Assessment): Html {
    return html`<section id="findings">
<h2>Findings by severity</h2>
${findings && html`<ul class="tally">${severities.map((severity) => html`<li class="${severity}${findings.counts[severity] === 0 ? " zero" : ""}"><strong>${findings.counts[severity].toLocaleString("en-GB")}</strong> ${severity}</li>`)}</ul>`}
${findings === null ? html`<p>findings.jsonl could not be read. Whether there are findings is not known.</p>` : null}
${findings?.malformed ? html`<p class="warning">${count(findings.malformed, "line")} of findings.jsonl could not be understood and ${findings.malformed === 1 ? "is" : "are"} not shown.</p>` : null}
${findings && findings.total === 0 ? noFindings(assessment) : null}
${
    findings &&
    severities.map((severity) =>
        severityGroup(
            severity,
            findings.shown.filter((finding) => finding.severity === severity),
            findings.counts[severity],
        ),
    )
}
</section>`;
}
