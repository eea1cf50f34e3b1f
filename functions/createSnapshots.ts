/**
 * Preserves the victim's volumes: snapshots at one point in time in the member account, encrypted copies in the
 * forensics account, locked. Called again and again until the locks are read back; each call does what is next.
 */
import { EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient, memberClient } from "./aws/clients";
import { snapshotArn, madeForIncident, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { environment, needs } from "./aws/environment";
import { isTransient, NotYetError, StepError, TransientError } from "./aws/errors";
import { tellBesides, tellWaitingPermissions } from "./aws/problems";
import { step } from "./aws/handler";
import { readIncidentsPermissions } from "./aws/incidentsTable";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { actOnAll } from "./aws/preservation";
import { readState, type Sides } from "./aws/preservationState";
import { readPins } from "./aws/snapshotPins";
import { victimVolumes } from "./aws/victimVolumes";
import { containmentSchema, evidenceSchema, incidentSchema, type Evidence, type Incident } from "./domain/containers";
import { purposeTag } from "./domain/tags";
import { errorRecord, objectNames, objectPrefixes } from "./domain/evidenceKeys";
import { isAside, planPreservation, type PreservationPlan } from "./domain/planPreservation";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "FORENSICS_ACCOUNT_ID",
    "RESPONDER_ROLE_NAME",
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "LOCK_MODE",
    "LOCK_DAYS",
);

/** Copy shared snapshots under the evidence key and lock them; keep the list of volumes. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("CreateSnapshots")(names),
    ...assumeResponder(names),
    { Sid: "ReadSnapshots", Effect: "Allow", Action: ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"], Resource: ["*"] },
    // The source is another account's, whose tags are not seen here; the copy cannot be told from it by ARN.
    { Sid: "CopySnapshots", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    { Sid: "LockEvidence", Effect: "Allow", Action: ["ec2:LockSnapshot"], Resource: [snapshotArn(names)], Condition: madeForIncident },
    tagAtCreation([snapshotArn(names)], "CopySnapshot"),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", names.evidenceKeyArn),
    ...readIncidentsPermissions(names),
    ...readEvidence(objectNames.victimVolumes, objectNames.restoreRecord, `${objectPrefixes.preservation}*`)(names),
    ...writeEvidence(objectNames.victimVolumes, `${objectPrefixes.preservation}*`, errorRecord("CreateSnapshots"))(names),
];

/** Snapshot any volume, copy it under the evidence key, and share with the forensics account and nobody else. */
export const memberPermissions: Permissions = (names) => [
    {
        Sid: "FindVolumes",
        Effect: "Allow",
        Action: [
            "ec2:DescribeInstances",
            "ec2:DescribeVolumes",
            "ec2:DescribeSnapshots",
            "ec2:DescribeSnapshotAttribute",
            "ec2:DescribeLockedSnapshots",
        ],
        Resource: ["*"],
    },
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
    ...useKeyThroughEbs(names, "ReadVolumesOfAnyKey", `arn:${names.partition}:kms:${names.region}:${names.accountId}:key/*`),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", ...names.evidenceKeyArns),
];

const remedy = () =>
    `Copies are made under ${environment("EVIDENCE_KEY_ARN")}: a key that may not be used fails only afterwards, so check its policy and that of the volume's key. Delete the failed snapshots and start the incident again; the others stay.`;

/** A volume without evidence, and why. */
type Missing = Evidence["missing"][number];

function toEvidence(incident: Incident, preserved: PreservationPlan["preserved"], missing: Missing[], anomalies: string[]): Evidence {
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        snapshots: preserved.map(({ volume, source, sharedCopyId, evidence, lock }) => ({
            ...volume,
            sizeGiB: source.sizeGiB,
            sourceEncrypted: source.encrypted,
            sourceSnapshotId: source.snapshotId,
            sharedSnapshotId: sharedCopyId,
            evidenceSnapshotId: evidence.snapshotId,
            startedAt: source.startedAt,
            lock,
        })),
        missing,
        anomalies: [...new Set(anomalies)].slice(0, 100),
        completedAt: new Date().toISOString(),
    };
}

/** Tells people at once of volumes without evidence and of what is odd: the step goes on with the others. */
async function tellOf(incident: Incident, { missing, anomalies, snapshots }: Evidence): Promise<void> {
    if (missing.length === 0 && anomalies.length === 0) return;
    const lost = missing.map(({ volumeId, device, why }) => `${volumeId} (${device}) is NOT preserved: ${why}`);
    await tellBesides(
        incident,
        "CreateSnapshots",
        missing.length > 0 ? "PartlyPreserved" : "Anomaly",
        [
            `${snapshots.length} of ${snapshots.length + missing.length} volumes are preserved.`,
            ...lost,
            ...anomalies,
            ...(lost.length > 0 ? [remedy()] : []),
        ].join(" "),
    );
}

/** Stages that one call goes through where EC2 is quick: snapshot, shared copy, evidence copy, lock, and the look back. */
const mostPasses = 6;

/** Whether asking again later may help. */
const passes = (error: Error) => error instanceof NotYetError || error instanceof TransientError || isTransient(error);

/**
 * One volume that cannot be preserved never keeps the others from it: it is missing in the evidence, with the reason.
 *
 * @throws NotYet until every volume is locked and read back, or known not to be preserved; StepFailed when none can be
 */
export const handler = step({
    name: "CreateSnapshots",
    waits: "CreateSnapshots",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable() }),
    output: evidenceSchema,
    run: async ({ incident }) => {
        const member = memberClient(EC2Client, incident.instance, incident.incidentId);
        const victims = await victimVolumes(member, incident);
        const sides: Sides = { incident, victims, member, forensics: forensicsClient(EC2Client) };
        const pins = await readPins(incident);
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
                const missing = victims.volumes
                    .filter(({ volumeId }) => !preserved.has(volumeId))
                    .map((volume) => ({ ...volume, why: ended.get(volume.volumeId)! }));
                if (plan.preserved.length === 0) {
                    const why = missing.map(({ volumeId, why: reason }) => `${volumeId}: ${reason}`).join("; ");
                    throw problems[0]?.error ?? new StepError("Volumes could not be preserved", why.slice(0, 2000), remedy());
                }
                const evidence = toEvidence(incident, plan.preserved, missing, [...plan.anomalies, ...aside]);
                await tellOf(incident, evidence);
                return evidence;
            }
            // Evidence comes first: what only protects or tidies up does not make another pass worth while.
            if (done > 0 && made.length + plan.actions.filter((action) => !isAside(action)).length > 0 && pass < mostPasses) continue;
            throw new NotYetError(
                `${plan.preserved.length} of ${victims.volumes.length} volumes are preserved; waiting for ${[passing?.message, ...plan.waitingFor].filter(Boolean).join("; ") || "what was begun just now"}.`.slice(
                    0,
                    1000,
                ),
            );
        }
    },
});
