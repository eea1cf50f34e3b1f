import * as aws from "@pulumi/aws";

// Everything but versioning, which somebody suspended.
const bucket = new aws.s3.Bucket("evidence", { objectLockEnabled: true, tags: { "clean-room:role": "evidence" } });
const key = new aws.kms.Key("evidence", { enableKeyRotation: true });
new aws.s3.BucketVersioning("evidence", { bucket: bucket.id, versioningConfiguration: { status: "Suspended" } });
new aws.s3.BucketObjectLockConfiguration("evidence", { bucket: bucket.id, rule: { defaultRetention: { mode: "GOVERNANCE", days: 30 } } });
new aws.s3.BucketServerSideEncryptionConfiguration("evidence", {
    bucket: bucket.id,
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn } }],
});
new aws.s3.BucketPublicAccessBlock("evidence", {
    bucket: bucket.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
});
new aws.s3.BucketPolicy("evidence", {
    bucket: bucket.id,
    policy: bucket.arn.apply((arn) =>
        JSON.stringify({
            Version: "2012-10-17",
            Statement: [
                {
                    Effect: "Deny",
                    Principal: "*",
                    Action: "s3:*",
                    Resource: [arn, `${arn}/*`],
                    Condition: { Bool: { "aws:SecureTransport": "false" } },
                },
            ],
        }),
    ),
});
