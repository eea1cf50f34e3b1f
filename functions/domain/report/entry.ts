/** How the intruder likely came in, how sure that is and why, and how long the instance was open. Pure. */
import type { Containment, Finding } from "../containers";
import { isoTime, type Fact } from "./facts";
import { time } from "./format";

export interface Entry {
    /** One of a kind is told: the surest, then the earliest. */
    kind: string;
    /** Sentence; quotes the disk. */
    what: string;
    confidence: "high" | "medium" | "low";
    why: string[];
    /** ISO 8601; null where nothing says so. */
    at: string | null;
    findings: string[];
}

export interface Exposure {
    /** In order of time; only what is known. */
    moments: { what: string; at: string }[];
    /** A sentence, or null where entry or containment is not known. */
    open: string | null;
}

const guessedLogin = /^(.{1,64}) logged in from (.{1,256}) after (\d+) failed attempts/;
const failedLogins = /^(\d+) failed log-ins from (.+)$/;
const passwordLogin = /^(.{1,64}) logged in with a password from (.+)$/;
const rootLogin = /^root logged in from (.+)$/;
const first = (evidence: string): string | null => isoTime(/\bfirst (\d{4}-\d{2}-\d{2}T[\d:]+Z)/.exec(evidence)?.[1] ?? null);
const place = ({ places }: Fact) => places[0]?.path ?? "the disk";

/** A setting that lets people log in by password: how old it is against the launch says who made it. */
function passwordSetting(facts: readonly Fact[], launched: string | null): string[] {
    const setting = facts.find(({ check, title }) => check === "ssh" && /^SSH server: .*password/i.test(title));
    if (!setting) return [];
    const age =
        setting.at === null || launched === null
            ? "when it was set is not known"
            : Date.parse(setting.at) <= Date.parse(launched) + 3600_000
              ? "it is as old as the launch, so it came with the image: other instances of it have it too"
              : `it was made at ${time(setting.at)}, after the launch`;
    return [`The SSH server takes passwords (${place(setting)}); ${age}.`];
}

/** Candidates, the surest first, the earliest first among equals. The first is the likely entry. */
export function entriesOf(facts: readonly Fact[], launchTime: string | null): Entry[] {
    const launched = isoTime(launchTime);
    const ranks = { high: 0, medium: 1, low: 2 };
    const earliestGrave = facts
        .filter(({ severity, at, check }) => (severity === "critical" || severity === "high") && at !== null && check !== "logins")
        .map(({ at }) => at!)
        .sort()[0];
    const before = (at: string | null) => at !== null && (earliestGrave === undefined || at <= earliestGrave);
    const order = (at: string | null) =>
        before(at)
            ? ["It comes before everything else that is grave and has a time."]
            : ["What else is grave has earlier times, which may be forged."];
    const entries = facts.flatMap((fact): Entry[] => {
        const { title, check, evidence, ids } = fact;
        const guessed = guessedLogin.exec(title);
        if (guessed) {
            const at = first(evidence) ?? fact.at;
            return [
                {
                    kind: `guessed ${guessed[1]} ${guessed[2]}`,
                    what: `A guessed password: ${guessed[1]} logged in from ${guessed[2]} after ${guessed[3]} failed attempts from there`,
                    confidence: before(at) ? "high" : "medium",
                    why: [...passwordSetting(facts, launched), ...order(at)],
                    at,
                    findings: ids,
                },
            ];
        }
        if (check === "web-shell" && ["critical", "high"].includes(fact.severity))
            return [
                {
                    kind: "web",
                    what: `The web application: a web shell lies at ${place(fact)}`,
                    confidence: "medium",
                    why: [
                        "A web shell is written through a hole in the application, or by somebody who was in already. The web server's logs were not looked at.",
                        ...order(fact.at),
                    ],
                    at: fact.at,
                    findings: ids,
                },
            ];
        const plain = passwordLogin.exec(title) ?? rootLogin.exec(title);
        if (plain && before(first(evidence) ?? fact.at))
            return [
                {
                    kind: "log-in",
                    what: `A log-in: ${title}`,
                    confidence: "low",
                    why: ["Nothing shows that it was not its owner.", ...passwordSetting(facts, launched)],
                    at: first(evidence) ?? fact.at,
                    findings: ids,
                },
            ];
        return [];
    });
    return entries
        .sort((left, right) => ranks[left.confidence] - ranks[right.confidence] || (left.at ?? "9").localeCompare(right.at ?? "9"))
        .filter((entry, index, all) => all.findIndex(({ kind }) => kind === entry.kind) === index)
        .slice(0, 4);
}

/** `2 h 5 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
    const minutes = Math.max(0, Math.round(milliseconds / 60_000));
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** First attempt, entry, first seen by the detector, contained. */
export function exposureOf(facts: readonly Fact[], entry: Entry | null, finding: Finding, containment: Containment | null): Exposure {
    const attempts = facts
        .flatMap((fact) => (failedLogins.test(fact.title) ? [first(fact.evidence) ?? fact.at] : []))
        .filter((at): at is string => at !== null)
        .sort();
    const seen = isoTime(finding.facts?.firstSeen ?? null) ?? isoTime(finding.createdAt);
    const contained = containment?.contained ? containment.containedAt : null;
    const moments = [
        ["First attempt on record", attempts[0]],
        ["Likely entry", entry?.at],
        ["First seen by the detector", seen],
        ["Contained", contained],
    ]
        .filter((moment): moment is [string, string] => typeof moment[1] === "string")
        .map(([what, at]) => ({ what, at }))
        .sort((left, right) => left.at.localeCompare(right.at));
    const open =
        entry?.at && contained && Date.parse(contained) >= Date.parse(entry.at)
            ? `Open to the intruder for about ${duration(Date.parse(contained) - Date.parse(entry.at))}, from the likely entry until containment.`
            : entry?.at
              ? "Open to the intruder since the likely entry, and not contained."
              : null;
    return { moments, open };
}
