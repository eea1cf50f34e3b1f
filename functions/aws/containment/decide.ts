/** Decides who contains an instance, from its tag, its incident's findings and people's answer; and keeps in the table what came of it. */
import type { Instance } from "@aws-sdk/client-ec2";
import type { ApprovalAnswer, ContainmentDecision, Incident } from "../../domain/containers";
import { brakeWords, countedWith } from "../../domain/brake";
import { braked, decideContainment } from "../../domain/decideContainment";
import { modeTag, tagValue } from "../../domain/tags";
import type { IncidentRecord } from "../../domain/incidentRecord";
import { mayContain } from "../brake";
import { deployedPolicy } from "../containmentPolicy";
import { TransientError } from "../errors";
import { log } from "../handler";
import { readIncident, replaceRecord, updateIncident } from "../incidentsTable";

/** The incident as the table has it; null when it has none or cannot be read. */
export type Recorded = { record: IncidentRecord | null; error: Error | null };

/** Reads the incident's record. Never throws: what contains an instance does not depend on the table. */
export async function readRecord(incidentId: string): Promise<Recorded> {
    try {
        return { record: await readIncident(incidentId), error: null };
    } catch (error) {
        log("the incidents table could not be read", { incidentId, error: String(error) });
        return { record: null, error: error instanceof Error ? error : new Error(String(error)) };
    }
}

/**
 * Decides over all findings that joined the incident.
 *
 * @throws the table's error where containing is not allowed without having read it: a finding may have joined that asks for more
 */
export function decide(
    incident: Incident,
    instance: Instance,
    { record, error }: Recorded,
    answer: ApprovalAnswer | null,
): ContainmentDecision {
    // Who waited for an answer is told that there is one; what it says stands in the table, which only our functions write.
    const said = record?.approval?.answer ?? answer;
    const decision = decideContainment({
        ...deployedPolicy(),
        findings: [incident.finding, ...(record?.findings ?? [])],
        accountId: incident.instance.accountId,
        vpcId: instance.VpcId ?? null,
        tags: Object.fromEntries((instance.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
        tag: tagValue(instance.Tags, modeTag),
        answer: said,
    });
    if (error !== null && decision.mode !== "automatic") throw error;
    return decision;
}

/**
 * Puts the decision to contain before the brake: what nobody was asked about begins only as often as that allows.
 *
 * Never throws: a table that cannot be counted in holds nothing up, as findings cannot open incidents without it either.
 */
export async function afterBrake(
    decision: ContainmentDecision,
    { incidentId, instance }: Incident,
    { record }: Recorded,
    answer: ApprovalAnswer | null,
): Promise<ContainmentDecision> {
    const said = record?.approval?.answer ?? answer;
    const byPerson = said?.approved === true && (said.via ?? "person") === "person";
    // What no finding opened was started by hand; a contained instance is looked after without being counted again.
    if (decision.mode !== "automatic" || byPerson || record === null || record.status === "contained") return decision;
    try {
        if (await mayContain(incidentId, instance.accountId)) return decision;
    } catch (error) {
        log("automatic containments could not be counted", { incidentId, error: String(error) });
        return decision;
    }
    return braked(decision, brakeWords(countedWith(deployedPolicy().policy.brake, instance.accountId).limit));
}

/**
 * Notes that the instance is left as it is, unless a finding joined since the record was read.
 *
 * @throws TransientError when one did: it may ask for more, so the decision is made again
 */
export async function recordObserved(record: IncidentRecord | null, answer: ApprovalAnswer | null): Promise<void> {
    if (record === null || record.status === "released") return;
    const approval = record.approval && { ...record.approval, answer: answer ?? record.approval.answer };
    const observed: IncidentRecord = { ...record, status: "observed", approval, updatedAt: new Date().toISOString() };
    if (!(await replaceRecord(observed)))
        throw new TransientError(`A finding joined ${record.incident.incidentId} while it was being decided`);
}

/** Notes that the instance is contained. Never throws: that it is contained counts, not that the table says so. */
export async function recordContained(incidentId: string, answer: ApprovalAnswer | null): Promise<void> {
    try {
        await updateIncident(incidentId, (record) =>
            record.status === "released"
                ? null
                : {
                      ...record,
                      status: "contained",
                      approval: record.approval && { ...record.approval, answer: answer ?? record.approval.answer },
                  },
        );
    } catch (error) {
        log("the incidents table could not be told of the containment", { incidentId, error: String(error) });
    }
}
