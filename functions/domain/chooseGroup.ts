import { roleTag } from "./tags";

export type GroupRole = "isolation" | "untrack";

interface Rule {
    IpProtocol?: string;
    IpRanges?: { CidrIp?: string }[];
    Ipv6Ranges?: { CidrIpv6?: string }[];
    PrefixListIds?: unknown[];
    UserIdGroupPairs?: unknown[];
}
/** A security group as far as the choice needs it. Fields as in EC2's DescribeSecurityGroups. */
export interface GroupFacts {
    GroupId?: string;
    VpcId?: string;
    OwnerId?: string;
    IpPermissions?: Rule[];
    IpPermissionsEgress?: Rule[];
    Tags?: { Key?: string; Value?: string }[];
}

/** Everything over IPv4 and IPv6, and no other rule: any other rule is somebody else's. */
function allowsEverythingAlone(rules: Rule[] = []): boolean {
    const plain = rules.every(
        ({ IpProtocol, PrefixListIds = [], UserIdGroupPairs = [] }) =>
            IpProtocol === "-1" && PrefixListIds.length === 0 && UserIdGroupPairs.length === 0,
    );
    const ranges = rules.flatMap(({ IpRanges = [], Ipv6Ranges = [] }) => [
        ...IpRanges.map(({ CidrIp }) => CidrIp),
        ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6),
    ]);
    return plain && ranges.includes("0.0.0.0/0") && ranges.every((range) => range === "0.0.0.0/0" || range === "::/0");
}

/** Whether a group has exactly the rules that its role asks for. */
export function servesAs({ IpPermissions = [], IpPermissionsEgress = [] }: GroupFacts, role: GroupRole): boolean {
    return role === "isolation"
        ? IpPermissions.length === 0 && IpPermissionsEgress.length === 0
        : allowsEverythingAlone(IpPermissions) && allowsEverythingAlone(IpPermissionsEgress);
}

/**
 * The group of the VPC that may serve: the member's own, tagged for the role, and with exactly the rules the role asks for. A tag
 * alone is no proof: a group that somebody gave a rule does not isolate.
 *
 * @returns the lowest id, so that two incidents choose the same; null when none serves
 */
export function chooseGroup(groups: GroupFacts[], vpcId: string, role: GroupRole, ownerId: string): string | null {
    const candidates = groups.filter(
        (group) =>
            group.VpcId === vpcId &&
            group.OwnerId === ownerId &&
            group.Tags?.some((tag) => tag.Key === roleTag && tag.Value === role) &&
            servesAs(group, role),
    );
    return candidates.map((group) => group.GroupId!).sort()[0] ?? null;
}

/** A network ACL as far as the choice needs it. Fields as in EC2's DescribeNetworkAcls. */
export interface NetworkAclFacts {
    NetworkAclId?: string;
    IsDefault?: boolean;
    Entries?: { RuleAction?: string }[];
    Tags?: { Key?: string; Value?: string }[];
}

/** The network ACL that is tagged for it and allows nothing; the lowest id, or null. See {@link chooseGroup}. */
export function chooseNetworkAcl(acls: NetworkAclFacts[]): string | null {
    const candidates = acls.filter(
        (acl) =>
            !acl.IsDefault &&
            acl.Tags?.some((tag) => tag.Key === roleTag && tag.Value === "isolation-nacl") &&
            !(acl.Entries ?? []).some((entry) => entry.RuleAction !== "deny"),
    );
    return candidates.map((acl) => acl.NetworkAclId!).sort()[0] ?? null;
}
