/**
 * Where an incident begins: findings arrive from SNS, and each instance they name becomes one execution of the workflow.
 *
 * What starts nothing is never dropped: the raw message goes to the dead-letter queue with the reason, and a Problem
 * object in the evidence bucket tells people. One instance has one open incident: a repeated message changes nothing, and
 * another finding about the instance joins.
 */
import { createHash } from "node:crypto";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { askWatch, askWatchPermissions } from "./aws/askWatch";
import { forensicsClient } from "./aws/clients";
import { deployedPolicy } from "./aws/containmentPolicy";
import { inCustody } from "./aws/custody/inCustody";
import { environment, needs } from "./aws/environment";
import { errorCode, StepError } from "./aws/errors";
import { countHeld } from "./aws/brake";
import { putJson, putObject } from "./aws/evidenceBucket";
import { log } from "./aws/handler";
import { mapConcurrently } from "./aws/mapConcurrently";
import { noteSample } from "./aws/readiness/sample";
import { findingObjects, findingPermissions, recordFinding } from "./aws/applyFinding";
import { readEvidence, writeEvidence } from "./aws/permissions";
import type { Permissions } from "./aws/permissions";
import { countedWith, heldSchema, tierOf } from "./domain/brake";
import { followedInPart, problemSchema } from "./domain/containers";
import type { Finding, Incident, InstanceRef } from "./domain/containers";
import { namesType, ruleOn } from "./domain/decideContainment";
import { byInstance, proposeIncidents, refusalOf } from "./domain/proposeIncidents";
import type { Admission } from "./domain/proposeIncidents";
import type { Effect } from "./domain/incidentRecord";
import { measured, messagesLeftAside } from "./domain/measures";
import { joinReasons, parseMessage } from "./domain/parseMessage";
import { errorRecord, heldPrefix, heldTelling, receivedMessage, refusedPrefix } from "./domain/evidenceKeys";

const problemObject = errorRecord("StartIncident");

/** Given by the deployment. */
export const variables = needs(
    "FORENSICS_ACCOUNT_ID",
    "MEMBER_ACCOUNTS",
    "STATE_MACHINE_ARN",
    "DRILL",
    "INCIDENTS_TABLE",
    "WATCH_FUNCTION",
    "CONTAINMENT_POLICY",
    "EVIDENCE_BUCKET",
    "DEAD_LETTER_QUEUE_URL",
);

/** Apply admitted findings, park refused messages, and write and read back the Problem object of a refused message. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...findingPermissions(names),
    ...askWatchPermissions(names),
    { Sid: "ParkRefusedMessage", Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [names.deadLetterQueueArn] },
    ...writeEvidence(problemObject, ...findingObjects)(names),
    ...readEvidence(problemObject, ...findingObjects)(names),
];

/** Lambda's event from an SNS topic. A record that is not one is refused by itself. */
const eventSchema = z.object({ Records: z.array(z.unknown()).min(1) });
const recordSchema = z.object({ Sns: z.object({ MessageId: z.string().min(1), Message: z.string() }) });

/** Instances of one message that are followed at the same time: 3,000 must fit the function's time. */
const atOnce = 16;
/** Instances that wait and are named to people in one message. */
const mostListed = 100;
/** Incidents that are named to people where a message was followed in part. */
const mostNamed = 10;

/** SQS: a message with its attributes has at most 256 KiB; attributes get 4 KiB of it. */
const largestBodyBytes = 252 * 1024;

/** Text as SQS takes it: not empty, no characters that XML 1.0 forbids, at most `largest` bytes of UTF-8. */
export function fitForQueue(text: string, largest = largestBodyBytes): string {
    // Through a Buffer and back, a lone surrogate becomes U+FFFD.
    const clean = Buffer.from(text)
        .toString("utf8")
        .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
    if (Buffer.byteLength(clean) <= largest) return clean || "(empty)";
    // The decoder turns a character that the cut went through into U+FFFD, which may be longer than what was cut off.
    return Buffer.from(clean)
        .subarray(0, largest - 3)
        .toString("utf8")
        .replace(/\ufffd$/, "");
}

/** What one SNS record asks for. The id stays the same when SNS or Lambda delivers the record again. */
interface Delivery {
    id: string;
    text: string;
}

function readRecord(record: unknown): Delivery {
    const parsed = recordSchema.safeParse(record);
    if (parsed.success) return { id: parsed.data.Sns.MessageId, text: parsed.data.Sns.Message };
    const text = JSON.stringify(record);
    return { id: text, text };
}

/** By which the message is found again, byte for byte, beside the incident's evidence. */
function receivedAs(text: string): NonNullable<Finding["message"]> {
    const bytes = Buffer.from(text, "utf8");
    return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
}

/** What is logged of an admitted finding. */
const outcomes: Record<Effect, string> = {
    opens: "incident started",
    joins: "finding joined the open incident of its instance",
    updates: "finding of an open incident has news",
    repeats: "finding is known already; nothing to do",
};

/** What of a message could not be followed. */
interface Refused {
    reasons: string[];
    /** The first instance that nothing was done about; null when none is known. */
    instance: InstanceRef | null;
    /** Incidents that the rest of the message opened or joined. */
    followed: string[];
}

async function refuse(delivery: Delivery, { reasons, instance, followed }: Refused, now: Date): Promise<void> {
    const digest = createHash("sha256").update(delivery.id).digest("hex").slice(0, 16);
    const reason = joinReasons(reasons);
    await forensicsClient(SQSClient).send(
        new SendMessageCommand({
            QueueUrl: environment("DEAD_LETTER_QUEUE_URL"),
            MessageBody: fitForQueue(delivery.text),
            MessageAttributes: {
                reason: { DataType: "String", StringValue: fitForQueue(reason, 2048) },
                originalBytes: { DataType: "Number", StringValue: String(Buffer.byteLength(delivery.text)) },
            },
        }),
    );
    const inPart = followed.length > 0;
    const others = followed.length > mostNamed ? ` and ${followed.length - mostNamed} more` : "";
    const problem = problemSchema.parse({
        schemaVersion: 1,
        incidentId: null,
        instance,
        step: "StartIncident",
        error: inPart ? followedInPart : "MessageRefused",
        cause: `${inPart ? `Followed: ${followed.slice(0, mostNamed).join(", ")}${others}. Not followed: ` : ""}${reason} The message lies in the dead-letter queue.`,
        at: now.toISOString(),
    });
    // The object's creation tells people; a delivery that is tried again must not tell them twice.
    await putJson(`${refusedPrefix(digest)}${problemObject}`, problem, { onlyIfAbsent: true });
}

/** One line, which is also a count: CloudWatch makes the metric MessagesLeftAside of it. */
function logLeftAside(delivery: Delivery, reasons: readonly string[]): void {
    log("message left aside", {
        ...measured(messagesLeftAside, reasons.length),
        messageId: delivery.id.slice(0, 64),
        reason: joinReasons(reasons),
    });
}

/** What came of one delivery. */
interface Followed {
    refused: Refused;
    /** Incidents that wait because the brake holds. */
    held: { incident: Incident; incidentId: string; anew: boolean }[];
    /** The AWS errors that kept it from being followed; the rest of it was. */
    failures: unknown[];
}

/**
 * Keeps the message once for all that wait, and writes what people are told: an object whose creation tells them, in each window of the brake's
 * limit at the first that waits, and each time they are ten times as many.
 */
async function tellOfHeld(held: Followed["held"], text: string, sha256: string, now: Date): Promise<void> {
    if (held.length === 0) return;
    await putObject(`${heldPrefix}${receivedMessage(sha256)}`, text, { contentType: "application/json", onlyIfAbsent: true });
    const { brake } = deployedPolicy().policy;
    for (const name of new Set(held.map(({ incident }) => countedWith(brake, incident.instance.accountId).name))) {
        const those = held.filter(({ incident }) => countedWith(brake, incident.instance.accountId).name === name);
        const counted = await countHeld(those[0]!.incident.instance.accountId, those.filter(({ anew }) => anew).length, now);
        // A delivery that is tried again, or says more of what waits already, counts none anew.
        const total = Math.max(counted.total, those.length);
        const telling = heldSchema.parse({
            schemaVersion: 1,
            limit: counted.limit,
            total,
            since: counted.since.toISOString(),
            instances: those.slice(0, mostListed).map(({ incidentId, incident: { instance, finding } }) => ({
                incidentId,
                instanceId: instance.instanceId,
                accountId: instance.accountId,
                type: finding.type,
                severity: finding.severity,
            })),
            unnamed: Math.max(0, those.length - mostListed),
            at: now.toISOString(),
        });
        await putJson(`${heldTelling(`${counted.window}-${tierOf(total)}`)}${problemObject}`, telling, { onlyIfAbsent: true });
    }
}

/** Applies what a message asks for of one instance, the gravest finding first. */
async function followInstance(
    proposals: readonly Incident[],
    admission: Admission,
    text: string,
    { refused, held, failures }: Followed,
): Promise<void> {
    const { policy, drill } = deployedPolicy();
    for (const incident of proposals) {
        const refusal = refusalOf(incident, admission);
        if (refusal) {
            refused.reasons.push(refusal);
            refused.instance ??= incident.instance;
            continue;
        }
        try {
            const { mode } = ruleOn(incident.finding, incident.instance.accountId, policy, drill);
            const { effect, incidentId, held: waits } = await inCustody(null, "StartIncident", () => recordFinding(incident, mode, text));
            if (waits !== null && held.every((each) => each.incidentId !== incidentId))
                held.push({ incident, incidentId, anew: waits === "anew" });
            if (!refused.followed.includes(incidentId)) refused.followed.push(incidentId);
            log(waits === null ? outcomes[effect] : "incident waits for a person: the brake holds", {
                incidentId,
                finding: incident.finding.id,
            });
            // One that opens an incident is contained, or decided about, by that incident's own execution.
            if (effect !== "opens" && waits === null) await askWatch(incident.instance);
        } catch (error) {
            failures.push(error);
            log("incident could not be started", { incidentId: incident.incidentId, error: errorCode(error) });
        }
    }
}

/** Follows one delivery. @returns the AWS errors that kept it from being followed; the rest of it was. */
async function follow(delivery: Delivery, admission: Admission, now: Date): Promise<unknown[]> {
    const { policy } = deployedPolicy();
    const received = receivedAs(delivery.text);
    const parsed = parseMessage(delivery.text, { follows: (finding) => namesType(finding, finding.accountId, policy) });
    if (parsed.refusals.length === 0 && parsed.leftAside.length === 0 && (await noteSample(parsed.findings, now))) return [];
    const came: Followed = {
        refused: {
            reasons: [...parsed.refusals],
            // Of a finding about something else, people are told which instance it has to do with.
            instance: parsed.findings.find(({ instances }) => instances.length === 0)?.related?.instances[0] ?? null,
            followed: [],
        },
        held: [],
        failures: [],
    };
    if (parsed.leftAside.length > 0) logLeftAside(delivery, parsed.leftAside);
    const proposals = proposeIncidents(
        parsed.findings.map((finding) => ({ ...finding, message: received })),
        now,
    );
    await mapConcurrently(byInstance(proposals), atOnce, (each) => followInstance(each, admission, delivery.text, came));
    const { refused, held, failures } = came;
    try {
        await tellOfHeld(held, delivery.text, received.sha256, now);
    } catch (error) {
        failures.push(error);
        log("people could not be told of what waits", { messageId: delivery.id.slice(0, 64), error: errorCode(error) });
    }
    if (refused.reasons.length === 0) return failures;
    log("message refused", { messageId: delivery.id.slice(0, 64), reason: joinReasons(refused.reasons) });
    try {
        await refuse(delivery, refused, now);
    } catch (error) {
        failures.push(error);
        log("refused message could not be parked", { messageId: delivery.id.slice(0, 64), error: errorCode(error) });
    }
    return failures;
}

/**
 * Handles the records of an SNS event one after the other; a bad one never stops the others.
 *
 * @throws when an AWS call failed, after all records: Lambda then delivers the event again, and what was started or
 * told already is not started or told again.
 */
export async function handler(event: unknown): Promise<void> {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) {
        throw new StepError(
            "The event is not a delivery of SNS",
            "startIncident",
            "Subscribe this function to the findings topic and send messages there.",
        );
    }
    const now = new Date();
    const admission: Admission = {
        region: environment("AWS_REGION"),
        forensicsAccount: environment("FORENSICS_ACCOUNT_ID"),
        memberAccounts: environment("MEMBER_ACCOUNTS"),
        drill: environment("DRILL"),
    };
    const failures: unknown[] = [];
    for (const record of parsed.data.Records) {
        failures.push(...(await follow(readRecord(record), admission, now)));
    }
    if (failures.length === 0) return;
    const causes = [
        ...new Set(failures.map((failure) => (failure instanceof Error ? `${errorCode(failure)}: ${failure.message}` : String(failure)))),
    ];
    throw new Error(
        `${failures.length} AWS calls of startIncident failed (${causes.join("; ").slice(0, 1000)}). Lambda delivers the event again.`,
        { cause: failures[0] },
    );
}
