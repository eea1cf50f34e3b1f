/**
 * `npm run hold -- <incident> --until DATE [--why WHY] [--region REGION]`: extends the locks of every object and snapshot of a case, as a legal hold
 * asks for. With the operator's own credentials of the forensics account (s3:PutObjectRetention, ec2:LockSnapshot). No lock is shortened. Each
 * change is entered in the custody log, and the case sealed again. Exit 0 when everything is locked until then, 1 when something is not, 2 when
 * nothing could be done.
 */
import { EC2Client, LockSnapshotCommand } from "@aws-sdk/client-ec2";
import { PutObjectRetentionCommand, S3Client } from "@aws-sdk/client-s3";
import { parseArgs } from "node:util";
import { describeVersions, listVersions } from "../functions/aws/custody/caseObjects";
import { mapConcurrently } from "../functions/aws/mapConcurrently";
import { readPins } from "../functions/aws/snapshotPins";
import { locksOf, snapshotsById } from "../functions/aws/snapshots";
import type { CustodyAction } from "../functions/domain/custody/custodyLog";
import { incidentPrefix } from "../functions/domain/evidenceKeys";
import { operator, readIncidentId, runCommand, UsageError } from "./custody/operator";
import { planHold, readUntil } from "./custody/planHold";
import { operatorAction, sealAgain } from "./custody/sealAgain";

const usage = "Use: npm run hold -- <incident> --until DATE [--why WHY] [--region REGION]";

function wantedUntil(text: string | undefined): string {
    if (text === undefined) throw new UsageError("No date given.");
    try {
        return readUntil(text, Date.now());
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
}

async function main(args: string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { until: { type: "string" }, why: { type: "string" }, region: { type: "string" } },
    });
    const incidentId = readIncidentId(positionals[0]);
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
    console.log(
        `Extended: ${plan.objects.length} object versions and ${plan.snapshots.length} snapshots; locked as long before: ${plan.kept}.`,
    );
    console.log(await sealAgain(who, incidentId, actions));
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
    for (const each of failed) console.log(`NOT locked: ${each}`);
    return failed.length === 0 ? 0 : 1;
}

runCommand(main, usage);
