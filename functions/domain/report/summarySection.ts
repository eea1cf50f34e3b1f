/** The first screen: what happened, what it means, how the instance stands, and how far all that can be relied on. */
import type { Containment } from "../containers";
import { credentialsLeft } from "../credentialsLeft";
import type { ReportInput } from "./assessment";
import { stepWords } from "../stepWords";
import { time } from "./format";
import { html, type Html } from "./html";
import type { Impact } from "./impact";
import { neverLookedAtWords } from "./neverLookedAt";
import type { Reading } from "./reading";
import { bullets } from "./table";

/** Reasons shown here; the others stand where the section says. */
const mostReasons = 3;
/** What is open of a containment is named before everything else is read. */
const mostOpen = 6;

const impactTile = ({ label, certainty, sentence }: Impact): Html =>
    html`<li class="impact ${certainty}"><h3>${label} <span class="certainty">${certainty}</span></h3><p>${sentence}</p></li>`;

/** How a tile looks: `partly` is a yes that something speaks against. */
type Standing = "good" | "partly" | "bad";

/** @param place anchor of the section that has all reasons */
function tile(question: string, answer: string, standing: Standing, reasons: readonly string[], place: string, most = mostReasons): Html {
    return html`<li class="status ${standing}"><p class="question">${question} <strong>${answer}</strong></p>
${bullets(reasons.slice(0, most))}${reasons.length > most ? html`<p>and <a href="#${place}">${reasons.length - most} more</a></p>` : null}</li>`;
}

function containmentTile(containment: Containment | null): Html {
    const yes = containment?.contained ?? false;
    const failed = (containment?.steps ?? []).filter(({ outcome }) => outcome === "failed");
    const reasons = [
        ...(yes && containment?.containedAt ? [`Since ${time(containment.containedAt)}`] : []),
        ...(yes ? [] : ["Treat the instance as still connected"]),
        ...(yes && credentialsLeft(containment!).length > 0 ? ["Its credentials are NOT cut: whoever holds them goes on in AWS"] : []),
        ...failed.map(({ name }) => `Failed: ${stepWords(name)}`),
        ...(containment?.uncut ?? []).map((path) => `Not cut: ${path}`),
    ];
    if (!yes)
        return tile("Contained?", containment?.outcome === "observed" ? "No, observed" : "NO", "bad", reasons, "containment", mostOpen);
    // The moment alone: nothing speaks against it.
    const wholly = reasons.length <= (containment!.containedAt ? 1 : 0);
    return tile("Contained?", wholly ? "Yes" : "Yes, but not wholly", wholly ? "good" : "partly", reasons, "containment", mostOpen);
}

function entryLines({ entries, exposure, credentialUse, spread }: Reading, moment: ReportInput["moment"]): Html {
    const [likely] = entries;
    return html`<dl class="pairs">
<div><dt>Likely entry</dt><dd>${
        likely
            ? html`${likely.what}${likely.at ? `, ${time(likely.at)}` : ""}. <span class="certainty">${likely.confidence} confidence</span>`
            : "Not known: nothing that was looked at shows how the intruder came in."
    }</dd></div>
${exposure.open === null ? null : html`<div><dt>Exposure</dt><dd>${exposure.open}</dd></div>`}
${
    moment
        ? html`<div><dt>Stolen credentials used</dt><dd>${credentialUse.sentence.split(". ")[0]!.replace(/\.$/, "")}. <a href="#control-plane">More</a></dd></div>
<div><dt>Spread</dt><dd>${spread.warning ?? spread.sentence} <a href="#spread">More</a></dd></div>`
        : null
}
</dl>`;
}

/** The first screen below the headline. */
export function summarySection(input: ReportInput, reading: Reading): Html {
    const { verdict, agreement, impacts, assessment, credentialUse } = reading;
    return html`<section id="verdict" class="verdict ${verdict.tone}" aria-label="Verdict">
<ol class="three"><li>${verdict.findings} ${agreement.sentence}${credentialUse.answer === "yes" ? ` Stolen credentials used: ${credentialUse.sentence.charAt(0).toLowerCase()}${credentialUse.sentence.slice(1)}` : ""}</li><li>${verdict.containment}</li><li>${verdict.reliability}</li></ol>
<ul class="statuses">
${containmentTile(input.custody.containment)}
${tile("Planned checks done?", assessment.complete ? "Yes" : "NO", assessment.complete ? "good" : "bad", assessment.complete ? [`Never looked at: ${neverLookedAtWords(input)}`] : assessment.incomplete, "not-looked-at")}
${tile("Evidence intact?", assessment.intact ? "Yes" : "NO", assessment.intact ? "good" : "bad", assessment.intact ? ["Every output matches its manifest, no evidence volume changed"] : assessment.altered, "integrity")}
</ul>
<h2 id="impact" class="quiet-heading">What it means</h2>
<ul class="impacts">${impacts.map(impactTile)}</ul>
${entryLines(reading, input.moment)}
</section>`;
}
