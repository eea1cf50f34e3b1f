/**
 * Picks from the lines of timesketch.jsonl.gz the events that matter to a reader: the times of files that a finding names, and what the artefacts
 * themselves tell (log-ins, commands). A disk has hundreds of thousands of events; failures of one source are told as one, since one
 * accepted password after 300 refused ones must not be lost among them.
 */
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import { clip } from "../visibleText";
import { isoTime } from "./facts";
import type { Lane } from "./lanes";
import { plainFileTime } from "./plainFileTime";

export const mostEventsShown = 20_000;
/** Characters of a message. */
const longestMessage = 400;
/** Failures of one source with no longer silence between them are one event. Minutes. */
const silenceMinutes = 10;
/** Sources whose failures are being counted at a time. */
const mostOpenGroups = 1000;

export interface TimelineEvent {
    /** ISO 8601 in UTC. */
    at: string;
    /** The last of several that are told as one; null for one alone. */
    until: string | null;
    /** How many it stands for. */
    count: number;
    lane: Lane;
    /** What the time means: `content modified`, `logged in`. */
    kind: string;
    message: string;
    /** Severity of the most severe finding about the same file or record; null for an event without one. */
    severity: Severity | null;
    /** That finding's id. */
    finding: string | null;
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
interface ParsedEvent {
    message: string;
    /** ISO 8601 in UTC. */
    at: string;
    timestamp_desc: string;
    /** `clean_room:file_system` for the times of a file, `clean_room:artefact` for what a log or history says. */
    data_type: string;
    path: string;
    volume_id: string;
}

const longestTime = 64;

/** By hand and not by a schema, since logs may have millions of lines. @returns null for what is not JSON, not an event or has no time */
function parseEvent(text: string): ParsedEvent | null {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        return null;
    }
    if (typeof value !== "object" || value === null) return null;
    const { message, datetime, timestamp_desc, data_type, path, volume_id } = value as Record<string, unknown>;
    if (typeof message !== "string" || typeof timestamp_desc !== "string" || typeof data_type !== "string") return null;
    if (typeof path !== "string" || typeof volume_id !== "string") return null;
    if (typeof datetime !== "string" || datetime.length > longestTime) return null;
    const time = new Date(datetime);
    if (Number.isNaN(time.getTime())) return null;
    const at = time.toISOString();
    // A disk may claim the year 20,000, which sorts before all others as text: it is no time to anybody.
    return /^\d{4}-/.test(at) ? { message, at, timestamp_desc, data_type, path, volume_id } : null;
}

const failure = /\b(fail(ed|ure)?|invalid user|denied|refused|not allowed|disconnected from authenticating)\b/i;
const success = /\b(logged in|log-in|accepted|session opened|sudo|su:|became|account|useradd|usermod|new (user|group))\b/i;
const source = /\bfrom (\S{1,256})/;

/** 0 matters most. */
function rank({ severity, lane, message, count }: TimelineEvent): number {
    if (severity !== null) return severities.indexOf(severity);
    if (count > 1 || failure.test(message)) return severities.length + 3;
    if (success.test(message)) return severities.length;
    return lane === "commands" ? severities.length + 1 : severities.length + 2;
}

/** What matters more first; within a rank the newest first, nearest to the detection. */
export const mostRelevantFirst = (events: readonly TimelineEvent[]): TimelineEvent[] =>
    events
        .map((event) => ({ event, rank: rank(event) }))
        .sort((left, right) => left.rank - right.rank || compare(right.event.at, left.event.at))
        .map(({ event }) => event);

/** Times of one form sort as their characters do; localeCompare takes ten times as long. */
const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

function laneOf(fileTime: boolean, kind: string, path: string): Lane {
    if (fileTime) return "files";
    if (/command|typed|history/i.test(kind) || /history$/.test(path)) return "commands";
    return /log-?in|logged/i.test(kind) || /\/(wtmp|btmp|utmp|lastlog|secure|auth\.log)/.test(path) ? "log-ins" : "logs";
}

/**
 * @param findings those whose files matter, the most severe first, as shown on the page
 * @param most events kept; memory is bounded by four times this
 */
export function timelineCollector(findings: readonly DiskFinding[], most = mostEventsShown): TimelineCollector {
    const fileOf = (volumeId: string, path: string) => `${volumeId} ${path}`;
    const recordOf = (volumeId: string, path: string, at: string) => `${volumeId} ${path} ${at.slice(0, 19)}`;
    /** By volume, then by path: a million lines look here. */
    const ofFile = new Map<string, Map<string, DiskFinding>>();
    const ofRecord = new Map<string, DiskFinding>();
    for (const finding of findings) {
        const { volumeId, path, modified } = finding;
        // They come the most severe first, so that the first of a file stands.
        if (path === null) continue;
        const ofVolume = ofFile.get(volumeId) ?? new Map<string, DiskFinding>();
        ofFile.set(volumeId, ofVolume);
        if (!ofVolume.has(path)) ofVolume.set(path, finding);
        const at = isoTime(modified);
        if (at !== null && !ofRecord.has(recordOf(volumeId, path, at))) ofRecord.set(recordOf(volumeId, path, at), finding);
    }
    let kept: TimelineEvent[] = [];
    let leftOut = 0;
    let read = 0;
    let malformed = 0;
    /** Failures being counted, by source; of each the number in every log that has them, since one attempt is in several. */
    const open = new Map<string, { event: TimelineEvent; inLog: Map<string, number> }>();

    function trim(): void {
        kept = mostRelevantFirst(kept);
        leftOut += kept.slice(most).reduce((sum, { count }) => sum + count, 0);
        kept = kept.slice(0, most);
    }
    function keep(event: TimelineEvent): void {
        kept.push(event);
        if (kept.length > 4 * most) trim();
    }
    /** Joins a failure to those of the same source just before it. */
    function collapse(event: TimelineEvent, path: string): void {
        const from = source.exec(event.message)?.[1] ?? "an unnamed source";
        const key = `${event.lane} ${from}`;
        const counted = open.get(key);
        if (counted && Math.abs(Date.parse(event.at) - Date.parse(counted.event.until ?? counted.event.at)) <= silenceMinutes * 60_000) {
            const { event: group, inLog } = counted;
            inLog.set(path, (inLog.get(path) ?? 0) + 1);
            if (event.at < group.at) group.at = event.at;
            if (event.at > (group.until ?? group.at)) group.until = event.at;
            if (
                event.severity !== null &&
                (group.severity === null || severities.indexOf(event.severity) < severities.indexOf(group.severity))
            )
                Object.assign(group, { severity: event.severity, finding: event.finding });
            group.count = Math.max(...inLog.values());
            if (group.count > 1) Object.assign(group, { message: `${group.count} failures from ${from}`, kind: "failures" });
            return;
        }
        if (counted) keep(counted.event);
        open.delete(key);
        if (open.size >= mostOpenGroups) {
            const [oldest, { event: last }] = open.entries().next().value!;
            keep(last);
            open.delete(oldest);
        }
        open.set(key, { event, inLog: new Map([[path, 1]]) });
    }

    return {
        line(text) {
            const plain = plainFileTime(text);
            if (plain && !ofFile.get(plain.volumeId)?.has(plain.path)) {
                read += 1;
                return;
            }
            if (text.trim() === "") return;
            const event = parseEvent(text);
            if (!event) {
                malformed += 1;
                return;
            }
            read += 1;
            const fileTime = event.data_type === "clean_room:file_system";
            const finding = fileTime
                ? ofFile.get(event.volume_id)?.get(event.path)
                : ofRecord.get(recordOf(event.volume_id, event.path, event.at));
            if (fileTime && !finding) return;
            const told: TimelineEvent = {
                at: event.at,
                until: null,
                count: 1,
                lane: laneOf(fileTime, event.timestamp_desc, event.path),
                kind: clip(event.timestamp_desc, 64),
                message: clip(event.message, longestMessage),
                severity: finding?.severity ?? null,
                finding: finding?.id ?? null,
            };
            if (!fileTime && failure.test(told.message)) collapse(told, fileOf(event.volume_id, event.path));
            else keep(told);
        },
        result() {
            for (const { event } of open.values()) keep(event);
            open.clear();
            trim();
            return { events: [...kept].sort((a, b) => compare(a.at, b.at)), leftOut, read, malformed };
        },
    };
}
