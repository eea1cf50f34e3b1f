/**
 * Contains the instance (aws/containment/contain.ts), or says what would have been changed where the configuration, the instance's
 * tag or people decide against it.
 *
 * A sub-step that fails is recorded and the rest is still done; only an interface that is not isolated at the end makes
 * the step fail. Run again after a crash it goes on where it stopped: the plan is made from the state as it is, and the
 * restore record of the instance stands until it is released.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { readBrake } from "./aws/brake";
import { contain } from "./aws/containment/contain";
import { afterBrake, decide, readRecord, recordContained, recordObserved } from "./aws/containment/decide";
import { attempt, done, persist } from "./aws/containment/performed";
import { changeInstancePermissions, makeGroupsPermissions, readInstancePermissions } from "./aws/containment/permissions";
import type { NetworkMode } from "./aws/containment/prepareGroups";
import { readBeside, readQuick } from "./aws/containment/readBeside";
import { readCredentialHistory, type CredentialHistory } from "./aws/containment/credentialHistory";
import { describeInstance, InstanceGone, readBranches, stateOf } from "./aws/containment/readInstance";
import { environment, needs } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import { assumeResponder, readEvidence, writeEvidence } from "./aws/permissions";
import type { Permissions } from "./aws/permissions";
import { readTrailPermissions } from "./aws/trail";
import { listStanding, listStandingPermissions, readStanding } from "./aws/standingContainments";
import { victimOf } from "./aws/victim";
import { approvalAnswerSchema, containmentSchema, incidentSchema } from "./domain/containers";
import type { Containment, ContainmentStep, Incident, ObjectRef } from "./domain/containers";
import { namedProfiles, namedRoles, otherCredentials, runBy } from "./domain/credentialHistory";
import { objectNames } from "./domain/evidenceKeys";
import { measured, notContained as triesThatFailed, secondsToContained } from "./domain/measures";
import { memorySchema, notBegun, type Memory } from "./domain/memory";
import { observedContainment } from "./domain/observedContainment";
import type { CredentialsMode } from "./domain/planContainment";
import type { StandingContainment } from "./domain/standingContainment";
import { insideSubnet, markedElsewhere } from "./domain/trackedPaths";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "RESPONDER_ROLE_NAME",
    "DRILL",
    "INCIDENTS_TABLE",
    "CONTAINMENT_POLICY",
    "CONTAIN_CREDENTIALS",
    "CONTAIN_NETWORK",
    "MEMORY_MODE",
    "EVIDENCE_BUCKET",
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...useIncidents("GetItem", "PutItem", "UpdateItem")(names),
    ...listStandingPermissions(names),
    ...writeEvidence(objectNames.restoreRecord, objectNames.observedInstance, objectNames.containment)(names),
    ...readEvidence(objectNames.restoreRecord)(names),
];

/** In the member account. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    ...makeGroupsPermissions(names),
    ...readTrailPermissions(names),
];

/** How far the credentials are cut, as deployed. */
function credentialsMode(): CredentialsMode {
    return environment("CONTAIN_CREDENTIALS");
}

/** Whether whole subnets are cut as well, as deployed. */
function networkMode(): NetworkMode {
    return environment("CONTAIN_NETWORK");
}

/** Instances of one Auto Scaling group that are named at most. */
const mostOfGroup = 20;
/** Milliseconds that settings are waited for before the cut; what is not known by then is read beside it. */
const hurried = 1500;

/** What stands for the instance. Never throws: what contains an instance does not depend on the table. */
async function readKnown({ instance }: Incident): Promise<StandingContainment | null> {
    try {
        return await readStanding(instance);
    } catch (error) {
        log("the standing containment could not be read", { instance: instance.instanceId, why: String(error) });
        return null;
    }
}

/** Other instances of its Auto Scaling group that stand contained. Never throws: people are told of it, nothing depends on it. */
async function readSameGroup({ instance }: Incident, group: string | null): Promise<Pick<Containment, "sameGroup">> {
    if (group === null) return {};
    try {
        const others = (await listStanding())
            .filter((each) => each.record.autoScaling?.group === group && each.instance.accountId === instance.accountId)
            .filter((each) => each.instance.instanceId !== instance.instanceId && each.networkReleasedAt === null)
            .sort((left, right) => left.begunAt.localeCompare(right.begunAt));
        if (others.length === 0) return {};
        const instances = others.slice(-mostOfGroup).map((each) => ({
            instanceId: each.instance.instanceId,
            incidentId: each.incidentIds.at(-1)!,
            since: each.begunAt,
        }));
        return { sameGroup: { total: others.length, instances } };
    } catch (error) {
        log("instances of the same Auto Scaling group could not be listed", { group, why: String(error) });
        return {};
    }
}

/** Writes an object beside the evidence; that it could not be written is a failed step. @returns where it lies, or was to */
async function keepObject(key: string, value: unknown, onlyIfAbsent: boolean, steps: ContainmentStep[]): Promise<ObjectRef> {
    let ref: ObjectRef = {
        bucket: environment("EVIDENCE_BUCKET"),
        key,
        sha256: createHash("sha256")
            .update(JSON.stringify(value, null, 2))
            .digest("hex"),
    };
    const kept = await attempt({ name: "keepObject", detail: `${key} in the evidence bucket` }, async () => {
        ref = (await putJson(key, value, { onlyIfAbsent })).ref;
        return done;
    });
    if (kept.error !== null) steps.push(kept.step);
    return ref;
}

/** Why the instance is not contained, and what a person has to do now. */
function notContained({ instance, isolationGroupId, steps }: Containment, open: string[], ruleless: boolean): StepError {
    const failed = steps
        .filter((each) => each.outcome === "failed")
        .map((each) => `${each.name} (${each.detail})`)
        .join("; ");
    return new StepError(
        "The instance is NOT contained",
        `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
        `${open.length > 0 ? `Interfaces still open: ${open.join(", ")}. ` : ""}${ruleless ? "" : `The isolation group ${isolationGroupId} has rules; remove them. `}${failed ? `Failed: ${failed}. ` : ""}Isolate it by hand now: give every interface a security group without rules.`,
    );
}

/**
 * What became of its memory. Its steps stand among the containment's. A step before this one that ended without an answer is told here too.
 *
 * @param asked whether people were asked: the disks are evidence by then, and nothing is taken of its memory
 */
function memoryOf(memory: Memory | null, asked: boolean, { incidentId }: Incident, at: string): Pick<Containment, "memory"> {
    const mode = environment("MEMORY_MODE");
    if (mode === "off") return {};
    if (memory === null) {
        const [outcome, reason] = asked
            ? (["skipped", "people were asked first, and memory is taken only where an instance is contained at once"] as const)
            : (["failed", "the step that quarantines ended by an error or at its time limit, so the instance was cut at once"] as const);
        const when = { beganAt: at, deadline: at, taskSeconds: 1 };
        return { memory: { ...notBegun, schemaVersion: 1, incidentId, mode, ...when, zone: "", instanceType: "", outcome, reason } };
    }
    if (memory.outcome !== "ready") return { memory: { ...memory, steps: [] } };
    const reason = "acquiring it ended by an error or at its time limit; what was written by then is on the acquisition volume";
    return { memory: { ...memory, steps: [], outcome: "failed", reason, endedAt: at } };
}

export const handler = step({
    name: "IsolateInstance",
    input: z.object({
        incident: incidentSchema,
        answer: approvalAnswerSchema.nullable().default(null),
        memory: memorySchema.nullable().default(null),
    }),
    output: containmentSchema,
    run: async ({ incident, answer, memory }) => {
        const startedAt = new Date().toISOString();
        const { incidentId, instance } = incident;
        const victim = victimOf(instance, incidentId);
        const [described, quick, recorded, known] = await Promise.all([
            persist(() => describeInstance(victim)),
            readQuick(victim, hurried),
            readRecord(incidentId),
            readKnown(incident),
            // So that the brake is asked without another call.
            readBrake(instance.accountId).catch(() => undefined),
        ]);
        const decision = await afterBrake(decide(incident, described, recorded, answer), incident, recorded, answer);
        if (decision.mode !== "automatic") {
            const [branches, beside] = await Promise.all([readBranches(victim, described), readBeside(victim, described)]);
            const state = stateOf(victim, described, branches, quick, beside);
            if (decision.mode === "observe") await recordObserved(recorded.record, answer);
            const read = await putJson(`${incident.prefix}${objectNames.observedInstance}`, state);
            return observedContainment(
                incident,
                state,
                decision,
                { credentials: credentialsMode(), cutSubnets: networkMode() === "nacl" },
                read.ref,
                startedAt,
            );
        }
        let history: CredentialHistory = { roles: [], uncut: [] };
        const outcome = await contain(
            victim,
            described,
            quick,
            known,
            { credentials: credentialsMode(), network: networkMode() },
            {
                profiles: namedProfiles(incident.finding, instance.accountId),
                roles: namedRoles(incident.finding, instance.instanceId),
                history: async () => (history = await readCredentialHistory(victim)),
            },
        );
        const { standing, groups, state, after, open, ruleless, steps, errors } = outcome;
        const before = standing.record;
        const contained = open.length === 0 && ruleless && (after?.length ?? 0) > 0;
        // The table has the record; the evidence bucket has it too, and no store that refuses holds anything up.
        const record = await keepObject(`${incident.prefix}${objectNames.restoreRecord}`, before, true, steps);
        const containment: Containment = {
            schemaVersion: 1,
            incidentId,
            instance,
            outcome: "contained",
            decision,
            contained,
            vpcId: state.vpcId,
            availabilityZone: state.availabilityZone,
            isolationGroupId: groups.isolation ?? "",
            networkAclId: groups.networkAcl,
            interfaces: (after ?? state.interfaces).map((each) => ({
                networkInterfaceId: each.networkInterfaceId,
                groupsBefore: before.interfaces.find((one) => one.networkInterfaceId === each.networkInterfaceId)?.groups ?? [],
                groupsAfter: each.groups,
            })),
            targetGroups: before.targets.map((target) => target.targetGroupArn),
            autoScalingGroup: before.autoScaling?.group ?? null,
            ...(await readSameGroup(incident, before.autoScaling?.group ?? null)),
            restoreRecord: record,
            steps: [...(memory?.steps ?? []), ...steps],
            uncut: [
                ...(outcome.subnetsCut ? insideSubnet(state.trackedPaths) : state.trackedPaths),
                ...markedElsewhere(outcome.elsewhere),
                ...runBy(described.Tags ?? [], described.Operator),
                ...(credentialsMode() === "keep" ? ["the instance's credentials, which are kept as configured"] : history.uncut),
                otherCredentials,
            ],
            ...memoryOf(memory, answer !== null, incident, startedAt),
            startedAt,
            containedAt: contained ? new Date().toISOString() : null,
        };
        await keepObject(`${incident.prefix}${objectNames.containment}`, containment, false, steps);
        if (contained) {
            // One that is contained again, as after a resume, was contained in time before.
            if (recorded.record?.status !== "contained")
                log("instance contained", measured(secondsToContained, (Date.now() - Date.parse(incident.openedAt)) / 1000));
            await recordContained(incidentId, answer);
            return containment;
        }
        if (outcome.unreadable instanceof InstanceGone) throw outcome.unreadable;
        // Asking again may help where AWS was busy; the plan then starts from what is left.
        if (errors.some(isTransient))
            throw new TransientError(`${instance.instanceId} is not contained yet: ${open.join(", ")} still open`);
        log("instance NOT contained", { ...measured(triesThatFailed, 1), open: open.length });
        throw notContained(containment, open, ruleless);
    },
});
