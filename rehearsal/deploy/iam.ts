/** IAM roles and what hangs on them. IAM is global: the Region of the target is not looked at. */
import {
    AddRoleToInstanceProfileCommand,
    AttachRolePolicyCommand,
    CreateInstanceProfileCommand,
    CreatePolicyCommand,
    CreateRoleCommand,
    IAMClient,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type * as aws from "@pulumi/aws";
import { clientOf, entry, physicalName, policyText, tagList, type DeployTable } from "./resource";

const role = entry<aws.iam.RoleArgs>(async (inputs, context) => {
    const iam = clientOf(context, IAMClient);
    const RoleName = physicalName(context, inputs.name, inputs.namePrefix);
    const { Role } = await iam.send(
        new CreateRoleCommand({
            RoleName,
            AssumeRolePolicyDocument: policyText(inputs.assumeRolePolicy),
            Description: inputs.description,
            Path: inputs.path,
            MaxSessionDuration: inputs.maxSessionDuration,
            PermissionsBoundary: inputs.permissionsBoundary,
            Tags: tagList(context, inputs.tags),
        }),
    );
    for (const PolicyArn of inputs.managedPolicyArns ?? []) await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    for (const inline of inputs.inlinePolicies ?? []) {
        await iam.send(
            new PutRolePolicyCommand({ RoleName, PolicyName: inline.name ?? context.name, PolicyDocument: policyText(inline.policy) }),
        );
    }
    return { id: RoleName, state: { name: RoleName, arn: Role!.Arn, uniqueId: Role!.RoleId } };
});

const rolePolicy = entry<aws.iam.RolePolicyArgs>(async (inputs, context) => {
    const PolicyName = physicalName(context, inputs.name, inputs.namePrefix);
    const RoleName = inputs.role as string;
    await clientOf(context, IAMClient).send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: policyText(inputs.policy) }));
    return { id: `${RoleName}:${PolicyName}`, state: { name: PolicyName } };
});

const policy = entry<aws.iam.PolicyArgs>(async (inputs, context) => {
    const PolicyName = physicalName(context, inputs.name, inputs.namePrefix);
    const { Policy } = await clientOf(context, IAMClient).send(
        new CreatePolicyCommand({
            PolicyName,
            PolicyDocument: policyText(inputs.policy),
            Path: inputs.path,
            Description: inputs.description,
            Tags: tagList(context, inputs.tags),
        }),
    );
    return { id: Policy!.Arn!, state: { name: PolicyName, arn: Policy!.Arn } };
});

const rolePolicyAttachment = entry<aws.iam.RolePolicyAttachmentArgs>(async (inputs, context) => {
    const RoleName = inputs.role as string;
    await clientOf(context, IAMClient).send(new AttachRolePolicyCommand({ RoleName, PolicyArn: inputs.policyArn }));
    return { id: `${RoleName}/${inputs.policyArn}` };
});

const instanceProfile = entry<aws.iam.InstanceProfileArgs>(async (inputs, context) => {
    const iam = clientOf(context, IAMClient);
    const InstanceProfileName = physicalName(context, inputs.name, inputs.namePrefix);
    const { InstanceProfile } = await iam.send(
        new CreateInstanceProfileCommand({ InstanceProfileName, Path: inputs.path, Tags: tagList(context, inputs.tags) }),
    );
    if (inputs.role) await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: inputs.role as string }));
    return { id: InstanceProfileName, state: { name: InstanceProfileName, arn: InstanceProfile!.Arn } };
});

export const iamTable: DeployTable = {
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": rolePolicy,
    "aws:iam/policy:Policy": policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": rolePolicyAttachment,
    "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
};
