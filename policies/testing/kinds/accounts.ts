import * as aws from "@pulumi/aws";
import { Kind, allow, doc, own, stranger } from "./support";

/** Whose account is whose. */
export const kind = new Kind("accounts", "Whose account is whose");

kind.bad("topic-arnlike-any-account", "nothing-is-public", () => {
    new aws.sns.TopicPolicy("t", {
        arn: "arn:aws:sns:eu-west-1:111111111111:t",
        policy: doc(
            allow({
                Principal: { AWS: "*" },
                Action: "sns:Publish",
                Resource: "arn:aws:sns:eu-west-1:111111111111:t",
                Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/clean-room-*" } },
            }),
        ),
    });
});
kind.bad("resource-account", "nothing-is-public", () => {
    new aws.sqs.QueuePolicy("q", {
        queueUrl: "https://sqs",
        policy: doc(
            allow({
                Principal: "*",
                Action: "sqs:SendMessage",
                Resource: "*",
                Condition: { StringEquals: { "aws:ResourceAccount": own } },
            }),
        ),
    });
});
kind.bad("ifexists-org", "nothing-is-public", () => {
    new aws.s3.BucketPolicy("b", {
        bucket: "tools",
        policy: doc(
            allow({
                Principal: "*",
                Action: "s3:GetObject",
                Resource: "arn:aws:s3:::tools/*",
                Condition: { StringEqualsIfExists: { "aws:PrincipalOrgID": "o-abcdefghij" } },
            }),
        ),
    });
});
kind.bad("stringnotequals", "nothing-is-public", () => {
    new aws.s3.BucketPolicy("b", {
        bucket: "tools",
        policy: doc(
            allow({
                Principal: "*",
                Action: "s3:GetObject",
                Resource: "arn:aws:s3:::tools/*",
                Condition: { StringNotEquals: { "aws:PrincipalAccount": stranger } },
            }),
        ),
    });
});
kind.bad("ram-share-external", "nothing-is-public", () => {
    new aws.ram.ResourceShare("share", { name: "x", allowExternalPrincipals: true });
    new aws.ram.PrincipalAssociation("p", { principal: stranger, resourceShareArn: "arn:aws:ram:eu-west-1:111111111111:resource-share/1" });
});
kind.bad("snapshot-permission-stranger", "nothing-is-public", () => {
    new aws.ec2.SnapshotCreateVolumePermission("p", { snapshotId: "snap-1", accountId: stranger });
});
kind.bad("role-trust-any-user-of-stranger", "nothing-is-public", () => {
    new aws.iam.Role("r", {
        assumeRolePolicy: doc(
            allow({
                Principal: { AWS: `arn:aws:iam::${stranger}:user/x` },
                Action: "sts:AssumeRole",
                Condition: { StringEquals: { "sts:ExternalId": "abc" } },
            }),
        ),
    });
});
kind.bad("cloudwatch-cross-account-sink", "nothing-is-public", () => {
    new aws.oam.SinkPolicy("s", {
        sinkIdentifier: "arn:aws:oam:eu-west-1:111111111111:sink/1",
        policy: doc(allow({ Principal: "*", Action: ["oam:CreateLink"], Resource: "*" })),
    });
});
kind.bad("log-destination-stranger", "nothing-is-public", () => {
    new aws.cloudwatch.LogDestinationPolicy("d", {
        destinationName: "x",
        accessPolicy: doc(
            allow({
                Principal: { AWS: stranger },
                Action: "logs:PutSubscriptionFilter",
                Resource: "arn:aws:logs:eu-west-1:111111111111:destination:x",
            }),
        ),
    });
});
kind.good("github-env", () => {
    new aws.iam.Role("preview", {
        assumeRolePolicy: doc(
            allow({
                Principal: { Federated: "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" },
                Action: "sts:AssumeRoleWithWebIdentity",
                Condition: {
                    StringEquals: {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": "repo:acme/clean-room:environment:preview",
                    },
                },
            }),
        ),
    });
});
kind.bad("github-like-owner-open", "nothing-is-public", () => {
    new aws.iam.Role("preview", {
        assumeRolePolicy: doc(
            allow({
                Principal: { Federated: "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" },
                Action: "sts:AssumeRoleWithWebIdentity",
                Condition: { StringLike: { "token.actions.githubusercontent.com:sub": "repo:*/clean-room:*" } },
            }),
        ),
    });
});
kind.bad("saml-stranger", "nothing-is-public", () => {
    new aws.iam.Role("preview", {
        assumeRolePolicy: doc(
            allow({ Principal: { Federated: "arn:aws:iam::666666666666:saml-provider/x" }, Action: "sts:AssumeRoleWithSAML" }),
        ),
    });
});
kind.bad("canonical-user", "nothing-is-public", () => {
    new aws.s3.BucketPolicy("b", {
        bucket: "b",
        policy: doc(
            allow({
                Principal: { CanonicalUser: "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" },
                Action: "s3:GetObject",
                Resource: "arn:aws:s3:::b/*",
            }),
        ),
    });
});
kind.good("deny-only", () => {
    new aws.sqs.QueuePolicy("q", {
        queueUrl: "https://sqs",
        policy: doc({
            Effect: "Deny",
            Principal: "*",
            Action: "sqs:*",
            Resource: "*",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
    });
});
