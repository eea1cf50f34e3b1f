/**
 * Looks after the evidence of open cases, once a day: goes on with what the workflow had given up on (late copies are locked, entered in custody,
 * sealed and told), takes back what is left over in member accounts, and tells people thirty days before locks end, and at once where evidence
 * is not protected any more. One case that cannot be looked after never keeps the others from it.
 */
import { createHash } from "node:crypto";
import { EC2Client } from "@aws-sdk/client-ec2";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { forensicsClient } from "./aws/clients";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { inCustody } from "./aws/custody/inCustody";
import { environment, needs } from "./aws/environment";
import { errorCode, isNotFound, NotYetError } from "./aws/errors";
import { objectExists, putJson } from "./aws/evidenceBucket";
import { newestExecution } from "./aws/executions";
import { log } from "./aws/handler";
import { readIncident } from "./aws/incidentsTable";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { adoptOlderCases } from "./aws/olderCases";
import { removeLeftVolumes } from "./aws/memory/leftVolumes";
import { markSettled, openCases, type CaseItem } from "./aws/pinsTable";
import { preserve, preserveMemberPermissions, preservePermissions, preserveVariables } from "./aws/preserve";
import { locksOf, snapshotsById } from "./aws/snapshots";
import { listStanding, listStandingPermissions } from "./aws/standingContainments";
import type { Incident } from "./domain/containers";
import { errorRecord, incidentPrefix, objectNames, objectPrefixes, upkeepRecord } from "./domain/evidenceKeys";
import { upkeepMessage, type Upkeep } from "./domain/messages/evidenceUpkeep";
import { planSweep } from "./domain/planSweep";

/** Given by the deployment. */
export const variables = needs(...preserveVariables, "STATE_MACHINE_ARN", "SEAL_FUNCTION", ...tellVariables);

/** Preserve as createSnapshots does, see whether a workflow runs, have cases sealed, and tell people. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...preservePermissions(names),
    ...listStandingPermissions(names),
    ...[
        ...readEvidence(errorRecord("CreateSnapshots"), `${objectPrefixes.upkeep}*`)(names),
        ...writeEvidence(`${objectPrefixes.upkeep}*`)(names),
    ].map((each) => ({ ...each, Sid: `Upkeep${each.Sid}` })),
    {
        Sid: "SeeLocksOfObjects",
        Effect: "Allow",
        Action: ["s3:GetObjectRetention"],
        Resource: [`${names.evidenceBucketArn}/${incidentPrefix("*")}${objectNames.victimVolumes}`],
    },
    {
        Sid: "SeeWhetherWorkflowRuns",
        Effect: "Allow",
        Action: ["states:DescribeExecution"],
        Resource: [`${names.stateMachineArn.replace(":stateMachine:", ":execution:")}:*`],
    },
    { Sid: "HaveSealed", Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: [names.sealFunctionArn] },
    ...tellPermissions(names),
];

export const memberPermissions: Permissions = preserveMemberPermissions;

/** Milliseconds that one run may take; cases it does not come to are looked after the next day, first those that waited. */
const longestRun = 13 * 60_000;

async function isRunning(incidentId: string): Promise<boolean> {
    const arnOf = (name: string) => `${environment("STATE_MACHINE_ARN").replace(":stateMachine:", ":execution:")}:${name}`;
    return (await newestExecution(forensicsClient(SFNClient), arnOf, incidentId))?.described.status === "RUNNING";
}

/** When the lock of the case's first objects ends; null where they have none, or S3 does not say. */
async function objectsUntil(incidentId: string): Promise<string | null> {
    try {
        const head = await forensicsClient(S3Client).send(
            new HeadObjectCommand({
                Bucket: environment("EVIDENCE_BUCKET"),
                Key: `${incidentPrefix(incidentId)}${objectNames.victimVolumes}`,
            }),
        );
        return head.ObjectLockRetainUntilDate?.toISOString() ?? null;
    } catch (error) {
        if (!isNotFound(error)) throw error;
        return null;
    }
}

/** Tells people once of the same thing; kept once they know. */
async function tellOnce(incidentId: string, upkeep: Upkeep): Promise<void> {
    const digest = createHash("sha256").update(JSON.stringify(upkeep)).digest("hex").slice(0, 16);
    const key = `${incidentPrefix(incidentId)}${upkeepRecord(upkeep.kind, digest)}`;
    if (await objectExists(key)) return;
    const at = new Date().toISOString();
    await tell(upkeepMessage(upkeep, incidentId, at));
    await putJson(key, { schemaVersion: 1, incidentId, at, ...upkeep }, { onlyIfAbsent: true });
}

/** Brings the preservation on. @returns whether it is complete and tidied up */
async function finish(incident: Incident): Promise<boolean> {
    const { incidentId, prefix } = incident;
    try {
        const { evidence, leftOver } = await preserve(incident);
        const missing = evidence.missing.map(({ volumeId, why }) => `${volumeId}: ${why}`);
        // Of what the workflow itself brought to its end people know.
        if (await objectExists(`${prefix}${errorRecord("CreateSnapshots")}`))
            await tellOnce(incidentId, { kind: "late", preserved: evidence.snapshots.map(({ volumeId }) => volumeId).sort(), missing });
        if (leftOver.length > 0) await tellOnce(incidentId, { kind: "left-over", what: [...leftOver].sort() });
        return missing.length === 0 && leftOver.length === 0;
    } catch (error) {
        if (error instanceof NotYetError) {
            log("a preservation is still under way", { incidentId, why: error.message });
            return false;
        }
        await tellOnce(incidentId, {
            kind: "stuck",
            why: `${errorCode(error)}: ${error instanceof Error ? error.message : String(error)}`,
        });
        return false;
    }
}

/** @returns whether anything may have come into the case that has to be sealed */
async function lookAfter({ incidentId, pins, settled }: CaseItem): Promise<boolean> {
    const ec2 = forensicsClient(EC2Client);
    const ids = pins.filter(({ stage }) => stage === "evidence").map(({ snapshotId }) => snapshotId);
    const snapshots = await snapshotsById(ec2, ids);
    const [locks, until, running] = await Promise.all([
        locksOf(
            ec2,
            snapshots.map(({ snapshotId }) => snapshotId),
        ),
        objectsUntil(incidentId),
        settled ? false : isRunning(incidentId),
    ]);
    const plan = planSweep({
        pins,
        snapshots: new Map(snapshots.map((one) => [one.snapshotId, one])),
        locks,
        objectsUntil: until,
        settled,
        running,
        now: new Date().toISOString(),
    });
    if (plan.expiresAt !== null) await tellOnce(incidentId, { kind: "expires", at: plan.expiresAt });
    if (plan.unprotected.length > 0) await tellOnce(incidentId, { kind: "unprotected", what: plan.unprotected });
    if (plan.preserve) {
        const record = await readIncident(incidentId);
        if (record === null) log("a case has evidence and no record of its incident", { incidentId });
        else if (await finish(record.incident)) await markSettled(incidentId);
    }
    // A workflow that runs seals its case at its end.
    return !running && (plan.preserve || plan.expiresAt !== null || plan.unprotected.length > 0);
}

/** Acquisition volumes that nobody came to remove. @returns what could not be done, as sentences */
async function leftOfMemory(cases: readonly CaseItem[]): Promise<string[]> {
    if (environment("MEMORY_MODE") === "off") return [];
    const damaged: string[] = [];
    const standing = (await listStanding((error) => void damaged.push(error.message))).map(({ instance, incidentIds }) => ({
        instance,
        incidentId: incidentIds.at(-1)!,
    }));
    const unsettled = await Promise.all(cases.filter(({ settled }) => !settled).map(({ incidentId }) => readIncident(incidentId)));
    const places = [...standing, ...unsettled.flatMap((each) => (each === null ? [] : [each.incident]))];
    const caseOf = async (incidentId: string) => {
        if ((await readIncident(incidentId)) === null) return null;
        const pins = (cases.find((each) => each.incidentId === incidentId)?.pins ?? []).filter(({ stage }) => stage === "evidence");
        const locks = await locksOf(
            forensicsClient(EC2Client),
            pins.map(({ snapshotId }) => snapshotId),
        );
        return {
            running: await isRunning(incidentId),
            locked: pins.filter(({ snapshotId }) => locks.has(snapshotId)).map(({ volumeId }) => volumeId),
        };
    };
    const left = await removeLeftVolumes(places, caseOf, (incidentId, sentence) =>
        tellOnce(incidentId, { kind: "left-volume", what: [sentence] }),
    );
    return [...damaged, ...left];
}

/** Has a case sealed, which tells people of what came. The seal waits for nothing here, and says by itself where it fails. */
async function seal(incidentId: string): Promise<void> {
    await forensicsClient(LambdaClient).send(
        new InvokeCommand({
            FunctionName: environment("SEAL_FUNCTION"),
            InvocationType: "Event",
            Payload: Buffer.from(JSON.stringify({ incidentId })),
        }),
    );
}

/** @returns how many cases were looked after @throws what some of them failed of, after all others were looked after */
export async function handler(): Promise<{ cases: number; lookedAfter: number }> {
    const began = Date.now();
    const failed: string[] = [];
    const known = await openCases((error) => void failed.push(error.message));
    const older = await adoptOlderCases(known).catch((error: unknown) => {
        failed.push(`cases of an older layout: ${errorCode(error)}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
    });
    const cases = [...known, ...older];
    failed.push(...(await leftOfMemory(cases)));
    let lookedAfter = 0;
    // Those that need work before those that only may expire.
    for (const each of [...cases].sort((left, right) => Number(left.settled) - Number(right.settled))) {
        if (Date.now() - began > longestRun) break;
        try {
            if (await inCustody(each.incidentId, "SweepEvidence", () => lookAfter(each))) await seal(each.incidentId);
            lookedAfter++;
        } catch (error) {
            failed.push(`${each.incidentId}: ${errorCode(error)}: ${error instanceof Error ? error.message : String(error)}`);
        }
    }
    log("evidence of open cases", { cases: cases.length, lookedAfter, failed });
    if (failed.length > 0)
        throw new Error(
            `${failed.length} of ${cases.length} cases could not be looked after, or found: ${failed.join("; ").slice(0, 2000)}`,
        );
    return { cases: cases.length, lookedAfter };
}
