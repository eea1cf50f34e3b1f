/**
 * Indicators of compromise in what was found: what to look for on other instances. A pure planner over hostile text: bounded, each with where
 * it was seen and whose it is. Only findings of medium severity and more count: an administrator's address is no indicator.
 */
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { severities, type DiskFinding, type Severity } from "../analysisOutputs";
import type { Finding, Incident } from "../containers";
import { domainPattern, looksLikeFile } from "../domainNames";
import type { Exposure } from "./entry";

export const indicatorKinds = ["address", "domain", "url", "sha256", "user", "key", "path"] as const;
export type IndicatorKind = (typeof indicatorKinds)[number];

/** indicators.json. */
export const indicatorsFileSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    /** From when on to look: the first attempt on record or the likely entry, a day before. */
    since: z.string(),
    /** Access keys that the alert names. */
    accessKeys: z.array(z.string()),
    indicators: z.array(
        z.object({
            kind: z.enum(indicatorKinds),
            value: z.string(),
            side: z.enum(["theirs", "own"]),
            severity: z.enum(severities).nullable(),
            findings: z.array(z.string()),
            alert: z.boolean(),
        }),
    ),
});
export type IndicatorsFile = z.infer<typeof indicatorsFileSchema>;

export interface Indicator {
    kind: IndicatorKind;
    value: string;
    /** `own`: private ranges, `ownNetworks` and the instance's own addresses. `theirs` is a guess: not known to be ours. */
    side: "theirs" | "own";
    /** The gravest finding that names it; null where only the alert does. */
    severity: Severity | null;
    /** Ids of the findings that name it, the gravest first, at most 20. */
    findings: string[];
    /** The alert names it. */
    alert: boolean;
}

/** Indicators of a kind: a hostile disk may hold any number. */
const mostOfKind = 2000;
const mostFindings = 20;

const address = /(?<![\w.:-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)/g;
const address6 = /(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:.])/gi;
const url = /\b(?:https?|ftp|stratum\+(?:tcp|ssl|tls)):\/\/[^\s"'<>|)\\]{3,400}/gi;
const keyPrint = /\bSHA256:[A-Za-z0-9+/]{43}/g;
const validAddress = (text: string) => isIP(text) !== 0 && text !== "0.0.0.0" && text !== "255.255.255.255";

const privateRanges = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/** Tells addresses of CIDR ranges from others. @param ranges one that is none is left out */
export function inNetworks(ranges: readonly string[]): (address: string) => boolean {
    const list = new BlockList();
    for (const range of ranges) {
        const [network = "", width = ""] = range.split("/");
        const family = isIP(network);
        const bits = Number(width);
        if (family !== 0 && /^\d{1,3}$/.test(width) && bits <= (family === 6 ? 128 : 32))
            list.addSubnet(network, bits, family === 6 ? "ipv6" : "ipv4");
    }
    return (text) => {
        const family = isIP(text);
        return family !== 0 && list.check(text, family === 6 ? "ipv6" : "ipv4");
    };
}

/** Tells own addresses from others: private ranges, the owner's, and single addresses. @param ownNetworks CIDR ranges */
export const ownAddresses = (ownNetworks: readonly string[], own: readonly string[] = []): ((address: string) => boolean) =>
    inNetworks([...privateRanges, ...ownNetworks, ...own.map((each) => `${each}/${isIP(each) === 6 ? 128 : 32}`)]);

const hostOf = (text: string): string => /^[^:]+:\/\/(?:[^@/]*@)?([^/:?#]+)/.exec(text)?.[1] ?? "";

const users: readonly RegExp[] = [/^Account (\S{1,64}) was made/, /^(\S{1,64}) logged in from .* after \d+ failed/];

function* named(finding: DiskFinding): Generator<readonly [IndicatorKind, string]> {
    // A history is shown with what stands around its matches: that is somebody's work.
    const evidence = finding.check === "shell-history" ? finding.evidence.replace(/^ {2}line \d+: .*$/gm, "") : finding.evidence;
    const text = `${finding.title}\n${evidence}`;
    for (const [match] of text.matchAll(url)) {
        yield ["url", match.replace(/[.,;:]+$/, "")];
        const host = hostOf(match);
        if (isIP(host) === 0 && /^([a-z0-9-]+\.)+[a-z]{2,24}$/i.test(host)) yield ["domain", host.toLowerCase()];
    }
    for (const [match] of text.matchAll(address)) if (validAddress(match)) yield ["address", match];
    for (const [match] of text.matchAll(address6)) if (validAddress(match)) yield ["address", match.toLowerCase()];
    for (const [match] of text.matchAll(domainPattern())) if (!looksLikeFile(match)) yield ["domain", match.toLowerCase()];
    for (const [match] of text.matchAll(keyPrint)) yield ["key", match];
    for (const pattern of users) {
        const user = pattern.exec(finding.title)?.[1];
        if (user !== undefined && user !== "root") yield ["user", user];
    }
    // A log is where an intruder is told of, not the intruder's.
    if (finding.sha256 !== null && /^[0-9a-f]{64}$/.test(finding.sha256)) yield ["sha256", finding.sha256];
    if (finding.path !== null && !/^\/(var\/log|run\/log)\//.test(finding.path)) yield ["path", finding.path];
}

/**
 * @param alert its remote addresses and domains count whatever the disk says
 * @param isOwn see {@link ownAddresses}
 */
export function indicatorsOf(
    findings: readonly DiskFinding[],
    alert: Pick<Finding, "facts">,
    isOwn: (address: string) => boolean,
): Indicator[] {
    const all = new Map<string, Indicator>();
    const counts: Record<string, number> = {};
    const at = (kind: IndicatorKind, value: string): Indicator | null => {
        const key = `${kind} ${value}`;
        const known = all.get(key);
        if (known) return known;
        counts[kind] = (counts[kind] ?? 0) + 1;
        if (counts[kind]! > mostOfKind) return null;
        const host = kind === "url" ? hostOf(value) : value;
        const side = (kind === "address" || kind === "url") && isOwn(host) ? "own" : "theirs";
        const made: Indicator = { kind, value, side, severity: null, findings: [], alert: false };
        all.set(key, made);
        return made;
    };
    for (const kind of ["address", "domain"] as const)
        for (const value of (kind === "address" ? alert.facts?.remoteAddresses : alert.facts?.domains) ?? []) {
            const indicator = at(kind, value.toLowerCase());
            if (indicator) indicator.alert = true;
        }
    const grave = findings
        .filter(({ severity }) => severities.indexOf(severity) <= severities.indexOf("medium"))
        .sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
    for (const finding of grave)
        for (const [kind, value] of named(finding)) {
            const indicator = at(kind, value);
            if (indicator === null) continue;
            indicator.severity ??= finding.severity;
            if (indicator.findings.length < mostFindings && !indicator.findings.includes(finding.id)) indicator.findings.push(finding.id);
        }
    const rank = ({ severity }: Indicator) => (severity === null ? severities.length : severities.indexOf(severity));
    return [...all.values()].sort(
        (left, right) =>
            indicatorKinds.indexOf(left.kind) - indicatorKinds.indexOf(right.kind) ||
            Number(right.alert) - Number(left.alert) ||
            rank(left) - rank(right) ||
            left.value.localeCompare(right.value),
    );
}

/** What `npm run hunt` reads. */
export function indicatorsFile(incident: Incident, indicators: readonly Indicator[], exposure: Exposure): IndicatorsFile {
    const first = exposure.moments[0]?.at ?? incident.openedAt;
    const keys = (incident.finding.facts?.identities ?? []).flatMap((each) => each.match(/\b(AKIA|ASIA)[A-Z0-9]{12,20}\b/g) ?? []);
    return indicatorsFileSchema.parse({
        schemaVersion: 1,
        incidentId: incident.incidentId,
        since: new Date(Date.parse(first) - 86_400_000).toISOString(),
        accessKeys: [...new Set(keys)],
        indicators,
    });
}
