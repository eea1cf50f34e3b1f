/** Publishes to a topic, and says whether anybody hears it. */
import { GetTopicAttributesCommand, PublishCommand, SNSClient, type PublishCommandInput } from "@aws-sdk/client-sns";
import { forensicsClient } from "../clients";
import { log } from "../handler";
import type { Statement } from "../permissions";
import type { Sent } from "./channel";

/** @param what ends the statement's Sid */
export const publishPermissions = (what: string, topicArn: string): Statement[] => [
    { Sid: `Publish${what}`, Effect: "Allow", Action: ["sns:Publish", "sns:GetTopicAttributes"], Resource: [topicArn] },
];

/** Whether somebody confirmed a subscription. Where that cannot be read, somebody is believed to have: the message went out. */
async function isHeard(topicArn: string): Promise<boolean> {
    try {
        const { Attributes } = await forensicsClient(SNSClient).send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
        return Number(Attributes?.SubscriptionsConfirmed ?? 1) > 0;
    } catch (error) {
        log("whether anybody is subscribed could not be read", { topicArn, error: String(error) });
        return true;
    }
}

/** A topic that nobody is subscribed to takes every message and tells nobody: that is not told. */
export async function publish(topicArn: string, message: Omit<PublishCommandInput, "TopicArn">): Promise<Sent> {
    await forensicsClient(SNSClient).send(new PublishCommand({ TopicArn: topicArn, ...message }));
    return (await isHeard(topicArn)) ? { sent: true } : { sent: false, reason: `nobody has confirmed a subscription to ${topicArn}` };
}
