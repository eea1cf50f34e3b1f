/**
 * Posts to a Slack incoming webhook. The webhook's URL is a credential: it lives in an SSM SecureString parameter, is
 * never an environment variable, and never appears in a log or an error.
 */
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { isNotFound, StepError, TransientError } from "./errors";
import type { SlackPayload } from "../domain/channels/slack/toSlack";

/** Milliseconds that Slack may take to answer. */
const timeout = 10_000;
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
            "Put it there as a SecureString, or take slackWebhookParameter out of the configuration.",
        );
    }
    const loopback = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\//.test(value); // the rehearsal's stand-in
    if (!URL.canParse(value) || !(value.startsWith("https://") || loopback)) {
        throw new StepError(
            "The SSM parameter does not hold the https URL of a Slack webhook",
            parameter,
            "Put the URL there that Slack shows under Incoming Webhooks.",
        );
    }
    known = { parameter, url: value, until: Date.now() + keepUrl };
    return value;
}

/** What fetch says without the URL, which some of its messages hold. */
function networkReason(error: unknown): string {
    if (error instanceof Error && error.name === "TimeoutError") return `no answer within ${timeout / 1000} s`;
    const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code;
    return typeof code === "string" ? code : "the connection failed";
}

export type SlackResult = { sent: true } | { sent: false; reason: string };

/**
 * Sends a payload.
 *
 * @returns sent: false with the reason when Slack is not configured (SLACK_WEBHOOK_PARAMETER is empty)
 * @throws TransientError on 429, 5xx, a time-out or a lost connection; StepError, naming the parameter, on what a retry does not cure
 */
export async function postToSlack(payload: SlackPayload): Promise<SlackResult> {
    const parameter = environment("SLACK_WEBHOOK_PARAMETER");
    if (parameter === null) return { sent: false, reason: "Slack is not configured" };
    const url = await webhookUrl(parameter);

    let response: Response;
    try {
        response = await fetch(url, {
            method: "POST",
            headers: { "content-type": "application/json; charset=utf-8" },
            body: JSON.stringify(payload),
            // A redirect would carry the message to a host nobody configured.
            redirect: "manual",
            signal: AbortSignal.timeout(timeout),
        });
    } catch (error) {
        throw new TransientError(`Slack (webhook in ${parameter}) could not be reached: ${networkReason(error)}.`);
    }
    const answer = (await response.text().catch(() => "")).slice(0, 200);
    if (response.ok) return { sent: true };
    if (response.status === 429 || response.status >= 500) {
        const wait = response.headers.get("retry-after");
        throw new TransientError(
            `Slack (webhook in ${parameter}) answered ${response.status}${wait ? `, retry after ${wait.slice(0, 16)} s` : ""}.`,
        );
    }
    known = undefined; // a webhook that was replaced works at the next attempt
    throw new StepError(
        `Slack refused the message with ${response.status} ${answer}`,
        parameter,
        "Check that the webhook in this SSM parameter still exists and may post to its channel.",
    );
}
