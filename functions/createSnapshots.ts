/**
 * Preserves the victim's volumes: snapshots at one point in time in the member account, encrypted copies in the
 * forensics account, locked. Called again and again until the locks are read back; each call does what is next.
 */
import {
    CopySnapshotCommand, CreateSnapshotCommand, CreateSnapshotsCommand, EC2Client, LockSnapshotCommand, ModifySnapshotAttributeCommand, type TagSpecification,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { forensicsClient, memberClient } from "./aws/clients";
import { snapshotArn, madeForIncident, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { environment, optionalEnvironment } from "./aws/environment";
import { errorCode, isNotFound, isTransient, NotYetError, StepError } from "./aws/errors";
import { log, step } from "./aws/handler";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { locksOf, pendingSnapshots, snapshotsOf } from "./aws/snapshots";
import { victimVolumes, victimVolumesObject, type VictimVolumes } from "./aws/victimVolumes";
import { containmentSchema, evidenceSchema, incidentSchema, type Evidence, type Incident } from "./domain/containers";
import { incidentTags, type Purpose } from "./domain/incidentTags";
import { planPreservation, type PreservationAction, type PreservationPlan, type PreservationState } from "./domain/planPreservation";

/** Copy shared snapshots under the evidence key and lock them; keep the list of volumes. */
export const permissions: Permissions = (names) => [
    ...assumeResponder(names),
    { Sid: "ReadSnapshots", Effect: "Allow", Action: ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"], Resource: ["*"] },
    // The source is another account's, whose tags are not seen here; the copy cannot be told from it by ARN.
    { Sid: "CopySnapshots", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    { Sid: "LockEvidence", Effect: "Allow", Action: ["ec2:LockSnapshot"], Resource: [snapshotArn(names)], Condition: madeForIncident },
    tagAtCreation([snapshotArn(names)], "CopySnapshot"),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", names.evidenceKeyArn),
    ...readEvidence(victimVolumesObject, "restore-record.json")(names),
    ...writeEvidence(victimVolumesObject)(names),
];

/** Snapshot any volume, copy it under the evidence key, and share with the forensics account and nobody else. */
export const memberPermissions: Permissions = (names) => [
    { Sid: "FindVolumes", Effect: "Allow", Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots"], Resource: ["*"] },
    { Sid: "SnapshotVolumes", Effect: "Allow", Action: ["ec2:CreateSnapshots", "ec2:CreateSnapshot"], Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")] },
    { Sid: "MakeTaggedSnapshots", Effect: "Allow", Action: ["ec2:CreateSnapshots", "ec2:CreateSnapshot"], Resource: [snapshotArn(names)], Condition: taggedAtCreation },
    { Sid: "CopySnapshotsToShare", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    tagAtCreation([snapshotArn(names)], "CreateSnapshots", "CreateSnapshot", "CopySnapshot"),
    {
        Sid: "ShareWithForensics",
        Effect: "Allow",
        Action: ["ec2:ModifySnapshotAttribute"],
        Resource: [snapshotArn(names)],
        Condition: { ...madeForIncident, StringEquals: { "ec2:Add/userId": names.forensicsAccountId } },
    },
    ...useKeyThroughEbs(names, "ReadVolumesOfAnyKey", `arn:${names.partition}:kms:${names.region}:${names.accountId}:key/*`),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", names.evidenceKeyArn),
];

/** The two accounts and what is known of the incident. */
interface Sides {
    incident: Incident;
    victims: VictimVolumes;
    member: EC2Client;
    forensics: EC2Client;
}

async function readState({ incident, victims, member, forensics }: Sides): Promise<PreservationState> {
    const { incidentId } = incident;
    const [sources, sharedCopies, evidence, pendingInMember, pendingInForensics] = await Promise.all([
        snapshotsOf(member, incidentId, "source"), snapshotsOf(member, incidentId, "shared-copy"), snapshotsOf(forensics, incidentId, "evidence"),
        pendingSnapshots(member), pendingSnapshots(forensics),
    ]);
    const locks = await locksOf(forensics, evidence.map(({ snapshotId }) => snapshotId));
    return { volumes: victims.volumes, sources, sharedCopies, evidence, locks, pending: { member: pendingInMember, forensics: pendingInForensics } };
}

function snapshotTags(incident: Incident, purpose: Purpose, source?: { volumeId: string; snapshotId: string }): TagSpecification[] {
    return [{ ResourceType: "snapshot", Tags: incidentTags(incident.incidentId, purpose, source) }];
}

const description = (incident: Incident) => `Evidence of incident ${incident.incidentId}`;

async function snapshotVolume({ incident, member }: Sides, volumeId: string): Promise<void> {
    try {
        await member.send(new CreateSnapshotCommand({ VolumeId: volumeId, Description: description(incident), TagSpecifications: snapshotTags(incident, "source") }));
    } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new StepError("A volume was deleted before it could be preserved", volumeId, "Look for older snapshots of it in the member account; ask its owner what deleted it.", { cause: error });
    }
}

async function snapshotAll(sides: Sides): Promise<void> {
    const { incident, member, victims } = sides;
    if (victims.foundBy === "instance") {
        try {
            // Tags are not copied from the volumes: whoever owns the instance may have written anything into them.
            await member.send(new CreateSnapshotsCommand({
                InstanceSpecification: { InstanceId: incident.instance.instanceId, ExcludeBootVolume: false },
                Description: description(incident),
                TagSpecifications: snapshotTags(incident, "source"),
            }));
            return;
        } catch (error) {
            if (!isNotFound(error) && !errorCode(error).startsWith("IncorrectState") && errorCode(error) !== "IncorrectInstanceState") throw error;
            log("the instance is gone; its volumes are preserved one by one", { instanceId: incident.instance.instanceId, error: errorCode(error) });
        }
    }
    for (const { volumeId } of victims.volumes) await snapshotVolume(sides, volumeId);
}

async function copy(sides: Sides, where: "member" | "forensics", snapshotId: string, tags: TagSpecification[]): Promise<void> {
    const { region } = sides.incident.instance;
    try {
        await sides[where].send(new CopySnapshotCommand({
            SourceRegion: region, SourceSnapshotId: snapshotId, Encrypted: true, KmsKeyId: environment("EVIDENCE_KEY_ARN"),
            Description: description(sides.incident), TagSpecifications: tags,
        }));
    } catch (error) {
        if (errorCode(error) !== "ResourceLimitExceeded") throw error;
        throw new NotYetError(`${snapshotId} waits for other copies in the ${where} account to end.`, { cause: error });
    }
}

async function lock(sides: Sides, snapshotId: string): Promise<void> {
    const mode = environment("LOCK_MODE");
    if (mode !== "governance" && mode !== "compliance") throw new StepError("LOCK_MODE is neither governance nor compliance", mode, "Correct the configuration and deploy again.");
    const coolOff = mode === "compliance" ? optionalEnvironment("LOCK_COOL_OFF_HOURS") : null;
    await sides.forensics.send(new LockSnapshotCommand({
        SnapshotId: snapshotId, LockMode: mode, LockDuration: Number(environment("LOCK_DAYS")), CoolOffPeriod: coolOff === null ? undefined : Number(coolOff),
    }));
}

async function act(sides: Sides, action: PreservationAction): Promise<void> {
    const { incident, member } = sides;
    switch (action.kind) {
        case "snapshot-all":
            return snapshotAll(sides);
        case "snapshot-volume":
            return snapshotVolume(sides, action.volumeId);
        case "copy-to-share":
            return copy(sides, "member", action.source.snapshotId, snapshotTags(incident, "shared-copy", action.source));
        case "share-and-copy":
            await member.send(new ModifySnapshotAttributeCommand({
                SnapshotId: action.shareable.snapshotId, Attribute: "createVolumePermission", OperationType: "add", UserIds: [environment("FORENSICS_ACCOUNT_ID")],
            }));
            try {
                return await copy(sides, "forensics", action.shareable.snapshotId, snapshotTags(incident, "evidence", action.source));
            } catch (error) {
                if (!isNotFound(error)) throw error;
                throw new NotYetError(`${action.shareable.snapshotId} was shared a moment ago and is not visible in the forensics account yet.`, { cause: error });
            }
        case "lock":
            return lock(sides, action.snapshot.snapshotId);
    }
}

/**
 * Does all actions of a plan; what one of them throws does not keep the others from being done.
 *
 * @returns what was thrown, and how many went well
 */
async function actOnAll(sides: Sides, actions: PreservationAction[]): Promise<{ done: number; problems: unknown[] }> {
    const problems: unknown[] = [];
    for (const action of actions) {
        try {
            await act(sides, action);
            log("preserving", { incidentId: sides.incident.incidentId, action: action.kind });
        } catch (error) {
            problems.push(error);
        }
    }
    return { done: actions.length - problems.length, problems };
}

function failure(failures: PreservationPlan["failures"]): StepError {
    const list = failures.map(({ snapshot, stage }) => `${stage} snapshot ${snapshot.snapshotId} of ${snapshot.volumeId} is in state ${snapshot.state} (${snapshot.problem ?? "no reason given"})`);
    return new StepError(
        "Volumes could not be preserved", list.join("; ").slice(0, 2000),
        `Copies are made under ${environment("EVIDENCE_KEY_ARN")}: a key that may not be used fails only afterwards, so check its policy and that of the volume's key. Delete the failed snapshots and start the incident again; the others stay.`,
    );
}

function toEvidence(incident: Incident, preserved: PreservationPlan["preserved"]): Evidence {
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        snapshots: preserved.map(({ volume, source, sharedCopy, evidence, lock: inForce }) => ({
            ...volume,
            sizeGiB: source.sizeGiB,
            sourceEncrypted: source.encrypted,
            sourceSnapshotId: source.snapshotId,
            sharedSnapshotId: sharedCopy?.snapshotId ?? null,
            evidenceSnapshotId: evidence.snapshotId,
            startedAt: source.startedAt,
            lock: inForce,
        })),
        completedAt: new Date().toISOString(),
    };
}

/**
 * Environment: EVIDENCE_BUCKET, EVIDENCE_KEY_ARN, FORENSICS_ACCOUNT_ID, LOCK_MODE, LOCK_DAYS, LOCK_COOL_OFF_HOURS
 * (compliance only; empty means EC2's own default of none).
 *
 * @throws NotYet until every volume's lock was read back; StepFailed when a volume cannot be preserved
 */
export const handler = step({
    name: "CreateSnapshots",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable() }),
    output: evidenceSchema,
    run: async ({ incident, containment }) => {
        const member = memberClient(EC2Client, incident.instance, incident.incidentId);
        const victims = await victimVolumes(member, incident, containment);
        const sides: Sides = { incident, victims, member, forensics: forensicsClient(EC2Client) };

        let plan = planPreservation(await readState(sides));
        const onlyLocks = plan.actions.every(({ kind }) => kind === "lock");
        const { done, problems } = await actOnAll(sides, plan.actions);
        // Locks can be read back at once. A new snapshot may not be: planning again so soon might make it twice.
        if (done > 0 && onlyLocks) plan = planPreservation(await readState(sides));
        if (plan.preserved.length === victims.volumes.length) return toEvidence(incident, plan.preserved);

        // One volume that cannot be preserved never keeps the others from being locked: it fails the step when they are.
        const passing = problems.find((problem) => problem instanceof NotYetError || isTransient(problem));
        if (passing) throw passing;
        if (done === 0 && plan.waitingFor.length === 0) throw problems[0] ?? failure(plan.failures);
        throw new NotYetError(`${plan.preserved.length} of ${victims.volumes.length} volumes are preserved; waiting for ${plan.waitingFor.join("; ") || "what was begun just now"}.`.slice(0, 1000));
    },
});
