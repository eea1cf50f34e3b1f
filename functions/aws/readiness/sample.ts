/**
 * GuardDuty's own sample finding as a probe of the whole way in: what is sent here must come to startIncident, which notes that it saw it
 * and follows nothing. The sample is archived in GuardDuty afterwards.
 */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { ArchiveFindingsCommand, CreateSampleFindingsCommand, ListFindingsCommand, type GuardDutyClient } from "@aws-sdk/client-guardduty";
import { setTimeout as delay } from "node:timers/promises";
import type { Finding } from "../../domain/containers";
import { forensicsClient } from "../clients";
import { environment } from "../environment";
import { errorCode } from "../errors";
import { log } from "../handler";
import type { Permissions } from "../permissions";
import { detectorOf } from "./askMembers";

/** Instance of GuardDuty's sample findings. https://docs.aws.amazon.com/guardduty/latest/ug/sample_findings.html */
const sampleInstance = "i-99999999";
/** Severity 8, so that it passes a filter for medium and high findings. */
const sampleType = "Backdoor:EC2/C&CActivity.B";
export const sampleSeverity = 8;
const key = { pk: { S: "readiness#sample" } };
const pollMilliseconds = 1000;

/** Send a sample in an account, find it again and archive it. AWS names no resource for any of these. */
export const sendSamplePermissions: Permissions = () => [
    {
        Sid: "SendSampleFinding",
        Effect: "Allow",
        Action: ["guardduty:ListDetectors", "guardduty:CreateSampleFindings", "guardduty:ListFindings", "guardduty:ArchiveFindings"],
        Resource: ["*"],
    },
];

/**
 * Notes that a sample came, where one is waited for.
 *
 * @returns whether it was the probe's, and so has nothing to start
 */
export async function noteSample(findings: readonly Finding[], now: Date): Promise<boolean> {
    const isProbe =
        findings.length > 0 &&
        findings.every(
            ({ sample, instances }) => sample && instances.length > 0 && instances.every(({ instanceId }) => instanceId === sampleInstance),
        );
    if (!isProbe) return false;
    try {
        const waiting = await readProbe();
        if (waiting === null || waiting.waitsUntil <= now.toISOString()) return false;
        await writeProbe({ ...waiting, seenAt: waiting.seenAt ?? now.toISOString() });
        log("the sample of a readiness check arrived", { findings: findings.map(({ id }) => id) });
        return true;
    } catch (error) {
        // It cannot be noted: then it is what any sample is.
        log("the sample could not be noted", { error: errorCode(error) });
        return false;
    }
}

/** A sample that is waited for. */
interface Probe {
    /** ISO 8601. */
    waitsUntil: string;
    seenAt: string | null;
}

async function readProbe(): Promise<Probe | null> {
    const { Item } = await forensicsClient(DynamoDBClient).send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: key, ConsistentRead: true }),
    );
    return Item?.waitsUntil?.S === undefined ? null : { waitsUntil: Item.waitsUntil.S, seenAt: Item.seenAt?.S ?? null };
}

async function writeProbe({ waitsUntil, seenAt }: Probe): Promise<void> {
    await forensicsClient(DynamoDBClient).send(
        new PutItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Item: { ...key, waitsUntil: { S: waitsUntil }, ...(seenAt === null ? {} : { seenAt: { S: seenAt } }) },
        }),
    );
}

/**
 * Archives every sample about the sample instance.
 *
 * @returns false where GuardDuty refuses: only the administrator's account may archive where there is one, and the samples stay in sight
 * https://docs.aws.amazon.com/guardduty/latest/ug/administrator_member_relationships.html
 */
export async function archived(client: Pick<GuardDutyClient, "send">, DetectorId: string): Promise<boolean> {
    try {
        await archive(client, DetectorId);
        return true;
    } catch (error) {
        log("the sample finding was not archived", { why: errorCode(error) });
        return false;
    }
}

async function archive(client: Pick<GuardDutyClient, "send">, DetectorId: string): Promise<void> {
    const { FindingIds = [] } = await client.send(
        new ListFindingsCommand({
            DetectorId,
            MaxResults: 50,
            FindingCriteria: {
                Criterion: {
                    type: { Equals: [sampleType] },
                    "resource.instanceDetails.instanceId": { Equals: [sampleInstance] },
                    "service.archived": { Equals: ["false"] },
                },
            },
        }),
    );
    if (FindingIds.length > 0) await client.send(new ArchiveFindingsCommand({ DetectorId, FindingIds }));
}

/**
 * Sends a sample and waits until startIncident has seen it.
 *
 * @param client GuardDuty of the account that sends
 * @param within milliseconds that GuardDuty, EventBridge and SNS may take together
 * @returns seconds it took, null when it did not come; and whether it is archived in GuardDuty
 * @throws when GuardDuty has no detector there, or refuses
 */
export async function sendSample(client: GuardDutyClient, within: number): Promise<{ seconds: number | null; archived: boolean }> {
    const detector = await detectorOf(client);
    if (detector === null) throw new Error("GuardDuty has no detector there");
    const startedAt = Date.now();
    await writeProbe({ waitsUntil: new Date(startedAt + within + 60_000).toISOString(), seenAt: null });
    await client.send(new CreateSampleFindingsCommand({ DetectorId: detector.id, FindingTypes: [sampleType] }));
    const arrival = async () => {
        while (Date.now() - startedAt < within) {
            if ((await readProbe())?.seenAt) return Math.round((Date.now() - startedAt) / 1000);
            await delay(pollMilliseconds);
        }
        return null;
    };
    const [arrived] = await Promise.allSettled([arrival()]);
    const wasArchived = await archived(client, detector.id);
    if (arrived.status === "rejected") throw arrived.reason;
    return { seconds: arrived.value, archived: wasArchived };
}
