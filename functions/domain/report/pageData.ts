/** What the page's program reads: plain data, short names, since a page may hold 20,000 findings. Pure. */
import { gzipSync } from "node:zlib";
import { severities, type Severity } from "../analysisOutputs";
import type { ReportInput } from "./assessment";
import { isoTime } from "./facts";
import type { Indicator } from "./indicators";
import type { Reading } from "./reading";
import { tacticOf } from "./tactics";
import { allEvents } from "./timelineSection";
import type { Lane } from "./lanes";

export interface PageFinding {
    id: string;
    /** Of every finding that it stands for, the first of them {@link id}. */
    ids: readonly string[];
    severity: Severity;
    title: string;
    path: string | null;
    volume: string;
    check: string;
    tactic: string;
    attack: readonly string[];
    /** ISO 8601. */
    at: string | null;
    evidence: string;
    sha256: string | null;
    rule: string | null;
    /** Other places of the same fact, `volume path`. */
    also: string[];
}

export interface PageEvent {
    at: string;
    until: string | null;
    lane: Lane;
    kind: string;
    message: string;
    severity: Severity | null;
    finding: string | null;
}

export interface PageData {
    incident: string;
    findings: PageFinding[];
    events: PageEvent[];
    indicators: Pick<Indicator, "kind" | "value" | "side" | "severity" | "alert" | "findings">[];
    /** What the timeline shows first. */
    window: { from: string; to: string } | null;
}

/** Places of a fact that are listed. */
const mostPlaces = 50;

/** Milliseconds. */
const day = 86_400_000;

/** From the first attempt or main episode to the end of containment, with some room. */
function windowOf({ custody }: ReportInput, { story, exposure }: Reading): PageData["window"] {
    const main = story.find(({ main: is }) => is);
    const known = (times: readonly (string | null | undefined)[]) => times.filter((at): at is string => typeof at === "string").sort();
    const attack = known([main?.from, main?.to]);
    const all = known([...attack, ...exposure.moments.map(({ at }) => at), isoTime(custody.incident.openedAt)]);
    // A response that came days later would press the attack into one dot: it stands under "Everything".
    const near = (at: string) => Date.parse(at) >= Date.parse(attack[0]!) - day && Date.parse(at) <= Date.parse(attack.at(-1)!) + day;
    const moments = attack.length === 0 ? all : all.filter(near);
    const [from, to] = [moments[0], moments.at(-1)];
    if (from === undefined || to === undefined) return null;
    const room = Math.max(10 * 60_000, (Date.parse(to) - Date.parse(from)) * 0.05);
    return { from: new Date(Date.parse(from) - room).toISOString(), to: new Date(Date.parse(to) + room).toISOString() };
}

export function pageData(input: ReportInput, reading: Reading): PageData {
    return {
        incident: input.custody.incident.incidentId,
        findings: reading.facts.map(({ ids, severity, title, places, check, attack, at, evidence, sha256, rule }) => ({
            id: ids[0]!,
            ids,
            severity,
            title,
            path: places[0]!.path,
            volume: places[0]!.volumeId,
            check,
            tactic: tacticOf(attack),
            attack,
            at,
            evidence,
            sha256,
            rule,
            also: places.slice(1, mostPlaces).map(({ volumeId, path }) => `${volumeId} ${path ?? ""}`),
        })),
        events: allEvents(input, reading.calls).map(({ at, until, lane, kind, message, severity, finding }) => ({
            at,
            until,
            lane,
            kind,
            message,
            severity,
            finding,
        })),
        indicators: reading.indicators.map(({ kind, value, side, severity, alert, findings }) => ({
            kind,
            value,
            side,
            severity,
            alert,
            findings,
        })),
        window: windowOf(input, reading),
    };
}

/** The data as the page holds it. */
export const packed = (data: PageData): Uint8Array => gzipSync(JSON.stringify(data), { level: 6 });

/** For sorting. */
export const rankOf = (severity: Severity | null): number => (severity === null ? severities.length : severities.indexOf(severity));
