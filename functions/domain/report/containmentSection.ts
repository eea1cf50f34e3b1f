/** Containment: what was done, what is not cut, how to release it. */
import { memoryLines } from "../memoryWords";
import { stepWords } from "../stepWords";
import type { ReportInput } from "./assessment";
import { time } from "./format";
import { html, type Html } from "./html";
import { containmentSentence } from "./reportVerdict";
import { bullets, table } from "./table";

export function containmentSection({ custody }: ReportInput): Html {
    const { containment, incident } = custody;
    const steps = containment?.steps ?? [];
    const memory = memoryLines(containment);
    const failed = steps.filter(({ outcome }) => outcome === "failed");
    return html`<section id="containment">
<h2>Containment</h2>
<p>${containmentSentence(containment)}</p>
${failed.length > 0 ? html`<p class="warning">Failed: do it by hand.</p>${bullets(failed.map(({ name, detail }) => `${stepWords(name)}: ${detail}`))}` : null}
${
    containment && containment.uncut.length > 0
        ? html`<p class="warning">Not cut: connections that changing security groups does not end.</p>${bullets(containment.uncut)}`
        : containment
          ? html`<p>No path is known that was left uncut.</p>`
          : null
}
${
    steps.length > 0
        ? table(
              containment!.outcome === "contained" ? "What was done" : "What containment would change",
              [{ title: "Step" }, { title: "Outcome" }, { title: "At", kind: "time" }, { title: "Detail" }],
              steps.map(({ name, outcome, at, detail }) => [
                  stepWords(name),
                  outcome === "failed" ? html`<strong>failed</strong>` : outcome,
                  time(at),
                  detail,
              ]),
          )
        : null
}
${memory.length > 0 ? html`<h3>Memory, before the last cut</h3>${bullets(memory)}` : null}
<h3>To release it</h3>
<p>Only when you know that it is clean, or is wanted as it is: <code>npm run release -- ${incident.incidentId}</code> puts back what the restore record holds. After grave findings it asks for <code>--accept-risk WHY</code>. Evidence stays.</p>
</section>`;
}
