/** Findings: the page's program makes a table of them that one can filter; without it, and on paper, the gravest stand here. */
import { severities } from "../analysisOutputs";
import type { Assessment } from "./assessment";
import { factsOf, type Fact } from "./facts";
import type { FindingsRead } from "./findingLines";
import { count, time } from "./format";
import { html, preformatted, type Html } from "./html";
import { lookedAtSentence } from "./reportVerdict";
import { findingAnchor } from "./storySection";
import { code, facts, hash } from "./table";

/** Facts shown without the program and on paper. */
const mostOnPaper = 60;
const mostPlaces = 5;

function factArticle(fact: Fact): Html {
    const { ids, severity, title, places, evidence, attack, at, check, rule, sha256 } = fact;
    return html`<article class="finding ${severity}" id="${findingAnchor(ids[0]!)}">
<h3><span class="chip ${severity}">${severity}</span> ${title}</h3>
${places.slice(0, mostPlaces).map(({ volumeId, path }) => (path === null ? null : html`<p class="path">${code(path)} <span class="note">on ${volumeId}</span></p>`))}
${places.length > mostPlaces ? html`<p class="note">and ${places.length - mostPlaces} more places</p>` : null}
${evidence === "" ? null : html`<pre>${preformatted(evidence)}</pre>`}
${facts([
    ["ATT&CK", attack.join(", ")],
    ["At", at && time(at)],
    ["Check", check],
    ["Rule", rule],
    ["SHA-256", sha256 && hash(sha256)],
])}
</article>`;
}

function noFindings(assessment: Assessment): Html {
    return html`<p>No finding. This says only that the checks saw nothing in what they looked at:
${lookedAtSentence(assessment)}. ${assessment.complete ? "It does not prove that the instance is free of an intruder." : "Not everything was looked at, so it says little about the instance."}</p>`;
}

export function findingsSection(findings: FindingsRead | null, assessment: Assessment): Html {
    const all = findings ? factsOf(findings.shown) : [];
    const hidden = all.length - mostOnPaper;
    const notHere = findings ? findings.total - findings.shown.length : 0;
    return html`<section id="findings">
<h2>Findings</h2>
${findings && html`<ul class="tally">${severities.map((severity) => html`<li class="${severity}${findings.counts[severity] === 0 ? " zero" : ""}"><strong>${findings.counts[severity].toLocaleString("en-GB")}</strong> ${severity}</li>`)}</ul>`}
${findings === null ? html`<p class="warning">findings.jsonl could not be read. Whether there are findings is not known.</p>` : null}
${findings?.malformed ? html`<p class="warning">${count(findings.malformed, "line")} of findings.jsonl could not be understood and ${findings.malformed === 1 ? "is" : "are"} not shown.</p>` : null}
${notHere > 0 ? html`<p class="note">${count(notHere, "more finding")} of the least severe did not fit this page: see findings.jsonl in the evidence bucket.</p>` : null}
${findings && findings.total === 0 ? noFindings(assessment) : null}
<div id="findings-app"></div>
<div id="findings-static">
${all.slice(0, mostOnPaper).map(factArticle)}
${hidden > 0 ? html`<p class="note">and ${count(hidden, "more fact")}: see the table on the screen, or findings.jsonl.</p>` : null}
</div>
</section>`;
}
