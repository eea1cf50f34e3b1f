import * as aws from "@pulumi/aws";
import { Kind, allow, late } from "./support";

/** What is known is judged first. */
export const kind = new Kind("early", "What is known is judged first");

kind.bad("unknown-principal-beside-known", "nothing-is-public", () => {
    new aws.sns.TopicPolicy("t", {
        arn: "arn:aws:sns:eu-west-1:111111111111:t",
        policy: {
            Version: "2012-10-17",
            Statement: [
                allow({ Principal: { AWS: late() }, Action: "sns:Publish", Resource: "*" }),
                allow({ Principal: "*", Action: "sns:Subscribe", Resource: "*" }),
            ],
        } as never,
    });
});
kind.bad("not-json", "nothing-is-public", () => {
    new aws.sqs.QueuePolicy("q", { queueUrl: "https://sqs", policy: "{ not json" });
});
