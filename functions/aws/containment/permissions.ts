/** What containing and releasing both need of the responder role in the member account. */
import { roleTag } from "../../domain/tags";
import { ec2Arn, type DeployedNames, type Permissions } from "../permissions";

/** Describe calls and DescribeTargetHealth have no resource-level permissions. */
export const readInstancePermissions: Permissions = (names) => [
    {
        Sid: "ReadInstance",
        Effect: "Allow",
        Action: [
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeNetworkInterfaces",
            "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeAutoScalingGroups",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
            "elasticloadbalancing:DescribeLoadBalancers",
        ],
        Resource: ["*"],
    },
    { Sid: "ReadInstanceAttributes", Effect: "Allow", Action: ["ec2:DescribeInstanceAttribute"], Resource: [ec2Arn(names, "instance/*")] },
];

const roleArn = (names: DeployedNames, name: string) => `arn:${names.partition}:iam::${names.accountId}:role/${name}`;

/**
 * Roles that no instance has, and whose policies the responder never writes: the program's own, and those by which people and AWS's services
 * rule an account (service-linked roles, IAM Identity Center, Control Tower, Organizations, CloudFormation StackSets).
 */
export const neverWritten = [
    "clean-room-*",
    "*/clean-room-*",
    "aws-service-role/*",
    "aws-reserved/*",
    "AWSControlTower*",
    "*/AWSControlTower*",
    "OrganizationAccountAccessRole",
    "AWSCloudFormationStackSet*",
    "stacksets-exec-*",
];

/** Set, or put back, what makes an instance contained. */
export const changeInstancePermissions: Permissions = (names) => [
    {
        Sid: "ChangeInstance",
        Effect: "Allow",
        Action: ["ec2:ModifyInstanceAttribute"],
        Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")],
    },
    { Sid: "SetMetadataEndpoint", Effect: "Allow", Action: ["ec2:ModifyInstanceMetadataOptions"], Resource: [ec2Arn(names, "instance/*")] },
    {
        Sid: "FindRoleOfInstance",
        Effect: "Allow",
        Action: ["iam:GetInstanceProfile"],
        Resource: [`arn:${names.partition}:iam::${names.accountId}:instance-profile/*`],
    },
    { Sid: "ReadDenyOfInstance", Effect: "Allow", Action: ["iam:GetRolePolicy"], Resource: [roleArn(names, "*")] },
    {
        Sid: "DenyCredentialsOfInstance",
        Effect: "Allow",
        Action: ["iam:PutRolePolicy", "iam:DeleteRolePolicy"],
        Resource: [roleArn(names, "*")],
        ...(names.boundaryArn ? { Condition: { StringEquals: { "iam:PermissionsBoundary": names.boundaryArn } } } : {}),
    },
    // Who can write a role's policy can give it anything.
    {
        Sid: "NeverThesePolicies",
        Effect: "Deny",
        Action: ["iam:PutRolePolicy", "iam:DeleteRolePolicy"],
        Resource: [...neverWritten.map((name) => roleArn(names, name)), ...(names.deployRoleArn ? [names.deployRoleArn] : [])],
    },
    {
        Sid: "SwapGroups",
        Effect: "Allow",
        Action: ["ec2:ModifyNetworkInterfaceAttribute"],
        // In a shared VPC the groups before may belong to the account that shares it.
        Resource: [ec2Arn(names, "network-interface/*"), ec2Arn(names, "security-group/*", "*"), ec2Arn(names, "instance/*")],
    },
    // Also where subnets are not cut: an incident of an earlier configuration may still have to be released.
    {
        Sid: "SwapNetworkAcls",
        Effect: "Allow",
        Action: ["ec2:ReplaceNetworkAclAssociation"],
        Resource: [ec2Arn(names, "network-acl/*"), ec2Arn(names, "subnet/*")],
    },
];

/** Make what containment puts in the place of the instance's groups, and take the instance out of what would end or feed it. */
export const makeGroupsPermissions: Permissions = (names) => [
    {
        Sid: "MakeContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:CreateSecurityGroup", "ec2:CreateNetworkAcl"],
        Resource: [
            ec2Arn(names, "security-group/*"),
            ec2Arn(names, "network-acl/*"),
            // A shared VPC belongs to another account.
            ec2Arn(names, "vpc/*", "*"),
        ],
    },
    {
        Sid: "TagContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: [ec2Arn(names, "security-group/*"), ec2Arn(names, "network-acl/*")],
        Condition: { StringEquals: { "ec2:CreateAction": ["CreateSecurityGroup", "CreateNetworkAcl"] } },
    },
    {
        Sid: "SetRulesOfContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
        Resource: [ec2Arn(names, "security-group/*")],
        Condition: { StringEquals: { [`aws:ResourceTag/${roleTag}`]: ["isolation", "untrack", ...(names.memory ? ["quarantine"] : [])] } },
    },
    {
        Sid: "LeaveAutoScalingGroup",
        Effect: "Allow",
        Action: ["autoscaling:DetachInstances", "autoscaling:EnterStandby", "autoscaling:SuspendProcesses"],
        Resource: [`arn:${names.partition}:autoscaling:${names.region}:${names.accountId}:autoScalingGroup:*:autoScalingGroupName/*`],
    },
    {
        Sid: "LeaveLoadBalancers",
        Effect: "Allow",
        Action: ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DeregisterInstancesFromLoadBalancer"],
        Resource: [
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:targetgroup/*`,
            `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:loadbalancer/*`,
        ],
    },
];

/** Delete the groups that were made for an incident, and no others of the member's. */
export const deleteGroupsPermissions: Permissions = (names) => [
    {
        Sid: "DeleteContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:DeleteSecurityGroup"],
        Resource: [ec2Arn(names, "security-group/*")],
        // Also where memory is not taken any more: an incident of an earlier configuration may still have to be released.
        Condition: { StringEquals: { [`aws:ResourceTag/${roleTag}`]: ["isolation", "untrack", "quarantine"] } },
    },
];
