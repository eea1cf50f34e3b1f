/** The timeline: what happened on the disks and what the responders did, in one order. */
import type { ReportInput } from "./assessment";
import { count, time } from "./format";
import { html, type Html } from "./html";
import { table } from "./table";
import type { TimelineEvent } from "./timelineLines";

/** The incident's own milestones. */
export function milestones({ custody, summary }: Pick<ReportInput, "custody" | "summary">): TimelineEvent[] {
    const { incident, containment, evidence } = custody;
    const event = (at: string | null | undefined, message: string): TimelineEvent[] =>
        at && !Number.isNaN(Date.parse(at)) ? [{ at: new Date(at).toISOString(), kind: "response", message, severity: null }] : [];
    return [
        ...event(incident.finding.createdAt, `Finding created: ${incident.finding.type}`),
        ...event(incident.openedAt, "Incident opened"),
        ...event(containment?.startedAt, "Containment started"),
        ...event(containment?.containedAt, "Instance contained"),
        ...evidence.snapshots.flatMap(({ startedAt, volumeId }) => event(startedAt, `Snapshot of ${volumeId} taken`)),
        ...event(evidence.completedAt, "Evidence copied and locked"),
        ...event(summary?.startedAt, "Analysis started"),
        ...event(summary?.finishedAt, "Analysis finished"),
    ];
}

export function timelineSection(input: ReportInput): Html {
    const { timeline } = input;
    const events = [...(timeline?.events ?? []), ...milestones(input)].sort((a, b) => a.at.localeCompare(b.at));
    return html`<section id="timeline">
<h2>Timeline</h2>
<p class="note">${
        timeline
            ? html`Times of the files that findings name, log-ins and commands, and the response. timesketch.jsonl has all ${count(timeline.read, "event")}. Times on a disk can be forged.
${timeline.leftOut > 0 ? html`${count(timeline.leftOut, "further event")} of this kind did not fit this page.` : null}
${timeline.malformed > 0 ? html`${count(timeline.malformed, "line")} could not be understood.` : null}`
            : "timesketch.jsonl could not be read: only the response is shown."
    }</p>
${table(
    "Events, in UTC",
    [{ title: "Time", kind: "time" }, { title: "Event" }, { title: "What the time means" }],
    events.map(({ at, kind, message, severity }) => [
        time(at).replace(/ UTC$/, ""),
        html`<span class="event">${message}</span>${severity ? html` <span class="chip ${severity}">${severity}</span>` : null}`,
        kind,
    ]),
)}
</section>`;
}
