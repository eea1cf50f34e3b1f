/**
 * Posts to a Slack incoming webhook. The webhook's URL is a credential: it lives in an SSM SecureString parameter, is
 * never an environment variable, and never appears in a log or an error.
 */
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { forensicsClient } from "../clients";
import { environment, needs } from "../environment";
import { isNotFound, StepError, TransientError } from "../errors";
import { toSlack, type SlackPayload } from "../../domain/channels/slack/toSlack";
import { seen, type ReadinessFacts } from "../../domain/readiness/facts";
import { adviceMark } from "../../domain/stepFailure";
import type { Channel } from "./channel";
import { isWebhookUrl, postText } from "./post";

/** Milliseconds that a warm function keeps the URL, so that a changed webhook is noticed. */
const keepUrl = 5 * 60_000;

let known: { parameter: string; url: string; until: number } | undefined;

async function webhookUrl(parameter: string): Promise<string> {
    if (known?.parameter === parameter && known.until > Date.now()) return known.url;
    let value: string;
    try {
        const response = await forensicsClient(SSMClient).send(new GetParameterCommand({ Name: parameter, WithDecryption: true }));
        value = response.Parameter?.Value?.trim() ?? "";
    } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new StepError(
            "The SSM parameter with the Slack webhook URL does not exist",
            parameter,
            "Put it there as a SecureString, or take slackWebhookUrl out of the configuration, and deploy again.",
        );
    }
    if (!isWebhookUrl(value)) {
        throw new StepError(
            "The SSM parameter does not hold the https URL of a Slack webhook",
            parameter,
            "Put the URL there that Slack shows under Incoming Webhooks.",
        );
    }
    known = { parameter, url: value, until: Date.now() + keepUrl };
    return value;
}

/** Seconds that we wait in all where Slack asks us to: the next attempt of the step would tell the other channels again. */
const patience = 25;

const post = (parameter: string, url: string, payload: SlackPayload | Record<string, never>): Promise<Response> =>
    postText(`Slack (webhook in ${parameter})`, url, JSON.stringify(payload));

/**
 * Posts a payload, again where Slack asks to wait: a webhook takes about one message a second, and where many instances are contained at once each
 * has something to say. Those that were told to wait do not come back at the same moment.
 */
async function postPatiently(parameter: string, payload: SlackPayload): Promise<void> {
    const url = await webhookUrl(parameter);
    let response = await post(parameter, url, payload);
    for (let left = patience; response.status === 429;) {
        const asked = Number(response.headers.get("retry-after") ?? "");
        const wait = asked * (1 + Math.random());
        if (!(asked > 0) || wait > left) break;
        left -= wait;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
        response = await post(parameter, url, payload);
    }
    const answer = (await response.text().catch(() => "")).slice(0, 200);
    if (response.ok) return;
    if (response.status === 429 || response.status >= 500) {
        const later = response.headers.get("retry-after");
        throw new TransientError(
            `Slack (webhook in ${parameter}) answered ${response.status}${later ? `, retry after ${later.slice(0, 16)} s` : ""}.`,
        );
    }
    known = undefined; // a webhook that was replaced works at the next attempt
    throw new StepError(
        `Slack refused the message with ${response.status} ${answer}`,
        parameter,
        "Check that the webhook in this SSM parameter still exists and may post to its channel.",
    );
}

/**
 * Whether the webhook would take a message, without sending one: a post without text is refused as such by a webhook that is there, and in
 * other words by one that is not (`no_service`, `invalid_token`, `no_team`). https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 *
 * @returns null where Slack is not configured; status null where the parameter holds nothing to post to
 */
export async function probeSlack(): Promise<ReadinessFacts["slack"]> {
    const parameter = environment("SLACK_WEBHOOK_PARAMETER");
    if (parameter === null) return null;
    known = undefined; // what is kept says nothing of what stands there now
    return seen(
        webhookUrl(parameter).then(
            async (url) => {
                const response = await post(parameter, url, {});
                return { status: response.status, answer: (await response.text()).slice(0, 200) };
            },
            (error: unknown) => {
                if (!(error instanceof StepError)) throw error;
                return { status: null, answer: error.message.split(adviceMark)[0]! };
            },
        ),
    );
}

/** Slack, by an incoming webhook; not configured where SLACK_WEBHOOK_PARAMETER is empty. */
export const slack: Channel = {
    name: "slack",
    variables: needs("SLACK_WEBHOOK_PARAMETER"),
    permissions: (names) =>
        names.slackWebhookParameterArn === null
            ? []
            : [{ Sid: "ReadSlackWebhook", Effect: "Allow", Action: ["ssm:GetParameter"], Resource: [names.slackWebhookParameterArn] }],
    send: async (message) => {
        const parameter = environment("SLACK_WEBHOOK_PARAMETER");
        if (parameter === null) return { sent: false, reason: "Slack is not configured" };
        for (const payload of toSlack(message)) await postPatiently(parameter, payload);
        return { sent: true };
    },
};
