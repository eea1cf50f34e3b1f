/**
 * Releases a contained instance: puts back exactly what the restore record holds, in the reverse order of containment,
 * and reads back that it is so. Evidence stays as it is.
 *
 * Where something was changed since containment the release is refused and names it; with `force` the rest is put back
 * and what was changed is left alone. Run again, it goes on with what is left; when nothing is, it says so.
 */
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { allowCredentials, allowRole } from "./aws/containment/credentials";
import { attempt } from "./aws/containment/performed";
import { changeInstancePermissions, deleteGroupsPermissions, readInstancePermissions } from "./aws/containment/permissions";
import { InstanceGone, readInstance } from "./aws/containment/readInstance";
import { performRelease } from "./aws/containment/releaseActions";
import { callerOf } from "./aws/callerIdentity";
import { eventually } from "./aws/consistency";
import { needs } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { getJson, putJson } from "./aws/evidenceBucket";
import { step } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import { tellPermissions, tellVariables } from "./aws/people";
import { assumeResponder, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { newestNames } from "./aws/reports";
import { close, closeNetwork, tellPeople } from "./aws/release/close";
import { retireInstance } from "./aws/release/retire";
import { findOthers, findOthersInGroup, keepWatchAway, readWhatStands, type Standing } from "./aws/release/standing";
import { listStandingPermissions } from "./aws/standingContainments";
import { victimOf, type Victim } from "./aws/victim";
import { releaseRequestSchema, releaseSchema, reportSchema, type ContainmentStep, type Release } from "./domain/containers";
import { releaseStatement } from "./domain/callerProof";
import type { InstanceState } from "./domain/instanceState";
import { releaseRisk } from "./domain/releaseRisk";
import { describeRelease, isOfNetwork, planRelease, type Imposed, type ReleaseAction } from "./domain/planRelease";
import { incidentPrefix, objectNames, objectPrefixes, releaseRecord, reportRecords } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs("PARTITION", "RESPONDER_ROLE_NAME", "INCIDENTS_TABLE", "EVIDENCE_BUCKET", ...tellVariables);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...writeEvidence(`${objectPrefixes.releases}*`)(names),
    ...readEvidence(objectNames.restoreRecord, objectNames.containment, ...reportRecords)(names),
    ...useIncidents("GetItem", "PutItem", "UpdateItem")(names),
    ...listStandingPermissions(names),
    ...tellPermissions(names),
];

/** In the member account. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    ...deleteGroupsPermissions(names),
    {
        Sid: "RejoinAutoScalingGroup",
        Effect: "Allow",
        Action: ["autoscaling:AttachInstances", "autoscaling:ExitStandby", "autoscaling:ResumeProcesses"],
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

/** What of a report the risk is judged by. */
const judgedSchema = reportSchema.pick({ findingsBySeverity: true, complete: true, intact: true });

/** @throws StepError while the analysis speaks against it and nobody takes the risk by name */
async function refuseRisk({ instance, incidentIds }: Standing, acceptRisk: string | null): Promise<void> {
    const prefix = incidentPrefix(incidentIds.at(-1)!);
    const newest = await newestNames(prefix);
    const report = newest && (await getJson(`${prefix}${newest.record}`, judgedSchema));
    const risk = releaseRisk(report?.value ?? null);
    if (risk === null || acceptRisk !== null) return;
    throw new StepError(
        `The instance is not released: ${risk}`,
        `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
        'Build a new instance and leave this one isolated, or release it with --accept-risk "why" if it must be connected again.',
    );
}

/** Reads the instance. Of one that is gone, only the deny on its role is left, and is taken out. @throws InstanceGone */
async function readOrTidy(victim: Victim, { record, incidentIds, kept }: Standing): Promise<InstanceState> {
    try {
        return await readInstance(victim);
    } catch (error) {
        if (error instanceof InstanceGone) {
            if (record.instanceProfileArn) await allowCredentials(record.instanceProfileArn, victim);
            for (const role of kept?.roles ?? []) await allowRole(role, victim);
            await close(victim, incidentIds, kept);
        }
        throw error;
    }
}

export const handler = step({
    name: "ReleaseInstance",
    input: releaseRequestSchema,
    output: releaseSchema,
    run: async ({ proof, by: said, ...request }) => {
        const { incidentId, force, acceptRisk, networkOnly, retire } = request;
        const prefix = incidentPrefix(incidentId);
        const by = proof === null ? said && `not proved: ${said}` : (await callerOf(proof, releaseStatement(request))).arn;
        const standing = await readWhatStands(incidentId, prefix);
        const { instance, record, incidentIds } = standing;
        if (retire !== null) return retireInstance(standing, incidentId, retire, proof === null ? null : by);
        await refuseRisk(standing, acceptRisk);
        const victim = victimOf(instance, incidentId);
        const current = await readOrTidy(victim, standing);
        const imposed: Imposed = {
            isolation: standing.isolation,
            networkAcl: standing.networkAcl,
            othersContained: await findOthers(victim, standing),
            roles: standing.kept?.roles ?? [],
            suspended: standing.kept?.suspended ?? null,
            networkReleased: (standing.kept?.networkReleasedAt ?? null) !== null,
            othersInGroup: await findOthersInGroup(standing),
        };
        const { actions: all, conflicts, unknownBefore } = planRelease(record, current, imposed);
        const wanted = (action: ReleaseAction) => !networkOnly || isOfNetwork(action);
        const actions = all.filter(wanted);
        if (conflicts.length > 0 && !force) {
            throw new StepError(
                "The instance was changed since it was contained, so nothing was put back",
                `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
                `${conflicts.join(". ")}. Undo that, or release with --force to leave it as it is and put back the rest.`,
            );
        }

        await keepWatchAway(standing);
        const steps: ContainmentStep[] = [];
        const errors: unknown[] = [];
        for (const action of actions) {
            const { step: done, error } = await attempt(describeRelease(action), () => performRelease(action, victim));
            steps.push(done);
            if (error !== null) errors.push(error);
        }
        // The deny was read back where it was taken out; everything else shows on the instance.
        const readBack = async () =>
            planRelease(record, await readInstance(victim), imposed).actions.filter(
                (action) =>
                    wanted(action) &&
                    action.kind !== "allowCredentials" &&
                    action.kind !== "allowRole" &&
                    action.kind !== "resumeProcesses",
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
            ended: incidentIds,
            by,
            acceptedRisk: acceptRisk,
            released: left.length === 0 && failed.length === 0,
            forced: force && conflicts.length > 0,
            conflicts,
            steps,
            ...(networkOnly
                ? {
                      leftInPlace: all
                          .filter((action) => !isOfNetwork(action))
                          .map(describeRelease)
                          .map(({ name, detail }) => `${name}: ${detail}`.slice(0, 512)),
                  }
                : unknownBefore.length > 0
                  ? { unknownBefore }
                  : {}),
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
        const over = networkOnly && standing.kept?.releasedAt === null ? closeNetwork : close;
        const closed: Release = { ...release, steps: [...steps, ...(await over(victim, incidentIds, standing.kept))] };
        return { ...closed, steps: [...closed.steps, ...(await tellPeople(closed))] };
    },
});
