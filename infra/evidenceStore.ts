/** Where evidence lies: a bucket under Object Lock and the key that everything about an incident is encrypted under. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { ofOrganization } from "./estate";
import { custodyKeyAlias, evidenceBucketName, functionRoleName, responderRoleName, toolBucketName } from "./names";
import { policyDocument } from "./policyDocument";
import type { AnalysisArchive } from "../packaging/analysisArchive";
import { incidentPrefix, objectPrefixes } from "../functions/domain/evidenceKeys";
import { roleTag } from "../functions/domain/tags";

export interface EvidenceStoreArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** The analysis program as one archive, found by its hash. */
    readonly archive: pulumi.Output<AnalysisArchive>;
}

/** S3 gives every bucket these; one place says that none of ours is public. */
const closed = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true };

export class EvidenceStore extends pulumi.ComponentResource {
    readonly key: aws.kms.Key;
    /** Signs case manifests; what it signed can be checked for as long as anybody has its public key. */
    readonly custodyKey: aws.kms.Key;
    readonly bucket: aws.s3.Bucket;
    readonly toolBucket: aws.s3.Bucket;
    readonly toolKey: pulumi.Output<string>;
    readonly toolSha256: pulumi.Output<string>;

    constructor(name: string, args: EvidenceStoreArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:EvidenceStore", name, {}, opts);
        const { settings, partition, region } = args;
        const parent = { parent: this };
        const accountId = settings.forensics.accountId;
        // When the stack or the Region goes, evidence and everything that guards it stay in AWS; without unprotecting them they do not even leave the stack.
        const kept = { ...parent, retainOnDelete: true };
        const stays = { ...kept, protect: settings.evidence.protect };
        const responder = { ArnLike: { "aws:PrincipalArn": `arn:${partition}:iam::*:role${settings.rolePath}${responderRoleName}` } };
        const responders = [
            ...(settings.members.length > 0
                ? [
                      {
                          name: "",
                          principal: settings.members.map((member) => `arn:${partition}:iam::${member.accountId}:root`),
                          condition: responder,
                      },
                  ]
                : []),
            ...(settings.organization
                ? [{ name: "OfOrganization", principal: ["*"], condition: { ...ofOrganization(settings.organization), ...responder } }]
                : []),
        ];

        const ownKey = [
            {
                // Locked snapshots and objects are worth their key: it outlives every lock, whoever else may do anything in the account.
                Sid: "OnlyTheCustodianEndsIt",
                Effect: "Deny",
                Principal: "*",
                Action: ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"],
                Resource: "*",
                Condition: {
                    ArnNotEquals: { "aws:PrincipalArn": `arn:${partition}:iam::${accountId}:role/${settings.evidence.custodianRoleName}` },
                },
            },
            {
                Sid: "OwnAccount",
                Effect: "Allow",
                Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
                Action: "kms:*",
                Resource: "*",
            },
        ];

        this.key = new aws.kms.Key(
            `${name}-key`,
            {
                description: "Evidence of EC2 incidents: objects, snapshots and forensic volumes",
                enableKeyRotation: true,
                deletionWindowInDays: 30,
                policy: policyDocument([
                    ...ownKey,
                    ...responders.flatMap(({ name: whose, principal, condition }) => [
                        {
                            // An encrypted volume's snapshot is copied under this key in the member account, so that it can be shared at all.
                            Sid: `Responders${whose}EncryptSharedCopies`,
                            Effect: "Allow",
                            Principal: { AWS: principal },
                            Action: [
                                "kms:DescribeKey",
                                "kms:Encrypt",
                                "kms:Decrypt",
                                "kms:ReEncryptFrom",
                                "kms:ReEncryptTo",
                                "kms:GenerateDataKeyWithoutPlaintext",
                            ],
                            Resource: "*",
                            Condition: condition,
                        },
                        {
                            Sid: `Responders${whose}GrantToEbs`,
                            Effect: "Allow",
                            Principal: { AWS: principal },
                            Action: "kms:CreateGrant",
                            Resource: "*",
                            Condition: { ...condition, Bool: { "kms:GrantIsForAWSResource": "true" } },
                        },
                    ]),
                ]),
                tags: { [roleTag]: "evidence" },
            },
            stays,
        );
        new aws.kms.Alias(`${name}-key`, { name: "alias/clean-room-evidence", targetKeyId: this.key.id }, parent);

        this.custodyKey = new aws.kms.Key(
            `${name}-custody-key`,
            {
                description: "Chain of custody: signs the manifests of cases",
                keyUsage: "SIGN_VERIFY",
                customerMasterKeySpec: "ECC_NIST_P256",
                deletionWindowInDays: 30,
                policy: policyDocument([
                    ...ownKey,
                    {
                        // A signature says that the seal looked at the case, so nobody else has one made, an administrator of the account neither.
                        Sid: "OnlyTheSealSigns",
                        Effect: "Deny",
                        Principal: "*",
                        Action: ["kms:Sign"],
                        Resource: "*",
                        Condition: {
                            ArnNotEquals: {
                                "aws:PrincipalArn": `arn:${partition}:iam::${accountId}:role${settings.rolePath}${functionRoleName("sealCustody", region)}`,
                            },
                        },
                    },
                ]),
                tags: { [roleTag]: "custody" },
            },
            stays,
        );
        new aws.kms.Alias(`${name}-custody-key`, { name: custodyKeyAlias, targetKeyId: this.custodyKey.id }, parent);

        this.bucket = new aws.s3.Bucket(
            `${name}-bucket`,
            {
                bucket: evidenceBucketName(accountId, region),
                objectLockEnabled: true,
                tags: { [roleTag]: "evidence" },
            },
            stays,
        );
        const versioning = new aws.s3.BucketVersioning(
            `${name}-bucket`,
            { bucket: this.bucket.bucket, versioningConfiguration: { status: "Enabled" } },
            kept,
        );
        new aws.s3.BucketLifecycleConfiguration(
            `${name}-bucket`,
            {
                bucket: this.bucket.bucket,
                // Parts of an upload that broke off are no objects: no lock holds them, nobody sees them, and they are paid for.
                rules: [
                    {
                        id: "abort-incomplete-uploads",
                        status: "Enabled",
                        filter: { prefix: "" },
                        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
                    },
                ],
            },
            { ...kept, dependsOn: [versioning] },
        );
        new aws.s3.BucketObjectLockConfiguration(
            `${name}-bucket`,
            {
                bucket: this.bucket.bucket,
                rule: { defaultRetention: { mode: settings.evidence.lockMode.toUpperCase(), days: settings.evidence.retentionDays } },
            },
            { ...kept, dependsOn: [versioning] },
        );
        this.secure(`${name}-bucket`, this.bucket, kept, [
            {
                // Object Lock keeps a version and not a key: without this a host could put others over its results, and a step over an entry of
                // the custody log or a pin. Uploads in parts say the condition at their end alone, so beginning and parts are let through:
                // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
                Sid: "WriteOnce",
                Effect: "Deny",
                Principal: "*",
                Action: "s3:PutObject",
                Resource: [objectPrefixes.analysis, objectPrefixes.ended, objectPrefixes.custody, objectPrefixes.preservation].map(
                    (each) => pulumi.interpolate`${this.bucket.arn}/${incidentPrefix("*")}${each}*`,
                ),
                Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
            },
        ]);

        // Tools are not evidence: a bucket without Object Lock, so that a new version of the program does not pile up for years.
        this.toolBucket = new aws.s3.Bucket(`${name}-tools`, { bucket: toolBucketName(accountId, region), forceDestroy: true }, parent);
        new aws.s3.BucketVersioning(
            `${name}-tools`,
            { bucket: this.toolBucket.bucket, versioningConfiguration: { status: "Enabled" } },
            parent,
        );
        this.secure(`${name}-tools`, this.toolBucket, parent);
        this.toolSha256 = args.archive.sha256;
        const archive = new aws.s3.BucketObjectv2(
            `${name}-analysis`,
            {
                bucket: this.toolBucket.bucket,
                key: pulumi.interpolate`analysis/${args.archive.sha256}.tar.gz`,
                source: args.archive.file.apply((file) => new pulumi.asset.FileAsset(file)),
                contentType: "application/gzip",
            },
            parent,
        );
        this.toolKey = archive.key;
        this.registerOutputs({ bucket: this.bucket.bucket, key: this.key.arn });
    }

    /** Encrypted under the evidence key, never public, TLS only. @param also further statements of its policy */
    private secure(name: string, bucket: aws.s3.Bucket, opts: pulumi.CustomResourceOptions, also: object[] = []): void {
        new aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            {
                bucket: bucket.bucket,
                rules: [
                    {
                        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: this.key.arn },
                        bucketKeyEnabled: true,
                    },
                ],
            },
            opts,
        );
        new aws.s3.BucketOwnershipControls(name, { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } }, opts);
        const block = new aws.s3.BucketPublicAccessBlock(name, { bucket: bucket.bucket, ...closed }, opts);
        new aws.s3.BucketPolicy(
            name,
            {
                bucket: bucket.bucket,
                policy: policyDocument([
                    {
                        Sid: "TlsOnly",
                        Effect: "Deny",
                        Principal: "*",
                        Action: "s3:*",
                        Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
                        Condition: { Bool: { "aws:SecureTransport": "false" } },
                    },
                    ...also,
                ]),
            },
            { ...opts, dependsOn: [block] },
        );
    }
}
