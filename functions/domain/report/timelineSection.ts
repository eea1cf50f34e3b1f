/** The timeline: what happened on the disks, what the detector saw and what the responders did, in one order. The program draws it; without it the gravest events stand in a table. */
import type { ReportInput } from "./assessment";
import { isoTime } from "./facts";
import { clip } from "../visibleText";
import { count, findingSeverity, time } from "./format";
import { html, type Html } from "./html";
import type { Reading } from "./reading";
import { table } from "./table";
import { mostRelevantFirst, type TimelineEvent } from "./timelineLines";

/** Rows without the program. */
const mostRows = 200;

/** The incident's own milestones. */
export function milestones({ custody, summary }: Pick<ReportInput, "custody" | "summary">): TimelineEvent[] {
    const { incident, containment, evidence } = custody;
    const event = (given: string | null | undefined, message: string): TimelineEvent[] => {
        const at = isoTime(given ?? null);
        return at === null
            ? []
            : [{ at, until: null, count: 1, lane: "response", kind: "response", message, severity: null, finding: null }];
    };
    return [
        ...event(incident.finding.facts?.firstSeen, `First seen by the detector: ${incident.finding.type}`),
        ...event(incident.finding.createdAt, `Finding created: ${incident.finding.type}`),
        ...custody.findings
            .filter(({ id }) => id !== incident.finding.id)
            .flatMap(({ seenAt, type }) => event(seenAt, `Finding joined: ${type}`)),
        ...event(incident.openedAt, "Incident opened"),
        ...event(containment?.startedAt, "Containment started"),
        ...event(containment?.containedAt, "Instance contained"),
        ...evidence.snapshots.flatMap(({ startedAt, volumeId }) => event(startedAt, `Snapshot of ${volumeId} taken`)),
        ...event(evidence.completedAt, "Evidence copied and locked"),
        ...event(summary?.startedAt, "Analysis started"),
        ...event(summary?.finishedAt, "Analysis finished"),
    ];
}

/** Calls of the control plane, and what GuardDuty found on the instance besides the incident's own findings. */
export function controlPlaneEvents({ custody, moment }: Pick<ReportInput, "custody" | "moment">, calls: Reading["calls"]): TimelineEvent[] {
    const own = new Set([custody.incident.finding.id, ...custody.findings.map(({ id }) => id)]);
    const event = (
        given: string | undefined,
        fields: Pick<TimelineEvent, "kind" | "message" | "severity"> & Partial<TimelineEvent>,
    ): TimelineEvent[] => {
        const at = isoTime(given ?? null);
        return at === null ? [] : [{ until: null, count: 1, finding: null, lane: "control plane", ...fields, at }];
    };
    return [
        ...calls.flatMap(({ first, last, calls: number, title, who, regions, severity, error }) =>
            event(first, {
                until: last === first ? null : isoTime(last),
                count: number,
                kind: "CloudTrail",
                message: clip(
                    `${title} (${who}, ${regions.join(", ")}${error === null ? "" : `, ${error}`}${number > 1 ? `, ${count(number, "call")}` : ""})`,
                    400,
                ),
                severity: severity === "low" ? null : severity,
            }),
        ),
        ...(moment?.findings ?? [])
            .filter(({ Id }) => !own.has(Id))
            .flatMap(({ Type, Severity, CreatedAt, Service }) =>
                event(Service?.EventFirstSeen ?? CreatedAt, { kind: "GuardDuty", message: Type, severity: findingSeverity(Severity) }),
            ),
    ];
}

/** Everything on the timeline, in order: the disks, the control plane and the response. */
export const allEvents = (input: ReportInput, calls: Reading["calls"]): TimelineEvent[] =>
    [...(input.timeline?.events ?? []), ...controlPlaneEvents(input, calls), ...milestones(input)].sort((a, b) => a.at.localeCompare(b.at));

export function timelineSection(input: ReportInput, { calls }: Reading): Html {
    const { timeline } = input;
    const events = allEvents(input, calls);
    // Those that matter most, so that what came in is not pushed out by what came after it; ours above all.
    const ours = events.filter(({ lane }) => lane === "response");
    const told = new Set([...ours, ...mostRelevantFirst(events.filter(({ lane }) => lane !== "response"))].slice(0, mostRows));
    return html`<section id="timeline">
<h2>Timeline</h2>
<p class="note">${
        timeline
            ? html`Times of the files that findings name, log-ins and commands, what CloudTrail and GuardDuty saw, and the response. Failures of one source are one event. timesketch.jsonl.gz has all ${count(timeline.read, "event")}. Times on a disk can be forged.
${timeline.leftOut > 0 ? html`${count(timeline.leftOut, "further event")} of this kind did not fit this page.` : null}
${timeline.malformed > 0 ? html`${count(timeline.malformed, "line")} could not be understood.` : null}`
            : "timesketch.jsonl.gz could not be read: only the response is shown."
    }</p>
<div id="timeline-app"></div>
<div id="timeline-static">
${told.size < events.length ? html`<p class="note">${told.size} of ${count(events.length, "event")}: the response, and those that matter most.</p>` : null}
${table(
    "Events, in UTC",
    [{ title: "Time", kind: "time" }, { title: "Event" }, { title: "What the time means" }],
    events
        .filter((event) => told.has(event))
        .map(({ at, until, kind, message, severity }) => [
            `${time(at).replace(/ UTC$/, "")}${until === null ? "" : ` to ${time(until).slice(11, 19)}`}`,
            html`<span class="event">${message}</span>${severity ? html` <span class="chip ${severity}">${severity}</span>` : null}`,
            kind,
        ]),
)}
</div>
</section>`;
}
