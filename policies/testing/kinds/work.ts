import * as aws from "@pulumi/aws";
import { Kind, allow, blocked, doc, own, tlsOnly, lambda, member, providerOf } from "./support";

/** What must be let through. */
export const kind = new Kind("work", "What must be let through");

kind.good("describe-star", () => {
    new aws.iam.RolePolicy("r", {
        role: "r",
        policy: doc(
            allow({
                Action: ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "elasticloadbalancing:DescribeTargetHealth"],
                Resource: "*",
            }),
        ),
    });
});
kind.good("log-delivery-bucket", () => {
    const b = new aws.s3.Bucket("access-logs", { bucket: "clean-room-access-logs" });
    new aws.s3.BucketPublicAccessBlock("l", { bucket: b.bucket, ...blocked });
    new aws.s3.BucketPolicy("l", {
        bucket: b.bucket,
        policy: doc(
            tlsOnly("clean-room-access-logs"),
            allow({
                Principal: { Service: "logging.s3.amazonaws.com" },
                Action: "s3:PutObject",
                Resource: "arn:aws:s3:::clean-room-access-logs/*",
                Condition: { StringEquals: { "aws:SourceAccount": own } },
            }),
        ),
    });
});
kind.good("topic-default-policy", () => {
    new aws.sns.Topic("t", {
        name: "t",
        kmsMasterKeyId: "alias/clean-room",
        policy: JSON.stringify({
            Version: "2008-10-17",
            Id: "__default_policy_ID",
            Statement: [
                {
                    Sid: "__default_statement_ID",
                    Effect: "Allow",
                    Principal: { AWS: "*" },
                    Action: ["SNS:Publish", "SNS:Subscribe"],
                    Resource: "arn:aws:sns:eu-west-1:111111111111:t",
                    Condition: { StringEquals: { "AWS:SourceOwner": own } },
                },
            ],
        }),
    });
});
kind.good("dlq-by-apply", () => {
    const q = new aws.sqs.Queue("dead", { sqsManagedSseEnabled: true });
    lambda({ deadLetterConfig: q.arn.apply((targetArn) => ({ targetArn })) });
});
kind.good("ssm-agent", () => {
    new aws.iam.RolePolicy("r", {
        role: "r",
        policy: doc(
            allow({
                Action: ["ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel", "ssm:UpdateInstanceInformation"],
                Resource: "*",
            }),
        ),
    });
});
kind.good("efs-private", () => {
    new aws.efs.FileSystemPolicy("v", {
        fileSystemId: "fs-1",
        policy: doc(
            allow({
                Principal: { AWS: `arn:aws:iam::${own}:role/analysis` },
                Action: "elasticfilesystem:ClientMount",
                Resource: "arn:aws:elasticfilesystem:eu-west-1:111111111111:file-system/fs-1",
            }),
        ),
    });
});
kind.good("dead-letters-by-apply", () => {
    const queue = new aws.sqs.Queue("dead", { sqsManagedSseEnabled: true });
    lambda({ deadLetterConfig: queue.arn.apply((targetArn) => ({ targetArn })) });
});
kind.good("member-unlocks-its-interim-copies", () => {
    const Condition = { StringLike: { "aws:ResourceTag/clean-room:incident": "*" } };
    const policy = doc(allow({ Action: ["ec2:LockSnapshot", "ec2:UnlockSnapshot"], Resource: "arn:aws:ec2:*::snapshot/*", Condition }));
    new aws.iam.RolePolicy("responder", { role: "responder", policy }, { provider: providerOf(member) });
});
