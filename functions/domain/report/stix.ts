/**
 * Indicators as STIX 2.1 (OASIS): a bundle of one report, its identity, an indicator for each value that is not our own, and the sightings
 * behind it. Ids are derived, so that the same incident gives the same bundle. Pure.
 */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Indicator } from "./indicators";
import type { ReportInput } from "./assessment";
import type { Reading } from "./reading";
import { isoTime } from "./facts";

/** A namespace of our own: that of STIX (2.1, section 2.9) is for cyber-observable objects alone. */
const namespace = "6f2d9c1e-3b7a-4e58-9d0c-b1a64c2f8e73";

/** A version 5 UUID (RFC 4122). */
export function uuid5(name: string): string {
    const hash = createHash("sha1")
        .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
        .update(name, "utf8")
        .digest();
    hash[6] = (hash[6]! & 0x0f) | 0x50;
    hash[8] = (hash[8]! & 0x3f) | 0x80;
    const hex = hash.subarray(0, 16).toString("hex");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A string in a STIX pattern. */
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The pattern of an indicator; null for what STIX has no observable for. Exported for its tests. */
export function patternOf({ kind, value }: Pick<Indicator, "kind" | "value">): string | null {
    switch (kind) {
        case "address":
            return `[ipv${isIP(value) === 6 ? 6 : 4}-addr:value = ${quoted(value)}]`;
        case "domain":
            return `[domain-name:value = ${quoted(value)}]`;
        case "url":
            return `[url:value = ${quoted(value)}]`;
        case "sha256":
            return `[file:hashes.'SHA-256' = ${quoted(value)}]`;
        case "user":
            return `[user-account:account_login = ${quoted(value)}]`;
        case "path": {
            const at = value.lastIndexOf("/");
            const name = value.slice(at + 1);
            const folder = value.slice(0, at) || "/";
            return name === "" ? null : `[file:name = ${quoted(name)} AND file:parent_directory_ref.path = ${quoted(folder)}]`;
        }
        case "key":
            // No observable of STIX is an SSH key; its fingerprint stands in the page and the CSV.
            return null;
        default:
            return kind satisfies never;
    }
}

const words: Record<Indicator["kind"], string> = {
    address: "Address",
    domain: "Domain",
    url: "URL",
    sha256: "File",
    user: "User",
    key: "SSH key",
    path: "Path",
};

/** STIX wants times with milliseconds in UTC. */
const stamp = (text: string): string => isoTime(text) ?? new Date(0).toISOString();

/** The bundle, to be written as indicators.stix.json. */
export function stixBundle(
    { custody, generatedAt }: Pick<ReportInput, "custody" | "generatedAt">,
    { indicators, verdict }: Reading,
): object {
    const { incidentId, finding } = custody.incident;
    const created = stamp(generatedAt);
    const validFrom = stamp(custody.incident.openedAt);
    const common = { spec_version: "2.1", created, modified: created } as const;
    const identity = {
        type: "identity",
        id: `identity--${uuid5("ec2-clean-room-forensics")}`,
        ...common,
        name: "EC2 Clean Room Forensics",
        identity_class: "system",
    };
    const by = { created_by_ref: identity.id };
    const made = indicators
        .filter(({ side }) => side === "theirs")
        .flatMap((indicator) => {
            const pattern = patternOf(indicator);
            if (pattern === null) return [];
            const grave = indicator.alert || indicator.severity === "critical" || indicator.severity === "high";
            return [
                {
                    type: "indicator",
                    id: `indicator--${uuid5(`${incidentId} ${indicator.kind} ${indicator.value}`)}`,
                    ...common,
                    ...by,
                    name: `${words[indicator.kind]} ${indicator.value}`.slice(0, 256),
                    description: `Named by ${indicator.findings.length} findings${indicator.alert ? " and the alert" : ""} of incident ${incidentId}. Judge it before you block it.`,
                    // What a path or a user says alone is weak: others have the same.
                    indicator_types: [indicator.kind === "path" || indicator.kind === "user" ? "anomalous-activity" : "malicious-activity"],
                    confidence: indicator.kind === "path" || indicator.kind === "user" ? 30 : grave ? 70 : 50,
                    pattern,
                    pattern_type: "stix",
                    valid_from: validFrom,
                },
            ];
        });
    const report = {
        type: "report",
        id: `report--${uuid5(`${incidentId} report`)}`,
        ...common,
        ...by,
        name: `${verdict.headline}: ${custody.incident.instance.instanceId}`,
        description: `${finding.type}. ${verdict.findings}`.slice(0, 4000),
        report_types: ["indicator"],
        published: created,
        object_refs: [identity.id, ...made.map(({ id }) => id)],
    };
    return { type: "bundle", id: `bundle--${uuid5(`${incidentId} ${created}`)}`, objects: [identity, report, ...made] };
}
