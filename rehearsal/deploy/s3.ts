/** Buckets, what is set on them, and objects. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
    CreateBucketCommand,
    PutBucketEncryptionCommand,
    PutBucketLifecycleConfigurationCommand,
    PutBucketOwnershipControlsCommand,
    PutBucketPolicyCommand,
    PutBucketTaggingCommand,
    PutBucketVersioningCommand,
    PutObjectCommand,
    PutObjectLockConfigurationCommand,
    PutPublicAccessBlockCommand,
    S3Client,
    type BucketLocationConstraint,
    type BucketVersioningStatus,
    type ObjectLockRetentionMode,
    type ObjectOwnership,
    type ServerSideEncryption,
} from "@aws-sdk/client-s3";
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { notificationEntry } from "./s3Notification";
import { lifecycleRule } from "./s3Lifecycle";
import { clientOf, entry, physicalName, policyText, tagList, type DeployTable } from "./resource";

const bucket = entry<aws.s3.BucketArgs>(
    async (inputs, context) => {
        const s3 = clientOf(context, S3Client);
        const Bucket = physicalName(context, inputs.bucket, inputs.bucketPrefix).toLowerCase();
        const { region } = context.target;
        await s3.send(
            new CreateBucketCommand({
                Bucket,
                ObjectLockEnabledForBucket: inputs.objectLockEnabled,
                CreateBucketConfiguration: region === "us-east-1" ? undefined : { LocationConstraint: region as BucketLocationConstraint },
            }),
        );
        const TagSet = tagList(context, inputs.tags);
        if (TagSet) await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
        return {
            id: Bucket,
            state: {
                bucket: Bucket,
                arn: `arn:aws:s3:::${Bucket}`,
                bucketDomainName: `${Bucket}.s3.amazonaws.com`,
                bucketRegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
            },
        };
    },
    { forceDestroy: "nothing of a rehearsal is deleted by Pulumi" },
);

const versioning = entry<aws.s3.BucketVersioningArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutBucketVersioningCommand({
            Bucket: inputs.bucket,
            VersioningConfiguration: { Status: inputs.versioningConfiguration.status as BucketVersioningStatus },
        }),
    );
    return { id: inputs.bucket };
});

const objectLock = entry<aws.s3.BucketObjectLockConfigurationArgs>(
    async (inputs, context) => {
        const retention = inputs.rule?.defaultRetention;
        await clientOf(context, S3Client).send(
            new PutObjectLockConfigurationCommand({
                Bucket: inputs.bucket,
                ObjectLockConfiguration: {
                    ObjectLockEnabled: "Enabled",
                    Rule: retention && {
                        DefaultRetention: { Mode: retention.mode as ObjectLockRetentionMode, Days: retention.days, Years: retention.years },
                    },
                },
            }),
        );
        return { id: inputs.bucket };
    },
    { objectLockEnabled: "Enabled is the only value there is" },
);

const encryption = entry<aws.s3.BucketServerSideEncryptionConfigurationArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutBucketEncryptionCommand({
            Bucket: inputs.bucket,
            ServerSideEncryptionConfiguration: {
                Rules: inputs.rules.map((rule) => ({
                    BucketKeyEnabled: rule.bucketKeyEnabled,
                    ApplyServerSideEncryptionByDefault: rule.applyServerSideEncryptionByDefault && {
                        SSEAlgorithm: rule.applyServerSideEncryptionByDefault.sseAlgorithm as ServerSideEncryption,
                        KMSMasterKeyID: rule.applyServerSideEncryptionByDefault.kmsMasterKeyId,
                    },
                })),
            },
        }),
    );
    return { id: inputs.bucket };
});

const publicAccessBlock = entry<aws.s3.BucketPublicAccessBlockArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutPublicAccessBlockCommand({
            Bucket: inputs.bucket,
            PublicAccessBlockConfiguration: {
                BlockPublicAcls: inputs.blockPublicAcls,
                BlockPublicPolicy: inputs.blockPublicPolicy,
                IgnorePublicAcls: inputs.ignorePublicAcls,
                RestrictPublicBuckets: inputs.restrictPublicBuckets,
            },
        }),
    );
    return { id: inputs.bucket };
});

const bucketPolicy = entry<aws.s3.BucketPolicyArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(new PutBucketPolicyCommand({ Bucket: inputs.bucket, Policy: policyText(inputs.policy) }));
    return { id: inputs.bucket };
});

const ownershipControls = entry<aws.s3.BucketOwnershipControlsArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutBucketOwnershipControlsCommand({
            Bucket: inputs.bucket,
            OwnershipControls: { Rules: [{ ObjectOwnership: inputs.rule.objectOwnership as ObjectOwnership }] },
        }),
    );
    return { id: inputs.bucket };
});

const lifecycle = entry<aws.s3.BucketLifecycleConfigurationArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutBucketLifecycleConfigurationCommand({
            Bucket: inputs.bucket,
            LifecycleConfiguration: { Rules: (inputs.rules ?? []).map(lifecycleRule) },
        }),
    );
    return { id: inputs.bucket };
});

/** The bytes of an object, from a file, from text, or from base64. */
async function objectBody(inputs: { source?: unknown; content?: string; contentBase64?: string }): Promise<Buffer> {
    if (inputs.source instanceof pulumi.asset.FileAsset) return readFile(await inputs.source.path);
    if (inputs.source instanceof pulumi.asset.StringAsset) return Buffer.from(await inputs.source.text, "utf8");
    if (inputs.source !== undefined) throw new Error("only a FileAsset or StringAsset can be the source of an object here");
    return inputs.contentBase64 !== undefined ? Buffer.from(inputs.contentBase64, "base64") : Buffer.from(inputs.content ?? "", "utf8");
}

const object = entry<aws.s3.BucketObjectv2Args>(
    async (inputs, context) => {
        const Body = await objectBody(inputs);
        const Bucket = inputs.bucket as string;
        const Key = inputs.key ?? context.name;
        const sha256 = createHash("sha256").update(Body).digest("base64");
        const { ETag, VersionId } = await clientOf(context, S3Client).send(
            new PutObjectCommand({
                Bucket,
                Key,
                Body,
                ContentType: inputs.contentType,
                ServerSideEncryption: inputs.serverSideEncryption as ServerSideEncryption | undefined,
                SSEKMSKeyId: inputs.kmsKeyId,
                ChecksumSHA256: sha256,
            }),
        );
        return {
            id: `${Bucket}/${Key}`,
            state: { key: Key, arn: `arn:aws:s3:::${Bucket}/${Key}`, etag: ETag, versionId: VersionId, checksumSha256: sha256 },
        };
    },
    {
        sourceHash: "only tells Pulumi when to upload again",
        etag: "only tells Pulumi when to upload again",
        checksumAlgorithm: "objects are always uploaded with their SHA-256",
        forceDestroy: "nothing of a rehearsal is deleted by Pulumi",
    },
);

export const s3Table: DeployTable = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketVersioning:BucketVersioning": versioning,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": objectLock,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": publicAccessBlock,
    "aws:s3/bucketPolicy:BucketPolicy": bucketPolicy,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownershipControls,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketNotification:BucketNotification": notificationEntry,
    "aws:s3/bucketObjectv2:BucketObjectv2": object,
};
