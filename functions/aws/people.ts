/** Tells people, through every channel that is configured: Slack, and the notification topic for everyone else. */
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { toPlainText, toSlack } from "../domain/messages";
import type { Message } from "../domain/messages/message";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { TransientError } from "./errors";
import { log, toStepError } from "./handler";
import type { Permissions } from "./permissions";
import { postToSlack } from "./slack";

/** Read the webhook's parameter, publish to the notification topic. Every function may use the key both lie under (infra/callback.ts). */
export const tellPermissions: Permissions = (names) => [
    ...(names.slackWebhookParameterArn === null
        ? []
        : [
              {
                  Sid: "ReadSlackWebhook",
                  Effect: "Allow" as const,
                  Action: ["ssm:GetParameter"],
                  Resource: [names.slackWebhookParameterArn],
              },
          ]),
    { Sid: "PublishNotification", Effect: "Allow", Action: ["sns:Publish"], Resource: [names.notificationTopicArn] },
];

async function publish(message: Message): Promise<{ sent: true } | { sent: false; reason: string }> {
    const topic = environment("NOTIFICATION_TOPIC_ARN");
    if (topic === null) return { sent: false, reason: "no notification topic is configured" };
    const { subject, text } = toPlainText(message);
    await forensicsClient(SNSClient).send(new PublishCommand({ TopicArn: topic, Subject: subject, Message: text }));
    return { sent: true };
}

/**
 * Sends a message through every configured channel, at least once.
 *
 * Channels do not wait for each other: when one fails, the others have been told. A transient failure is thrown so that
 * the caller is run again, which tells the others twice: being told twice is better than not at all. A failure that no
 * retry cures is only logged when another channel took the message.
 *
 * @returns the channels told; empty when none is configured
 */
export async function tell(message: Message): Promise<string[]> {
    const channels = ["slack", "topic"] as const;
    const results = await Promise.allSettled([postToSlack(toSlack(message)), publish(message)]);
    const told: string[] = [];
    const errors: Error[] = [];
    results.forEach((result, index) => {
        const channel = channels[index];
        if (result.status === "rejected") {
            const error = toStepError(`tell people by ${channel}`, result.reason);
            log("could not tell people", { channel, error: error.name, cause: error.message });
            errors.push(error);
        } else if (result.value.sent) told.push(channel);
        else log("channel not used", { channel, reason: result.value.reason });
    });
    const transient = errors.find((error) => error instanceof TransientError);
    if (transient) throw transient;
    if (told.length === 0 && errors.length > 0) throw errors[0];
    return told;
}
