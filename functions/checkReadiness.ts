/**
 * Whether the response would work now: called once a day, when it tells people what is otherwise than the day before, and by
 * `npm run preflight`, which shows every check. Reads only, unless it is asked to send GuardDuty's sample finding.
 */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { GuardDutyClient } from "@aws-sdk/client-guardduty";
import { SQSClient } from "@aws-sdk/client-sqs";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { forensicsClient, forgetClients } from "./aws/clients";
import { environment, needs } from "./aws/environment";
import { probeSlack } from "./aws/channels/slack";
import { log } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import { mapConcurrently } from "./aws/mapConcurrently";
import { tell, tellPermissions } from "./aws/people";
import { assumeResponder, type Permissions } from "./aws/permissions";
import { archiveState, askForensics, askForensicsPermissions, stackInstances } from "./aws/readiness/askForensics";
import { askMember, askMemberPermissions, clientIn, messagesIn, messagesInQueue, ruleState } from "./aws/readiness/askMembers";
import { sampleSeverity, sendSample, sendSamplePermissions } from "./aws/readiness/sample";
import { itemOf, readStored } from "./aws/stored";
import { readinessMessage } from "./domain/messages/readiness";
import { changedSince, readinessChecks, readinessCheckSchema, type ReadinessCheck } from "./domain/readiness/checks";
import { seen, type MemberFacts, type ReadinessFacts } from "./domain/readiness/facts";
import { anyAccount, responderStatementsKey, type AskedStatement } from "./domain/readiness/simulation";

/** Given by the deployment. */
export const variables = needs(
    "CHAT_ACTIONS",
    "CHAT_TOPIC_ARN",
    "DOCS_URL",
    "IDENTITY_CENTER",
    "DEAD_LETTER_QUEUE_URL",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "FORENSICS_ACCOUNT_ID",
    "FORENSIC_IMAGE_ID",
    "FORENSIC_IMAGE_PARAMETER",
    "FORENSIC_INSTANCE_TYPE",
    "FORENSIC_SUBNET_IDS",
    "FORENSIC_VPC_ID",
    "INCIDENTS_TABLE",
    "LOCK_DAYS",
    "LOCK_MODE",
    "MEMBER_ACCOUNTS",
    "NOTIFICATION_TOPIC_ARN",
    "PARTITION",
    "READINESS",
    "RESPONDER_ROLE_NAME",
    "SLACK_WEBHOOK_PARAMETER",
    "TOOL_BUCKET",
    "WEBHOOK_PARAMETER",
);

export const permissions: Permissions = (names) => [
    ...askForensicsPermissions(names),
    ...assumeResponder(names),
    {
        Sid: "ReadWhatIsNeeded",
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: [`${names.toolBucketArn}/${responderStatementsKey}`],
    },
    { Sid: "ReadUnderEvidenceKey", Effect: "Allow", Action: ["kms:Decrypt"], Resource: [names.evidenceKeyArn] },
    ...useIncidents("GetItem", "PutItem")(names),
    ...tellPermissions(names),
    {
        Sid: "ReadDetector",
        Effect: "Allow",
        Action: ["guardduty:GetDetector"],
        Resource: [`arn:${names.partition}:guardduty:${names.region}:${names.forensicsAccountId}:detector/*`],
    },
    ...sendSamplePermissions(names),
];

export const memberPermissions: Permissions = (names) => [...askMemberPermissions(names), ...sendSamplePermissions(names)];

/** A run. By schedule: `{ "tell": true }`. */
const requestSchema = z.object({
    /** Send GuardDuty's sample finding, and wait until it arrives. */
    sendSample: z.boolean().default(false),
    /** Seconds that the sample may take: GuardDuty publishes within five minutes. */
    sampleWithinSeconds: z.number().int().min(1).max(600).default(480),
    /** Keep the outcome, and tell people what has changed. */
    tell: z.boolean().default(false),
});

export interface Readiness {
    region: string;
    /** ISO 8601. */
    at: string;
    checks: ReadinessCheck[];
}

/** Members that are asked at a time, and milliseconds after which no other one is begun: Lambda ends a run after 15 minutes. */
const [membersAtATime, membersWithin] = [8, 5 * 60_000];
/** The item of the incidents table that holds what was not well at the last run. */
const lastRun = { pk: { S: "readiness#last" } };

const plan = () => environment("READINESS");

const statementsSchema = z.array(
    z.object({
        Effect: z.enum(["Allow", "Deny"]),
        Action: z.array(z.string()),
        Resource: z.array(z.string()),
        Condition: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())]))).optional(),
    }),
);

/** What the response needs of a responder role, as the deployment wrote it down (infra/readinessPlan.ts), for one account. */
async function responderStatements(): Promise<(accountId: string) => AskedStatement[]> {
    const { Body } = await forensicsClient(S3Client).send(
        new GetObjectCommand({ Bucket: environment("TOOL_BUCKET"), Key: responderStatementsKey }),
    );
    const text = await Body!.transformToString();
    return (accountId) => statementsSchema.parse(JSON.parse(text.replaceAll(anyAccount, accountId)));
}

/** The accounts that are members here: those listed, or those that the StackSet has an instance in. */
async function memberAccounts(): Promise<string[]> {
    const admitted = environment("MEMBER_ACCOUNTS");
    const { stackSet } = plan();
    const listed = admitted.filter((each) => /^\d{12}$/.test(each));
    if (!admitted.includes("*") || stackSet === null) return listed;
    const ofUnits = (await stackInstances(stackSet)).map(({ accountId }) => accountId);
    const [left, own] = [admitted.filter((each) => each.startsWith("!")).map((each) => each.slice(1)), environment("FORENSICS_ACCOUNT_ID")];
    return [...new Set([...listed, ...stackSet.listedMembers, ...ofUnits])].filter((each) => !left.includes(each) && each !== own).sort();
}

/** Whether an account's findings come by a rule of its own. */
function forwards(accountId: string): boolean {
    const { forwarders } = plan();
    return forwarders.includes(accountId) || (forwarders.includes("*") && !forwarders.includes(`!${accountId}`));
}

/** Asks the members, as many as there is time for. Each run begins with another one, so that none is left out for ever. */
async function askMembers(now: Date): Promise<Pick<ReadinessFacts, "members" | "membersLeftOut">> {
    const accounts = await seen(memberAccounts());
    if ("unseen" in accounts) return { members: accounts, membersLeftOut: 0 };
    const first = Math.floor(now.getTime() / 86_400_000) % Math.max(1, accounts.value.length);
    const inTurn = [...accounts.value.slice(first), ...accounts.value.slice(0, first)];
    const { forwardingRule } = plan();
    const statements = await seen(responderStatements());
    const endsAt = Date.now() + membersWithin;
    const asked = await mapConcurrently(inTurn, membersAtATime, async (accountId): Promise<MemberFacts | null> => {
        if (Date.now() > endsAt) return null;
        return askMember(
            accountId,
            "value" in statements ? { value: statements.value(accountId) } : statements,
            forwards(accountId) ? forwardingRule : null,
        );
    });
    const members = asked.filter((each) => each !== null).sort((left, right) => left.accountId.localeCompare(right.accountId));
    return { members: { value: members }, membersLeftOut: asked.length - members.length };
}

async function behindOf(stackSet: NonNullable<ReturnType<typeof plan>["stackSet"]>): Promise<{ all: number; behind: string[] }> {
    const instances = await stackInstances(stackSet);
    return {
        all: instances.length,
        behind: instances
            .filter(({ status }) => status !== "CURRENT")
            .map(({ accountId, region, status }) => `${accountId} ${region} (${status})`),
    };
}

/** Sends the sample where it is seen as a member's would be: in the first member that forwards, else in the administrator's own account. */
async function sample(withinSeconds: number, now: Date): Promise<ReadinessFacts["sample"]> {
    const { minimumSeverity } = plan();
    if (minimumSeverity > sampleSeverity)
        return {
            unseen: `the sample's severity is ${sampleSeverity}, and findings.minimumSeverity lets ${minimumSeverity} and more through`,
        };
    const listed = environment("MEMBER_ACCOUNTS").filter((each) => /^\d{12}$/.test(each) && forwards(each));
    const own = environment("FORENSICS_ACCOUNT_ID");
    const sentTo = listed[Math.floor(now.getTime() / 86_400_000) % Math.max(1, listed.length)] ?? own;
    const client = sentTo === own ? forensicsClient(GuardDutyClient) : clientIn(GuardDutyClient, sentTo);
    return seen(sendSample(client, withinSeconds * 1000).then((sent) => ({ sentTo, ...sent })));
}

async function facts(sampleWithinSeconds: number | null, now: Date): Promise<ReadinessFacts> {
    const { alarmTopicArn, rules, watchRule, stackSet, emails, forwardDeadLetters, endpointsOnDemand } = plan();
    const events = forensicsClient(EventBridgeClient);
    const topics = [environment("NOTIFICATION_TOPIC_ARN"), alarmTopicArn].filter((each) => each !== null);
    const [ofForensics, ofMembers, ofRules, ofWatch, deadLetters, notForwarded, slack, ofStackSet] = await Promise.all([
        askForensics(topics, endpointsOnDemand),
        askMembers(now),
        Promise.all(
            rules.map(async ({ name, bus }) => ({
                name,
                state: await seen(ruleState(events, name, bus ?? undefined)),
                archive: await seen(archiveState(events, name)),
            })),
        ),
        seen(ruleState(events, watchRule)),
        seen(messagesIn(forensicsClient(SQSClient), environment("DEAD_LETTER_QUEUE_URL"))),
        forwardDeadLetters === null ? null : seen(messagesInQueue(forensicsClient(SQSClient), forwardDeadLetters)),
        probeSlack(),
        stackSet !== null && stackSet.homeRegion === environment("AWS_REGION") ? seen(behindOf(stackSet)) : null,
    ]);
    return {
        region: environment("AWS_REGION"),
        ...ofForensics,
        ...ofMembers,
        rules: ofRules,
        watchRule: ofWatch,
        deadLetters,
        forwardDeadLetters: notForwarded,
        slack,
        otherChannels: environment("CHAT_TOPIC_ARN") !== null || environment("WEBHOOK_PARAMETER") !== null,
        wantedEmails: emails,
        stackSet: ofStackSet,
        // After the other checks: a sample that does not arrive takes minutes.
        sample: sampleWithinSeconds === null ? null : await sample(sampleWithinSeconds, now),
    };
}

async function readLast(): Promise<ReadinessCheck[] | null> {
    const { Item } = await forensicsClient(DynamoDBClient).send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: lastRun, ConsistentRead: true }),
    );
    if (Item?.checks?.S === undefined) return null;
    try {
        return readStored(itemOf(lastRun.pk.S), Item.checks.S, z.array(readinessCheckSchema));
    } catch (error) {
        // What was told before is told once more, rather than nothing ever again.
        log("what the look before said cannot be read", { error: String(error) });
        return null;
    }
}

async function keep({ at, checks }: Readiness): Promise<void> {
    // Only what is not ok: an item has at most 400 KB, and what is not in it was well.
    const worthKeeping = checks.filter(({ state }) => state !== "ok");
    await forensicsClient(DynamoDBClient).send(
        new PutItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Item: { ...lastRun, at: { S: at }, checks: { S: JSON.stringify(worthKeeping.slice(0, 400)) } },
        }),
    );
}

/** Weekly samples go with the daily run of one day of the week. */
const isSampleDay = (now: Date): boolean => plan().sample === "weekly" && now.getUTCDay() === 1;

export async function handler(event: unknown): Promise<Readiness> {
    const request = requestSchema.parse(event ?? {});
    // Credentials of a run an hour ago would say that a role can be assumed which cannot be any more.
    forgetClients();
    const now = new Date();
    const wantsSample = request.sendSample || (request.tell && isSampleDay(now));
    const checks = readinessChecks(await facts(wantsSample ? request.sampleWithinSeconds : null, now));
    const readiness = { region: environment("AWS_REGION"), at: now.toISOString(), checks };
    log(
        "readiness",
        Object.fromEntries(
            (["ok", "broken", "not looked at"] as const).map((state) => [state, checks.filter((each) => each.state === state).length]),
        ),
    );
    if (request.tell) {
        const before = await readLast();
        const changed = changedSince(before, checks);
        if (changed.length > 0)
            await tell(readinessMessage(changed, { accountId: environment("FORENSICS_ACCOUNT_ID"), region: readiness.region }));
        // Kept once people know: a message that failed is sent tomorrow.
        await keep(readiness);
    }
    return readiness;
}
