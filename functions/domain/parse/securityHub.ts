/**
 * Security Hub's two finding formats: ASFF (the AWS Security Finding Format) and, in Security Hub v2, OCSF.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
 */
import type { Context } from "./envelope";
import { asObject, at, field, isTrue, listAt, parseArn, quote, textAt } from "./json";
import type { JsonObject } from "./json";
import { byHand, resourceOfType } from "./otherResources";
import { readSeverity, severityOfLabel } from "./severity";
import { conclude, hidesSample, readFindingId } from "./concludeFinding";
import type { Affected, Verdict } from "./concludeFinding";
import { readAsffInstance, readFacts, readOcsfFacts, unflatten } from "./findingFacts";
import { instancesInside, isInstanceType, readInstanceName, readInstanceUid, sessionInstances, type Reference } from "./instanceNames";

/** One entry of ASFF `Resources` or OCSF `resources`. */
interface Resource {
    type: string;
    uid: string | null;
    instance: Reference | null;
    /** Instances whose role's session it describes. */
    sessions: readonly Reference[];
    /** As it stands in the finding. */
    document: unknown;
}

/** Parts of an instance may stand beside it without making the finding about something else. */
const partOfInstance = /^(aws)?ec2(volume|networkinterface|securitygroup|subnet|vpc|image)$/;
/** Resource parts of GuardDuty types whose subject is never an instance. */
const notInstanceTypes = /^(IAMUser|IAM|S3|Kubernetes|EKS|ECS|Container|RDS|Lambda)$/i;
/**
 * Name spaces of ASFF's types that no threat is filed under.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html#Types
 */
const notThreats = /^(Software and Configuration Checks|Sensitive Data Identifications)(\/|$)/i;
/** Stands for the type of a finding that gives none. */
const unspecifiedType = "Unspecified";

/** ASFF spells `TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce`, some samples with a dot. @returns GuardDuty's spelling. */
function guardDutyType(types: readonly unknown[]): string {
    const texts = types.filter((type): type is string => typeof type === "string" && type !== "").map((type) => type.slice(0, 512));
    const typed = texts.find((type) => type.includes(":")) ?? texts[0] ?? unspecifiedType;
    return typed.replace(/^(?:[^:]*\/)?([A-Za-z]+):([A-Za-z0-9]+)[-./]/, "$1:$2/");
}

/** An instance is told by its ARN or its id's shape, else by its type: the type's spelling is each sender's own. */
function readResource(resource: unknown, uidName: string): Resource {
    const type = textAt(resource, "type") ?? unspecifiedType;
    const uid = textAt(resource, uidName);
    const written = field(field(resource, "data"), "instance_id");
    const named =
        readInstanceName(uid) ??
        (isInstanceType(type)
            ? { ...(readInstanceUid(uid) ?? { instanceId: uid ?? "" }), ...(written ? { instanceId: written } : {}) }
            : null);
    const place = {
        accountId: named?.accountId ?? textAt(resource, "owner", "account", "uid"),
        region: named?.region ?? textAt(resource, "region"),
    };
    return {
        document: resource,
        type,
        uid,
        instance: named === null ? null : { instanceId: named.instanceId, ...place },
        sessions: sessionInstances(field(resource, "details") ?? field(resource, "data")),
    };
}

/** The same rules for both formats: closed findings, other detectors, and other resources make no incident by themselves. */
function affectedBy(
    finding: {
        closed: string | null;
        guardDuty: boolean;
        /** Made by one of AWS's own products. */
        ofAws: boolean;
        product: string;
        type: string;
        resources: Resource[];
        actors: readonly Reference[];
        /** Instances in fields made for one, outside the resources: a device, an endpoint. */
        beside: readonly Reference[];
    },
    context: Context,
): Affected {
    const instances = finding.resources.flatMap((resource) => (resource.instance ? [resource.instance] : []));
    // An open port or a missing patch is no sign of compromise; a person who picks such a finding, or names its type, knows why.
    if (!finding.guardDuty && !context.chosenByPerson) {
        const subject = { kind: null, known: [`product ${finding.product}`] };
        // Another vendor's detector is heard; AWS's other products find settings, patches and data, thousands of them.
        const elsewhere = finding.ofAws || finding.closed !== null || instances.length === 0 || notThreats.test(finding.type);
        return { instances: [], related: { subject, as: "detector", instances: finding.closed === null ? instances : [], elsewhere } };
    }
    if (finding.closed)
        return {
            reason: `The finding is closed (${quote(finding.closed)}), so somebody has dealt with it. Reopen it in Security Hub if that was a mistake. ${byHand}`,
        };
    const sessions = [...finding.resources.flatMap((resource) => resource.sessions), ...finding.actors];
    const subject = resourceOfType(finding.type);
    const others = finding.resources.filter(
        (resource) => !resource.instance && !partOfInstance.test(resource.type.toLowerCase().replace(/[^a-z0-9]/g, "")),
    );
    const known = others.map((each) => `${each.type.slice(0, 40)} ${each.uid ?? ""}`);
    const beside = (kind: string): Affected => {
        const isCredentials = sessions.length > 0 || /InstanceCredential/i.test(finding.type);
        const isSequence = /^AttackSequence:/i.test(finding.type);
        const isHost = /eks|ecs|container|kubernetes/i.test(kind);
        const as = isCredentials ? "credentials" : isSequence ? "member" : isHost ? "host" : "mention";
        return { instances: [], related: { subject: { kind, known }, as, instances: [...sessions, ...instances, ...finding.beside] } };
    };
    if (subject && notInstanceTypes.test(subject)) return beside(subject);
    if (others.length > 0 && !/^AttackSequence:EC2\//i.test(finding.type)) return beside(others[0]!.type);
    if (instances.length > 0) return { instances };
    if (others.length > 0 || sessions.length > 0 || finding.beside.length > 0)
        return beside(others[0]?.type ?? (sessions.length > 0 ? "AccessKey" : "unnamed"));
    return { reason: `The finding names no affected EC2 instance among its resources. Look it up in Security Hub. ${byHand}` };
}

/** The first account or Region that an ARN of the list names. */
function fromArns(part: "accountId" | "region" | "partition", ...texts: (string | null)[]): string | null {
    return texts.map((text) => parseArn(text)?.[part]).find((value) => value) ?? null;
}

/** Whether a product is AWS's own. Its ARN is Security Hub's word; the company is whoever's, and asked only where there is no ARN. */
const isAws = (productArn: string | null, company: string | null) =>
    productArn === null ? /^(aws|amazon)$/i.test(company ?? "") : /:product(v2)?\/aws\//.test(productArn);

/** Judges one finding in ASFF. */
export function judgeAsff(document: JsonObject, context: Context): Verdict {
    const productArn = textAt(document, "productArn");
    const product = textAt(document, "productName") ?? productArn ?? "an unnamed product";
    const id = textAt(document, "id");
    const provider = asObject(field(document, "findingProviderFields"));
    const types = listAt(document, "types");
    const type = guardDutyType(types.length > 0 ? types : listAt(provider, "types"));
    const resources = listAt(document, "resources").map((resource) => readResource(resource, "id"));
    const instance = resources.find((resource) => resource.instance);
    const instanceUid = instance?.uid ?? null;
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
            accountId: textAt(document, "awsAccountId") ?? fromArns("accountId", instanceUid, id) ?? context.accountId,
            // An aggregating Region may stand at the top, and nothing at all: the instance's own place comes with the instance.
            region: textAt(document, "region") ?? instance?.instance?.region ?? fromArns("region", instanceUid, id) ?? context.region,
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
            facts: readFacts(unflatten(field(document, "productFields")), null, instance ? readAsffInstance(instance.document) : null),
        },
        affectedBy(
            {
                closed,
                guardDuty,
                ofAws: isAws(productArn, textAt(document, "companyName")),
                product,
                type,
                resources,
                actors: [],
                beside: instancesInside(field(document, "resources")),
            },
            context,
        ),
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
    const instance = resources.find((resource) => resource.instance);
    const instanceUid = instance?.uid ?? null;
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
            accountId: textAt(document, "cloud", "account", "uid") ?? fromArns("accountId", instanceUid, uid) ?? context.accountId,
            region:
                textAt(document, "cloud", "region") ?? instance?.instance?.region ?? fromArns("region", instanceUid, uid) ?? context.region,
            partition: textAt(document, "cloud", "cloud_partition") ?? fromArns("partition", instanceUid, uid),
            severity: severityOfLabel(field(document, "severity")) ?? readSeverity(ocsfSeverity(field(document, "severity_id"))),
            title,
            description: textAt(info, "desc"),
            // OCSF has no field for it; GuardDuty marks the titles of its samples.
            sample: title !== null && /^\[sample/i.test(title),
            createdAt: textAt(info, "created_time_dt"),
            updatedAt: textAt(info, "modified_time_dt"),
            facts: readOcsfFacts(document, instance ? readAsffInstance(instance.document) : null),
        },
        affectedBy(
            {
                closed,
                guardDuty,
                ofAws: isAws(productUid, textAt(document, "metadata", "product", "vendor_name")),
                product,
                type,
                resources,
                actors: sessionInstances(field(document, "actor")),
                beside: ["resources", "device", "src_endpoint", "dst_endpoint", "evidences"].flatMap((part) =>
                    instancesInside(field(document, part)).concat(
                        part === "device" ? (readInstanceName(textAt(document, part, "uid")) ?? []) : [],
                    ),
                ),
            },
            context,
        ),
    );
}

/** OCSF `severity_id` 1 to 6 as the label of the same place. */
function ocsfSeverity(id: unknown): string | undefined {
    return typeof id === "number" ? ["unknown", "informational", "low", "medium", "high", "critical", "fatal"][id] : undefined;
}
