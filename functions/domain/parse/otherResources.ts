/** What to do about findings that are not about an EC2 instance, by the kind of resource they are about. */
import { quote } from "./json";
import { byHand } from "./concludeFinding";

const advice: ReadonlyArray<readonly [RegExp, string]> = [
    [
        /eks|ecs|container|kubernetes/i,
        "Route it to the owners of the cluster: its nodes carry other workloads and are not isolated by themselves.",
    ],
    [/accesskey|iam/i, "Revoke the credentials and review what they were used for."],
    [/s3|bucket/i, "Review the bucket's access and the principal that used it."],
    [/rds|dbinstance/i, "Review the database's log-ins and network access."],
    [/lambda/i, "Review the function's code, role and network access."],
];

/** Why a finding about `resourceType` makes no incident. @param beside an instance that the finding merely mentions. */
export function notAnInstance(resourceType: string, beside: unknown): string {
    const mention = beside === undefined || beside === null ? "" : ` The instance ${quote(beside)} is only named beside it.`;
    const what = advice.find(([kind]) => kind.test(resourceType))?.[1] ?? "Handle it by the procedure for that kind of resource.";
    return `The affected resource is ${quote(resourceType)}, not an EC2 instance.${mention} ${what} ${byHand}`;
}

/**
 * The resource part of a GuardDuty type (`EC2` in `Recon:EC2/Portscan`), null when there is none. Sequences such as
 * `AttackSequence:EKS/CompromisedCluster` name what was compromised in it; of plain types only ASFF has nothing better.
 */
export function resourceOfType(type: string): string | null {
    return /^[A-Za-z]{1,40}:([A-Za-z0-9]{1,20})\//.exec(type)?.[1] ?? null;
}
