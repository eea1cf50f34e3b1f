/** The notification topic: e-mail, and whatever else people subscribe. */
import { toPlainText } from "../../domain/channels/plainText";
import { environment, needs } from "../environment";
import type { Channel } from "./channel";
import { publish, publishPermissions } from "./publish";

export const notificationTopic: Channel = {
    name: "topic",
    variables: needs("NOTIFICATION_TOPIC_ARN"),
    permissions: (names) => publishPermissions("Notification", names.notificationTopicArn),
    send: async (message) => {
        const topic = environment("NOTIFICATION_TOPIC_ARN");
        if (topic === null) return { sent: false, reason: "no notification topic is configured" };
        const { subject, text } = toPlainText(message);
        return publish(topic, { Subject: subject, Message: text });
    },
};
