/** The topic that Amazon Q Developer in chat applications reads, which brings messages to Slack and Teams without a webhook. */
import { randomUUID } from "node:crypto";
import { toChat } from "../../domain/channels/chat";
import { environment, needs } from "../environment";
import type { Channel, Sent } from "./channel";
import { publish, publishPermissions } from "./publish";

/** One id for each notification of a message. */
const idOf = (message: string) => (place: number) => `${message}-${place}`;

export const chat: Channel = {
    name: "chat",
    variables: needs("CHAT_TOPIC_ARN", "CHAT_ACTIONS"),
    permissions: (names) => (names.chatTopicArn === null ? [] : publishPermissions("Chat", names.chatTopicArn)),
    send: async (message) => {
        const topic = environment("CHAT_TOPIC_ARN");
        if (topic === null) return { sent: false, reason: "no chat topic is configured" };
        let sent: Sent = { sent: true };
        // Only where the buttons are deployed does a message say which belong under it.
        const offering = environment("CHAT_ACTIONS") ? message : { ...message, offers: [] };
        for (const notification of toChat(offering, idOf(randomUUID())))
            sent = await publish(topic, { Message: JSON.stringify(notification) });
        return sent;
    },
};
