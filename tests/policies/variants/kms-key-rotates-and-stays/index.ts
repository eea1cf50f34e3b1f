import * as aws from "@pulumi/aws";

// A member's administrator could delete the key.
new aws.kms.Key("evidence", {
    enableKeyRotation: true,
    policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: ["111111111111", "222222222222"].map((account) => ({
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${account}:root` },
            Action: "kms:*",
            Resource: "*",
        })),
    }),
});
