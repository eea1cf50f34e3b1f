/**
 * Contains the instance: reads it once, writes the restore record, keeps it alive, cuts its network, and reads back. Where
 * the configuration, the instance's tag or people decide against it, nothing is changed: then it says what would have been.
 *
 * A sub-step that fails is recorded and the rest is still done; only an interface that is not isolated at the end makes
 * the step fail. Run again after a crash it goes on where it stopped: the plan is made from the state as it is, and the
 * first restore record stands.
 */
import { z } from "zod";
import { perform } from "./aws/containment/actions";
import { hasNoRules } from "./aws/containment/containmentGroups";
import { decide, readRecord, recordContained, recordObserved } from "./aws/containment/decide";
import { attempt, done } from "./aws/containment/performed";
import { changeInstancePermissions, readInstancePermissions } from "./aws/containment/permissions";
import { findStandingGroups, prepareGroups, type NetworkMode } from "./aws/containment/prepareGroups";
import { readFirst, readInstance, readRest } from "./aws/containment/readInstance";
import { eventually } from "./aws/consistency";
import { environment, needs } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { getJson, putJson } from "./aws/evidenceBucket";
import { step } from "./aws/handler";
import { incidentsTablePermissions } from "./aws/incidentsTable";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence } from "./aws/permissions";
import type { Permissions } from "./aws/permissions";
import { victimOf, type Victim } from "./aws/victim";
import { approvalAnswerSchema, containmentSchema, incidentSchema } from "./domain/containers";
import type { Containment, ContainmentStep, Incident } from "./domain/containers";
import { departureRecordSchema, instanceStateSchema, type InstanceState } from "./domain/instanceState";
import { observedContainment } from "./domain/observedContainment";
import { departed, describeAction, notNeeded, planContainment, planDeparture, uncontainedInterfaces } from "./domain/planContainment";
import type { ContainmentAction, CredentialsMode } from "./domain/planContainment";
import { insideSubnet } from "./domain/trackedPaths";
import { roleTag } from "./domain/tags";
import { objectNames } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "RESPONDER_ROLE_NAME",
    "DRILL",
    "INCIDENTS_TABLE",
    "CONTAINMENT_POLICY",
    "CONTAIN_CREDENTIALS",
    "CONTAIN_NETWORK",
    "EVIDENCE_BUCKET",
);

export const permissions: Permissions = (names) => [
    ...assumeResponder(names),
    ...incidentsTablePermissions(names),
    ...writeEvidence(objectNames.departureRecord, objectNames.restoreRecord, objectNames.observedInstance, objectNames.containment)(names),
    ...readEvidence(objectNames.departureRecord, objectNames.restoreRecord)(names),
];

/** In the member account. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    {
        Sid: "MakeContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:CreateSecurityGroup", "ec2:CreateNetworkAcl"],
        Resource: [ec2Arn(names, "security-group/*"), ec2Arn(names, "network-acl/*"), ec2Arn(names, "vpc/*")],
    },
    {
        Sid: "TagContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: [ec2Arn(names, "security-group/*"), ec2Arn(names, "network-acl/*")],
        Condition: { StringEquals: { "ec2:CreateAction": ["CreateSecurityGroup", "CreateNetworkAcl"] } },
    },
    {
        Sid: "SetRulesOfContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
        Resource: [ec2Arn(names, "security-group/*")],
        Condition: { StringEquals: { [`aws:ResourceTag/${roleTag}`]: ["isolation", "untrack"] } },
    },
    {
        Sid: "LeaveAutoScalingGroup",
        Effect: "Allow",
        Action: ["autoscaling:DetachInstances", "autoscaling:EnterStandby"],
        Resource: [`arn:${names.partition}:autoscaling:${names.region}:${names.accountId}:autoScalingGroup:*:autoScalingGroupName/*`],
    },
    {
        Sid: "LeaveLoadBalancers",
        Effect: "Allow",
        Action: ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DeregisterInstancesFromLoadBalancer"],
        Resource: [
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:targetgroup/*`,
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:loadbalancer/*`,
        ],
    },
];

/** How far the credentials are cut, as deployed. */
function credentialsMode(): CredentialsMode {
    return environment("CONTAIN_CREDENTIALS");
}

/** Whether whole subnets are cut as well, as deployed. */
function networkMode(): NetworkMode {
    return environment("CONTAIN_NETWORK");
}

/** Does actions at the same time. A failure is an outcome, not an exception: the rest must still be done. */
async function performAll(actions: ContainmentAction[], victim: Victim, steps: ContainmentStep[], errors: unknown[]): Promise<void> {
    for (const { step: done, error } of await Promise.all(
        actions.map((action) => attempt(describeAction(action), () => perform(action, victim))),
    )) {
        steps.push(done);
        if (error !== null) errors.push(error);
    }
}

/** Keeps which Auto Scaling group the instance was in. @returns that of the first run, which may have left the group already */
async function recordDeparture(incident: Incident, autoScaling: InstanceState["autoScaling"]): Promise<InstanceState["autoScaling"]> {
    const key = `${incident.prefix}${objectNames.departureRecord}`;
    const { written } = await putJson(key, { schemaVersion: 1, autoScaling }, { onlyIfAbsent: true });
    return written ? autoScaling : (await getJson(key, departureRecordSchema))!.value.autoScaling;
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

export const handler = step({
    name: "IsolateInstance",
    input: z.object({ incident: incidentSchema, answer: approvalAnswerSchema.nullable().default(null) }),
    output: containmentSchema,
    run: async ({ incident, answer }) => {
        const startedAt = new Date().toISOString();
        const { incidentId, instance } = incident;
        const victim = victimOf(instance, incidentId);
        const [first, recorded, standing] = await Promise.all([readFirst(victim), readRecord(incidentId), findStandingGroups(victim)]);
        const decision = decide(incident, first.instance, recorded, answer);
        if (decision.mode !== "automatic") {
            const state = await readRest(first);
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
        const steps: ContainmentStep[] = [];
        const errors: unknown[] = [];

        // What an action changes is on record before it, and never over the record of a first run. Leaving the Auto Scaling
        // group needs only its own record, so it need not wait for the rest of the reading; what has to be made for the cut is
        // made meanwhile: every call that waits for another one is time in which the attacker goes on.
        const recordKey = `${incident.prefix}${objectNames.restoreRecord}`;
        const departure = recordDeparture(incident, first.autoScaling);
        const [prepared, { state, record }] = await Promise.all([
            prepareGroups(victim, first.vpcId, standing(first.vpcId), networkMode()),
            Promise.all([readRest(first), departure]).then(async ([read, autoScaling]) => ({
                state: read,
                record: await putJson(recordKey, { ...read, autoScaling }, { onlyIfAbsent: true }),
            })),
            departure.then(() => performAll(planDeparture(first), victim, steps, errors)),
        ]);
        steps.unshift(
            ...state.unread.map((what) => ({
                name: "readInstance",
                outcome: "failed" as const,
                at: state.readAt,
                detail: `AWS did not let us read ${what}; it is left as it is`,
            })),
            ...notNeeded(state).map((line) => ({ ...line, outcome: "not-needed" as const, at: state.readAt })),
        );
        const { groups } = prepared;
        steps.push(...prepared.failed);
        errors.push(...prepared.errors);
        for (const stage of planContainment(departed(state), groups, credentialsMode())) await performAll(stage, victim, steps, errors);

        const before = (await getJson(recordKey, instanceStateSchema))!.value;
        const readBack = async () => {
            const [after, ruleless] = await Promise.all([
                readInstance(victim),
                groups.isolation === null ? false : hasNoRules(victim, groups.isolation),
            ]);
            return { after, ruleless, open: uncontainedInterfaces(after.interfaces, groups.isolation) };
        };
        // Where a change failed, nothing will come by waiting.
        const { after, ruleless, open } = await eventually(
            readBack,
            (seen) => (seen.open.length === 0 && seen.ruleless) || errors.length > 0,
        );
        const contained = open.length === 0 && ruleless && after.interfaces.length > 0;
        const subnetsCut =
            groups.networkAcl !== null &&
            after.networkAcls.length > 0 &&
            after.networkAcls.every((each) => each.networkAclId === groups.networkAcl);
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
            interfaces: after.interfaces.map((each) => ({
                networkInterfaceId: each.networkInterfaceId,
                groupsBefore: before.interfaces.find((one) => one.networkInterfaceId === each.networkInterfaceId)?.groups ?? [],
                groupsAfter: each.groups,
            })),
            targetGroups: before.targets.map((target) => target.targetGroupArn),
            autoScalingGroup: before.autoScaling?.group ?? null,
            restoreRecord: record.ref,
            steps,
            uncut: subnetsCut ? insideSubnet(state.trackedPaths) : state.trackedPaths,
            startedAt,
            containedAt: contained ? new Date().toISOString() : null,
        };
        // Also when it failed: release has to know what was put in place of what.
        const kept = await attempt(
            { name: "recordContainment", detail: `${incident.prefix}${objectNames.containment}, without which release refuses` },
            async () => {
                await putJson(`${incident.prefix}${objectNames.containment}`, containment);
                return done;
            },
        );
        if (kept.error !== null) steps.push(kept.step);
        if (contained) {
            await recordContained(incidentId, answer);
            return containment;
        }
        // Asking again may help where AWS was busy; the plan then starts from what is left.
        if (errors.some(isTransient))
            throw new TransientError(`${instance.instanceId} is not contained yet: ${open.join(", ")} still open`);
        throw notContained(containment, open, ruleless);
    },
});
