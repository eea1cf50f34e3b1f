/** The two security groups of a VPC that containment uses: found by tag, made when first needed. */
import {
    AuthorizeSecurityGroupIngressCommand,
    AuthorizeSecurityGroupEgressCommand,
    CreateSecurityGroupCommand,
    DescribeSecurityGroupsCommand,
    EC2Client,
    paginateDescribeSecurityGroups,
    RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";
import { chooseGroup } from "../../domain/chooseGroup";
import type { Victim } from "../victim";
import { onceGroupIsKnown } from "../consistency";
import { errorCode, StepError } from "../errors";
import { isolationGroup, roleTag, untrackGroup } from "../../domain/tags";

/** Everything, over IPv4 and IPv6. */
const everything: IpPermission[] = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }], Ipv6Ranges: [{ CidrIpv6: "::/0" }] }];

/** Containment groups of all VPCs: asked before the instance's VPC is known, in the first round of calls. */
async function tagged(ec2: EC2Client): Promise<SecurityGroup[]> {
    const groups: SecurityGroup[] = [];
    const filters = [{ Name: `tag:${roleTag}`, Values: ["isolation", "untrack"] }];
    for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, { Filters: filters }))
        groups.push(...(page.SecurityGroups ?? []));
    return groups;
}

async function create(ec2: EC2Client, vpcId: string, role: "isolation" | "untrack", name: string, description: string): Promise<string> {
    const created = await ec2.send(
        new CreateSecurityGroupCommand({
            GroupName: name,
            Description: description,
            VpcId: vpcId,
            TagSpecifications: [
                {
                    ResourceType: "security-group",
                    Tags: [
                        { Key: "Name", Value: name },
                        { Key: roleTag, Value: role },
                    ],
                },
            ],
        }),
    );
    return created.GroupId!;
}

/** Two first incidents in one VPC may race for the name: who loses looks again. */
async function createOrFind(ec2: EC2Client, vpcId: string, role: "isolation" | "untrack", make: () => Promise<string>): Promise<string> {
    try {
        return await make();
    } catch (error) {
        if (errorCode(error) !== "InvalidGroup.Duplicate") throw error;
        const found = chooseGroup(await tagged(ec2), vpcId, role);
        if (found) return found;
        throw new StepError(
            `A security group with the name of our ${role} group is there, but has other rules or no ${roleTag} tag`,
            vpcId,
            "Rename or delete that group.",
            { cause: error },
        );
    }
}

async function makeIsolation(ec2: EC2Client, vpcId: string): Promise<string> {
    const id = await create(ec2, vpcId, "isolation", isolationGroup.name, isolationGroup.description);
    const revoke = (IpPermissions: IpPermission[]) =>
        onceGroupIsKnown(() => ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions })));
    // A new group lets everything out; without this it would not isolate. The IPv6 rule is there only in VPCs with IPv6.
    await Promise.all([
        revoke([{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }]),
        revoke([{ IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] }]).catch((error: unknown) => {
            if (errorCode(error) !== "InvalidPermission.NotFound") throw error;
        }),
    ]);
    return id;
}

async function makeUntrack(ec2: EC2Client, vpcId: string): Promise<string> {
    const id = await create(ec2, vpcId, "untrack", untrackGroup.name, untrackGroup.description);
    await Promise.all([
        onceGroupIsKnown(() => ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: everything }))),
        // IPv4 egress is there from birth.
        onceGroupIsKnown(() =>
            ec2.send(
                new AuthorizeSecurityGroupEgressCommand({
                    GroupId: id,
                    IpPermissions: [{ IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] }],
                }),
            ),
        ),
    ]);
    return id;
}

/** The groups that stand in the VPC already; null for one that is to be made. */
export interface StandingGroups {
    isolation: string | null;
    untrack: string | null;
}

/** Looks for the containment groups of every VPC, without making any. */
export async function findContainmentGroups(victim: Victim): Promise<(vpcId: string) => StandingGroups> {
    const groups = await tagged(victim.client(EC2Client));
    return (vpcId) => ({ isolation: chooseGroup(groups, vpcId, "isolation"), untrack: chooseGroup(groups, vpcId, "untrack") });
}

/** The group, found or made: the isolation group has no rules at all, through the other connections become untracked. */
export async function ensureGroup(victim: Victim, vpcId: string, role: keyof StandingGroups, standing: StandingGroups): Promise<string> {
    const ec2 = victim.client(EC2Client);
    return (
        standing[role] ?? createOrFind(ec2, vpcId, role, () => (role === "isolation" ? makeIsolation(ec2, vpcId) : makeUntrack(ec2, vpcId)))
    );
}

/** Whether a group still has no rule in either direction. */
export async function hasNoRules(victim: Victim, groupId: string): Promise<boolean> {
    const response = await victim.client(EC2Client).send(new DescribeSecurityGroupsCommand({ GroupIds: [groupId] }));
    const group = response.SecurityGroups?.[0];
    return group !== undefined && (group.IpPermissions ?? []).length === 0 && (group.IpPermissionsEgress ?? []).length === 0;
}
