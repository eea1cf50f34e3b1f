/** The two security groups of a VPC that containment uses: found by tag, made when first needed. */
import { AuthorizeSecurityGroupIngressCommand, AuthorizeSecurityGroupEgressCommand, CreateSecurityGroupCommand, DescribeSecurityGroupsCommand, EC2Client, paginateDescribeSecurityGroups, RevokeSecurityGroupEgressCommand } from "@aws-sdk/client-ec2";
import type { SecurityGroup } from "@aws-sdk/client-ec2";
import type { InstanceRef } from "../../domain/containers";
import { chooseGroup } from "../../domain/chooseGroup";
import type { ContainmentGroups } from "../../domain/planContainment";
import { memberClient } from "../clients";
import { errorCode, StepError } from "../errors";

const roleTag = "clean-room:role";
/** Everything, over IPv4 and IPv6. */
const everything = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }], Ipv6Ranges: [{ CidrIpv6: "::/0" }] }];

async function tagged(ec2: EC2Client, vpcId: string): Promise<SecurityGroup[]> {
    const groups: SecurityGroup[] = [];
    const filters = [{ Name: "vpc-id", Values: [vpcId] }, { Name: `tag:${roleTag}`, Values: ["isolation", "untrack"] }];
    for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, { Filters: filters })) groups.push(...page.SecurityGroups ?? []);
    return groups;
}

async function create(ec2: EC2Client, vpcId: string, role: "isolation" | "untrack", name: string, description: string): Promise<string> {
    const created = await ec2.send(new CreateSecurityGroupCommand({
        GroupName: name,
        Description: description,
        VpcId: vpcId,
        TagSpecifications: [{ ResourceType: "security-group", Tags: [{ Key: "Name", Value: name }, { Key: roleTag, Value: role }] }],
    }));
    return created.GroupId!;
}

/** Two first incidents in one VPC may race for the name: who loses looks again. */
async function createOrFind(ec2: EC2Client, vpcId: string, role: "isolation" | "untrack", make: () => Promise<string>): Promise<string> {
    try {
        return await make();
    } catch (error) {
        if (errorCode(error) !== "InvalidGroup.Duplicate") throw error;
        const found = chooseGroup(await tagged(ec2, vpcId), role);
        if (found) return found;
        throw new StepError(`A security group with the name of our ${role} group is there, but has other rules or no ${roleTag} tag`, vpcId, "Rename or delete that group.", { cause: error });
    }
}

/** Finds or makes the isolation group, which has no rules at all, and the group through which connections become untracked. */
export async function ensureContainmentGroups(ref: InstanceRef, incidentId: string, vpcId: string): Promise<ContainmentGroups> {
    const ec2 = memberClient(EC2Client, ref, incidentId);
    const groups = await tagged(ec2, vpcId);
    const [isolation, untrack] = await Promise.all([
        chooseGroup(groups, "isolation") ?? createOrFind(ec2, vpcId, "isolation", async () => {
            const id = await create(ec2, vpcId, "isolation", "clean-room-isolation", "Contained instances: nothing in, nothing out");
            // A new group lets everything out; without this it would not isolate.
            await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }));
            const rules = (await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }))).SecurityGroups?.[0];
            const leftOver = (rules?.IpPermissionsEgress ?? []).filter((rule) => (rule.Ipv6Ranges ?? []).length > 0);
            if (leftOver.length > 0) await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [{ IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] }] }));
            return id;
        }),
        chooseGroup(groups, "untrack") ?? createOrFind(ec2, vpcId, "untrack", async () => {
            const id = await create(ec2, vpcId, "untrack", "clean-room-untrack", "For one call: makes connections untracked so that isolation drops them");
            await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: everything }));
            // IPv4 egress is there from birth.
            await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [{ IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] }] }));
            return id;
        }),
    ]);
    return { isolation, untrack };
}

/** Whether a group still has no rule in either direction. */
export async function hasNoRules(ref: InstanceRef, incidentId: string, groupId: string): Promise<boolean> {
    const response = await memberClient(EC2Client, ref, incidentId).send(new DescribeSecurityGroupsCommand({ GroupIds: [groupId] }));
    const group = response.SecurityGroups?.[0];
    return group !== undefined && (group.IpPermissions ?? []).length === 0 && (group.IpPermissionsEgress ?? []).length === 0;
}
