import * as aws from "@pulumi/aws";

const topic = new aws.sns.Topic("findings", { kmsMasterKeyId: "alias/clean-room" });
new aws.sns.TopicPolicy("findings", {
    arn: topic.arn,
    policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Sid: "Publish", Effect: "Allow", Principal: { AWS: "*" }, Action: "sns:Publish", Resource: "*" }],
    }),
});
