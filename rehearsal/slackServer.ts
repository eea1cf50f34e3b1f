/** Stands where Slack's incoming webhook is: keeps what it receives, and refuses what Slack would refuse. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { checkSlackPayload } from "../functions/domain/channels/slack/limits";

export interface SlackMessage {
    /** ISO 8601, UTC. */
    receivedAt: string;
    payload: unknown;
    /** Block Kit limits it breaks; empty when Slack would have taken it. */
    violations: string[];
}

export interface SlackServer {
    /** The webhook URL to configure. */
    url: string;
    /** Everything received so far, oldest first. */
    messages: SlackMessage[];
    stop: () => Promise<void>;
}

/** Slack answers 413 above this. */
const largestBodyBytes = 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<string | null> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > largestBodyBytes) return null;
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
}

/** The line of a message that a phone shows. */
export function titleOf(payload: unknown): string {
    const text = typeof payload === "object" && payload !== null && "text" in payload ? payload.text : null;
    return typeof text === "string" ? text : "";
}

/** What Slack answers to a webhook post. Only a body that is JSON is kept. */
function judge(body: string | null, messages: SlackMessage[]): { status: number; answer: string } {
    if (body === null) return { status: 413, answer: "request_too_large" };
    let payload: unknown;
    try {
        payload = JSON.parse(body);
    } catch {
        return { status: 400, answer: "invalid_payload" };
    }
    // A post without anything to show: what a preflight tells a webhook by that is there. Nothing appears in the channel.
    if (typeof payload === "object" && payload !== null && Object.keys(payload).length === 0) return { status: 400, answer: "no_text" };
    const violations = checkSlackPayload(payload);
    messages.push({ receivedAt: new Date().toISOString(), payload, violations });
    return violations.length > 0 ? { status: 400, answer: "invalid_blocks" } : { status: 200, answer: "ok" };
}

/** Starts the stand-in on a free loopback port. */
export async function startSlackServer(): Promise<SlackServer> {
    const messages: SlackMessage[] = [];
    const server = createServer((request, response) => {
        void readBody(request).then(
            (body) => {
                const { status, answer } =
                    request.method === "POST" ? judge(body, messages) : { status: 405, answer: "method_not_allowed" };
                response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(answer);
            },
            () => response.destroy(),
        );
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    return {
        url: `http://127.0.0.1:${port}/services/rehearsal`,
        messages,
        stop: () =>
            new Promise((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}
