import { roleTag } from "./tags";

/** A security group as far as the choice needs it. Fields as in EC2's DescribeSecurityGroups. */
export interface GroupFacts {
    GroupId?: string;
    VpcId?: string;
    IpPermissions?: { IpProtocol?: string; IpRanges?: { CidrIp?: string }[] }[];
    IpPermissionsEgress?: { IpProtocol?: string; IpRanges?: { CidrIp?: string }[] }[];
    Tags?: { Key?: string; Value?: string }[];
}

const allowsEverything = (rules: GroupFacts["IpPermissions"] = []) =>
    rules.some((rule) => rule.IpProtocol === "-1" && rule.IpRanges?.some((range) => range.CidrIp === "0.0.0.0/0"));

/**
 * The group of the VPC that may serve: tagged for the role, and with exactly the rules the role asks for. A tag alone is no proof:
 * a group that somebody gave a rule does not isolate.
 *
 * @returns the lowest id, so that two incidents choose the same; null when none serves
 */
export function chooseGroup(groups: GroupFacts[], vpcId: string, role: "isolation" | "untrack"): string | null {
    const serves = (group: GroupFacts) =>
        role === "isolation"
            ? (group.IpPermissions ?? []).length === 0 && (group.IpPermissionsEgress ?? []).length === 0
            : allowsEverything(group.IpPermissions) && allowsEverything(group.IpPermissionsEgress);
    const candidates = groups.filter(
        (group) => group.VpcId === vpcId && group.Tags?.some((tag) => tag.Key === roleTag && tag.Value === role) && serves(group),
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
