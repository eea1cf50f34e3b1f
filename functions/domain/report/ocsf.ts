/**
 * The result as an OCSF Detection Finding (schema.ocsf.io, class 2004), for lakes and other tools that read the one schema. Pure.
 */
import { severities, type Severity } from "../severity";
import type { ReportInput } from "./assessment";
import type { Reading } from "./reading";

/** The schema's version that the object follows. */
const schemaVersion = "1.5.0";
const classUid = 2004;
/** A newer report of the same finding updates it. */
const activities = { create: { id: 1, name: "Create" }, update: { id: 2, name: "Update" } } as const;

const severityIds: Record<Severity, number> = { critical: 5, high: 4, medium: 3, low: 2, informational: 1 };
const captions: Record<Severity, string> = {
    critical: "Critical",
    high: "High",
    medium: "Medium",
    low: "Low",
    informational: "Informational",
};

/** Milliseconds since 1970, as OCSF has times. */
const milliseconds = (text: string | null | undefined): number | undefined => {
    const at = text ? Date.parse(text) : NaN;
    return Number.isNaN(at) ? undefined : at;
};

/** Techniques named: a finding of a disk that an intruder filled has no end of them. */
const mostTechniques = 50;
const mostObservables = 100;

/** @returns the event; nothing in it is undefined */
export function ocsfFinding(
    input: ReportInput,
    { verdict, facts, indicators, exposure, entries, assessment }: Reading,
): { severity: string } {
    const { incident } = input.custody;
    const { finding, instance } = incident;
    const { edition } = input;
    const activity = edition === undefined ? activities.create : activities.update;
    const worst = severities.find((severity) => facts.some((fact) => fact.severity === severity)) ?? "informational";
    const techniques = [...new Set(facts.flatMap(({ attack }) => attack))].slice(0, mostTechniques);
    const time = milliseconds(input.generatedAt) ?? 0;
    const start = exposure.moments[0]?.at;
    const event = {
        activity_id: activity.id,
        activity_name: activity.name,
        category_uid: 2,
        category_name: "Findings",
        class_uid: classUid,
        class_name: "Detection Finding",
        type_uid: classUid * 100 + activity.id,
        type_name: `Detection Finding: ${activity.name}`,
        time,
        severity_id: severityIds[worst],
        severity: captions[worst],
        status_id: 1,
        status: "New",
        confidence_id: entries[0]?.confidence === "high" ? 3 : 2,
        confidence: entries[0]?.confidence === "high" ? "High" : "Medium",
        message: `${verdict.headline}: ${instance.instanceId}`,
        start_time: milliseconds(start),
        end_time: time,
        metadata: {
            version: schemaVersion,
            product: { name: "EC2 Clean Room Forensics", vendor_name: "EC2 Clean Room Forensics", version: input.summary?.tool.version },
            profiles: ["cloud"],
            correlation_uid: incident.incidentId,
        },
        cloud: {
            provider: "AWS",
            region: instance.region,
            account: { uid: instance.accountId, name: instance.accountId, type: "AWS Account", type_id: 10 },
        },
        finding_info: {
            uid: incident.incidentId,
            title: `${verdict.headline}: ${instance.instanceId}`,
            desc: `${verdict.findings} ${verdict.containment} ${verdict.reliability}`.slice(0, 4000),
            types: [finding.type],
            created_time: edition === undefined ? time : milliseconds(edition.before.at),
            modified_time: edition === undefined ? undefined : time,
            first_seen_time: milliseconds(start),
            attacks: techniques.map((uid) => ({
                technique: { uid: uid.split(".")[0]!, name: uid.split(".")[0]! },
                ...(uid.includes(".") ? { sub_technique: { uid, name: uid } } : {}),
            })),
            related_events: [{ uid: finding.id, type: finding.type }],
        },
        resources: [{ uid: instance.instanceId, type: "AwsEc2Instance", region: instance.region, cloud_partition: finding.partition }],
        observables: indicators
            .filter(({ side, kind }) => side === "theirs" && observableTypes[kind] !== undefined)
            .slice(0, mostObservables)
            .map(({ kind, value }) => ({ name: kind, value, ...observableTypes[kind]! })),
        remediation: {
            desc: "Rebuild the instance from a clean image; replace every secret that it could read. See report.html of the incident.",
        },
        unmapped: { complete: assessment.complete, intact: assessment.intact, contained: input.custody.containment?.contained ?? false },
    };
    // Undefined is left out by JSON; what is compared and sent is what JSON holds.
    return JSON.parse(JSON.stringify(event)) as typeof event;
}

/** Types of observables that OCSF has a number for. */
const observableTypes: Partial<Record<string, { type_id: number; type: string }>> = {
    domain: { type_id: 1, type: "Hostname" },
    address: { type_id: 2, type: "IP Address" },
    user: { type_id: 4, type: "User Name" },
    url: { type_id: 6, type: "URL String" },
    sha256: { type_id: 8, type: "Hash" },
};
