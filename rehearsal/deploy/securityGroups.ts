/** Security groups and their rules. A new group comes with AWS's allow-all egress rule, which the provider takes away. */
import {
    AuthorizeSecurityGroupEgressCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateSecurityGroupCommand,
    CreateTagsCommand,
    DescribeSecurityGroupsCommand,
    EC2Client,
    RevokeSecurityGroupEgressCommand,
    RevokeSecurityGroupIngressCommand,
    type IpPermission,
} from "@aws-sdk/client-ec2";
import type * as aws from "@pulumi/aws";
import { ec2ResourceArn, tagSpecifications } from "./network";
import { clientOf, entry, physicalName, tagList, type DeployTable, type Plain, type ResourceContext } from "./resource";

type InlineRule = NonNullable<Plain<aws.ec2.SecurityGroupArgs>["ingress"]>[number];

function permissionOf(rule: InlineRule, GroupId: string): IpPermission {
    const groups = [...(rule.securityGroups ?? []), ...(rule.self ? [GroupId] : [])];
    return {
        IpProtocol: rule.protocol,
        FromPort: rule.fromPort,
        ToPort: rule.toPort,
        IpRanges: rule.cidrBlocks?.map((CidrIp) => ({ CidrIp, Description: rule.description })),
        Ipv6Ranges: rule.ipv6CidrBlocks?.map((CidrIpv6) => ({ CidrIpv6, Description: rule.description })),
        PrefixListIds: rule.prefixListIds?.map((PrefixListId) => ({ PrefixListId, Description: rule.description })),
        UserIdGroupPairs: groups.length > 0 ? groups.map((id) => ({ GroupId: id, Description: rule.description })) : undefined,
    };
}

/** Makes the group carry exactly these rules. */
async function setRules(ec2: EC2Client, GroupId: string, ingress: readonly InlineRule[], egress: readonly InlineRule[]): Promise<void> {
    const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
    const group = SecurityGroups![0]!;
    if (group.IpPermissions?.length) await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: group.IpPermissions }));
    if (group.IpPermissionsEgress?.length)
        await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: group.IpPermissionsEgress }));
    if (ingress.length > 0)
        await ec2.send(
            new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: ingress.map((rule) => permissionOf(rule, GroupId)) }),
        );
    if (egress.length > 0)
        await ec2.send(
            new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: egress.map((rule) => permissionOf(rule, GroupId)) }),
        );
}

const securityGroup = entry<aws.ec2.SecurityGroupArgs>(
    async (inputs, context) => {
        const ec2 = clientOf(context, EC2Client);
        const GroupName = physicalName(context, inputs.name, inputs.namePrefix);
        const { GroupId } = await ec2.send(
            new CreateSecurityGroupCommand({
                GroupName,
                Description: inputs.description ?? "Managed by Pulumi",
                VpcId: inputs.vpcId,
                TagSpecifications: tagSpecifications(context, "security-group", inputs.tags),
            }),
        );
        await setRules(ec2, GroupId!, inputs.ingress ?? [], inputs.egress ?? []);
        return {
            id: GroupId!,
            state: { name: GroupName, arn: ec2ResourceArn(context, "security-group", GroupId!), ownerId: context.target.accountId },
        };
    },
    { revokeRulesOnDelete: "nothing of a rehearsal is deleted by Pulumi" },
);

/** The provider adopts the VPC's default group and takes away every rule that is not given. */
const defaultSecurityGroup = entry<aws.ec2.DefaultSecurityGroupArgs>(async (inputs, context) => {
    const ec2 = clientOf(context, EC2Client);
    const { SecurityGroups } = await ec2.send(
        new DescribeSecurityGroupsCommand({
            Filters: [
                { Name: "vpc-id", Values: [inputs.vpcId!] },
                { Name: "group-name", Values: ["default"] },
            ],
        }),
    );
    const GroupId = SecurityGroups?.[0]?.GroupId;
    if (!GroupId) throw new Error(`the VPC ${inputs.vpcId} has no default security group`);
    await setRules(ec2, GroupId, inputs.ingress ?? [], inputs.egress ?? []);
    const Tags = tagList(context, inputs.tags);
    if (Tags) await ec2.send(new CreateTagsCommand({ Resources: [GroupId], Tags }));
    return { id: GroupId, state: { name: "default", arn: ec2ResourceArn(context, "security-group", GroupId) } };
});

type SeparateRule = Plain<aws.vpc.SecurityGroupIngressRuleArgs> | Plain<aws.vpc.SecurityGroupEgressRuleArgs>;

function separatePermission(rule: SeparateRule): IpPermission {
    const Description = rule.description;
    return {
        IpProtocol: rule.ipProtocol,
        FromPort: rule.fromPort,
        ToPort: rule.toPort,
        IpRanges: rule.cidrIpv4 ? [{ CidrIp: rule.cidrIpv4, Description }] : undefined,
        Ipv6Ranges: rule.cidrIpv6 ? [{ CidrIpv6: rule.cidrIpv6, Description }] : undefined,
        PrefixListIds: rule.prefixListId ? [{ PrefixListId: rule.prefixListId, Description }] : undefined,
        UserIdGroupPairs: rule.referencedSecurityGroupId ? [{ GroupId: rule.referencedSecurityGroupId, Description }] : undefined,
    };
}

function separateRule(
    context: ResourceContext,
    rules: { SecurityGroupRuleId?: string }[] | undefined,
): { id: string; state: Record<string, unknown> } {
    const id = rules?.[0]?.SecurityGroupRuleId;
    if (!id) throw new Error("EC2 returned no rule id");
    return { id, state: { securityGroupRuleId: id, arn: ec2ResourceArn(context, "security-group-rule", id) } };
}

const ingressRule = entry<aws.vpc.SecurityGroupIngressRuleArgs>(async (inputs, context) => {
    const { SecurityGroupRules } = await clientOf(context, EC2Client).send(
        new AuthorizeSecurityGroupIngressCommand({
            GroupId: inputs.securityGroupId,
            IpPermissions: [separatePermission(inputs)],
            TagSpecifications: tagSpecifications(context, "security-group-rule", inputs.tags),
        }),
    );
    return separateRule(context, SecurityGroupRules);
});

const egressRule = entry<aws.vpc.SecurityGroupEgressRuleArgs>(async (inputs, context) => {
    const { SecurityGroupRules } = await clientOf(context, EC2Client).send(
        new AuthorizeSecurityGroupEgressCommand({
            GroupId: inputs.securityGroupId,
            IpPermissions: [separatePermission(inputs)],
            TagSpecifications: tagSpecifications(context, "security-group-rule", inputs.tags),
        }),
    );
    return separateRule(context, SecurityGroupRules);
});

export const securityGroupTable: DeployTable = {
    "aws:ec2/securityGroup:SecurityGroup": securityGroup,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": defaultSecurityGroup,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egressRule,
};
