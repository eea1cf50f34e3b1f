import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { eventsHaveDeadLetters } from "./eventsHaveDeadLetters";
import { judge, unknownString, type Declared } from "./testing/engine";

const queue = "arn:aws:sqs:eu-west-1:111111111111:dead-letters";
const violations = async (is: Declared["is"], props: object): Promise<string[]> =>
    (await judge(eventsHaveDeadLetters, [{ is, name: "findings", props }])).violations;

describe("policy events-have-dead-letters", () => {
    it("accepts a queue on each, also one made in the same run, and people's inboxes without", async () => {
        expect(await violations(aws.cloudwatch.EventTarget, { deadLetterConfig: { arn: queue } })).to.be.empty;
        expect(await violations(aws.cloudwatch.EventTarget, { deadLetterConfig: unknownString })).to.be.empty;
        expect(
            await violations(aws.sns.TopicSubscription, {
                protocol: "lambda",
                redrivePolicy: JSON.stringify({ deadLetterTargetArn: queue }),
            }),
        ).to.be.empty;
        expect(await violations(aws.sns.TopicSubscription, { protocol: "sqs", redrivePolicy: unknownString })).to.be.empty;
        expect(await violations(aws.sns.TopicSubscription, { protocol: "email" })).to.be.empty;
        expect(await violations(aws.scheduler.Schedule, { target: { deadLetterConfig: { arn: unknownString } } })).to.be.empty;
    });

    it("refuses targets, subscriptions and schedules that lose what they cannot deliver", async () => {
        expect(await violations(aws.cloudwatch.EventTarget, {})).to.have.length(1);
        expect(await violations(aws.cloudwatch.EventTarget, { deadLetterConfig: {} })).to.have.length(1);
        expect(await violations(aws.scheduler.Schedule, { target: { arn: queue } })).to.have.length(1);
        for (const protocol of ["lambda", "sqs", "https", "firehose", unknownString]) {
            expect(await violations(aws.sns.TopicSubscription, { protocol }), protocol).to.have.length(1);
        }
        for (const redrivePolicy of ["{}", "not JSON", JSON.stringify({ deadLetterTargetArn: "queue" })]) {
            expect(await violations(aws.sns.TopicSubscription, { protocol: "lambda", redrivePolicy })).to.have.length(1);
        }
    });
});
