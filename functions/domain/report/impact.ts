/**
 * What the findings on the disks mean for the owner: was data taken, were credentials read, was the intruder root, does it come back,
 * does it mine. A pure planner. It never says "no": where nothing was seen, it says so and what cannot be known from a disk.
 */
import { severities, type DiskFinding } from "../analysisOutputs";

/** `observed`: a finding shows it. `inferred`: it follows from what was observed, or hints at it. `unknown`: nothing seen, which is no proof. */
export type Certainty = "observed" | "inferred" | "unknown";

export const impactKinds = ["data", "credentials", "root", "persistence", "mining", "destruction"] as const;
export type ImpactKind = (typeof impactKinds)[number];

export interface Impact {
    kind: ImpactKind;
    /** One or two words for people. */
    label: string;
    certainty: Certainty;
    /** A full sentence. Quotes the disk: untrusted text. */
    sentence: string;
    /** Ids of the findings it rests on, the gravest first. */
    findings: readonly string[];
}

interface Rule {
    label: string;
    /** ATT&CK techniques, sub-techniques included. */
    techniques: RegExp;
    /** Checks whose findings count whatever technique they name. */
    checks?: RegExp;
    /** Clauses of a history's title, or of a log line's, that are about this. */
    clauses: RegExp;
    /** What the observed finding shows. */
    shows: string;
    /** What a medium finding hints at. */
    hints: string;
    /** Why a disk without such a finding does not exclude it. */
    unknown: string;
}

const rules: Record<ImpactKind, Rule> = {
    data: {
        label: "Data taken",
        techniques: /^T(1560|1567|1048|1041|1020|1537|1030)(\.|$)/,
        clauses: /sends|packs|uploads|archive|exfil|copies/i,
        shows: "Data was packed or sent out",
        hints: "Commands that can send data out were used",
        unknown:
            "No trace of data leaving was seen on the disks. Only flow logs and S3 data events could show what left, and they were not looked at.",
    },
    credentials: {
        label: "Credentials read",
        techniques: /^T(1552|1003|1555|1528|1539|1556|1110\.00[24])(\.|$)/,
        clauses: /password hashes|credentials|secret|key/i,
        shows: "Credentials were read, or log-in was changed to catch them",
        hints: "Places where credentials lie were touched",
        unknown: "No trace of credentials being read was seen. What only memory or the metadata service saw is not known.",
    },
    root: {
        label: "Root reached",
        techniques: /^T(1548|1574\.006|1547\.006|1014|1136|1554|1556\.003|1601|1068|1003\.008)(\.|$)/,
        checks: /^(ld-preload|kernel-modules|packages)$/,
        clauses: /superuser|set-user-id|library|kernel|account database/i,
        shows: "Something was changed that only root can change",
        hints: "There are signs of attempts to become root",
        unknown: "No change that needs root was seen.",
    },
    persistence: {
        label: "Comes back",
        techniques: /^T(1053|1543|1546|1547|1574|1098|1136|1505|1037|1554|1542)(\.|$)/,
        clauses: /scheduled|account|key|library|start/i,
        shows: "The intruder comes back after a reboot or log-in",
        hints: "Something starts by itself that may not belong here",
        unknown: "Nothing that brings an intruder back was seen in the places that were looked at.",
    },
    mining: {
        label: "Mining",
        techniques: /^T1496(\.|$)/,
        clauses: /min(es|er)/i,
        shows: "A coin miner, or its configuration, lies on the disk",
        hints: "There are signs of a coin miner",
        unknown: "No coin miner was seen on the disks; one that lives in memory alone would not be.",
    },
    destruction: {
        label: "Destroyed or encrypted",
        techniques: /^T(1485|1486|1490|1561|1565)(\.|$)/,
        clauses: /destroy|encrypt|wipe/i,
        shows: "Data was destroyed, changed or encrypted",
        hints: "There are signs of destruction",
        unknown: "No trace of destruction was seen. Deleted files are not fully looked for.",
    },
};

const rank = ({ severity }: DiskFinding) => severities.indexOf(severity);
/** A title that lists many things ("Command history: a, b, c") is told by what of it is about this. */
function place({ title, path }: DiskFinding, clauses: RegExp): string {
    const [, before, listed] = /^([^:,]{3,60}: )(.+, .+)$/.exec(title) ?? [];
    const about = (listed ?? "").split(", ").filter((each) => clauses.test(each));
    return `${about.length > 0 ? `${before}${about.join(", ")}` : title}${path === null ? "" : ` (${path})`}`;
}
const others = (number: number) => (number === 0 ? "" : `, and ${number} more`);
/** Written by root alone on any ordinary system. */
const rootsOwn = /^\/(etc|root|boot|usr\/(s?bin|lib|lib64)|lib|lib64|s?bin)\//;

function judge(kind: ImpactKind, findings: readonly DiskFinding[]): Impact {
    const rule = rules[kind];
    const matching = findings
        .filter(
            ({ attack, check, severity, path }) =>
                rank({ severity } as DiskFinding) <= 2 &&
                (attack.some((technique) => rule.techniques.test(technique)) ||
                    rule.checks?.test(check) ||
                    // What starts by itself from root's own folders was put there by root.
                    (kind === "root" &&
                        path !== null &&
                        rootsOwn.test(path) &&
                        attack.some((each) => rules.persistence.techniques.test(each)))),
        )
        .sort((left, right) => rank(left) - rank(right));
    const ids = matching.map(({ id }) => id);
    const grave = matching.filter((finding) => rank(finding) <= 1);
    const [worst] = matching;
    if (grave.length > 0)
        return {
            kind,
            label: rule.label,
            certainty: "observed",
            // A title that says the same already is not led in once more.
            sentence: `${worst!.title.startsWith("Data was ") ? "" : `${rule.shows}: `}${place(worst!, rule.clauses)}${others(grave.length - 1)}.`,
            findings: ids,
        };
    if (worst)
        return {
            kind,
            label: rule.label,
            certainty: "inferred",
            sentence: `${rule.hints}: ${place(worst, rule.clauses)}${others(matching.length - 1)}.`,
            findings: ids,
        };
    return { kind, label: rule.label, certainty: "unknown", sentence: rule.unknown, findings: [] };
}

/**
 * Every impact, in the order people ask for it.
 *
 * @param findings in any order; what is medium or graver counts
 */
export function impacts(findings: readonly DiskFinding[]): Impact[] {
    const all = impactKinds.map((kind) => judge(kind, findings));
    const root = all.find(({ kind }) => kind === "root")!;
    return all.map((impact) =>
        // Root reads every secret of the instance; whether it did is not on the disk.
        impact.kind === "credentials" && impact.certainty === "unknown" && root.certainty === "observed"
            ? {
                  ...impact,
                  certainty: "inferred",
                  sentence:
                      "The intruder was root, so every secret on the instance could be read: keys, configuration, the instance role. No reading of one was seen.",
                  findings: root.findings,
              }
            : impact,
    );
}
