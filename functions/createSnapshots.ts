/**
 * Preserves the victim's volumes: snapshots at one point in time in the member account, encrypted copies in the
 * forensics account, locked. Called again and again until the locks are read back; each call does what is next.
 */
import { EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { forensicsClient, memberClient } from "./aws/clients";
import { snapshotArn, madeForIncident, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { environment, needs } from "./aws/environment";
import { isTransient, NotYetError, StepError } from "./aws/errors";
import { step } from "./aws/handler";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { actOnAll, readStateWith, type Sides } from "./aws/preservation";
import { victimVolumes } from "./aws/victimVolumes";
import { containmentSchema, evidenceSchema, incidentSchema, type Evidence, type Incident } from "./domain/containers";
import { planPreservation, type PreservationPlan } from "./domain/planPreservation";
import { objectNames } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "FORENSICS_ACCOUNT_ID",
    "RESPONDER_ROLE_NAME",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "LOCK_MODE",
    "LOCK_DAYS",
);

/** Copy shared snapshots under the evidence key and lock them; keep the list of volumes. */
export const permissions: Permissions = (names) => [
    ...assumeResponder(names),
    { Sid: "ReadSnapshots", Effect: "Allow", Action: ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"], Resource: ["*"] },
    // The source is another account's, whose tags are not seen here; the copy cannot be told from it by ARN.
    { Sid: "CopySnapshots", Effect: "Allow", Action: ["ec2:CopySnapshot"], Resource: [snapshotArn(names)] },
    { Sid: "LockEvidence", Effect: "Allow", Action: ["ec2:LockSnapshot"], Resource: [snapshotArn(names)], Condition: madeForIncident },
    tagAtCreation([snapshotArn(names)], "CopySnapshot"),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", names.evidenceKeyArn),
    ...readEvidence(objectNames.victimVolumes, objectNames.restoreRecord)(names),
    ...writeEvidence(objectNames.victimVolumes)(names),
];

/** Snapshot any volume, copy it under the evidence key, and share with the forensics account and nobody else. */
export const memberPermissions: Permissions = (names) => [
    {
        Sid: "FindVolumes",
        Effect: "Allow",
        Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots"],
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
    ...useKeyThroughEbs(names, "ReadVolumesOfAnyKey", `arn:${names.partition}:kms:${names.region}:${names.accountId}:key/*`),
    ...useKeyThroughEbs(names, "CopyUnderEvidenceKey", ...names.evidenceKeyArns),
];

function failure(failures: PreservationPlan["failures"]): StepError {
    const list = failures.map(
        ({ snapshot, stage }) =>
            `${stage} snapshot ${snapshot.snapshotId} of ${snapshot.volumeId} is in state ${snapshot.state} (${snapshot.problem ?? "no reason given"})`,
    );
    return new StepError(
        "Volumes could not be preserved",
        list.join("; ").slice(0, 2000),
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

/** Stages that one call goes through where EC2 is quick: snapshot, shared copy, evidence copy, lock, and the look back. */
const mostPasses = 5;

/**
 * @throws NotYet until every volume's lock was read back; StepFailed when a volume cannot be preserved
 */
export const handler = step({
    name: "CreateSnapshots",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable() }),
    output: evidenceSchema,
    run: async ({ incident }) => {
        const member = memberClient(EC2Client, incident.instance, incident.incidentId);
        const victims = await victimVolumes(member, incident);
        const sides: Sides = { incident, victims, member, forensics: forensicsClient(EC2Client) };
        const made = new Set<string>();
        for (let pass = 1; ; pass++) {
            const plan = planPreservation(await readStateWith(sides, made));
            if (plan.preserved.length === victims.volumes.length) return toEvidence(incident, plan.preserved);

            const { done, problems } = await actOnAll(sides, plan.actions, made);
            // One volume that cannot be preserved never keeps the others from being locked: it fails the step when they are.
            const passing = problems.find((problem) => problem instanceof NotYetError || isTransient(problem));
            if (passing) throw passing;
            if (done === 0 && plan.waitingFor.length === 0) throw problems[0] ?? failure(plan.failures);
            if (done > 0 && pass < mostPasses) continue;
            throw new NotYetError(
                `${plan.preserved.length} of ${victims.volumes.length} volumes are preserved; waiting for ${plan.waitingFor.join("; ") || "what was begun just now"}.`.slice(
                    0,
                    1000,
                ),
            );
        }
    },
});
