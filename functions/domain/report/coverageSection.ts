/** What was not looked at, and beside it what each check did look at: the reader judges the rest by it. */
import type { ReportInput } from "./assessment";
import { neverLookedAt } from "./neverLookedAt";
import { html, type Html } from "./html";
import { table } from "./table";

function checkTable({ summary }: ReportInput): Html | null {
    if (!summary || summary.checks.length === 0) return null;
    return table(
        "What each check looked at",
        [{ title: "Check" }, { title: "Items looked at", kind: "number" }, { title: "Findings", kind: "number" }, { title: "Outcome" }],
        summary.checks.map(({ check, itemsLookedAt, findings, error }) => [
            check,
            itemsLookedAt.toLocaleString("en-GB"),
            findings.toLocaleString("en-GB"),
            error === null ? "ran" : html`<strong>failed</strong>: ${error}`,
        ]),
        "compact",
    );
}

export function coverageSection(input: ReportInput): Html {
    const { summary } = input;
    const entries = summary?.notLookedAt ?? [];
    return html`<section id="not-looked-at">
<h2>What was not looked at</h2>
${summary === null ? html`<p class="warning">summary.json could not be read, so it is not known what was looked at and what was not.</p>` : null}
${
    entries.length === 0
        ? null
        : table(
              "By the analysis’ own account",
              [{ title: "What" }, { title: "Why" }],
              entries.map(({ what, why }) => [what, why]),
          )
}
${summary !== null && entries.length === 0 ? html`<p>The analysis names nothing that it left out.</p>` : null}
${table(
    "Never looked at by an analysis of disks",
    [{ title: "What" }, { title: "What could have been seen there" }],
    neverLookedAt(input).map(({ what, why }) => [what, why]),
    "compact",
)}
${checkTable(input)}
</section>`;
}
