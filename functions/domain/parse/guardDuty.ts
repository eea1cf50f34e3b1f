/**
 * GuardDuty's own finding format, in the spelling of events (`accountId`) or of GetFindings (`AccountId`).
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-summary.html
 */
import type { Context } from "./envelope";
import { at, field, isTrue, listAt, parseArn, quote, textAt } from "./json";
import type { JsonObject } from "./json";
import { notAnInstance, resourceOfType } from "./otherResources";
import { readSeverity } from "./severity";
import { byHand, conclude, hidesSample, readFindingId, readInstanceUid } from "./concludeFinding";
import type { Affected, Reference, Verdict } from "./concludeFinding";

/** The flag is a boolean, a text, or hidden in the JSON text `additionalInfo.value`, by the age of the finding. */
function isSample(document: JsonObject): boolean {
    const info = at(document, "service", "additionalInfo");
    return isTrue(field(info, "sample")) || hidesSample(field(info, "value")) || hidesSample(info);
}

/** The instances among the resources of an attack sequence: `uid` is an ARN, `data.ec2Instance` marks the kind. */
function sequenceInstances(document: JsonObject): Reference[] {
    const references: Reference[] = [];
    for (const resource of listAt(document, "service", "detection", "sequence", "resources")) {
        const uid = textAt(resource, "uid");
        const data = at(resource, "data", "ec2Instance");
        const kind = (textAt(resource, "resourceType") ?? "").replace(/_/g, "").toLowerCase();
        const isInstance =
            (data !== undefined && data !== null) || kind === "ec2instance" || parseArn(uid)?.resource.startsWith("instance/") === true;
        if (!isInstance) continue;
        const named = readInstanceUid(uid);
        references.push({
            instanceId: field(data, "instanceId") ?? named?.instanceId ?? textAt(resource, "name") ?? uid,
            accountId: named?.accountId ?? textAt(resource, "accountId"),
            region: named?.region ?? textAt(resource, "region"),
        });
    }
    return references;
}

/** `instanceId` is one text; some tools write a list, and then every entry is judged by itself. */
function detailInstances(document: JsonObject): Reference[] {
    const id = at(document, "resource", "instanceDetails", "instanceId");
    if (id === undefined || id === null || id === "") return [];
    return (Array.isArray(id) ? id : [id]).map((instanceId: unknown) => ({ instanceId }));
}

/** Decides by `resourceType` alone: `instanceDetails` also stands beside keys, buckets and clusters. */
function affectedBy(document: JsonObject, type: string): Affected {
    if (isTrue(at(document, "service", "archived"))) {
        return {
            reason: `The finding is archived, so somebody has dealt with it. Unarchive it in GuardDuty if that was a mistake. ${byHand}`,
        };
    }
    const resourceType = textAt(document, "resource", "resourceType");
    const named = detailInstances(document);
    const isSequence = /^AttackSequence:/i.test(type) || resourceType?.toLowerCase() === "attacksequence";
    if (isSequence) {
        const subject = resourceOfType(type) ?? "AttackSequence";
        const inSequence = sequenceInstances(document);
        const instances = resourceType?.toLowerCase() === "instance" ? [...inSequence, ...named] : inSequence;
        if (subject.toUpperCase() !== "EC2") return { reason: notAnInstance(`${subject} attack sequence`, instances[0]?.instanceId) };
        if (instances.length > 0) return { instances };
        return { reason: `The attack sequence names no EC2 instance. Look at its signals in GuardDuty and decide there. ${byHand}` };
    }
    if (resourceType === null) {
        const mention =
            named.length > 0
                ? ` The instance ${quote(named[0].instanceId)} is named, but that alone does not make it the affected one.`
                : "";
        return {
            reason: `The finding does not say what kind of resource it is about (resource.resourceType).${mention} Look it up in GuardDuty. ${byHand}`,
        };
    }
    if (resourceType.toLowerCase() !== "instance") return { reason: notAnInstance(resourceType, named[0]?.instanceId) };
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
        };
    }
    const arn = parseArn(textAt(document, "arn"));
    return conclude(
        {
            origin: "guardduty",
            id: readFindingId(textAt(document, "id")),
            type,
            // Not from the envelope: what a delegated administrator receives may carry the administrator's account there.
            accountId: writtenOr(document, "accountId", arn?.accountId),
            region: writtenOr(document, "region", arn?.region) ?? context.region,
            partition: textAt(document, "partition") ?? arn?.partition ?? null,
            severity: readSeverity(field(document, "severity")),
            title: textAt(document, "title"),
            description: textAt(document, "description"),
            sample: isSample(document),
            createdAt: textAt(document, "createdAt"),
            updatedAt: textAt(document, "updatedAt"),
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
