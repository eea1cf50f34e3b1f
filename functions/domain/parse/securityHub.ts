/**
 * Security Hub's two finding formats: ASFF (the AWS Security Finding Format) and, in Security Hub v2, OCSF.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
 */
import type { Context } from "./envelope";
import { asObject, at, field, isTrue, listAt, parseArn, quote, textAt } from "./json";
import type { JsonObject } from "./json";
import { notAnInstance, resourceOfType } from "./otherResources";
import { readSeverity, severityOfLabel } from "./severity";
import { byHand, conclude, hidesSample, readFindingId, readInstanceUid } from "./concludeFinding";
import type { Affected, Reference, Verdict } from "./concludeFinding";

/** One entry of ASFF `Resources` or OCSF `resources`. */
interface Resource {
    type: string;
    uid: string | null;
    instance: Reference | null;
}

/** Parts of an instance may stand beside it without making the finding about something else. */
const partOfInstance = /^AwsEc2(Volume|NetworkInterface|SecurityGroup|Subnet|Vpc|Image)$/i;
/** Resource parts of GuardDuty types whose subject is never an instance. */
const notInstanceTypes = /^(IAMUser|IAM|S3|Kubernetes|EKS|ECS|RDS|Lambda)$/i;
/** Stands for the type of a finding that gives none. */
const unspecifiedType = "Unspecified";

/** ASFF spells `TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce`, some samples with a dot. @returns GuardDuty's spelling. */
function guardDutyType(types: readonly unknown[]): string {
    const texts = types.filter((type): type is string => typeof type === "string" && type !== "").map((type) => type.slice(0, 512));
    const typed = texts.find((type) => type.includes(":")) ?? texts[0] ?? unspecifiedType;
    return typed.replace(/^(?:[^:]*\/)?([A-Za-z]+):([A-Za-z0-9]+)[-./]/, "$1:$2/");
}

function readResource(resource: unknown, uidName: string): Resource {
    const type = textAt(resource, "type") ?? unspecifiedType;
    const uid = textAt(resource, uidName);
    if (type.toLowerCase() !== "awsec2instance") return { type, uid, instance: null };
    const named = readInstanceUid(uid);
    const instanceId = field(field(resource, "data"), "instance_id") ?? named?.instanceId ?? uid ?? "";
    return { type, uid, instance: { instanceId, accountId: named?.accountId, region: named?.region ?? textAt(resource, "region") } };
}

/** The same rules for both formats: closed findings, other detectors, and other resources make no incident. */
function affectedBy(
    finding: { closed: string | null; guardDuty: boolean; product: string; type: string; resources: Resource[] },
    context: Context,
): Affected {
    if (finding.closed)
        return {
            reason: `The finding is closed (${quote(finding.closed)}), so somebody has dealt with it. Reopen it in Security Hub if that was a mistake. ${byHand}`,
        };
    // An open port or a missing patch is no sign of compromise; a person who picks such a finding knows why.
    if (!finding.guardDuty && !context.chosenByPerson) {
        return {
            reason: `The finding comes from ${quote(finding.product)}, not from GuardDuty, so it is no sign that the instance is compromised. Use a Security Hub custom action to start all the same.`,
        };
    }
    const instances = finding.resources.flatMap((resource) => (resource.instance ? [resource.instance] : []));
    const subject = resourceOfType(finding.type);
    if (subject && notInstanceTypes.test(subject)) return { reason: notAnInstance(subject, instances[0]?.instanceId) };
    const other = finding.resources.find((resource) => !resource.instance && !partOfInstance.test(resource.type));
    if (other && !/^AttackSequence:EC2\//i.test(finding.type)) return { reason: notAnInstance(other.type, instances[0]?.instanceId) };
    if (instances.length > 0) return { instances };
    return { reason: `The finding names no affected EC2 instance among its resources. Look it up in Security Hub. ${byHand}` };
}

/** The first account or Region that an ARN of the list names. */
function fromArns(part: "accountId" | "region" | "partition", ...texts: (string | null)[]): string | null {
    return texts.map((text) => parseArn(text)?.[part]).find((value) => value) ?? null;
}

/** Judges one finding in ASFF. */
export function judgeAsff(document: JsonObject, context: Context): Verdict {
    const productArn = textAt(document, "productArn");
    const product = textAt(document, "productName") ?? productArn ?? "an unnamed product";
    const id = textAt(document, "id");
    const provider = asObject(field(document, "findingProviderFields"));
    const types = listAt(document, "types");
    const type = guardDutyType(types.length > 0 ? types : listAt(provider, "types"));
    const resources = listAt(document, "resources").map((resource) => readResource(resource, "id"));
    const instanceUid = resources.find((resource) => resource.instance)?.uid ?? null;
    const service = (name: string) => at(document, "productFields", `aws/guardduty/service/${name}`);
    const recordState = textAt(document, "recordState");
    const workflow = textAt(document, "workflow", "status");
    const closed =
        recordState?.toUpperCase() === "ARCHIVED" || isTrue(service("archived"))
            ? "ARCHIVED"
            : workflow && /^(SUPPRESSED|RESOLVED)$/i.test(workflow)
              ? workflow
              : null;
    // The product's ARN is Security Hub's own; its name can be written by whoever imports findings.
    const guardDuty = productArn
        ? /product\/aws\/guardduty$/.test(productArn)
        : parseArn(id)?.service === "guardduty" || product === "GuardDuty";
    return conclude(
        {
            origin: "securityhub",
            id: readFindingId(id),
            type,
            accountId: textAt(document, "awsAccountId") ?? fromArns("accountId", instanceUid, id),
            region: textAt(document, "region") ?? fromArns("region", instanceUid, id) ?? context.region,
            partition: fromArns("partition", instanceUid, id),
            severity: readSeverity(field(document, "severity") ?? field(provider, "severity")),
            title: textAt(document, "title"),
            description: textAt(document, "description"),
            sample:
                isTrue(field(document, "sample")) ||
                isTrue(service("additionalInfo/sample")) ||
                hidesSample(service("additionalInfo/value")) ||
                hidesSample(service("additionalInfo")),
            createdAt: textAt(document, "createdAt"),
            updatedAt: textAt(document, "updatedAt"),
        },
        affectedBy({ closed, guardDuty, product, type, resources }, context),
    );
}

/** OCSF `status_id`: 3 suppressed, 4 resolved, 5 archived, 6 deleted. https://schema.ocsf.io/classes/detection_finding */
const closedStatusIds = new Set<unknown>([3, 4, 5, 6]);

/** Judges one OCSF detection finding. */
export function judgeOcsf(document: JsonObject, context: Context): Verdict {
    const info = field(document, "finding_info");
    const productUid = textAt(document, "metadata", "product", "uid");
    const product = textAt(document, "metadata", "product", "name") ?? productUid ?? "an unnamed product";
    const uid = textAt(info, "uid");
    const type = guardDutyType(listAt(info, "types"));
    const resources = listAt(document, "resources").map((resource) => readResource(resource, "uid"));
    const instanceUid = resources.find((resource) => resource.instance)?.uid ?? null;
    const status = textAt(document, "status") ?? "";
    const closed =
        /^(suppressed|resolved|archived|deleted)$/i.test(status) || closedStatusIds.has(field(document, "status_id"))
            ? status || "closed"
            : null;
    const guardDuty = productUid
        ? /productv2\/aws\/guardduty$/.test(productUid)
        : parseArn(uid)?.service === "guardduty" || /^(amazon )?guardduty$/i.test(product);
    const title = textAt(info, "title");
    return conclude(
        {
            origin: "securityhub",
            id: readFindingId(uid ?? textAt(document, "metadata", "uid")),
            type,
            accountId: textAt(document, "cloud", "account", "uid") ?? fromArns("accountId", instanceUid, uid),
            region: textAt(document, "cloud", "region") ?? fromArns("region", instanceUid, uid) ?? context.region,
            partition: textAt(document, "cloud", "cloud_partition") ?? fromArns("partition", instanceUid, uid),
            severity: severityOfLabel(field(document, "severity")) ?? readSeverity(ocsfSeverity(field(document, "severity_id"))),
            title,
            description: textAt(info, "desc"),
            // OCSF has no field for it; GuardDuty marks the titles of its samples.
            sample: title !== null && /^\[sample/i.test(title),
            createdAt: textAt(info, "created_time_dt"),
            updatedAt: textAt(info, "modified_time_dt"),
        },
        affectedBy({ closed, guardDuty, product, type, resources }, context),
    );
}

/** OCSF `severity_id` 1 to 6 as the label of the same place. */
function ocsfSeverity(id: unknown): string | undefined {
    return typeof id === "number" ? ["unknown", "informational", "low", "medium", "high", "critical", "fatal"][id] : undefined;
}
