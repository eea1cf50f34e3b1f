/** Reads the finding of a rehearsal, points it at the victim, and decides which door it comes in by. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Finding, InstanceRef } from "../functions/domain/containers";
import { parseMessage } from "../functions/domain/parseMessage";
import type { LocalClients, Target } from "./deploy/localClients";
import { InputError } from "./options";

/** The finding that is used when none is given. */
export const builtInFinding = path.join(__dirname, "findings", "bitcoin-tool.json");

/** What SNS takes in one message, and EventBridge in one event. */
const largestMessageBytes = 256 * 1024;

export interface LoadedFinding {
    file: string;
    /** The file as it is. */
    text: string;
    /** What the program will understand. */
    findings: Finding[];
    /** Why the program will not follow it; null when it will. */
    refusal: string | null;
}

/** Reads a message from a file. @throws InputError when there is no such file, or when no message could be that large. */
export async function loadFinding(file: string): Promise<LoadedFinding> {
    const about = await stat(file).catch((error: NodeJS.ErrnoException) => {
        throw new InputError(`--finding ${file} cannot be read: ${error.code ?? error.message}. Give the path of a JSON file.`, {
            cause: error,
        });
    });
    if (!about.isFile()) throw new InputError(`--finding ${file} is not a file. Give the path of a JSON file.`);
    if (about.size > largestMessageBytes)
        throw new InputError(`--finding ${file} has ${about.size} bytes; SNS and EventBridge take ${largestMessageBytes} at most.`);
    const text = await readFile(file, "utf8");
    const parsed = parseMessage(text);
    return { file, text, findings: parsed.findings, refusal: parsed.outcome === "refused" ? parsed.reason : null };
}

/** Replaces text in every string of a JSON value; keys stay. */
function replaceStrings(value: unknown, replacements: ReadonlyMap<string, string>): unknown {
    if (typeof value === "string") {
        let text = value;
        for (const [from, to] of replacements) text = text.replaceAll(from, to);
        return text;
    }
    if (Array.isArray(value)) return value.map((item) => replaceStrings(item, replacements));
    if (typeof value === "object" && value !== null)
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceStrings(item, replacements)]));
    return value;
}

/**
 * The message with the instances it names replaced by the victim: a local AWS gives out instance ids itself.
 *
 * Accounts and Regions are replaced too, also inside ARNs, so that the message stays consistent.
 */
export function pointAtVictim(document: unknown, findings: readonly Finding[], victim: InstanceRef): unknown {
    const replacements = new Map<string, string>();
    for (const finding of findings) {
        for (const instance of finding.instances) {
            replacements.set(instance.instanceId, victim.instanceId);
            replacements.set(instance.accountId, victim.accountId);
            replacements.set(instance.region, victim.region);
        }
        replacements.set(finding.accountId, victim.accountId);
        replacements.set(finding.region, victim.region);
    }
    return replaceStrings(document, replacements);
}

/** A message ready to send: on the member's event bus as GuardDuty puts it, or on the findings topic as an operator would. */
export type Delivery = { door: "event-bus"; source: string; detailType: string; detail: unknown } | { door: "topic"; text: string };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** A finding as GuardDuty itself puts it on the bus. Other spellings are exports, which no event rule matches. */
const isGuardDutyDetail = (value: unknown): value is Record<string, unknown> =>
    isObject(value) && isObject(value["resource"]) && typeof value["severity"] === "number";

/** Chooses the door. @param document the message to send, as text or parsed. */
export function deliveryOf(document: unknown, refused: boolean): Delivery {
    // EventBridge would not even carry most of what is refused: an operator's hand is the only way in.
    if (!refused && isObject(document)) {
        if (document["source"] === "aws.guardduty" && isGuardDutyDetail(document["detail"])) {
            return { door: "event-bus", source: "aws.guardduty", detailType: String(document["detail-type"]), detail: document["detail"] };
        }
        if (isGuardDutyDetail(document))
            return { door: "event-bus", source: "aws.guardduty", detailType: "GuardDuty Finding", detail: document };
    }
    return { door: "topic", text: typeof document === "string" ? document : JSON.stringify(document) };
}

/** Sends a message. @returns when it was accepted, in milliseconds since 1970 just before the call. */
export async function send(
    delivery: Delivery,
    clients: LocalClients,
    member: Target,
    forensics: Target,
    topicArn: string,
): Promise<number> {
    const sentAt = Date.now();
    if (delivery.door === "topic") {
        await clients(SNSClient, forensics).send(new PublishCommand({ TopicArn: topicArn, Message: delivery.text }));
        return sentAt;
    }
    const { Entries } = await clients(EventBridgeClient, member).send(
        new PutEventsCommand({
            Entries: [{ Source: delivery.source, DetailType: delivery.detailType, Detail: JSON.stringify(delivery.detail) }],
        }),
    );
    const failed = Entries?.find((one) => one.ErrorCode);
    if (failed) throw new Error(`The event bus of ${member.accountId} refused the finding: ${failed.ErrorCode} ${failed.ErrorMessage}`);
    return sentAt;
}
