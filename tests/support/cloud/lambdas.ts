/**
 * Lambda as it calls our functions: the real handlers in this process, what they fail of as Step Functions names it, asynchronous calls tried
 * three times and then left in the dead letters, a process that dies in the middle, and a limit of functions at a time.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { forgetBrake } from "../../../functions/aws/brake";
import { forgetClients } from "../../../functions/aws/clients";
import { steps, type StepHandler } from "../../../infra/steps";
import { virtualWait } from "./clock";
import { StatesError } from "./stateMachine";

export type Handler = (event: unknown) => Promise<unknown>;

/** One execution environment at work. */
export interface Invocation {
    /** The handler's file name; `workflow` for what Step Functions itself calls. */
    handler: string;
    /** The process is gone: whatever it still waits for never comes. */
    dead: boolean;
    die: () => void;
}
export const invocations = new AsyncLocalStorage<Invocation>();

/** Seconds before the second and the third try of an asynchronous call. */
const againAfter = [60, 120];

export class Lambdas {
    /** What was given up, with the function that it was for. */
    readonly deadLetters: { handler: string; event: unknown; error: string }[] = [];
    /** Functions that may run at a time. */
    concurrency = 1000;
    running = 0;
    /** Calls that were refused because too many ran. */
    refused = 0;
    mostRunning = 0;
    private readonly alive = new Set<Invocation>();
    /** Asynchronous calls under way. */
    private readonly pending = new Set<Promise<void>>();

    constructor(private readonly handlers: Record<string, Handler>) {}

    /** Calls a function and waits. @throws StatesError under the name that Step Functions gives it */
    async call(handler: string, event: unknown): Promise<unknown> {
        if (this.running >= this.concurrency) {
            this.refused++;
            throw new StatesError("Lambda.TooManyRequestsException", "Rate Exceeded.");
        }
        this.mostRunning = Math.max(this.mostRunning, ++this.running);
        const begun = Date.now();
        let die!: () => void;
        const death = new Promise<never>((_, reject) => {
            die = () => {
                invocation.dead = true;
                // What it kept between calls is gone with it.
                forgetClients();
                forgetBrake();
                // What Lambda answers of a process that was killed, and Step Functions hands on as the error's name.
                reject(new StatesError("Runtime.ExitError", "RequestId: x Error: Runtime exited with error: signal: killed"));
            };
        });
        const invocation: Invocation = { handler, dead: false, die };
        this.alive.add(invocation);
        try {
            // Through JSON, as over the wire.
            const run = invocations.run(invocation, () => this.handlers[handler]!(JSON.parse(JSON.stringify(event))));
            const answer = await Promise.race([run, death]);
            const seconds = (Date.now() - begun) / 1000;
            if (seconds > steps[handler as StepHandler].timeoutSeconds)
                throw new StatesError("Sandbox.Timedout", `Task timed out after ${seconds} seconds`);
            return answer === undefined ? null : JSON.parse(JSON.stringify(answer));
        } catch (error) {
            if (error instanceof StatesError) throw error;
            const { name, message } = error as Error;
            throw new StatesError(name, JSON.stringify({ errorType: name, errorMessage: message }));
        } finally {
            this.running--;
            this.alive.delete(invocation);
        }
    }

    /** Every process is gone at once. Events that were left with a function are still with Lambda, which tries them again. */
    killAll(): void {
        for (const { die } of [...this.alive]) die();
    }

    /** Leaves an event with a function, as SNS, S3 and EventBridge do. */
    leave(handler: string, event: unknown): void {
        const work: Promise<void> = invocations.exit(() => this.asynchronously(handler, event)).finally(() => this.pending.delete(work));
        this.pending.add(work);
    }

    private async asynchronously(handler: string, event: unknown): Promise<void> {
        for (let attempt = 0; ;) {
            try {
                await this.call(handler, event);
                return;
            } catch (error) {
                const { name, message } = error as StatesError;
                // Throttled calls go back to the queue for up to six hours, and count as no try.
                if (name === "Lambda.TooManyRequestsException") {
                    await virtualWait(1 + Math.random() * 5);
                    continue;
                }
                const wait = againAfter[attempt++];
                if (wait === undefined) return void this.deadLetters.push({ handler, event, error: `${name}: ${message}` });
                await virtualWait(wait);
            }
        }
    }

    /** Waits until no asynchronous call is under way. */
    async idle(): Promise<void> {
        while (this.pending.size > 0) await Promise.all([...this.pending]);
    }
}
