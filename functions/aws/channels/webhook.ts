/**
 * Posts every message as JSON to a webhook of the owner's, signed: `X-Clean-Room-Signature: t=<seconds>,v1=<hex>`, the HMAC-SHA256 of
 * `<seconds>.<body>`. URL and secret are in one SecureString parameter, as JSON {"url", "secret"}, that the owner puts there.
 */
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { signature, toWebhook } from "../../domain/channels/webhook";
import { forensicsClient } from "../clients";
import { environment, needs } from "../environment";
import { isNotFound, StepError, TransientError } from "../errors";
import type { Channel } from "./channel";
import { isWebhookUrl, postText } from "./post";

const parameterSchema = z.object({ url: z.string().refine(isWebhookUrl), secret: z.string().min(16) });

async function target(parameter: string): Promise<z.infer<typeof parameterSchema>> {
    const whatToDo = 'Put a SecureString there that holds {"url": "https://…", "secret": "at least 16 characters"}.';
    let value: unknown;
    try {
        const { Parameter } = await forensicsClient(SSMClient).send(new GetParameterCommand({ Name: parameter, WithDecryption: true }));
        value = JSON.parse(Parameter?.Value ?? "");
    } catch (error) {
        if (isNotFound(error)) throw new StepError("The SSM parameter of the webhook does not exist", parameter, whatToDo);
        // The parser's message would quote the secret.
        if (error instanceof SyntaxError) throw new StepError("The SSM parameter of the webhook holds no JSON", parameter, whatToDo);
        throw error;
    }
    const parsed = parameterSchema.safeParse(value);
    if (!parsed.success) throw new StepError("The SSM parameter of the webhook lacks an https URL or a secret", parameter, whatToDo);
    return parsed.data;
}

/** The generic webhook; not configured where WEBHOOK_PARAMETER is empty. */
export const webhook: Channel = {
    name: "webhook",
    variables: needs("WEBHOOK_PARAMETER"),
    permissions: (names) =>
        names.webhookParameterArn === null
            ? []
            : [{ Sid: "ReadWebhook", Effect: "Allow", Action: ["ssm:GetParameter"], Resource: [names.webhookParameterArn] }],
    send: async (message) => {
        const parameter = environment("WEBHOOK_PARAMETER");
        if (parameter === null) return { sent: false, reason: "no webhook is configured" };
        const { url, secret } = await target(parameter);
        const at = new Date();
        const body = JSON.stringify(toWebhook(message, at.toISOString()));
        const who = `The webhook in ${parameter}`;
        const response = await postText(who, url, body, {
            "x-clean-room-signature": signature(secret, Math.floor(at.getTime() / 1000), body),
        });
        await response.body?.cancel().catch(() => undefined);
        if (response.ok) return { sent: true };
        if (response.status === 429 || response.status >= 500) throw new TransientError(`${who} answered ${response.status}.`);
        throw new StepError(
            `The webhook refused the message with ${response.status}`,
            parameter,
            "Check its URL, and that it takes what docs/channels.md describes.",
        );
    },
};
