/**
 * GuardDuty's own finding format, in the spelling of events (`accountId`) or of GetFindings (`AccountId`).
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-summary.html
 */
import type { Context } from "./envelope";
import { asObject, at, field, isTrue, listAt, parseArn, quote, textAt } from "./json";
import type { JsonObject } from "./json";
import { byHand, resourceOfType } from "./otherResources";
import { readSeverity } from "./severity";
import { conclude, hidesSample, readFindingId } from "./concludeFinding";
import type { Affected, Verdict } from "./concludeFinding";
import { readFacts, readInstanceDetails } from "./findingFacts";
import { instancesInside, isInstanceType, readInstanceName, readInstanceUid, sessionInstances, type Reference } from "./instanceNames";

/** The flag is a boolean, a text, or hidden in the JSON text `additionalInfo.value`, by the age of the finding. */
function isSample(document: JsonObject): boolean {
    const info = at(document, "service", "additionalInfo");
    return isTrue(field(info, "sample")) || hidesSample(field(info, "value")) || hidesSample(info);
}

const sequenceResources = (document: JsonObject) => listAt(document, "service", "detection", "sequence", "resources");

/** What a sequence's resource says where it is: its own ARN first. */
function placed(resource: unknown, { instanceId, accountId, region }: Reference): Reference {
    return { instanceId, accountId: accountId ?? textAt(resource, "accountId"), region: region ?? textAt(resource, "region") };
}

/** The instances that an attack sequence names by themselves: `uid` is an ARN, `data.ec2Instance` marks the kind. */
function sequenceInstances(document: JsonObject): Reference[] {
    return sequenceResources(document).flatMap((resource): Reference[] => {
        const uid = textAt(resource, "uid");
        const data = at(resource, "data", "ec2Instance");
        const isInstance =
            (data !== undefined && data !== null) ||
            isInstanceType(textAt(resource, "resourceType")) ||
            parseArn(uid)?.resource.startsWith("instance/") === true;
        if (!isInstance) return [];
        const named = readInstanceUid(uid);
        const instanceId = field(data, "instanceId") ?? named?.instanceId ?? textAt(resource, "name") ?? uid;
        return [placed(resource, { ...named, instanceId })];
    });
}

/**
 * The instances that a sequence names in groups: Auto Scaling groups, launch templates, images, clusters list in `ec2InstanceUids`
 * which of their instances were compromised. A group may be a whole service: whether all of it is contained is for `containment.rules`.
 * https://docs.aws.amazon.com/guardduty/latest/APIReference/API_AutoscalingAutoScalingGroup.html
 */
function sequenceMembers(document: JsonObject): Reference[] {
    return sequenceResources(document).flatMap((resource): Reference[] => {
        const groups = Object.values(asObject(field(resource, "data")) ?? {});
        const uids = groups.flatMap((group) => listAt(group, "ec2InstanceUids"));
        return uids.map((uid) => placed(resource, readInstanceUid(typeof uid === "string" ? uid : null) ?? { instanceId: uid }));
    });
}

/** `instanceDetails` has one id; tools write lists of either, or the ARN in its place, and then every entry is judged by itself. */
function detailInstances(document: JsonObject): Reference[] {
    const details = at(document, "resource", "instanceDetails");
    return (Array.isArray(details) ? details.slice(0, 200) : [details]).flatMap((each: unknown): Reference[] => {
        const id = field(each, "instanceId") ?? field(each, "instanceArn");
        if (id === undefined || id === null || id === "") return [];
        return (Array.isArray(id) ? id : [id]).map(
            (one: unknown) => (typeof one === "string" ? readInstanceName(one.trim()) : null) ?? { instanceId: one },
        );
    });
}

/** Names by which people find the affected resource, where it is no instance. */
function knownNames(document: JsonObject): string[] {
    const resource = field(document, "resource");
    const named: [string, string | null][] = [
        ["access key", textAt(resource, "accessKeyDetails", "accessKeyId")],
        ["principal", textAt(resource, "accessKeyDetails", "principalId")],
        ["user or role", textAt(resource, "accessKeyDetails", "userName")],
        ["EKS cluster", textAt(resource, "eksClusterDetails", "name")],
        ["ECS cluster", textAt(resource, "ecsClusterDetails", "name")],
        ["ECS task", textAt(resource, "ecsClusterDetails", "taskDetails", "arn")],
        ["pod", textAt(resource, "kubernetesDetails", "kubernetesWorkloadDetails", "name")],
        ["container", textAt(resource, "containerDetails", "name")],
        ["image", textAt(resource, "containerDetails", "image") ?? textAt(resource, "ec2ImageDetails", "imageArn")],
        ["snapshot", textAt(resource, "ebsSnapshotDetails", "snapshotArn")],
        ["bucket", textAt(listAt(resource, "s3BucketDetails")[0], "name")],
        ["function", textAt(resource, "lambdaDetails", "functionName")],
        ...sequenceResources(document)
            .slice(0, 20)
            .map((each): [string, string | null] => [
                textAt(each, "resourceType") ?? "resource",
                textAt(each, "name") ?? textAt(each, "uid"),
            ]),
    ];
    return named.flatMap(([what, name]) => (name === null ? [] : [`${what.slice(0, 40)} ${name}`]));
}

/** What is said of an instance that stands in a finding about something else. */
function beside(document: JsonObject, kind: string, named: readonly Reference[]): Affected {
    const sessions = sessionInstances(at(document, "resource", "accessKeyDetails"));
    const isCredentials = sessions.length > 0 || /InstanceCredential/i.test(textAt(document, "type") ?? "");
    const as = isCredentials ? "credentials" : /eks|ecs|container|kubernetes/i.test(kind) ? "host" : "mention";
    const told = [...sessions, ...named];
    const instances = told.length > 0 ? told : instancesInside(field(document, "resource"));
    return { instances: [], related: { subject: { kind, known: knownNames(document) }, as, instances } };
}

/** A sequence about EC2 is about every instance it names by itself; members of groups, and sequences about something else, are told. */
function affectedBySequence(document: JsonObject, type: string, named: readonly Reference[]): Affected {
    const subject = resourceOfType(type) ?? "unnamed";
    const aboutInstance = isInstanceType(textAt(document, "resource", "resourceType"));
    const instances = aboutInstance ? [...sequenceInstances(document), ...named] : sequenceInstances(document);
    const members = sequenceMembers(document);
    const written = at(document, "service", "detection", "sequence");
    const sessions = sessionInstances(written, 6);
    // Signals and endpoints name instances that stand in no resource of the sequence.
    const inside = instancesInside(written);
    const known = knownNames(document);
    if (subject.toUpperCase() !== "EC2") {
        const as = instances.length + members.length === 0 && sessions.length > 0 ? "credentials" : "member";
        const related = {
            subject: { kind: `${subject} attack sequence`, known },
            as,
            instances: [...instances, ...members, ...sessions, ...inside],
        } as const;
        return { instances: [], related };
    }
    if (instances.length > 0) {
        // The same instances stand in their groups once more: only further ones are worth a word.
        return members.length === 0
            ? { instances }
            : { instances, related: { subject: { kind: null, known: [] }, as: "member", instances: members } };
    }
    return {
        instances: [],
        related: { subject: { kind: "group of EC2 instances", known }, as: "member", instances: [...members, ...sessions, ...inside] },
    };
}

/** `instanceDetails` alone decides nothing: it also stands beside keys, buckets and clusters. */
function affectedBy(document: JsonObject, type: string): Affected {
    if (isTrue(at(document, "service", "archived"))) {
        return {
            reason: `The finding is archived, so somebody has dealt with it. Unarchive it in GuardDuty if that was a mistake. ${byHand}`,
        };
    }
    const resourceType = textAt(document, "resource", "resourceType");
    const named = detailInstances(document);
    if (/^AttackSequence:/i.test(type) || resourceType?.toLowerCase() === "attacksequence")
        return affectedBySequence(document, type, named);
    if (resourceType === null) {
        // GuardDuty's types named EC2 are about an instance; a rule's input transformer may have left the rest out.
        if (named.length > 0 && resourceOfType(type)?.toUpperCase() === "EC2") return { instances: named };
        if (named.length > 0) return beside(document, resourceOfType(type) ?? "unnamed", named);
        return {
            reason: `The finding does not say what kind of resource it is about (resource.resourceType). Look it up in GuardDuty. ${byHand}`,
        };
    }
    if (!isInstanceType(resourceType)) return beside(document, resourceType, named);
    if (named.length > 0) return { instances: named };
    return {
        reason: `The finding is about an EC2 instance but does not name it (resource.instanceDetails.instanceId). Look it up in GuardDuty. ${byHand}`,
    };
}

/** Judges one finding in GuardDuty's format. */
export function judgeGuardDuty(document: JsonObject, context: Context): Verdict {
    const type = textAt(document, "type");
    if (type === null) {
        return {
            finding: null,
            refusals: [
                'The message is not a finding: it has no type. Send a GuardDuty or Security Hub finding, or {"instanceId","accountId","region"}.',
            ],
            aside: null,
            elsewhere: false,
        };
    }
    const arn = parseArn(textAt(document, "arn"));
    return conclude(
        {
            origin: "guardduty",
            id: readFindingId(textAt(document, "id") ?? textAt(document, "arn")),
            type,
            // Not from an event: what a delegated administrator receives may carry the administrator's account there.
            accountId: writtenOr(document, "accountId", arn?.accountId) ?? context.accountId,
            region: writtenOr(document, "region", arn?.region) ?? context.region,
            partition: textAt(document, "partition") ?? arn?.partition ?? null,
            severity: readSeverity(field(document, "severity")),
            title: textAt(document, "title"),
            description: textAt(document, "description"),
            sample: isSample(document),
            createdAt: textAt(document, "createdAt"),
            updatedAt: textAt(document, "updatedAt"),
            facts: readFacts(
                field(document, "service"),
                field(document, "resource"),
                readInstanceDetails(at(document, "resource", "instanceDetails")),
            ),
        },
        affectedBy(document, type),
    );
}

/** What the finding writes, right or wrong; only where it writes nothing, what its ARN says. */
function writtenOr(document: JsonObject, name: string, otherwise: string | undefined): string | null {
    const written = field(document, name);
    if (written === undefined || written === null || written === "") return otherwise || null;
    return typeof written === "string" ? written : quote(written);
}
