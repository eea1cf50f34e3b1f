/** The notification topic: e-mail, and whatever else people subscribe. */
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { toPlainText } from "../../domain/channels/plainText";
import { forensicsClient } from "../clients";
import { environment } from "../environment";
import type { Channel } from "./channel";

export const notificationTopic: Channel = {
    name: "topic",
    permissions: (names) => [
        { Sid: "PublishNotification", Effect: "Allow", Action: ["sns:Publish"], Resource: [names.notificationTopicArn] },
    ],
    send: async (message) => {
        const topic = environment("NOTIFICATION_TOPIC_ARN");
        if (topic === null) return { sent: false, reason: "no notification topic is configured" };
        const { subject, text } = toPlainText(message);
        await forensicsClient(SNSClient).send(new PublishCommand({ TopicArn: topic, Subject: subject, Message: text }));
        return { sent: true };
    },
};
