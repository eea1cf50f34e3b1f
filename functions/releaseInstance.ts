/**
 * Releases a contained instance: puts back exactly what the restore record holds, in the reverse order of containment,
 * and reads back that it is so. Evidence stays as it is.
 *
 * Where something was changed since containment the release is refused and names it; with `force` the rest is put back
 * and what was changed is left alone. Run again, it goes on with what is left; when nothing is, it says so.
 */
import { othersContainedIn } from "./aws/containment/networkAcls";
import { allowCredentials } from "./aws/containment/credentials";
import { attempt, done as performed } from "./aws/containment/performed";
import { changeInstancePermissions, readInstancePermissions } from "./aws/containment/permissions";
import { InstanceGone, readInstance } from "./aws/containment/readInstance";
import { performRelease } from "./aws/containment/releaseActions";
import { eventually } from "./aws/consistency";
import { environment, needs } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { getJson, putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { incidentsTablePermissions, markReleased } from "./aws/incidentsTable";
import { tell, tellPermissions } from "./aws/people";
import { assumeResponder, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { victimOf } from "./aws/victim";
import {
    containmentSchema,
    releaseRequestSchema,
    releaseSchema,
    type Containment,
    type ContainmentStep,
    type Release,
} from "./domain/containers";
import { instanceStateSchema, type InstanceState } from "./domain/instanceState";
import { describeRelease, planRelease, type Imposed } from "./domain/planRelease";
import { releaseMessage } from "./domain/messages/release";
import { incidentPrefix, objectNames, objectPrefixes, releaseRecord } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "RESPONDER_ROLE_NAME",
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    "NOTIFICATION_TOPIC_ARN",
    "SLACK_WEBHOOK_PARAMETER",
);

export const permissions: Permissions = (names) => [
    ...assumeResponder(names),
    ...writeEvidence(`${objectPrefixes.releases}*`)(names),
    ...readEvidence(objectNames.restoreRecord, objectNames.containment)(names),
    ...incidentsTablePermissions(names),
    ...tellPermissions(names),
];

/** In the member account. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    {
        Sid: "RejoinAutoScalingGroup",
        Effect: "Allow",
        Action: ["autoscaling:AttachInstances", "autoscaling:ExitStandby"],
        Resource: [`arn:${names.partition}:autoscaling:${names.region}:${names.accountId}:autoScalingGroup:*:autoScalingGroupName/*`],
    },
    {
        Sid: "RejoinLoadBalancers",
        Effect: "Allow",
        Action: ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:RegisterInstancesWithLoadBalancer"],
        Resource: [
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:targetgroup/*`,
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:loadbalancer/*`,
        ],
    },
];

/** What containment left in the evidence bucket. @throws StepError when there is nothing to release, or not yet */
async function readRecords(incidentId: string, prefix: string): Promise<{ record: InstanceState; containment: Containment }> {
    const [record, containment] = await Promise.all([
        getJson(`${prefix}${objectNames.restoreRecord}`, instanceStateSchema),
        getJson(`${prefix}${objectNames.containment}`, containmentSchema),
    ]);
    if (!record)
        throw new StepError(
            "Nothing was contained under this incident",
            incidentId,
            "Check the incident's id and the Region; an incident is released in the Region it was opened in.",
        );
    if (!containment)
        throw new StepError(
            "The containment of this incident has not ended",
            incidentId,
            "Wait until the IsolateInstance step of its execution is over, then release again.",
        );
    return { record: record.value, containment: containment.value };
}

/** Interfaces of other contained instances in the subnets whose network ACL was replaced. */
async function findOthers(
    { incidentId, instance, isolationGroupId, networkAclId }: Containment,
    record: InstanceState,
): Promise<Imposed["othersContained"]> {
    if (networkAclId === null) return {};
    const own = record.interfaces.map((each) => each.networkInterfaceId);
    return Object.fromEntries(
        await Promise.all(
            record.networkAcls.map(
                async ({ subnetId }) =>
                    [subnetId, await othersContainedIn(victimOf(instance, incidentId), subnetId, isolationGroupId, own)] as const,
            ),
        ),
    );
}

/** Reads the instance. Of one that is gone, only the deny on its role is left, and is taken out. @throws InstanceGone */
async function readOrTidy({ incidentId, instance }: Containment, record: InstanceState): Promise<InstanceState> {
    try {
        return await readInstance(victimOf(instance, incidentId));
    } catch (error) {
        if (error instanceof InstanceGone && record.instanceProfileArn)
            await allowCredentials(record.instanceProfileArn, victimOf(instance, incidentId));
        throw error;
    }
}

/** Closes the incident in the table; that it could not be closed is a failed step of a release that was done. */
async function closeIncident(incidentId: string): Promise<ContainmentStep[]> {
    const { step: closed, error } = await attempt(
        { name: "closeIncident", detail: "until it is closed, the next finding about the instance joins it instead of containing anew" },
        async () => {
            await markReleased(incidentId);
            return performed;
        },
    );
    return error === null ? [] : [closed];
}

/** Tells people; that they could not be told is a failed step of a release that was done. */
async function tellPeople(release: Release): Promise<ContainmentStep[]> {
    try {
        await tell(releaseMessage(release, environment("PARTITION")));
        return [];
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log("could not tell people of the release", { incidentId: release.incidentId, why });
        return [{ name: "tellPeople", outcome: "failed", at: new Date().toISOString(), detail: why }];
    }
}

export const handler = step({
    name: "ReleaseInstance",
    input: releaseRequestSchema,
    output: releaseSchema,
    run: async ({ incidentId, force }) => {
        const prefix = incidentPrefix(incidentId);
        const { record, containment } = await readRecords(incidentId, prefix);
        const { instance } = containment;
        const current = await readOrTidy(containment, record);
        const imposed: Imposed = {
            isolation: containment.isolationGroupId,
            networkAcl: containment.networkAclId,
            othersContained: await findOthers(containment, record),
        };
        const { actions, conflicts } = planRelease(record, current, imposed);
        if (conflicts.length > 0 && !force) {
            throw new StepError(
                "The instance was changed since it was contained, so nothing was put back",
                `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
                `${conflicts.join(". ")}. Undo that, or release with --force to leave it as it is and put back the rest.`,
            );
        }

        const steps: ContainmentStep[] = [];
        const errors: unknown[] = [];
        for (const action of actions) {
            const { step: done, error } = await attempt(describeRelease(action), () =>
                performRelease(action, victimOf(instance, incidentId)),
            );
            steps.push(done);
            if (error !== null) errors.push(error);
        }
        // The deny was read back where it was taken out; everything else shows on the instance.
        const readBack = async () =>
            planRelease(record, await readInstance(victimOf(instance, incidentId)), imposed).actions.filter(
                (action) => action.kind !== "allowCredentials",
            );
        const left = (await eventually(readBack, (seen) => seen.length === 0 || errors.length > 0))
            .map((action) => describeRelease(action))
            .map(({ name, detail }) => `${name} (${detail})`);
        const failed = steps.filter((each) => each.outcome === "failed");

        const releasedAt = new Date().toISOString();
        const release: Release = {
            schemaVersion: 1,
            incidentId,
            instance,
            released: left.length === 0 && failed.length === 0,
            forced: force && conflicts.length > 0,
            conflicts,
            steps,
            releasedAt,
        };
        await putJson(`${prefix}${releaseRecord(releasedAt)}`, release);
        if (!release.released) {
            const what = [
                ...failed.map(({ name, detail }) => `${name} failed: ${detail}`),
                ...left.map((each) => `not seen when read back: ${each}`),
            ].join(". ");
            if (errors.some(isTransient)) throw new TransientError(`${instance.instanceId} is not released yet: ${what}`);
            throw new StepError(
                "The release is not complete",
                `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
                `${what}. Mend that and release again: it goes on with what is left.`,
            );
        }
        return { ...release, steps: [...steps, ...(await closeIncident(incidentId)), ...(await tellPeople(release))] };
    },
});
