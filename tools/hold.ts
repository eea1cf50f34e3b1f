/**
 * `npm run hold`: extends the locks of every object and snapshot of a case, as a legal hold asks for. No lock is shortened. Each change is entered
 * in the custody log, and the case sealed again.
 */
import { EC2Client, LockSnapshotCommand } from "@aws-sdk/client-ec2";
import { PutObjectRetentionCommand, S3Client } from "@aws-sdk/client-s3";
import { describeVersions, listVersions } from "../functions/aws/custody/caseObjects";
import { mapConcurrently } from "../functions/aws/mapConcurrently";
import { readPins } from "../functions/aws/snapshotPins";
import { locksOf, snapshotsById } from "../functions/aws/snapshots";
import type { CustodyAction } from "../functions/domain/custody/custodyLog";
import { incidentPrefix } from "../functions/domain/evidenceKeys";
import { command, UsageError, type Values } from "./command";
import { planHold, readUntil } from "./custody/planHold";
import { operatorAction, sealAgain } from "./custody/sealAgain";
import { jsonOption, operator, readIncidentId, regionOption } from "./operator";

const options = {
    until: { type: "string", description: "a date such as 2030-12-31", required: true },
    why: { type: "string", description: "it stands in the custody log" },
    region: regionOption,
    json: jsonOption,
} as const;

function wantedUntil(text: string): string {
    try {
        return readUntil(text, Date.now());
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
}

async function extendAll({ json, ...values }: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    const until = wantedUntil(values.until);
    const who = await operator(values.region);
    const [s3, ec2] = [new S3Client({ region: who.region }), new EC2Client({ region: who.region })];
    const prefix = incidentPrefix(incidentId);
    const extend = async () => {
        const { versions } = await listVersions(s3, who.bucket, incidentId);
        if (versions.length === 0) throw new UsageError(`There is no case ${incidentId} in s3://${who.bucket}.`);
        const standing = await snapshotsById(
            ec2,
            (await readPins({ prefix })).filter(({ stage }) => stage === "evidence").map(({ snapshotId }) => snapshotId),
        );
        const locks = await locksOf(
            ec2,
            standing.map(({ snapshotId }) => snapshotId),
        );
        const objects = await describeVersions(incidentId, versions);
        return planHold(
            objects,
            standing.map(({ snapshotId }) => ({ snapshotId, lock: locks.get(snapshotId) ?? null })),
            until,
        );
    };
    const failed: string[] = [];
    const actions: CustodyAction[] = [];
    const plan = await extend();
    await mapConcurrently(plan.objects, 10, async ({ name, versionId, mode }) => {
        try {
            const Key = `${prefix}${name}`;
            await s3.send(
                new PutObjectRetentionCommand({
                    Bucket: who.bucket,
                    Key,
                    VersionId: versionId ?? undefined,
                    Retention: { Mode: mode, RetainUntilDate: new Date(until) },
                }),
            );
        } catch (error) {
            failed.push(`${name}: ${(error as Error).name}: ${(error as Error).message}`);
        }
    });
    for (const { snapshotId, mode } of plan.snapshots)
        try {
            const { $metadata } = await ec2.send(
                new LockSnapshotCommand({ SnapshotId: snapshotId, LockMode: mode, ExpirationDate: new Date(until) }),
            );
            const fields = { resources: [snapshotId], note: `Locked until ${until}.`, requestId: $metadata.requestId ?? null };
            actions.push(operatorAction(who, incidentId, "ec2:LockSnapshot", fields));
        } catch (error) {
            failed.push(`${snapshotId}: ${(error as Error).name}: ${(error as Error).message}`);
        }
    const note = `${plan.objects.length} object versions and ${plan.snapshots.length} snapshots are to be locked until ${until}; ${failed.length} could not be.${values.why ? ` ${values.why}` : ""}`;
    actions.push(operatorAction(who, incidentId, "custody:Hold", { note: note.slice(0, 1024) }));
    const say = (line: string) => json || console.log(line);
    say(`Extended: ${plan.objects.length} object versions and ${plan.snapshots.length} snapshots; locked as long before: ${plan.kept}.`);
    const sealed = await sealAgain(who, incidentId, actions);
    say(sealed);
    // What was written of the hold itself is held too: the log's last segment and the seal.
    const late = await extend();
    for (const { name, versionId, mode } of late.objects.filter((each) => each.name.startsWith("custody/")))
        await s3.send(
            new PutObjectRetentionCommand({
                Bucket: who.bucket,
                Key: `${prefix}${name}`,
                VersionId: versionId ?? undefined,
                Retention: { Mode: mode, RetainUntilDate: new Date(until) },
            }),
        );
    for (const each of failed) say(`NOT locked: ${each}`);
    if (json)
        console.log(
            JSON.stringify({
                schemaVersion: 1,
                incidentId,
                until,
                extended: { objectVersions: plan.objects.length, snapshots: plan.snapshots.length },
                lockedAsLongBefore: plan.kept,
                failed,
                sealed,
            }),
        );
    return failed.length === 0 ? 0 : 1;
}

export const hold = command(
    {
        name: "hold",
        summary:
            "Extends the locks of every object and snapshot of a case, as a legal hold asks for. No lock is shortened. Each change is entered in the\ncustody log, and the case is sealed again.",
        arguments: "INCIDENT --until DATE [--why WHY] [--region REGION] [--json]",
        options,
        positionals: { what: "incident", least: 1, most: 1 },
        examples: ['npm run hold -- i-0123456789abcdef0-0123456789abcdef --until 2030-12-31 --why "order of the court"'],
        exitCodes: { 0: "everything is locked until then", 1: "something is not", 2: "nothing could be done" },
        rights: {
            "the evidence bucket": [
                "s3:ListBucketVersions",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectRetention",
                "s3:PutObjectRetention",
                "s3:ListBucket",
                "s3:PutObject",
            ],
            "the evidence key": ["kms:Decrypt", "kms:GenerateDataKey"],
            "all snapshots": ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots", "ec2:LockSnapshot"],
            "the function clean-room-sealCustody": ["lambda:InvokeFunction"],
        },
        run: extendAll,
    },
    module,
);
