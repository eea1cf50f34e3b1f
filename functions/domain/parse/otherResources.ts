/** What people are told of findings filed under another kind of resource than an EC2 instance, and what to do about them. */
import type { Finding, InstanceRef } from "../containers";
import { quote } from "./json";

/** How to start by hand what is not started by itself. */
export const byHand = 'To contain an instance all the same, send {"instanceId","accountId","region"} to the topic.';

/** What a finding is about, when it is not an instance. */
export interface Subject {
    /** Such as `AccessKey` or `EKS attack sequence`; null when the finding is about instances, and these have only to do with them. */
    kind: string | null;
    /** What is known of it, in the finding's words: names of clusters, keys, containers. Untrusted. */
    known: readonly string[];
}

const advice: ReadonlyArray<readonly [RegExp, string]> = [
    [
        /eks|ecs|container|kubernetes/i,
        "Route it to the owners of the cluster: its nodes carry other workloads and are not isolated by themselves.",
    ],
    [/accesskey|iam/i, "Revoke the credentials and review what they were used for."],
    [/s3|bucket/i, "Review the bucket's access and the principal that used it."],
    [/rds|dbinstance/i, "Review the database's log-ins and network access."],
    [/lambda/i, "Review the function's code, role and network access."],
    [/snapshot|image|ami\b|volume/i, "Find what was started from it, and start nothing from it until it was looked at."],
    [/group of EC2 instances/, "List the instances of the group and decide about each."],
];

const most = 5;
const some = (items: readonly string[]) =>
    `${items.slice(0, most).join(", ")}${items.length > most ? ` and ${items.length - most} more` : ""}`;
const where = ({ instanceId, accountId, region }: InstanceRef) => `"${instanceId}" (account ${accountId}, ${region})`;

/** What the finding's resource has to do with the instances. */
const relations: Record<NonNullable<Finding["related"]>["as"], (instances: string) => string> = {
    credentials: (instances) =>
        `It names the role session of the instance ${instances}: its credentials may have been used by somebody else.`,
    host: (instances) => `It runs on the instance ${instances}, which is only named beside it.`,
    member: (instances) => `As members of what was attacked it names the instances ${instances}.`,
    detector: (instances) => `It names the instance ${instances}.`,
    mention: (instances) => `The instance ${instances} is only named beside it.`,
};

/** Why a finding about another resource makes no incident by itself, what is known of it, and how it would be followed. */
export function relatedInstances(
    { kind, known }: Subject,
    as: NonNullable<Finding["related"]>["as"],
    instances: readonly InstanceRef[],
    type: string,
): string {
    const what = advice.find(([pattern]) => pattern.test(kind ?? ""))?.[1] ?? "Handle it by the procedure for that kind of resource.";
    if (as === "detector") {
        return [
            `The finding comes from ${known.map((each) => quote(each.replace(/^product /, ""))).join()}, not from GuardDuty, so it is no sign that the instance is compromised.`,
            ...(instances.length > 0 ? [relations.detector(some(instances.map(where)))] : []),
            `Use a Security Hub custom action to start all the same, or name the type ${quote(type, 128)} in containment.rules.`,
        ].join(" ");
    }
    return [
        ...(kind === null ? [] : [`The affected resource is ${quote(kind)}, not an EC2 instance.`]),
        ...(known.length > 0 ? [`It says of it: ${some(known.map((each) => quote(each)))}.`] : []),
        ...(instances.length > 0 ? [relations[as](some(instances.map(where)))] : []),
        kind === null ? "They are not contained by themselves: look at each." : what,
        ...(instances.length > 0 ? [`To have such findings followed, name the type ${quote(type, 128)} in containment.rules.`] : []),
        byHand,
    ].join(" ");
}

/**
 * The resource part of a GuardDuty type (`EC2` in `Recon:EC2/Portscan`), null when there is none. Sequences such as
 * `AttackSequence:EKS/CompromisedCluster` name what was compromised in it; of plain types only ASFF has nothing better.
 */
export function resourceOfType(type: string): string | null {
    return /^[A-Za-z]{1,40}:([A-Za-z0-9]{1,20})\//.exec(type)?.[1] ?? null;
}
