import * as aws from "@pulumi/aws";
import { Kind, allow, doc, ownKey } from "./support";

/** Services act for the estate alone. */
export const kind = new Kind("services", "Services act for the estate alone");

kind.bad("lambda-permission-no-source", "nothing-is-public", () => {
    new aws.lambda.Permission("p", { action: "lambda:InvokeFunction", function: "f", principal: "s3.amazonaws.com" });
});
kind.bad("queue-s3-arn-only", "nothing-is-public", () => {
    new aws.sqs.QueuePolicy("q", {
        queueUrl: "https://sqs",
        policy: doc(
            allow({
                Principal: { Service: "s3.amazonaws.com" },
                Action: "sqs:SendMessage",
                Resource: "arn:aws:sqs:eu-west-1:111111111111:q",
                Condition: { ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" } },
            }),
        ),
    });
});
kind.bad("role-flow-logs-no-source", "nothing-is-public", () => {
    new aws.iam.Role("r", {
        assumeRolePolicy: doc(allow({ Principal: { Service: "vpc-flow-logs.amazonaws.com" }, Action: "sts:AssumeRole" })),
    });
});
kind.bad("key-logs-no-context", "nothing-is-public", () => {
    new aws.kms.Key("k", {
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: doc(ownKey, allow({ Principal: { Service: "logs.eu-west-1.amazonaws.com" }, Action: ["kms:Decrypt"], Resource: "*" })),
    });
});
kind.good("key-logs-context", () => {
    new aws.kms.Key("k", {
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: doc(
            ownKey,
            allow({
                Principal: { Service: "logs.eu-west-1.amazonaws.com" },
                Action: ["kms:Decrypt"],
                Resource: "*",
                Condition: {
                    ArnEquals: { "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111111111111:log-group:/clean-room/x" },
                },
            }),
        ),
    });
});
