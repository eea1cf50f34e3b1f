/**
 * What a rule's input transformer made of a finding: a few of its fields under names of the rule's own, such as
 * `{"instance":"i-…","account":"…","finding_type":"Backdoor:EC2/…"}`. Fields are told by what their names mean, whatever their spelling.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
import type { Context } from "./envelope";
import { conclude, readFindingId } from "./concludeFinding";
import type { Verdict } from "./concludeFinding";
import { readInstanceUid } from "./instanceNames";
import type { JsonObject } from "./json";
import { byHand, resourceOfType } from "./otherResources";
import { readSeverity } from "./severity";

/** Names of each field without case and punctuation, the likeliest first. */
const names = {
    instance: ["instanceid", "instance", "ec2instanceid", "ec2instance", "resourceid", "instancearn", "resourcearn", "resource"],
    type: ["findingtype", "type", "eventtype"],
    id: ["findingid", "id", "findingarn", "arn"],
    account: ["accountid", "awsaccountid", "account", "awsaccount"],
    region: ["region", "awsregion", "findingregion"],
    severity: ["severity", "findingseverity", "severitylevel"],
    title: ["title", "findingtitle"],
    description: ["description", "findingdescription"],
    createdAt: ["createdat", "created", "firstseen"],
    updatedAt: ["updatedat", "updated", "time", "lastseen"],
} as const;

type Fields = Record<keyof typeof names, unknown>;

function readFields(document: JsonObject): Fields {
    const plain = new Map(Object.entries(document).map(([key, value]) => [key.toLowerCase().replace(/[^a-z0-9]/g, ""), value]));
    const first = (spellings: readonly string[]) =>
        spellings.map((name) => plain.get(name)).find((value) => value !== undefined && value !== null && value !== "");
    return Object.fromEntries(Object.entries(names).map(([name, spellings]) => [name, first(spellings)])) as Fields;
}

const text = (value: unknown) => (typeof value === "string" ? value : null);

/** Whether the document names an instance and the type of a finding, flat: GuardDuty's own format nests them. */
export function isTransformed(document: JsonObject): boolean {
    const { instance, type } = readFields(document);
    return typeof instance === "string" && typeof type === "string" && type.includes(":");
}

/** Judges it. Only a type named EC2 says that the instance is the affected resource. */
export function judgeTransformed(document: JsonObject, context: Context): Verdict {
    const fields = readFields(document);
    const type = text(fields.type) ?? "";
    const instance = readInstanceUid(text(fields.instance));
    const subject = resourceOfType(type);
    const isAbout = subject?.toUpperCase() === "EC2";
    const named = instance === null ? [] : [instance];
    return conclude(
        {
            origin: "guardduty",
            id: readFindingId(text(fields.id)),
            type,
            accountId: text(fields.account) ?? instance?.accountId ?? context.accountId,
            region: text(fields.region) ?? instance?.region ?? context.region,
            partition: null,
            severity: readSeverity(fields.severity),
            title: text(fields.title),
            description: text(fields.description),
            sample: false,
            createdAt: text(fields.createdAt),
            updatedAt: text(fields.updatedAt),
            facts: null,
        },
        named.length === 0
            ? { reason: `The message names no EC2 instance. Let the rule send the whole finding. ${byHand}` }
            : isAbout
              ? { instances: named }
              : {
                    instances: [],
                    related: {
                        subject: { kind: subject ?? "unnamed", known: [] },
                        as: /InstanceCredential/i.test(type) ? "credentials" : "mention",
                        instances: named,
                    },
                },
    );
}
