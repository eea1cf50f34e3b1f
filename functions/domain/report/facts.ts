/** One fact is told once: findings that say the same of the same thing become one, with every place that it was seen in. Pure. */
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import { tacticOf, type Tactic } from "./tactics";

export interface Fact {
    /** Ids of the findings, the gravest first; the first one stands for all. */
    ids: string[];
    severity: Severity;
    title: string;
    tactic: Tactic;
    attack: readonly string[];
    check: string;
    /** When it happened or the file changed: the earliest. ISO 8601; null where nothing says so. */
    at: string | null;
    /** Where it was seen, each once. Null: nowhere in particular. */
    places: { volumeId: string; path: string | null }[];
    evidence: string;
    sha256: string | null;
    rule: string | null;
}

/** The same log line in `secure`, the journal and `messages`, the same file in two places, the same key in three homes. */
const identity = ({ check, title, evidence, sha256, rule }: DiskFinding): string =>
    // A log-in is in btmp, wtmp, secure and the journal, each with words of its own; who, from where and how often is in the title.
    check === "logins" && /\b(logged in|failed log-ins)\b/.test(title)
        ? JSON.stringify([check, title])
        : JSON.stringify([check, title, rule, sha256 ?? evidence]);

export const isoTime = (text: string | null): string | null => {
    if (text === null || !/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
    const at = Date.parse(text);
    return Number.isNaN(at) ? null : new Date(at).toISOString();
};

/** What people ask for first, among facts that are equally grave: data, credentials, root, persistence, mining and destruction. */
export const asked: readonly Tactic[] = ["Exfiltration", "Credential access", "Privilege escalation", "Persistence", "Impact"];
const rank = (tactic: Tactic): number => (asked.includes(tactic) ? asked.indexOf(tactic) : asked.length);

/** @returns the gravest first, then by what it means; else in the order of the findings */
export function factsOf(findings: readonly DiskFinding[]): Fact[] {
    const byIdentity = new Map<string, Fact>();
    const graveFirst = [...findings].sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
    for (const finding of graveFirst) {
        const { id, severity, title, attack, check, modified, volumeId, path, evidence, sha256, rule } = finding;
        const key = identity(finding);
        const known = byIdentity.get(key);
        const at = isoTime(modified);
        if (!known) {
            const place = { volumeId, path };
            byIdentity.set(key, {
                ids: [id],
                severity,
                title,
                tactic: tacticOf(attack),
                attack,
                check,
                at,
                places: [place],
                evidence,
                sha256,
                rule,
            });
            continue;
        }
        known.ids.push(id);
        if (!known.places.some((each) => each.volumeId === volumeId && each.path === path)) known.places.push({ volumeId, path });
        if (at !== null && (known.at === null || at < known.at)) known.at = at;
    }
    // Stable: a fact's first finding, and with it its severity, came in order.
    return [...byIdentity.values()].sort(
        (left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity) || rank(left.tactic) - rank(right.tactic),
    );
}

/** Whether a fact is grave enough to be part of the story: medium or more. */
export const isGrave = ({ severity }: Pick<Fact, "severity">): boolean => severities.indexOf(severity) <= severities.indexOf("medium");
