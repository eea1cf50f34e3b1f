/** From what a document says to a `Finding` and the reasons against it; the same rules for every form. */
import { createHash } from "node:crypto";
import { accountIdSchema, findingSchema, instanceIdSchema, regionSchema } from "../containers";
import type { Finding, InstanceRef } from "../containers";
import type { FindingFacts } from "../findingFacts";
import type { Reference } from "./instanceNames";
import { field, isTrue, quote, readJson } from "./json";
import { byHand, relatedInstances, type Subject } from "./otherResources";

/** A finding whose `instances` is empty makes no incident; `refusals` then says why, in full sentences. */
export interface Verdict {
    finding: Finding | null;
    refusals: string[];
    /** Why the finding's `related` instances make no incident, where no rule names its type; null when it has none. */
    aside: string | null;
    /** Where they are followed all the same: those that are not, in full sentences. */
    unfollowed?: string[];
    /** What the finding says is another product's affair: where no rule names its type, nobody has to hear of it. */
    elsewhere: boolean;
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
    /** What it says of what happened; null where nothing but the instance is named. */
    facts: FindingFacts | null;
}

/** Instances that have to do with a finding about something else, and what that is. */
export interface Related {
    subject: Subject;
    as: NonNullable<Finding["related"]>["as"];
    instances: readonly Reference[];
    /** No sign of compromise and no detector's: a setting, a missing patch, data in a bucket. @default false */
    elsewhere?: boolean;
}

/** The instances a finding is about, and those that only have to do with it; or why there are none. */
export type Affected = { instances: readonly Reference[]; related?: Related } | { reason: string };

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
export const mostInstances = 100;

const isShape = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) => schema.safeParse(value).success;

/** GuardDuty's id out of a finding's ARN, also where Security Hub put its own product's before it: one finding has one id however it is delivered. */
export function readFindingId(id: string | null): string | null {
    return /(?:^|\/)arn:[a-z-]+:guardduty:[a-z0-9-]*:\d*:detector\/[^/]+\/finding\/([^/]+)$/.exec(id ?? "")?.[1] ?? id;
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

/** References as instances, each once, with what is wrong with the others. */
function checkInstances(references: readonly Reference[], facts: Facts): { instances: InstanceRef[]; refusals: string[] } {
    const refusals: string[] = [];
    const instances = new Map<string, InstanceRef>();
    const beyond = new Set<string>();
    for (const reference of references) {
        if (refusals.length >= mostInstances) break;
        const checked = checkInstance(reference, facts);
        const key = "instance" in checked ? `${checked.instance.region}/${checked.instance.instanceId}` : null;
        if ("reason" in checked) refusals.push(checked.reason);
        else if (instances.size < mostInstances || instances.has(key!)) instances.set(key!, checked.instance);
        else beyond.add(key!);
    }
    if (beyond.size > 0)
        refusals.push(
            `The finding names ${beyond.size} instances beyond the ${mostInstances} that are contained for one finding. ${byHand}`,
        );
    return { instances: [...instances.values()], refusals };
}

/** The related instances that are not affected already, and why they make no incident by themselves. */
function setAside(
    { subject, as, instances }: Related,
    affected: readonly InstanceRef[],
    facts: Facts,
): { related: InstanceRef[]; aside: string; unfollowed: string[] } {
    const checked = checkInstances(instances, facts);
    const key = ({ region, instanceId }: InstanceRef) => `${region}/${instanceId}`;
    const known = new Set(affected.map(key));
    const related = checked.instances.filter((instance) => !known.has(key(instance)));
    // Where they are followed, there is no room for all beside those that are affected.
    const beyond = related.length + affected.length - mostInstances;
    const room =
        beyond > 0
            ? [`${beyond} of the instances that it names beside are not followed: ${mostInstances} are, for one finding. ${byHand}`]
            : [];
    return {
        related,
        aside: [relatedInstances(subject, as, related, facts.type), ...checked.refusals].join(" "),
        unfollowed: [...checked.refusals, ...room],
    };
}

/** Checks every part and makes the finding. It is null only when it cannot be placed in an account and Region. */
export function conclude(facts: Facts, affected: Affected): Verdict {
    const place = misplaced(facts);
    const elsewhere = "related" in affected && affected.related?.elsewhere === true;
    if (place) return { finding: null, refusals: ["reason" in affected ? affected.reason : place], aside: null, elsewhere };
    const { instances, refusals } = checkInstances("instances" in affected ? affected.instances : [], facts);
    if ("reason" in affected) refusals.push(affected.reason);
    const {
        related = [],
        aside = null,
        unfollowed = [],
    } = "related" in affected && affected.related ? setAside(affected.related, instances, facts) : {};
    if (aside !== null && related.length === 0 && instances.length === 0) refusals.push(aside);
    const finding = findingSchema.safeParse({
        schemaVersion: 1,
        id: facts.id ?? derivedId(facts, [...instances, ...related]),
        type: facts.type,
        accountId: facts.accountId,
        region: facts.region,
        partition: partitionOf(facts),
        severity: facts.severity,
        title: facts.title ?? facts.type,
        description: facts.description ?? "",
        sample: facts.sample || [...instances, ...related].some((instance) => instance.instanceId === sampleInstanceId),
        origin: facts.origin,
        createdAt: short(facts.createdAt),
        updatedAt: short(facts.updatedAt),
        instances,
        facts: facts.facts,
        related: related.length > 0 && "related" in affected ? { as: affected.related?.as, instances: related } : null,
    });
    if (finding.success)
        return { finding: finding.data, refusals, aside: finding.data.related === null ? null : aside, unfollowed, elsewhere };
    const issue = finding.error.issues[0];
    return {
        finding: null,
        refusals: [`The field ${quote(issue.path.join("."))} of the finding cannot be used (${quote(issue.message)}). ${byHand}`],
        aside: null,
        elsewhere,
    };
}
