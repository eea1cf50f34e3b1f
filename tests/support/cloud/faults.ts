/**
 * What can go wrong with one request, as AWS and the network make it go wrong. The same kinds as the emulator's (rehearsal/faults.ts), and two
 * that only this place knows: the function's process dies, and a token bucket stays empty for a minute.
 */
import type { Intercept, Made } from "./cloud";
import { virtualWait } from "./clock";
import { invocations } from "./lambdas";

/** Kinds of faults, and what each means. */
export const kinds = {
    throttle: "refused once for its rate",
    "empty-bucket": "refused for its rate for a minute",
    error: "refused once with an internal error",
    "lost-request": "the connection ends before the call has an effect",
    "lost-reply": "the call has its effect, and its reply is lost",
    slow: "the reply takes 30 s",
    deny: "refused for good, as by a service control policy",
    malformed: "the call has its effect, and its reply cannot be read",
    stale: "a read shows what was before the last write",
    crash: "the function's process is killed when the call has had its effect",
} as const;
export type Kind = keyof typeof kinds;

export interface Fault {
    /** The handler's file name, or `workflow`. */
    handler: string;
    /** As `ec2:CreateSnapshots`, or `slack:Post`. */
    operation: string;
    kind: Kind;
    /** Which of the handler's calls of the operation, 1 for the first. */
    call: number;
}

/** Service prefix of IAM actions, where it is not the client's name in small letters. */
const prefixes: Record<string, string> = { SFN: "states", ElasticLoadBalancingV2: "elasticloadbalancing" };
export const operationOf = ({ service, operation }: { service: string; operation: string }): string =>
    `${prefixes[service] ?? service.toLowerCase().replaceAll(" ", "")}:${operation}`;

/** Reads, all of which may be behind in AWS but those that it promises to be not. */
export const isRead = (operation: string): boolean => /:(Describe|Get|List|Lookup|Head|Query)/.test(operation);
/**
 * Whether a read may show an earlier state: S3 is strongly consistent, a DynamoDB read where it asks to be, and what is not state cannot be stale.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
 */
export const mayBeStale = ({ service, operation, input }: Made): boolean =>
    isRead(`:${operation}`) && !["S3", "STS", "KMS", "Slack"].includes(service) && input.ConsistentRead !== true;

const failure = (name: string, status: number, more: object = {}): Error =>
    Object.assign(new Error(`${name} (injected)`), {
        name,
        $fault: status >= 500 ? "server" : "client",
        $metadata: { httpStatusCode: status },
        ...more,
    });
const disconnected = () => Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET", $metadata: {} });

function throttled({ service }: Made): Error {
    if (service === "EC2") return failure("RequestLimitExceeded", 503);
    if (service === "S3") return failure("SlowDown", 503);
    if (service === "DynamoDB") return failure("ProvisionedThroughputExceededException", 400);
    if (service === "Lambda") return failure("TooManyRequestsException", 429);
    return failure(/^(IAM|AutoScaling|ElasticLoadBalancing)/.test(service) ? "Throttling" : "ThrottlingException", 400);
}
const broken = ({ service }: Made): Error =>
    failure(service === "DynamoDB" ? "InternalServerError" : ["EC2", "S3"].includes(service) ? "InternalError" : "InternalFailure", 500);
export const denied = ({ service }: Made): Error =>
    failure(
        service === "EC2"
            ? "UnauthorizedOperation"
            : /^(S3|IAM|STS|AutoScaling|ElasticLoadBalancing)/.test(service)
              ? "AccessDenied"
              : "AccessDeniedException",
        403,
    );

/** Slack's own answers: it knows no service control policy, but a webhook that was revoked. */
function slackAnswer(kind: Kind): Response {
    if (kind === "throttle" || kind === "empty-bucket")
        return new Response("rate_limited", { status: 429, headers: { "retry-after": "2" } });
    return kind === "deny" ? new Response("no_service", { status: 404 }) : new Response("", { status: 500 });
}

/** Seconds that a bucket stays empty. */
const emptyFor = 60;

/** Puts one fault into an estate. */
export class Injection {
    /** How many requests met it. */
    hits = 0;
    /** While false, nothing goes wrong and nothing is counted. */
    armed = true;
    private calls = 0;
    private emptySince: number | null = null;
    /** Answers that a read would have got before each write, by the read's own key; filled for the one that shall be stale. */
    private before: (() => object) | null = null;

    /** @param staleRead the request of the good run that shall be answered as before the write with this index */
    constructor(
        readonly fault: Fault,
        private readonly staleRead: { request: Made; atWrite: number } | null = null,
        private readonly read: (request: Made) => object = () => ({}),
    ) {}

    readonly intercept: Intercept = async (request, effect) => {
        const { fault, staleRead } = this;
        if (staleRead !== null && request.index === staleRead.atWrite) this.before = this.remember(staleRead.request);
        if (!this.fits(request)) return effect();
        this.calls++;
        const hit =
            fault.kind === "deny"
                ? this.calls >= fault.call
                : fault.kind === "empty-bucket"
                  ? this.isEmpty(this.calls === fault.call)
                  : this.calls === fault.call;
        if (!hit) return effect();
        this.hits++;
        return this.go(request, effect);
    };

    private fits(request: Made): boolean {
        return this.armed && request.handler === this.fault.handler && operationOf(request) === this.fault.operation;
    }

    /** Counts a call that something else refuses. */
    passOver(request: Made): void {
        if (this.fits(request)) this.calls++;
    }

    private isEmpty(begins: boolean): boolean {
        if (begins) this.emptySince = Date.now();
        return this.emptySince !== null && Date.now() - this.emptySince < emptyFor * 1000;
    }

    private remember(request: Made): () => object {
        try {
            const answer = this.read(request);
            return () => answer;
        } catch (error) {
            return () => {
                throw error;
            };
        }
    }

    private async go(request: Made, effect: () => object): Promise<object> {
        const { kind } = this.fault;
        const toSlack = request.service === "Slack";
        switch (kind) {
            case "throttle":
            case "empty-bucket":
                if (toSlack) return slackAnswer(kind);
                throw throttled(request);
            case "error":
                if (toSlack) return slackAnswer(kind);
                throw broken(request);
            case "deny":
                if (toSlack) return slackAnswer(kind);
                throw denied(request);
            case "lost-request":
                throw disconnected();
            case "lost-reply":
                effect();
                throw disconnected();
            case "malformed":
                effect();
                if (toSlack) return new Response("", { status: 200 });
                throw Object.assign(new SyntaxError("Unexpected end of input (injected)"), {
                    $metadata: {},
                    $response: { statusCode: 200 },
                });
            case "slow": {
                const answer = effect();
                await virtualWait(30);
                return answer;
            }
            case "stale":
                return this.before === null ? effect() : this.before();
            case "crash": {
                const answer = effect();
                invocations.getStore()?.die();
                return answer;
            }
        }
    }
}
