import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Kind, allow, doc, late, member, ownKey } from "./support";

/** KMS keys. */
export const kind = new Kind("keys", "KMS keys");

kind.bad("external-key-disabled", "kms-key-rotates-and-stays", () => {
    new aws.kms.ExternalKey("k", { enabled: false, deletionWindowInDays: 7 });
});
kind.bad("replica-external", ["kms-key-rotates-and-stays", "nothing-is-public"], () => {
    new aws.kms.ReplicaExternalKey("k", {
        primaryKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/mrk-1",
        deletionWindowInDays: 7,
        policy: doc(allow({ Principal: { AWS: "*" }, Action: "kms:*", Resource: "*" })),
    });
});
kind.bad("bypass-lockout", "kms-key-rotates-and-stays", () => {
    new aws.kms.Key("k", { enableKeyRotation: true, deletionWindowInDays: 30, bypassPolicyLockoutSafetyCheck: true, policy: doc(ownKey) });
});
kind.bad("puts-policy-by-member-role", "kms-key-rotates-and-stays", () => {
    new aws.kms.Key("k", {
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: doc(ownKey, allow({ Principal: { AWS: `arn:aws:iam::${member}:role/x` }, Action: ["kms:PutKeyPolicy"], Resource: "*" })),
    });
});
kind.bad("key-ends-in-4-days", "kms-key-rotates-and-stays", () => {
    new aws.kms.Key("k", { enableKeyRotation: true, deletionWindowInDays: 7 });
});
kind.bad("key-policy-known-part", "kms-key-rotates-and-stays", () => {
    new aws.kms.KeyPolicy("k", {
        keyId: late(),
        policy: pulumi.jsonStringify({
            Version: "2012-10-17",
            Statement: [
                ownKey,
                allow({ Principal: { AWS: `arn:aws:iam::${member}:role/x` }, Action: ["kms:ScheduleKeyDeletion"], Resource: "*" }),
            ],
        }),
    });
});
kind.good("key-own-and-use", () => {
    new aws.kms.Key("k", {
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: doc(
            ownKey,
            allow({
                Principal: { AWS: `arn:aws:iam::${member}:role/clean-room-responder` },
                Action: ["kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
                Resource: "*",
            }),
        ),
    });
});
kind.good("multi-region-replica", () => {
    new aws.kms.ReplicaKey("k", {
        primaryKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/mrk-1",
        deletionWindowInDays: 30,
        policy: doc(ownKey),
    });
});
