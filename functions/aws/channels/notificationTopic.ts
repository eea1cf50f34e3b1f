/** The notification topic: e-mail, and whatever else people subscribe. */
import { mailsOf, toPlainText } from "../../domain/channels/plainText";
import { environment, needs } from "../environment";
import type { Channel, Sent } from "./channel";
import { publish, publishPermissions } from "./publish";

export const notificationTopic: Channel = {
    name: "topic",
    variables: needs("NOTIFICATION_TOPIC_ARN"),
    permissions: (names) => publishPermissions("Notification", names.notificationTopicArn),
    send: async (message) => {
        const topic = environment("NOTIFICATION_TOPIC_ARN");
        if (topic === null) return { sent: false, reason: "no notification topic is configured" };
        let sent: Sent = { sent: true };
        for (const { subject, text } of mailsOf(toPlainText(message))) sent = await publish(topic, { Subject: subject, Message: text });
        return sent;
    },
};
