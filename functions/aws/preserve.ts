/** Brings the preservation of an incident's volumes on, as far as AWS lets it now. Decided in domain/planPreservation, done in preservation.ts. */
import { EC2Client } from "@aws-sdk/client-ec2";
import type { Evidence, Incident } from "../domain/containers";
import { objectNames, objectPrefixes } from "../domain/evidenceKeys";
import { planPreservation } from "../domain/planPreservation";
import { isAside, type PreservationPlan } from "../domain/preservation";
import { purposeTag } from "../domain/tags";
import { forensicsClient, memberClient } from "./clients";
import { madeForIncident, snapshotArn, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./ec2Permissions";
import { environment, needs } from "./environment";
import { errorCode, isTransient, NotYetError, StepError, TransientError } from "./errors";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence, type DeployedNames, type Permissions, type Statement } from "./permissions";
import { deleteAcquisitionVolume } from "./memory/acquisitionVolume";
import { handleAcquisitionVolumes } from "./memory/permissions";
import { inheritEvidence } from "./inheritEvidence";
import { pinsTablePermissions } from "./pinsTable";
import { actOnAll } from "./preservation";
import { readState, type Sides } from "./preservationState";
import { readAllPins } from "./snapshotPins";
import { victimVolumes } from "./victimVolumes";

/** What {@link preserve} reads of its environment. */
export const preserveVariables = needs(
    "PARTITION",
    "FORENSICS_ACCOUNT_ID",
    "RESPONDER_ROLE_NAME",
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "LOCK_MODE",
    "LOCK_DAYS",
    "MEMORY_MODE",
    "ACQUISITION_IMAGES",
);

/** Copy shared snapshots under the evidence key and lock them; keep the list of volumes. */
export const preservePermissions: Permissions = (names) => [
    ...assumeResponder(names),
    { Sid: "ReadSnapshots", Effect: "Allow", Action: ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"], Resource: ["*"] },
    // The source is another account's, whose tags are not seen here; the copy cannot be told from it by ARN.
    { Sid: "CopySnapshots", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    { Sid: "LockEvidence", Effect: "Allow", Action: ["ec2:LockSnapshot"], Resource: [snapshotArn(names)], Condition: madeForIncident },
    tagAtCreation([snapshotArn(names)], "CopySnapshot"),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", names.evidenceKeyArn),
    ...pinsTablePermissions(names),
    ...readEvidence(
        objectNames.victimVolumes,
        objectNames.restoreRecord,
        ...(names.memory ? [objectNames.acquisitionVolume] : []),
        `${objectPrefixes.preservation}*`,
    )(names),
    ...writeEvidence(objectNames.victimVolumes, `${objectPrefixes.preservation}*`)(names),
];

/**
 * Use keys through EBS alone: to read volumes whatever key they are under, and to copy under the evidence key. The account's own keys, and a central
 * account's, whose ids nobody knows beforehand: that is any key of the organisation (the forensics account is of it), or of the accounts that are
 * named. The key's own policy must let the responder role too, as it does for whoever else attaches such volumes; without that a key of another
 * account stays closed (docs/evidence.md has the statement).
 */
function useKeysOfVolumes(names: DeployedNames): Statement[] {
    const keysOf = (accountId: string) => `arn:${names.partition}:kms:${names.region}:${accountId}:key/*`;
    const { volumeKeyAccountIds, organizationId, evidenceKeyArns } = names;
    if (volumeKeyAccountIds !== null || organizationId === null)
        return useKeyThroughEbs(
            names,
            "UseKeysOfVolumes",
            ...[names.accountId, ...(volumeKeyAccountIds ?? [])].map(keysOf),
            ...evidenceKeyArns,
        );
    return useKeyThroughEbs(names, "UseKeysOfVolumes", keysOf("*")).map((each) => ({
        ...each,
        Condition: { ...each.Condition, StringEquals: { "aws:ResourceOrgID": organizationId } },
    }));
}

/** None of them has resource-level permissions. */
export const findVolumes: Statement = {
    Sid: "FindVolumes",
    Effect: "Allow",
    Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"],
    Resource: ["*"],
};

/** Snapshot any volume, copy it under the evidence key, and share with the forensics account and nobody else. */
export const preserveMemberPermissions: Permissions = (names) => [
    findVolumes,
    { Sid: "ReadShares", Effect: "Allow", Action: ["ec2:DescribeSnapshotAttribute"], Resource: [snapshotArn(names)] },
    {
        Sid: "SnapshotVolumes",
        Effect: "Allow",
        Action: ["ec2:CreateSnapshots", "ec2:CreateSnapshot"],
        Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")],
    },
    {
        Sid: "MakeTaggedSnapshots",
        Effect: "Allow",
        Action: ["ec2:CreateSnapshots", "ec2:CreateSnapshot"],
        Resource: [snapshotArn(names)],
        Condition: taggedAtCreation,
    },
    { Sid: "CopySnapshotsToShare", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    tagAtCreation([snapshotArn(names)], "CreateSnapshots", "CreateSnapshot", "CopySnapshot"),
    {
        Sid: "ShareWithForensics",
        Effect: "Allow",
        Action: ["ec2:ModifySnapshotAttribute"],
        Resource: [snapshotArn(names)],
        Condition: { ...madeForIncident, StringEquals: { "ec2:Add/userId": names.forensicsAccountId } },
    },
    {
        Sid: "TakeSharesBack",
        Effect: "Allow",
        Action: ["ec2:ModifySnapshotAttribute"],
        Resource: [snapshotArn(names)],
        Condition: { ...madeForIncident, Null: { "ec2:Add/userId": "true", "ec2:Add/group": "true" } },
    },
    // Locked while they are copied, so that nobody with fewer rights than the account's administrator deletes them meanwhile.
    {
        Sid: "LockUntilCopied",
        Effect: "Allow",
        Action: ["ec2:LockSnapshot", "ec2:UnlockSnapshot"],
        Resource: [snapshotArn(names)],
        Condition: madeForIncident,
    },
    {
        Sid: "DeleteIntermediateCopies",
        Effect: "Allow",
        Action: ["ec2:DeleteSnapshot"],
        Resource: [snapshotArn(names)],
        Condition: { StringLike: { ...madeForIncident.StringLike, [`aws:ResourceTag/${purposeTag}`]: "shared-copy" } },
    },
    ...useKeysOfVolumes(names),
    ...(names.memory ? handleAcquisitionVolumes(names) : []),
];

/** What to do about a volume that could not be preserved. */
export const preservationRemedy = () =>
    `Copies are made under ${environment("EVIDENCE_KEY_ARN")}: a key that may not be used fails only afterwards, so check its policy and that of the volume's key. Then go on with npm run resume -- <incident>: what failed is made anew, and the others stay. The daily sweep tries it again as well.`;

/** A volume without evidence, and why. */
type Missing = Evidence["missing"][number];

function toEvidence(incident: Incident, preserved: PreservationPlan["preserved"], missing: Missing[], anomalies: string[]): Evidence {
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        snapshots: preserved.map(({ volume, source, sharedCopyId, evidence, lock, inheritedFrom }) => ({
            ...volume,
            sizeGiB: source.sizeGiB,
            sourceEncrypted: source.encrypted,
            sourceSnapshotId: source.snapshotId,
            sharedSnapshotId: sharedCopyId,
            evidenceSnapshotId: evidence.snapshotId,
            startedAt: source.startedAt,
            lock,
            ...(inheritedFrom === null ? {} : { inheritedFrom }),
        })),
        missing,
        anomalies: [...new Set(anomalies)].slice(0, 100),
        completedAt: new Date().toISOString(),
    };
}

/** Stages that one call goes through where EC2 is quick: snapshot, shared copy, evidence copy, lock, and the look back. */
const mostPasses = 6;

/** Deletes the acquisition volume, its evidence being locked. @returns whether there is nothing to wait for; what is refused is told */
async function removeHeld(member: EC2Client, volumeId: string, aside: string[]): Promise<boolean> {
    try {
        return await deleteAcquisitionVolume(member, volumeId);
    } catch (error) {
        if (isTransient(error)) throw error;
        aside.push(
            `the acquisition volume ${volumeId} could not be deleted in the member account, though it is preserved: ${errorCode(error)}.`,
        );
        return true;
    }
}

/** Whether asking again later may help. */
const passes = (error: Error) => error instanceof NotYetError || error instanceof TransientError || isTransient(error);

export interface Preserved {
    evidence: Evidence;
    /** What could not be locked, un-shared or deleted in the member account, as sentences. */
    leftOver: string[];
}

/**
 * @param contained whether the incident read the instance back as contained: then the evidence of an earlier one may stand
 * @returns the evidence when every volume is locked and read back, or known not to be preserved: that one is in `missing`, with the reason
 * @throws NotYet until then, with what AWS refused as its cause; StepFailed when no volume can be preserved
 */
export async function preserve(incident: Incident, contained = false): Promise<Preserved> {
    const member = memberClient(EC2Client, incident.instance, incident.incidentId);
    const victims = await victimVolumes(member, incident);
    const sides: Sides = { incident, victims, member, forensics: forensicsClient(EC2Client) };
    const { pins, anomalies } = await readAllPins(incident);
    if (pins.length === 0) pins.push(...(await inheritEvidence(sides, contained)));
    for (let pass = 1; ; pass++) {
        const plan = planPreservation(await readState(sides, pins));
        const { made, done, problems, aside } = await actOnAll(sides, plan.actions);
        pins.push(...made);

        const passing = problems.find(({ error }) => passes(error))?.error;
        const ended = new Map<string, string>(plan.failures.map(({ volume, why }) => [volume.volumeId, why]));
        for (const { volumeId, error } of problems.filter((each) => !passes(each.error)))
            for (const id of volumeId === null ? victims.volumes.map((volume) => volume.volumeId) : [volumeId])
                ended.set(id, error.message);
        const preserved = new Set(plan.preserved.map(({ volume }) => volume.volumeId));
        const open = victims.volumes.filter(({ volumeId }) => !preserved.has(volumeId) && !ended.has(volumeId));
        if (open.length === 0 && passing === undefined) {
            const held = victims.volumes.find(({ kind, volumeId }) => kind === "memory" && preserved.has(volumeId));
            if (held && !(await removeHeld(member, held.volumeId, aside)))
                throw new NotYetError(`The acquisition volume ${held.volumeId} is preserved, and waits to be detached and deleted.`);
            const missing = victims.volumes
                .filter(({ volumeId }) => !preserved.has(volumeId))
                .map((volume) => ({ ...volume, why: ended.get(volume.volumeId)! }));
            if (plan.preserved.length === 0) {
                const why = missing.map(({ volumeId, why: reason }) => `${volumeId}: ${reason}`).join("; ");
                throw problems[0]?.error ?? new StepError("Volumes could not be preserved", why.slice(0, 2000), preservationRemedy());
            }
            return {
                evidence: toEvidence(incident, plan.preserved, missing, [...anomalies, ...plan.anomalies, ...aside]),
                leftOver: aside,
            };
        }
        // Evidence comes first: what only protects or tidies up does not make another pass worth while.
        if (done > 0 && made.length + plan.actions.filter((action) => !isAside(action)).length > 0 && pass < mostPasses) continue;
        throw new NotYetError(
            `${plan.preserved.length} of ${victims.volumes.length} volumes are preserved; waiting for ${[passing?.message, ...plan.waitingFor].filter(Boolean).join("; ") || "what was begun just now"}.`.slice(
                0,
                1000,
            ),
            passing === undefined ? undefined : { cause: passing },
        );
    }
}
