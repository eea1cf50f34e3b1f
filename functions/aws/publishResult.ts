/** The result as an OCSF event on a topic of its own, for lakes and other tools. Off unless a stack asks for it. */
import { publish, publishPermissions } from "./channels/publish";
import { environment } from "./environment";
import { errorCode } from "./errors";
import { log } from "./handler";
import type { Permissions } from "./permissions";

export const resultPermissions: Permissions = (names) =>
    names.resultsTopicArn === null ? [] : publishPermissions("Result", names.resultsTopicArn);

/** SNS takes 256 KiB; the object in the bucket is the same event, whole. */
const longest = 250_000;

/** Publishes; whatever SNS answers, people have been told by the channels and the event lies in the evidence bucket. @param event domain/report/ocsf.ts */
export async function publishResult(event: object, severity: string): Promise<void> {
    const topic = environment("RESULTS_TOPIC_ARN");
    if (topic === null) return;
    const text = JSON.stringify(event);
    if (Buffer.byteLength(text) > longest) return log("the result is too long for its topic", { bytes: Buffer.byteLength(text) });
    try {
        // For filters of subscriptions.
        const attribute = (StringValue: string) => ({ DataType: "String", StringValue });
        const sent = await publish(topic, {
            Message: text,
            MessageAttributes: { schema: attribute("ocsf"), class: attribute("2004"), severity: attribute(severity) },
        });
        if (!sent.sent) log("the result reached nobody", { reason: sent.reason });
    } catch (error) {
        log("the result was not published", { topic, error: errorCode(error), cause: String(error) });
    }
}
