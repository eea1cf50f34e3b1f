/** Posts to a webhook. Its URL is a credential: it appears in no log and no error. */
import { TransientError } from "../errors";

/** Milliseconds that the other side may take to answer. */
const timeout = 10_000;

/** https alone, but for the rehearsal's stand-in on this machine. */
export const isWebhookUrl = (text: string): boolean =>
    URL.canParse(text) && (text.startsWith("https://") || /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\//.test(text));

/** What fetch says without the URL, which some of its messages hold. */
function networkReason(error: unknown): string {
    if (error instanceof Error && error.name === "TimeoutError") return `no answer within ${timeout / 1000} s`;
    const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code;
    return typeof code === "string" ? code : "the connection failed";
}

/**
 * @param who as errors name the other side, such as `Slack (webhook in /x)`
 * @throws TransientError when it could not be reached
 */
export async function postText(who: string, url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
    try {
        return await fetch(url, {
            method: "POST",
            headers: { "content-type": "application/json; charset=utf-8", ...headers },
            body,
            // A redirect would carry the message to a host nobody configured.
            redirect: "manual",
            signal: AbortSignal.timeout(timeout),
        });
    } catch (error) {
        throw new TransientError(`${who} could not be reached: ${networkReason(error)}.`);
    }
}
