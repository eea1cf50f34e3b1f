/** KMS keys and aliases. */
import {
    CreateAliasCommand,
    CreateKeyCommand,
    EnableKeyRotationCommand,
    KMSClient,
    PutKeyPolicyCommand,
    type KeySpec,
    type KeyUsageType,
} from "@aws-sdk/client-kms";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, physicalName, policyText, type DeployTable } from "./resource";

const key = entry<aws.kms.KeyArgs>(
    async (inputs, context) => {
        const kms = clientOf(context, KMSClient);
        const { KeyMetadata } = await kms.send(
            new CreateKeyCommand({
                Description: inputs.description,
                Policy: inputs.policy === undefined ? undefined : policyText(inputs.policy),
                KeyUsage: inputs.keyUsage as KeyUsageType | undefined,
                KeySpec: inputs.customerMasterKeySpec as KeySpec | undefined,
                MultiRegion: inputs.multiRegion,
                Tags: Object.entries(allTags(context, inputs.tags)).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
            }),
        );
        const KeyId = KeyMetadata!.KeyId!;
        if (inputs.enableKeyRotation)
            await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: inputs.rotationPeriodInDays }));
        return { id: KeyId, state: { keyId: KeyId, arn: KeyMetadata!.Arn } };
    },
    { deletionWindowInDays: "nothing of a rehearsal is deleted by Pulumi" },
);

const keyPolicy = entry<aws.kms.KeyPolicyArgs>(async (inputs, context) => {
    await clientOf(context, KMSClient).send(
        new PutKeyPolicyCommand({ KeyId: inputs.keyId, PolicyName: "default", Policy: policyText(inputs.policy) }),
    );
    return { id: inputs.keyId };
});

const alias = entry<aws.kms.AliasArgs>(async (inputs, context) => {
    const AliasName = physicalName(context, inputs.name, inputs.namePrefix ?? `alias/${context.name}-`);
    await clientOf(context, KMSClient).send(new CreateAliasCommand({ AliasName, TargetKeyId: inputs.targetKeyId }));
    return {
        id: AliasName,
        state: { name: AliasName, arn: `arn:aws:kms:${context.target.region}:${context.target.accountId}:${AliasName}` },
    };
});

export const kmsTable: DeployTable = {
    "aws:kms/key:Key": key,
    "aws:kms/keyPolicy:KeyPolicy": keyPolicy,
    "aws:kms/alias:Alias": alias,
};
