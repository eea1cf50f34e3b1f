import { expect } from "chai";
import { handler } from "../../functions/sendAlarm";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import { startNotifyingAws, type NotifyingAws } from "../support/aws/notifyingAws";

/** As CloudWatch publishes it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html */
const alarm = {
    AlarmName: "clean-room dead-letters",
    AlarmDescription: "A message could not be followed. Read it in the dead-letter queue; its reason attribute says why.",
    AWSAccountId: "111111111111",
    NewStateValue: "ALARM",
    NewStateReason: "Threshold Crossed: 1 datapoint [1.0 (20/11/26 03:50:00)] was greater than the threshold (0.0).",
    StateChangeTime: "2026-11-20T03:51:00.000+0000",
    Region: "EU (Ireland)",
    AlarmArn: "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:clean-room dead-letters",
    OldStateValue: "OK",
};
const event = (...messages: unknown[]) => ({
    Records: messages.map((message) => ({
        EventSource: "aws:sns",
        Sns: { Message: typeof message === "string" ? message : JSON.stringify(message) },
    })),
});

describe("sendAlarm", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
        process.env.NOTIFICATION_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:people";
    });
    afterEach(() => fake.stop());

    it("brings an alarm to Slack, with what it means and its page; e-mail has it already", async () => {
        await handler(event(alarm));
        expect(fake.slack.payloads).to.have.length(1);
        expect(checkSlackPayload(fake.slack.payloads[0])).to.deep.equal([]);
        const text = JSON.stringify(fake.slack.payloads[0]);
        for (const part of [alarm.AlarmName, "could not be followed", "Threshold Crossed", "docs/runbook.md#clean-room-dead-letters"])
            expect(text).to.include(part);
        expect(fake.sns.published).to.deep.equal([]);
    });

    it("says nothing of an alarm that is good again", async () => {
        await handler(event({ ...alarm, NewStateValue: "OK" }));
        expect(fake.slack.payloads).to.deep.equal([]);
    });

    it("tells of an alarm on silence, which goes off by losing its data", async () => {
        await handler(event({ ...alarm, AlarmName: "clean-room watch-silent", OldStateValue: "OK", NewStateValue: "INSUFFICIENT_DATA" }));
        expect(JSON.stringify(fake.slack.payloads)).to.include("watch-silent");
    });

    it("tells of what it cannot read, as it came", async () => {
        for (const message of ["<@everyone> hello", "{", { AlarmName: 7 }, [1], "null"]) await handler(event(message));
        expect(fake.slack.payloads).to.have.length(5);
        for (const payload of fake.slack.payloads) expect(checkSlackPayload(payload)).to.deep.equal([]);
    });

    it("refuses what SNS did not deliver", async () => {
        let error: unknown;
        await handler({ detail: {} }).catch((thrown: unknown) => (error = thrown));
        expect(String(error)).to.match(/not a delivery of SNS/);
    });
});
