/**
 * The way into the AWS of the tests from inside the SDK: below its retries and above its signing, so that back-off, retry quotas and the
 * recognition of throttling are the SDK's own. Whose call it is follows from the credentials, as in AWS: an access key ends with its account.
 */
import { EC2Client } from "@aws-sdk/client-ec2";

/** One request on its way to AWS; a call that the SDK tries again is several. */
export interface Request {
    /** The SDK's name of the service, as `EC2` or `ElasticLoadBalancingV2`. */
    service: string;
    /** As `DescribeInstances`. */
    operation: string;
    input: Record<string, unknown>;
    accountId: string;
    region: string;
}

interface Context {
    clientName?: string;
    commandName?: string;
    __smithy_context?: { selectedHttpAuthScheme?: { identity?: { accessKeyId?: string } } };
}
type Next = (args: { input: Record<string, unknown> }) => Promise<unknown>;
interface Sender {
    middlewareStack: { addRelativeTo: (middleware: (next: Next, context: Context) => Next, options: object) => void };
    config: { region: () => Promise<string> };
}

let requests = 0;

/** What the SDK does below where we stand: it waits for no answer any more. */
function endedBy(signal: AbortSignal, answered: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
        const end = () => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
        if (signal.aborted) end();
        signal.addEventListener("abort", end, { once: true });
        answered.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
    });
}

/** Answers every request of every client. @returns what puts the SDK's way back */
export function underTheSdk(answer: (request: Request) => Promise<object>): () => void {
    let base = EC2Client.prototype as unknown as { send: (this: Sender, ...rest: unknown[]) => unknown };
    while (!Object.hasOwn(base, "send")) base = Object.getPrototypeOf(base) as typeof base;
    const own = base.send;
    const wired = new WeakSet<object>();
    base.send = function (...rest) {
        if (!wired.has(this)) {
            wired.add(this);
            this.middlewareStack.addRelativeTo(
                (_next, context) =>
                    async ({ input }) => {
                        const key = context.__smithy_context?.selectedHttpAuthScheme?.identity?.accessKeyId ?? "";
                        const output = await answer({
                            service: (context.clientName ?? "").replace(/Client$/, ""),
                            operation: (context.commandName ?? "").replace(/Command$/, ""),
                            input,
                            accountId: key.slice(-12),
                            region: await this.config.region(),
                        });
                        const $metadata = { httpStatusCode: 200, requestId: `request-${++requests}` };
                        Object.defineProperty(output, "$metadata", {
                            value: $metadata,
                            enumerable: true,
                            configurable: true,
                            writable: true,
                        });
                        return { output, response: { statusCode: 200, headers: {} } };
                    },
                { name: "awsOfTheTests", relation: "after", toMiddleware: "retryMiddleware", override: true },
            );
        }
        const answered = own.apply(this, rest);
        const { abortSignal } = (rest[1] ?? {}) as { abortSignal?: AbortSignal };
        return abortSignal && answered instanceof Promise ? endedBy(abortSignal, answered) : answered;
    };
    return () => {
        base.send = own;
    };
}
