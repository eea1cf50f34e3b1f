/** What the incidents table knows of an incident, and how findings change it. Pure; reading and writing is functions/aws/incidentsTable.ts. */
import { z } from "zod";
import { approvalAnswerSchema, incidentSchema, seenFindingSchema, timestampSchema, untrustedText } from "./containers";
import type { ContainmentMode, Finding, Incident, SeenFinding } from "./containers";
import { isStricter } from "./decideContainment";
import { incidentIdOf } from "./proposeIncidents";
import { incidentPrefix } from "./evidenceKeys";

/** Findings that a record holds at most: an item of the table has 400 KB at most, and these are 1 KB each. */
export const mostFindings = 50;

export const incidentRecordSchema = z.object({
    /** The input of its execution. */
    incident: incidentSchema,
    /** 1 for the instance's first incident; another one begins when the last is over. */
    generation: z.number().int().positive(),
    /** `open` until containment ends; `observed`: nothing was changed, on purpose; `released`: over. */
    status: z.enum(["open", "contained", "observed", "released"]),
    /** Counts the changes of the record, so that none is made on an outdated reading. */
    revision: z.number().int().nonnegative(),
    findings: z.array(seenFindingSchema).min(1).max(mostFindings),
    /** When the execution was started; null when that is not known. */
    startedAt: timestampSchema.nullable(),
    /** Since when it waits for a person before anything is done, because the brake held; null when it does not. */
    heldSince: timestampSchema.nullable().optional(),
    /** The request for approval; null when none was made. Its token is null where the execution waits for its start. */
    approval: z
        .object({
            taskToken: z.string().min(1).max(2048).nullable(),
            expiresAt: timestampSchema,
            answer: approvalAnswerSchema.nullable(),
            /** What people decide on, as it stood when they were asked; left out by records of before. */
            asked: z
                .object({
                    at: timestampSchema,
                    /** The rule, tag or brake that asks. */
                    why: untrustedText(1024).nullable(),
                    /** What containment would change: each of its steps in words. */
                    changes: z.array(untrustedText(300)).max(100),
                    /** What silence means. */
                    onTimeout: z.enum(["contain", "observe"]),
                })
                .optional(),
        })
        .nullable(),
    updatedAt: timestampSchema,
});
export type IncidentRecord = z.infer<typeof incidentRecordSchema>;

/** The record of a new incident. @param generation above 1 gives the incident an id of its own */
export function newRecord(incident: Incident, generation: number, mode: ContainmentMode, now: string): IncidentRecord {
    const incidentId = incidentIdOf(incident.instance, incident.finding.id, generation);
    return {
        incident: { ...incident, incidentId, prefix: incidentPrefix(incidentId) },
        generation,
        status: "open",
        revision: 0,
        findings: [seen(incident.finding, mode, now)],
        startedAt: null,
        approval: null,
        updatedAt: now,
    };
}

/** What the record keeps of a finding. @param seenAt when it came first */
function seen({ id, type, severity, sample, origin, updatedAt, message }: Finding, mode: ContainmentMode, seenAt: string): SeenFinding {
    return { id, type, severity, sample, origin, updatedAt, message, mode, seenAt };
}

/**
 * What a finding does to the incident that stands for its instance.
 *
 * - `repeats`: seen before, unchanged; nothing to do
 * - `updates`: seen before, with news
 * - `joins`: another finding about an instance whose incident is not over
 * - `opens`: the incident that stands is over, or left the instance as it is and this finding asks for more, or a person asks for fresh evidence
 */
export type Effect = "repeats" | "updates" | "joins" | "opens";

/**
 * Decides it.
 *
 * @param mode what the rules say about the finding now
 * @param executionFailed whether the standing incident's execution ended without success; see {@link mattersWhetherFailed}
 */
export function planEffect(standing: IncidentRecord, finding: Finding, mode: ContainmentMode, executionFailed: boolean): Effect {
    const before = standing.findings.find(({ id }) => id === finding.id);
    const unchanged = before !== undefined && !hasNews(before, finding, mode);
    // A replayed message changes nothing, whatever has become of the incident; a person's message has no date to tell by.
    if (unchanged && !(standing.status === "released" && finding.origin === "manual")) return "repeats";
    if (standing.status === "released") return "opens";
    // A person wants snapshots of now: each incident has its own.
    if (finding.freshEvidence === true) return "opens";
    // A finding that people decided to leave alone is not put to them again, unless it has become graver.
    if (standing.status === "observed" && (before === undefined ? mode !== "observe" : isStricter(mode, before.mode))) return "opens";
    if (executionFailed && mattersWhetherFailed(standing, finding)) return "opens";
    return before === undefined ? "joins" : "updates";
}

/**
 * Whether a finding that was seen before says something new. An older state that comes late never does, and a second service that
 * delivers the same state (Security Hub GuardDuty's, with a severity of its own scale) only where the rules now ask for more.
 */
function hasNews(before: SeenFinding, finding: Finding, mode: ContainmentMode): boolean {
    const [then, now] = [before.updatedAt, finding.updatedAt].map((at) => (at === null ? NaN : Date.parse(at)));
    if (now! < then!) return false;
    const isLater = Number.isNaN(then) || Number.isNaN(now) ? before.updatedAt !== finding.updatedAt : now! > then!;
    if (isLater || isStricter(mode, before.mode)) return true;
    return before.origin === finding.origin && (before.severity !== finding.severity || before.mode !== mode);
}

/** A response that failed is begun anew by a person, and by another finding when it left the instance uncontained. */
export function mattersWhetherFailed({ status, findings }: IncidentRecord, finding: Finding): boolean {
    return (status === "open" || (finding.origin === "manual" && status !== "released")) && findings.every(({ id }) => id !== finding.id);
}

/** The record with a finding that joined or has news. When there are too many, the mildest goes, but never the one that opened the incident. */
export function withFinding(record: IncidentRecord, finding: Finding, mode: ContainmentMode, now: string): IncidentRecord {
    const [opener, ...others] = record.findings;
    const before = record.findings.find(({ id }) => id === finding.id);
    const taken = seen(finding, mode, before?.seenAt ?? now);
    const findings = opener!.id === finding.id ? [taken, ...others] : [opener!, ...others.filter(({ id }) => id !== finding.id), taken];
    if (findings.length > mostFindings) {
        const milder = (left: SeenFinding, right: SeenFinding) =>
            isStricter(right.mode, left.mode) || (left.mode === right.mode && left.severity < right.severity);
        findings.splice(findings.indexOf(findings.slice(1).reduce((mildest, each) => (milder(each, mildest) ? each : mildest))), 1);
    }
    return { ...record, findings, updatedAt: now };
}

/** Whether the incident contains its instance without asking, as far as is known before the instance was read. */
export function asksNobody({ approval, findings }: IncidentRecord): boolean {
    return approval?.answer?.approved !== true && findings.some(({ mode }) => mode === "automatic");
}

/** Whether a finding that joined asks for containment while people are still being asked: then nobody needs to answer. */
export function answersItself({ approval, findings }: IncidentRecord): boolean {
    return approval !== null && approval.answer === null && findings.some(({ mode }) => mode === "automatic");
}
