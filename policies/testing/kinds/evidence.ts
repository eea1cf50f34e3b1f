import * as aws from "@pulumi/aws";
import { Kind, allow, doc, evidence, evidenceName, own, providerOf, stranger, tlsOnly, vpc } from "./support";

/** Endpoints and evidence. */
export const kind = new Kind("evidence", "Endpoints and evidence");

kind.bad("own-principal-any-resource", "endpoint-policy-is-not-open", () => {
    const net = vpc();
    new aws.ec2.VpcEndpoint("s3", {
        vpcId: net.id,
        serviceName: "com.amazonaws.eu-west-1.s3",
        policy: doc(allow({ Principal: { AWS: `arn:aws:iam::${own}:root` }, Action: "s3:PutObject", Resource: "*" })),
    });
});
kind.bad("no-policy", "endpoint-policy-is-not-open", () => {
    const net = vpc();
    new aws.ec2.VpcEndpoint("s3", { vpcId: net.id, serviceName: "com.amazonaws.eu-west-1.s3" });
});
kind.bad("lifecycle-expires", "evidence-bucket-is-protected", () => {
    const b = evidence();
    new aws.s3.BucketLifecycleConfiguration("l", {
        bucket: b.bucket,
        rules: [{ id: "x", status: "Enabled", noncurrentVersionExpiration: { noncurrentDays: 1 } }],
    });
});
kind.bad("replication-to-stranger", "nothing-is-public", () => {
    const b = evidence();
    new aws.s3.BucketReplicationConfig("l", {
        bucket: b.bucket,
        role: "arn:aws:iam::111111111111:role/x",
        rules: [{ status: "Enabled", destination: { bucket: "arn:aws:s3:::strangers", account: stranger } }],
    });
});
kind.bad("lock-one-day", "evidence-bucket-is-protected", () => {
    evidence({ lock: { rule: { defaultRetention: { mode: "COMPLIANCE", days: 1 } } } });
});
kind.bad("force-destroy", "evidence-bucket-is-protected", () => {
    evidence({ bucket: { forceDestroy: true } });
});
kind.bad("unlock-in-forensics", "evidence-bucket-is-protected", () => {
    new aws.iam.RolePolicy(
        "tidy",
        {
            role: "tidy",
            policy: doc(
                allow({
                    Action: ["ec2:UnlockSnapshot"],
                    Resource: "arn:aws:ec2:*::snapshot/*",
                    Condition: { StringEquals: { "aws:ResourceTag/a": "b" } },
                }),
            ),
        },
        { provider: providerOf(own) },
    );
});
kind.bad("evidence-v2-types", "evidence-bucket-is-protected", () => {
    const b = evidence({ versioning: null });
    new aws.s3.BucketVersioningV2("evidence", { bucket: b.bucket, versioningConfiguration: { status: "Suspended" } });
});
kind.bad("evidence-bucket-delete-policy", "evidence-bucket-is-protected", () => {
    evidence({
        policy: {
            policy: doc(
                tlsOnly(),
                allow({
                    Principal: { AWS: `arn:aws:iam::${own}:role/x` },
                    Action: "s3:PutLifecycleConfiguration",
                    Resource: `arn:aws:s3:::${evidenceName}`,
                }),
            ),
        },
    });
});
kind.bad("evidence-access-point", "nothing-is-public", () => {
    const b = evidence();
    new aws.s3.AccessPoint("p", {
        bucket: b.bucket,
        policy: doc(allow({ Principal: { AWS: stranger }, Action: "s3:GetObject", Resource: "*" })),
    });
});
