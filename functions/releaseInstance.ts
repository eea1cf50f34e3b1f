/**
 * Releases a contained instance: puts back exactly what the restore record holds, in the reverse order of containment,
 * and reads back that it is so. Evidence stays as it is.
 *
 * Where something was changed since containment the release is refused and names it; with `force` the rest is put back
 * and what was changed is left alone. Run again, it goes on with what is left; when nothing is, it says so.
 */
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { othersContainedIn } from "./aws/containment/networkAcls";
import { deleteOwnGroup } from "./aws/containment/containmentGroups";
import { allowCredentials, allowRole } from "./aws/containment/credentials";
import { attempt, done as performed } from "./aws/containment/performed";
import { changeInstancePermissions, deleteGroupsPermissions, readInstancePermissions } from "./aws/containment/permissions";
import { InstanceGone, readInstance } from "./aws/containment/readInstance";
import { performRelease } from "./aws/containment/releaseActions";
import { callerOf } from "./aws/callerIdentity";
import { eventually } from "./aws/consistency";
import { environment, needs } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { getJson, putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { useIncidents, markReleased, readIncident } from "./aws/incidentsTable";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { assumeResponder, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { changeStanding, listStanding, listStandingPermissions, readStanding } from "./aws/standingContainments";
import { victimOf, type Victim } from "./aws/victim";
import {
    containmentSchema,
    releaseRequestSchema,
    releaseSchema,
    reportSchema,
    type ContainmentStep,
    type InstanceRef,
    type Release,
} from "./domain/containers";
import { releaseStatement } from "./domain/callerProof";
import { instanceStateSchema, type InstanceState } from "./domain/instanceState";
import { releaseRisk } from "./domain/releaseRisk";
import type { StandingContainment } from "./domain/standingContainment";
import { describeRelease, isOfNetwork, planRelease, type Imposed, type ReleaseAction } from "./domain/planRelease";
import { releaseMessage } from "./domain/messages/release";
import { incidentPrefix, objectNames, objectPrefixes, releaseRecord } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "FORENSICS_ACCOUNT_ID",
    "RESPONDER_ROLE_NAME",
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    ...tellVariables,
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...writeEvidence(`${objectPrefixes.releases}*`)(names),
    ...readEvidence(objectNames.restoreRecord, objectNames.containment, objectNames.report)(names),
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

/** What is to be put back, of which instance, and which incidents end with it. */
interface Standing {
    instance: InstanceRef;
    incidentIds: string[];
    record: InstanceState;
    isolation: string;
    networkAcl: string | null;
    /** Null where the containment is older than the table's record of it, or the table did not take it. */
    kept: StandingContainment | null;
}

/**
 * The containment that stands for the incident's instance: the table's, else what lies in the evidence bucket.
 *
 * @throws StepError when there is nothing to release under this incident
 */
async function readWhatStands(incidentId: string, prefix: string): Promise<Standing> {
    const [known, containment] = await Promise.all([
        readIncident(incidentId),
        getJson(`${prefix}${objectNames.containment}`, containmentSchema),
    ]);
    const instance = known?.incident.instance ?? containment?.value.instance;
    const kept = instance ? await readStanding(instance) : null;
    if (kept !== null && kept.incidentIds.includes(incidentId)) {
        const { record, groups, incidentIds } = kept;
        return { instance: kept.instance, incidentIds, record, isolation: groups.isolation ?? "", networkAcl: groups.networkAcl, kept };
    }
    if (kept !== null && kept.releasedAt === null)
        throw new StepError(
            "This incident's containment is over, and the instance stands contained under another",
            `${kept.instance.instanceId}, ${incidentId}`,
            `Release ${kept.incidentIds.at(-1)} if the instance shall be connected again.`,
        );
    const record = await getJson(`${prefix}${objectNames.restoreRecord}`, instanceStateSchema);
    if (!record || !containment)
        throw new StepError(
            "Nothing was contained under this incident",
            incidentId,
            "Check the incident's id and the Region; an incident is released in the Region it was opened in. If its IsolateInstance step is still under way, wait for its end.",
        );
    const { isolationGroupId, networkAclId } = containment.value;
    return {
        instance: containment.value.instance,
        incidentIds: [incidentId],
        record: record.value,
        isolation: isolationGroupId,
        networkAcl: networkAclId,
        kept: null,
    };
}

/** What of a report the risk is judged by. */
const judgedSchema = reportSchema.pick({ findingsBySeverity: true, complete: true, intact: true });

/** @throws StepError while the analysis speaks against it and nobody takes the risk by name */
async function refuseRisk({ instance, incidentIds }: Standing, acceptRisk: string | null): Promise<void> {
    const prefix = incidentPrefix(incidentIds.at(-1)!);
    const report = await getJson(`${prefix}${objectNames.report}`, judgedSchema);
    const risk = releaseRisk(report?.value ?? null);
    if (risk === null || acceptRisk !== null) return;
    throw new StepError(
        `The instance is not released: ${risk}`,
        `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
        'Build a new instance and leave this one isolated, or release it with --accept-risk "why" if it must be connected again.',
    );
}

/** Interfaces of other contained instances in the subnets whose network ACL was replaced. */
async function findOthers(victim: Victim, { record, isolation, networkAcl }: Standing): Promise<Imposed["othersContained"]> {
    if (networkAcl === null) return {};
    const own = record.interfaces.map((each) => each.networkInterfaceId);
    // Each contained instance has a group of its own, so its interfaces are known from the records that stand, and by the old group.
    const others = (await listStanding().catch(() => []))
        .filter(
            ({ groups, instance, networkReleasedAt }) =>
                groups.networkAcl === networkAcl && networkReleasedAt === null && instance.instanceId !== victim.ref.instanceId,
        )
        .flatMap((each) => each.record.interfaces);
    return Object.fromEntries(
        await Promise.all(
            record.networkAcls.map(async ({ subnetId }) => {
                const carrying = isolation === "" ? [] : await othersContainedIn(victim, subnetId, isolation, own);
                const standing = others.filter((each) => each.subnetId === subnetId).map((each) => each.networkInterfaceId);
                return [subnetId, [...new Set([...carrying, ...standing])].sort()] as const;
            }),
        ),
    );
}

/** Other contained instances for which the same Auto Scaling group's processes are suspended. */
async function findOthersInGroup({ instance, kept }: Standing): Promise<string[]> {
    const group = kept?.suspended?.group;
    if (group === undefined) return [];
    return (await listStanding())
        .filter(
            (each) =>
                each.suspended?.group === group &&
                each.instance.accountId === instance.accountId &&
                each.instance.instanceId !== instance.instanceId,
        )
        .map((each) => each.instance.instanceId);
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

/**
 * Notes that it is being released: the watch would put back what a release takes away.
 *
 * @throws TransientError while the watch is putting something back
 */
async function keepWatchAway({ instance, kept }: Standing): Promise<void> {
    if (kept === null) return;
    const now = new Date().toISOString();
    await changeStanding(instance, kept, (read) => {
        if (read === null || read.releasedAt !== null) return null;
        if (read.repairingUntil !== null && read.repairingUntil > now)
            throw new TransientError(`The watch is putting the containment of ${instance.instanceId} back; the release follows`);
        return { ...read, releasingAt: now };
    });
}

/** Closes containment and incidents in the table, and deletes the groups; what could not be is a failed step of a release that was done. */
async function close(victim: Victim, incidentIds: string[], kept: StandingContainment | null): Promise<ContainmentStep[]> {
    const { step: closed, error } = await attempt(
        { name: "closeIncident", detail: "until it is closed, the next finding about the instance joins it instead of containing anew" },
        async () => {
            if (kept !== null)
                await changeStanding(victim.ref, kept, (read) =>
                    read === null || read.releasedAt !== null ? null : { ...read, releasedAt: new Date().toISOString() },
                );
            for (const each of incidentIds) await markReleased(each);
            return performed;
        },
    );
    const steps = error === null ? [] : [closed];
    for (const group of [kept?.groups.isolation, kept?.groups.untrack, ...(kept?.formerGroups ?? [])]) {
        if (!group) continue;
        const { step: deleted, error: why } = await attempt(
            { name: "deleteGroup", detail: `${group}, which was made for the containment and stays: delete it by hand` },
            async () => {
                await deleteOwnGroup(victim, group, incidentIds);
                return performed;
            },
        );
        if (why !== null) steps.push(deleted);
    }
    return steps;
}

/**
 * Closes the incidents of a containment whose network alone was given back: the next finding opens another, which contains the instance again.
 * What stays denied stands on record, and the watch goes on with it.
 */
async function closeNetwork(victim: Victim, incidentIds: string[], kept: StandingContainment | null): Promise<ContainmentStep[]> {
    const { step: closed, error } = await attempt(
        { name: "closeIncident", detail: "until it is closed, the next finding about the instance joins it instead of containing anew" },
        async () => {
            await changeStanding(victim.ref, kept, (read) =>
                read === null || read.releasedAt !== null
                    ? null
                    : { ...read, networkReleasedAt: read.networkReleasedAt ?? new Date().toISOString(), releasingAt: null },
            );
            for (const each of incidentIds) await markReleased(each);
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

/**
 * Closes the case of a containment that is never undone: nothing is put back or ended, evidence stays, and the watch goes on.
 *
 * @param by who asks, as AWS says; null when that is not proved
 */
async function retireInstance(
    { instance, incidentIds, kept }: Standing,
    incidentId: string,
    why: string,
    by: string | null,
): Promise<Release> {
    const where = `${instance.instanceId} in ${instance.accountId}/${instance.region}`;
    if (by === null)
        throw new StepError(
            "Who retires the instance is not proved",
            where,
            "Use npm run retire, which signs the request with your credentials.",
        );
    if (kept === null || kept.releasedAt !== null)
        throw new StepError(
            "Nothing stands contained that could be retired",
            where,
            "An instance that was released is nobody's case any more.",
        );
    const at = new Date().toISOString();
    await changeStanding(instance, kept, (read) =>
        read === null || read.releasedAt !== null ? null : { ...read, retired: { by, why, at } },
    );
    const release: Release = {
        schemaVersion: 1,
        incidentId,
        instance,
        ended: incidentIds,
        by,
        acceptedRisk: null,
        released: false,
        forced: false,
        conflicts: [],
        steps: [],
        retired: why,
        releasedAt: at,
    };
    await putJson(`${incidentPrefix(incidentId)}${releaseRecord(at)}`, release);
    return { ...release, steps: await tellPeople(release) };
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
