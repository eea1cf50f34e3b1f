/**
 * Whose credentials an instance may hold besides those of its profile as it is now, and what was made of them: from the finding and
 * from CloudTrail's events. Pure. A profile that was swapped leaves the credentials of the one before alive for up to six hours.
 */
import type { Finding } from "./containers";

/** An event of CloudTrail, as far as it is used here. */
export interface CredentialEvent {
    eventName: string;
    eventTime: string;
    userIdentity?: {
        arn?: string;
        sessionContext?: { sessionIssuer?: { arn?: string; userName?: string } };
    };
    requestParameters?: Record<string, unknown> | null;
    responseElements?: Record<string, unknown> | null;
}

const profileArn = /^arn:aws[a-z-]*:iam::(\d{12}):instance-profile\/.+$/;

/** The instance profile that the finding saw, when it is of the instance's account. */
export function namedProfiles({ facts }: Finding, accountId: string): string[] {
    const arn = facts?.instance?.profileArn ?? null;
    return arn !== null && profileArn.exec(arn)?.[1] === accountId ? [arn] : [];
}

/** Roles whose credentials the finding saw in use, where it says that they are this instance's. GuardDuty names key, principal and role. */
export function namedRoles({ facts }: Finding, instanceId: string): string[] {
    const identities = facts?.identities ?? [];
    if (!identities.some((each) => /^AROA[A-Z0-9]+:/.test(each) && each.endsWith(`:${instanceId}`))) return [];
    return identities.filter((each) => /^[\w+=,.@-]{1,64}$/.test(each) && !/^A(KIA|SIA|ROA|IDA)[A-Z0-9]{12,}$/.test(each));
}

/** Every text in a value that stands under a key of that name, or matches. */
function texts(value: unknown, wanted: (key: string, text: string) => boolean, key = ""): string[] {
    if (typeof value === "string") return wanted(key, value) ? [value] : [];
    if (Array.isArray(value)) return value.flatMap((each) => texts(each, wanted, key));
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([name, each]) => texts(each, wanted, name));
}

/** Calls that give an instance a profile. */
export const profileCalls = ["RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"];

/** ARNs of the profiles that calls about the instance gave it. Request and response differ by API version, so ARNs are looked for anywhere. */
export function givenProfiles(
    events: readonly CredentialEvent[],
    { instanceId, accountId }: { instanceId: string; accountId: string },
): string[] {
    const about = events.filter(
        (event) => profileCalls.includes(event.eventName) && texts(event, (_, text) => text === instanceId).length > 0,
    );
    const arns = about.flatMap(({ requestParameters, responseElements }) =>
        texts([requestParameters, responseElements], (_, text) => profileArn.exec(text)?.[1] === accountId),
    );
    return [...new Set(arns)].sort();
}

/** Names of the roles whose credentials the instance used: its sessions are named after it. */
export function usedRoles(
    events: readonly CredentialEvent[],
    { instanceId, accountId }: { instanceId: string; accountId: string },
): string[] {
    const roles = events.flatMap(({ userIdentity }) => {
        const issuer = userIdentity?.sessionContext?.sessionIssuer;
        const isIts = userIdentity?.arn?.endsWith(`/${instanceId}`) && issuer?.arn?.includes(`:iam::${accountId}:role/`);
        return isIts && issuer?.userName !== undefined ? [issuer.userName] : [];
    });
    return [...new Set(roles)].sort();
}

/** Sessions that the instance's credentials opened in other roles, as lines: a deny on the instance's role does not end them. */
export function chainedSessions(events: readonly CredentialEvent[], instanceId: string): string[] {
    const lines = events
        .filter(({ eventName, userIdentity }) => eventName === "AssumeRole" && userIdentity?.arn?.endsWith(`/${instanceId}`))
        .map(({ eventTime, requestParameters, responseElements }) => {
            const [session] = texts(responseElements, (key, text) => key === "arn" && text.includes(":assumed-role/"));
            const [role] = texts(requestParameters, (key) => key === "roleArn");
            const [until] = texts(responseElements, (key) => key === "expiration");
            return `the session ${session ?? role ?? "of an unknown role"} that its credentials opened at ${eventTime}${until === undefined ? "" : `, until ${until}`}: revoke that role's sessions`;
        });
    return [...new Set(lines)];
}

/** What no containment of the instance cuts, whatever is found: credentials that are not its profile's. */
export const otherCredentials =
    "credentials that are not its profile's: keys of users on its disks, and of its containers ECS task roles, EKS Pod Identity and IRSA";

const tagOf = (tags: readonly { Key?: string; Value?: string }[], pattern: RegExp) => tags.find(({ Key }) => pattern.test(Key ?? ""));

/** What stands in the way of containment, or beside it, by who runs the instance; named by its tags and by EC2. */
export function runBy(
    tags: readonly { Key?: string; Value?: string }[],
    operator: { Managed?: boolean; Principal?: string } | undefined,
): string[] {
    const eks = tagOf(tags, /^(aws:eks:cluster-name|eks:cluster-name|kubernetes\.io\/cluster\/.+)$/);
    const ecs = tagOf(tags, /^(aws:ecs:clusterName|AmazonECSManaged)$/);
    const cluster = eks?.Key?.startsWith("kubernetes.io/") ? eks.Key.slice("kubernetes.io/cluster/".length) : eks?.Value;
    return [
        // EC2's managed instances: "it's not possible to change the instance profile of a node or attach or detach ENIs", whoever asks.
        ...(operator?.Managed
            ? [
                  `what EC2 refuses everybody on an instance that ${operator.Principal ?? "a service"} manages (EKS Auto Mode): its profile, interfaces and volumes. Cordon the node and cut its pods by a network policy`,
              ]
            : []),
        ...(eks
            ? [`credentials of pods on this node of the EKS cluster ${cluster} (IRSA, EKS Pod Identity): they live on until they expire`]
            : []),
        ...(ecs ? [`credentials of ECS tasks on this container instance: task roles live on until they expire`] : []),
    ];
}
