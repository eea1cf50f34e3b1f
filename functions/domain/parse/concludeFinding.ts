/** From what a document says to a `Finding` and the reasons against it; the same rules for every form. */
import { createHash } from "node:crypto";
import { accountIdSchema, findingSchema, instanceIdSchema, regionSchema } from "../containers";
import type { Finding, InstanceRef } from "../containers";
import { field, isTrue, parseArn, quote, readJson } from "./json";

/** A finding whose `instances` is empty makes no incident; `refusals` then says why, in full sentences. */
export interface Verdict {
    finding: Finding | null;
    refusals: string[];
}

/** An instance as a document names it, unchecked. What it leaves out is the finding's own. */
export interface Reference {
    instanceId: unknown;
    accountId?: string | null;
    region?: string | null;
}

/** What a document says of itself, unchecked. */
export interface Facts {
    origin: Finding["origin"];
    id: string | null;
    type: string;
    accountId: string | null;
    region: string | null;
    partition: string | null;
    severity: number;
    title: string | null;
    description: string | null;
    sample: boolean;
    createdAt: string | null;
    updatedAt: string | null;
}

/** The instances a finding is about, or why there are none. */
export type Affected = { instances: readonly Reference[] } | { reason: string };

/** GuardDuty's sample findings name this instance, with and without a sample flag. Its shape is that of a real id. */
export const sampleInstanceId = "i-99999999";

/**
 * Whether JSON text such as `{"sample":true}`, which GuardDuty keeps in `additionalInfo.value`, says so. Only its own
 * key counts: domain names and paths in the same text are the attacker's, who would like to pass for a sample.
 */
export function hidesSample(text: unknown): boolean {
    if (typeof text !== "string" || !text.includes("sample")) return false;
    const read = readJson(text);
    return "value" in read && isTrue(field(read.value, "sample"));
}

/** Where `Finding.instances` ends; larger groups are for people. */
const mostInstances = 100;

/** How to start by hand what is not started by itself. */
export const byHand = 'To contain an instance all the same, send {"instanceId","accountId","region"} to the topic.';

const isShape = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) => schema.safeParse(value).success;

/** An instance's own ARN or bare id. @returns the id as it stands when it is neither; the verdict refuses it then. */
export function readInstanceUid(uid: string | null): Reference | null {
    if (uid === null) return null;
    const arn = parseArn(uid);
    if (!arn) return { instanceId: uid };
    if (arn.service !== "ec2" || !arn.resource.startsWith("instance/")) return null;
    return { instanceId: arn.resource.slice("instance/".length), accountId: arn.accountId || null, region: arn.region || null };
}

/** GuardDuty's id out of a finding's ARN, so that GuardDuty and Security Hub deliveries of one finding have one id. */
export function readFindingId(id: string | null): string | null {
    const arn = parseArn(id);
    return arn?.service === "guardduty" ? (/\/finding\/([^/]+)$/.exec(arn.resource)?.[1] ?? id) : id;
}

function checkInstance(reference: Reference, facts: Facts): { instance: InstanceRef } | { reason: string } {
    const { instanceId } = reference;
    const accountId = reference.accountId ?? facts.accountId;
    const region = reference.region ?? facts.region;
    if (!isShape(instanceIdSchema, instanceId)) {
        return {
            reason: `The instance id ${quote(instanceId)} is not one (i- and 8 or 17 hexadecimal digits). Look the instance up in account ${facts.accountId}. ${byHand}`,
        };
    }
    // Whoever can write findings in one account must not be able to isolate an instance of another.
    if (accountId !== facts.accountId) {
        return {
            reason: `The finding is of account ${facts.accountId}, but it places ${instanceId} in account ${quote(accountId)}. Find out which is right. ${byHand}`,
        };
    }
    if (!isShape(regionSchema, region)) {
        return { reason: `The Region ${quote(region)} of ${instanceId} is not one (such as eu-west-1). ${byHand}` };
    }
    return { instance: { instanceId: instanceId as string, accountId: accountId as string, region: region as string } };
}

/** Why the account or Region of a finding cannot be used; null when both can. */
function misplaced(facts: Facts): string | null {
    if (!isShape(accountIdSchema, facts.accountId)) {
        const what =
            facts.accountId === null ? "names no account" : `names the account ${quote(facts.accountId)}, which does not have 12 digits`;
        return `The finding ${what}, so no instance can be found. Look the finding up in GuardDuty. ${byHand}`;
    }
    if (!isShape(regionSchema, facts.region)) {
        const what =
            facts.region === null ? "names no Region" : `names the Region ${quote(facts.region)}, which is not one (such as eu-west-1)`;
        return `The finding ${what}, so no instance can be found. Look the finding up in GuardDuty. ${byHand}`;
    }
    return null;
}

/** A finding without an id gets one from what it is about, so that its repetition still has the same one. */
function derivedId(facts: Facts, instances: readonly InstanceRef[]): string {
    const about = [facts.origin, facts.accountId, facts.region, facts.type, ...instances.map((instance) => instance.instanceId)];
    return `derived-${createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 32)}`;
}

/** GuardDuty's own partition where it says so, else the one the Region belongs to. */
function partitionOf(facts: Facts): string {
    if (facts.partition && /^aws(-[a-z]+)*$/.test(facts.partition)) return facts.partition;
    if (facts.region?.startsWith("cn-")) return "aws-cn";
    return facts.region?.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

const short = (text: string | null) => (text !== null && text.length <= 64 ? text : null);

/** Checks every part and makes the finding. It is null only when it cannot be placed in an account and Region. */
export function conclude(facts: Facts, affected: Affected): Verdict {
    const place = misplaced(facts);
    const refusals: string[] = [];
    const instances = new Map<string, InstanceRef>();
    if ("reason" in affected) {
        refusals.push(affected.reason);
    } else if (place) {
        refusals.push(place);
    } else {
        for (const reference of affected.instances.slice(0, mostInstances)) {
            const checked = checkInstance(reference, facts);
            if ("reason" in checked) refusals.push(checked.reason);
            else instances.set(`${checked.instance.region}/${checked.instance.instanceId}`, checked.instance);
        }
        const beyond = affected.instances.length - mostInstances;
        if (beyond > 0)
            refusals.push(
                `The finding names ${beyond} instances beyond the ${mostInstances} that are contained for one finding. ${byHand}`,
            );
    }
    if (place) return { finding: null, refusals };
    const list = [...instances.values()];
    const finding = findingSchema.safeParse({
        schemaVersion: 1,
        id: facts.id ?? derivedId(facts, list),
        type: facts.type,
        accountId: facts.accountId,
        region: facts.region,
        partition: partitionOf(facts),
        severity: facts.severity,
        title: facts.title ?? facts.type,
        description: facts.description ?? "",
        sample: facts.sample || list.some((instance) => instance.instanceId === sampleInstanceId),
        origin: facts.origin,
        createdAt: short(facts.createdAt),
        updatedAt: short(facts.updatedAt),
        instances: list,
    });
    if (finding.success) return { finding: finding.data, refusals };
    const issue = finding.error.issues[0];
    return {
        finding: null,
        refusals: [`The field ${quote(issue.path.join("."))} of the finding cannot be used (${quote(issue.message)}). ${byHand}`],
    };
}
