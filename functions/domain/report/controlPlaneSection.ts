/** Beyond the disks: what was done in AWS with the instance's credentials and about it, and which instances share its weakness. Everything quoted is others' text. */
import { severities } from "../analysisOutputs";
import type { ReportInput } from "./assessment";
import { count, findingSeverity, list, time } from "./format";
import { html, type Html } from "./html";
import type { Reading } from "./reading";
import { findingAnchor } from "./storySection";
import { bullets, code, table } from "./table";

/** Rows of a table; the objects below metadata/ hold all. */
const most = { calls: 300, findings: 100, siblings: 100, places: 50 } as const;

function callsPart({ calls }: Reading): Html {
    if (calls.length === 0)
        return html`<p>CloudTrail’s event history of 24 hours has no call by the instance or about it but the response’s own.</p>`;
    // What stands for something is never left out for what does not.
    const shown = [...calls]
        .sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity))
        .slice(0, most.calls)
        .sort((left, right) => left.first.localeCompare(right.first));
    return html`${calls.length > shown.length ? html`<p class="note">The ${most.calls} gravest of ${calls.length} kinds of call; metadata/trail-events.json has all.</p>` : null}
${table(
    "Calls, each kind once",
    [
        { title: "First, in UTC", kind: "time" },
        { title: "Call" },
        { title: "By", kind: "code" },
        { title: "From", kind: "code" },
        { title: "Regions" },
        { title: "Calls", kind: "number" },
    ],
    shown.map(({ id, first, title, severity, attack, who, address, regions, calls: number, error }) => [
        time(first).replace(/ UTC$/, ""),
        html`<span id="${findingAnchor(id)}">${severity === "low" ? null : html`<span class="chip ${severity}">${severity}</span> `}${title}${attack.length > 0 && severity !== "low" ? ` (${attack.join(", ")})` : ""}${error === null ? null : html` <strong>${error}</strong>`}</span>`,
        code(who),
        address === null ? "" : code(address),
        list(regions.slice(0, 6)) + (regions.length > 6 ? ` and ${regions.length - 6} more` : ""),
        number.toLocaleString("en-GB"),
    ]),
)}`;
}

function findingsPart({ moment, custody }: ReportInput): Html {
    const found = moment?.findings;
    if (!found) return html`<p>GuardDuty’s findings on the instance could not be read.</p>`;
    if (found.length === 0) return html`<p>GuardDuty has no finding on the instance in this account, or is off here.</p>`;
    const own = new Set([custody.incident.finding.id, ...custody.findings.map(({ id }) => id)]);
    return table(
        "GuardDuty’s findings on the instance",
        [
            { title: "First seen", kind: "time" },
            { title: "Finding" },
            { title: "Severity" },
            { title: "Times", kind: "number" },
            { title: "In this incident" },
        ],
        found
            .slice(0, most.findings)
            .map(({ Id, Type, Severity, CreatedAt, Service }) => [
                time(Service?.EventFirstSeen ?? CreatedAt ?? ""),
                Type,
                `${Severity} (${findingSeverity(Severity)})`,
                (Service?.Count ?? 1).toLocaleString("en-GB"),
                own.has(Id) ? "yes" : "no",
            ]),
    );
}

function siblingsPart({ moment }: ReportInput): Html | null {
    const found = moment?.siblings;
    if (!found || found.siblings.length === 0) return null;
    const hidden = found.leftOut + Math.max(0, found.siblings.length - most.siblings);
    return html`${table(
        "Instances that share something with it",
        [
            { title: "Instance", kind: "code" },
            { title: "Shares" },
            { title: "Public addresses", kind: "code" },
            { title: "State" },
            { title: "Launched", kind: "time" },
        ],
        found.siblings
            .slice(0, most.siblings)
            .map(({ instanceId, shares, publicAddresses, state, launchedAt, replacement }) => [
                code(instanceId),
                html`${replacement ? html`<strong>replacement</strong>; ` : null}${shares.join(", ")}`,
                publicAddresses.length === 0 ? "none" : code(publicAddresses.join(", ")),
                state,
                launchedAt === null ? "" : time(launchedAt),
            ]),
    )}
${hidden > 0 ? html`<p class="note">and ${count(hidden, "more instance")}: metadata/siblings.json.</p>` : null}`;
}

export function controlPlaneSection(input: ReportInput, reading: Reading): Html {
    const { moment } = input;
    const { credentialUse, spread } = reading;
    return html`<section id="control-plane">
<h2>Beyond the disks: calls to AWS</h2>
${
    moment
        ? html`<h3>Were its credentials used elsewhere?</h3>
<p class="${credentialUse.answer === "yes" ? "warning" : ""}">${credentialUse.sentence}</p>
${
    credentialUse.where.length === 0
        ? null
        : table(
              "Where from",
              [
                  { title: "Address", kind: "code" },
                  { title: "Regions" },
                  { title: "Calls", kind: "number" },
                  { title: "First", kind: "time" },
                  { title: "Last", kind: "time" },
              ],
              credentialUse.where
                  .slice(0, most.places)
                  .map(({ address, regions, calls, first, last }) => [
                      code(address),
                      regions.join(", "),
                      calls.toLocaleString("en-GB"),
                      time(first),
                      time(last),
                  ]),
          )
}
<h3>What was called</h3>
${callsPart(reading)}
<h3>What GuardDuty saw besides</h3>
${findingsPart(input)}
${moment.missing.length > 0 ? html`<h3>What could not be read</h3>${bullets(moment.missing)}` : null}`
        : html`<p class="warning">What AWS knew of the instance was not kept, so calls with its credentials are not in this report. Read them: aws cloudtrail lookup-events.</p>`
}
</section>
<section id="spread">
<h2>Spread: who shares its weakness</h2>
${spread.warning === null ? null : html`<p class="warning">${spread.warning}</p>`}
<p>${spread.sentence}</p>
${siblingsPart(input)}
</section>`;
}
