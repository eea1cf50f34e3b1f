/**
 * Picks from timesketch.jsonl the events that matter to a reader: those about a path that a finding names, and those
 * that are not file times (log-ins, commands). A disk has hundreds of thousands of events, the page shows some hundred.
 */
import { z } from "zod";
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import { clip } from "../visibleText";

export const mostEventsShown = 200;

export interface TimelineEvent {
    /** ISO 8601 in UTC. */
    at: string;
    /** What the time means: `Content Modification Time`, `Log-in`. */
    kinds: string[];
    message: string;
    /** Severity of the most severe finding about the same path; null for an event without one. */
    severity: Severity | null;
}

export interface TimelineRead {
    /** In order of time. */
    events: TimelineEvent[];
    /** Events that matter and did not fit. */
    leftOut: number;
    /** Every event in the file. */
    read: number;
    malformed: number;
}

export interface TimelineCollector {
    line: (text: string) => void;
    result: () => TimelineRead;
}

/** Timesketch's three mandatory fields, and the path where the event is about a file. */
const eventSchema = z.object({
    message: z.string(),
    datetime: z.string().max(64),
    timestamp_desc: z.string(),
    path: z.string().nullish(),
});
type RawEvent = z.infer<typeof eventSchema>;

const fileTime = /modif|access|chang|creat|birth|metadata|^[macb.]{1,4}(time)?$/i;

function parseEvent(text: string): { event: RawEvent; at: string } | null {
    try {
        const parsed = eventSchema.safeParse(JSON.parse(text));
        const milliseconds = parsed.success ? Date.parse(parsed.data.datetime) : NaN;
        return parsed.success && !Number.isNaN(milliseconds) ? { event: parsed.data, at: new Date(milliseconds).toISOString() } : null;
    } catch {
        return null; // not JSON: counted as malformed by the caller
    }
}

/** The path that an event is about: its own field, else the message from its first slash on. */
function pathOf(event: RawEvent): string | null {
    if (event.path) return event.path;
    const slash = event.message.indexOf("/");
    return slash < 0 ? null : event.message.slice(slash).trim();
}

/** More severe first, then events without a finding; within a rank the newest first, nearest to the detection. */
function byRelevance(a: TimelineEvent, b: TimelineEvent): number {
    const rank = (event: TimelineEvent) => event.severity === null ? severities.length : severities.indexOf(event.severity);
    return rank(a) - rank(b) || b.at.localeCompare(a.at);
}

/**
 * @param findings those whose paths matter, as shown on the page
 * @param most events kept; memory is bounded by four times this
 */
export function timelineCollector(findings: readonly DiskFinding[], most = mostEventsShown): TimelineCollector {
    const severityOf = new Map<string, Severity>();
    for (const { path, severity } of findings) {
        const known = path === null ? undefined : severityOf.get(path);
        if (path !== null && (!known || severities.indexOf(severity) < severities.indexOf(known))) severityOf.set(path, severity);
    }
    let kept = new Map<string, TimelineEvent>();
    let leftOut = 0;
    let read = 0;
    let malformed = 0;

    function trim(): void {
        const ranked = [...kept.entries()].sort(([, a], [, b]) => byRelevance(a, b));
        leftOut += Math.max(0, ranked.length - most);
        kept = new Map(ranked.slice(0, most));
    }

    return {
        line(text) {
            if (text.trim() === "") return;
            const parsed = parseEvent(text);
            if (!parsed) {
                malformed += 1;
                return;
            }
            read += 1;
            const { event, at } = parsed;
            const path = pathOf(event);
            const severity = (path !== null && severityOf.get(path)) || null;
            if (severity === null && fileTime.test(event.timestamp_desc)) return;
            const message = clip(event.message, 1000);
            const kind = clip(event.timestamp_desc, 64);
            // The four times of one file are often the same instant: one row then.
            const same = kept.get(`${at} ${message}`);
            if (same && !same.kinds.includes(kind) && same.kinds.length < 4) same.kinds.push(kind);
            if (same) return;
            kept.set(`${at} ${message}`, { at, kinds: [kind], message, severity });
            if (kept.size > 4 * most) trim();
        },
        result() {
            trim();
            return { events: [...kept.values()].sort((a, b) => a.at.localeCompare(b.at)), leftOut, read, malformed };
        },
    };
}
