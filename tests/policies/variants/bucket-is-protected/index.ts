import * as aws from "@pulumi/aws";

// The bucket that the analysis program is fetched from, with everything but versions.
const bucket = new aws.s3.Bucket("tools", { bucket: "clean-room-tools-111111111111-eu-west-1" });
new aws.s3.BucketPublicAccessBlock("tools", {
    bucket: bucket.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
});
new aws.s3.BucketPolicy("tools", {
    bucket: bucket.id,
    policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Deny",
                Principal: "*",
                Action: "s3:*",
                Resource: [
                    "arn:aws:s3:::clean-room-tools-111111111111-eu-west-1",
                    "arn:aws:s3:::clean-room-tools-111111111111-eu-west-1/*",
                ],
                Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
        ],
    }),
});
