/** Takes messages out of what delivers them: SNS, SQS, EventBridge, rules' input transformers, and lists of findings. */
import { asObject, at, field, listAt, quote, readJson, textAt } from "./json";
import type { JsonObject } from "./json";

/** What the delivery says that the finding may leave out. */
export interface Context {
    /** The envelope's Region. */
    region: string | null;
    /** The account beside a finding that a rule's input transformer wrapped; never an event's, which may be the administrator's. */
    accountId: string | null;
    /** A person picked the finding in Security Hub and pressed the custom action. */
    chosenByPerson: boolean;
}

/** A document that may be a finding. */
export interface Candidate {
    document: JsonObject;
    context: Context;
}

export interface Unwrapped {
    candidates: Candidate[];
    refusals: string[];
}

/** Objects, lists and texts around a finding. SQS around SNS around an event around a list is seven; twice as many is no delivery of AWS's. */
const deepestNesting = 14;
/** Security Hub sends up to 100 findings in an event, GetFindings up to 50; a message of SNS has room for 3,000 requests by hand. */
const mostFindings = 4000;

const customAction = /^Security Hub Findings - Custom Action$/i;
const findingDetailTypes = /^(GuardDuty Finding|Security Hub Findings - (Imported|Custom Action)|Findings Imported V2)$/i;
const findingSources = new Set(["aws.guardduty", "aws.securityhub"]);

/** Why an EventBridge event carries no finding; null when it may carry one. */
function notAFindingEvent(event: JsonObject): string | null {
    const detailType = field(event, "detail-type");
    const source = field(event, "source");
    if (Array.isArray(detailType) || Array.isArray(source)) {
        return "The message is an EventBridge event pattern, not an event. Send an event that matches it.";
    }
    if (typeof detailType === "string" && /Malware Protection Object Scan Result/i.test(detailType)) {
        return "The message is the result of a malware scan of an S3 object, not a finding about an EC2 instance. Handle it in the bucket's own pipeline.";
    }
    if (typeof detailType === "string" && !findingDetailTypes.test(detailType)) {
        return `The event is a ${quote(detailType)}, not a finding. Let the rule match GuardDuty and Security Hub findings only.`;
    }
    // EventBridge lets nobody but AWS send from a source that begins with "aws.": any other source is somebody's claim.
    if (typeof source === "string" && !findingSources.has(source)) {
        return `The event claims to be a finding but comes from ${quote(source)}, not from aws.guardduty or aws.securityhub. Find out who sent it.`;
    }
    return null;
}

/** How deep a finding lies in an object of a sender's own, and how many of its fields are looked at. */
const deepestWrapping = 3;
const mostFields = 64;

/** Whether the object is a finding by its shape, in any of the formats. */
function isFinding(document: JsonObject): boolean {
    const has = (name: string) => field(document, name) !== undefined && field(document, name) !== null;
    if (has("finding_info") || (has("class_uid") && has("resources"))) return true;
    if (Array.isArray(field(document, "resources")) && (has("productArn") || has("awsAccountId") || has("generatorId"))) return true;
    return (
        textAt(document, "type") !== null &&
        (asObject(field(document, "resource")) !== null || asObject(field(document, "service")) !== null)
    );
}

/** Whether {@link visit} knows how to go on inside the object. */
function isDelivery(document: JsonObject): boolean {
    return (
        Array.isArray(field(document, "records")) ||
        Array.isArray(field(document, "findings")) ||
        (textAt(document, "type") === "Notification" && field(document, "message") !== undefined) ||
        (field(document, "detail") !== undefined && field(document, "detail-type") !== undefined)
    );
}

/** Findings and deliveries inside an object of somebody else's making, the outermost of each branch. Text in it may be JSON. */
function wrapped(document: JsonObject, depth = deepestWrapping): unknown[] {
    if (depth === 0) return [];
    return Object.values(document)
        .slice(0, mostFields)
        .flatMap((value): unknown[] => {
            const read = typeof value === "string" && /^\s*[{[]/.test(value) ? readJson(value) : { value };
            if (!("value" in read)) return [];
            const items: readonly unknown[] = Array.isArray(read.value) ? read.value : [read.value];
            return items.slice(0, mostFindings).flatMap((item) => {
                const object = asObject(item);
                if (!object) return [];
                return isFinding(object) || isDelivery(object) ? [object] : wrapped(object, depth - 1);
            });
        });
}

function visit(value: unknown, context: Context, depth: number, into: Unwrapped): void {
    if (depth > deepestNesting) {
        into.refusals.push(`The message is wrapped more than ${deepestNesting} times. Send the finding itself.`);
        return;
    }
    const next = (inner: unknown, innerContext = context) => visit(inner, innerContext, depth + 1, into);
    if (typeof value === "string") {
        const read = readJson(value);
        if ("reason" in read) into.refusals.push(read.reason);
        else next(read.value);
        return;
    }
    if (Array.isArray(value)) {
        if (value.length === 0) into.refusals.push("The message is an empty list: there is no finding in it. Send at least one.");
        value.slice(0, mostFindings).forEach((item) => next(item));
        if (value.length > mostFindings)
            into.refusals.push(
                `The list has ${value.length} findings, of which the first ${mostFindings} were read. Send the others in another message.`,
            );
        return;
    }
    const document = asObject(value);
    if (!document) {
        into.refusals.push(
            `The message is ${quote(value)}, not a finding. Send a GuardDuty finding or {"instanceId","accountId","region"}.`,
        );
        return;
    }
    // Lambda's event from an SNS topic, an SQS queue or a stream.
    if (Array.isArray(field(document, "records"))) {
        const records = listAt(document, "records");
        if (records.length === 0) into.refusals.push("The event has no records: there is no finding in it.");
        records
            .slice(0, mostFindings)
            .forEach((record) =>
                next(
                    at(record, "sns", "message") ??
                        field(record, "body") ??
                        at(record, "kinesis", "data") ??
                        field(record, "data") ??
                        record,
                ),
            );
        if (records.length > mostFindings)
            into.refusals.push(
                `The event has ${records.length} records, of which the first ${mostFindings} were read. Send the others in another message.`,
            );
        return;
    }
    // SNS over HTTP or into SQS.
    const snsType = textAt(document, "type");
    if (snsType && /^(SubscriptionConfirmation|UnsubscribeConfirmation)$/.test(snsType)) {
        into.refusals.push(
            `The message is a ${snsType} of SNS, not a finding. Confirm the subscription in the SNS console if you made it.`,
        );
        return;
    }
    if (snsType === "Notification" && field(document, "message") !== undefined) {
        next(field(document, "message"));
        return;
    }
    if (field(document, "detail") !== undefined || field(document, "detail-type") !== undefined) {
        const reason = notAFindingEvent(document);
        if (reason) into.refusals.push(reason);
        else
            next(field(document, "detail") ?? null, {
                region: textAt(document, "region") ?? context.region,
                accountId: context.accountId,
                chosenByPerson: customAction.test(textAt(document, "detail-type") ?? ""),
            });
        return;
    }
    if (Array.isArray(field(document, "findings"))) {
        next(field(document, "findings"));
        return;
    }
    // An input transformer, or a tool, may have put the finding under a name of its own.
    const inside = isFinding(document) ? [] : wrapped(document);
    if (inside.length > 0) {
        const region = textAt(document, "region") ?? textAt(document, "awsRegion") ?? context.region;
        const accountId =
            textAt(document, "account") ?? textAt(document, "accountId") ?? textAt(document, "awsAccountId") ?? context.accountId;
        inside.slice(0, mostFindings).forEach((each) => next(each, { ...context, region, accountId }));
        if (inside.length > mostFindings)
            into.refusals.push(
                `The message wraps ${inside.length} findings, of which the first ${mostFindings} were read. Send the others in another message.`,
            );
        return;
    }
    into.candidates.push({ document, context });
}

/** Every document that may be a finding, and what was left aside and why. Never throws. */
export function unwrap(message: unknown): Unwrapped {
    const into: Unwrapped = { candidates: [], refusals: [] };
    const read = readJson(message);
    if ("reason" in read) into.refusals.push(read.reason);
    else visit(read.value, { region: null, accountId: null, chosenByPerson: false }, 0, into);
    return into;
}
