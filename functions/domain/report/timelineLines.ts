/**
 * Picks from timesketch.jsonl the events that matter to a reader: the times of files that a finding names, and what the
 * artefacts themselves tell (log-ins, commands). A disk has hundreds of thousands of events, the page shows some hundred.
 */
import { z } from "zod";
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import { clip } from "../visibleText";

export const mostEventsShown = 200;

export interface TimelineEvent {
    /** ISO 8601 in UTC. */
    at: string;
    /** What the time means: `content modified`, `logged in`. */
    kind: string;
    message: string;
    /** Severity of the most severe finding about the same file; null for an event without one. */
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

/** Timesketch's three mandatory fields, and ours (see analysis/README.md). */
const eventSchema = z.object({
    message: z.string(),
    datetime: z.string().max(64),
    timestamp_desc: z.string(),
    /** `clean_room:file_system` for the times of a file, `clean_room:artefact` for what a log or history says. */
    data_type: z.string(),
    path: z.string(),
    volume_id: z.string(),
});

function parseEvent(text: string): (z.infer<typeof eventSchema> & { at: string }) | null {
    try {
        const event = eventSchema.parse(JSON.parse(text));
        return { ...event, at: new Date(event.datetime).toISOString() };
    } catch {
        return null; // not JSON, not an event or not a time: counted as malformed by the caller
    }
}

/** More severe first, then events without a finding; within a rank the newest first, nearest to the detection. */
function byRelevance(a: TimelineEvent, b: TimelineEvent): number {
    const rank = (event: TimelineEvent) => (event.severity === null ? severities.length : severities.indexOf(event.severity));
    return rank(a) - rank(b) || b.at.localeCompare(a.at);
}

/**
 * @param findings those whose files matter, the most severe first, as shown on the page
 * @param most events kept; memory is bounded by four times this
 */
export function timelineCollector(findings: readonly DiskFinding[], most = mostEventsShown): TimelineCollector {
    const fileOf = (volumeId: string, path: string) => `${volumeId} ${path}`;
    const severityOf = new Map<string, Severity>();
    for (const { volumeId, path, severity } of findings) {
        // They come the most severe first, so that the first of a file stands.
        if (path !== null && !severityOf.has(fileOf(volumeId, path))) severityOf.set(fileOf(volumeId, path), severity);
    }
    let kept: TimelineEvent[] = [];
    let leftOut = 0;
    let read = 0;
    let malformed = 0;

    function trim(): void {
        kept.sort(byRelevance);
        leftOut += Math.max(0, kept.length - most);
        kept = kept.slice(0, most);
    }

    return {
        line(text) {
            if (text.trim() === "") return;
            const event = parseEvent(text);
            if (!event) {
                malformed += 1;
                return;
            }
            read += 1;
            const fileTime = event.data_type === "clean_room:file_system";
            const severity = fileTime ? (severityOf.get(fileOf(event.volume_id, event.path)) ?? null) : null;
            if (fileTime && severity === null) return;
            kept.push({ at: event.at, kind: clip(event.timestamp_desc, 64), message: clip(event.message, 1000), severity });
            if (kept.length > 4 * most) trim();
        },
        result() {
            trim();
            return { events: [...kept].sort((a, b) => a.at.localeCompare(b.at)), leftOut, read, malformed };
        },
    };
}
