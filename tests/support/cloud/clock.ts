/**
 * Virtual time for whole incidents: every timer, the SDK's back-off and the handlers' waits among them, passes as soon as nothing else is left
 * to do, so that days take seconds and every run takes the same way.
 */
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";

const realImmediate = setImmediate;
const realTimeout = AbortSignal.timeout.bind(AbortSignal);
/** Turns of the event loop in which nothing came before time goes on: real work, such as a module that is loaded, takes a few. */
const patience = 2;
/** Real milliseconds that work may take while no timer waits. */
const longestWork = 30_000;

export class VirtualClock {
    private clock: Clock | null = null;
    private random = Math.random;
    /** Real milliseconds; null while time goes on. */
    private stalledSince: number | null = null;

    /** @param at ISO 8601 */
    install(at: string): void {
        this.clock = FakeTimers.install({
            now: new Date(at),
            toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
        });
        AbortSignal.timeout = (milliseconds) => {
            const controller = new AbortController();
            setTimeout(() => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), milliseconds);
            return controller.signal;
        };
        // Jitter is drawn, and the draw must be the same in every run.
        let seed = 1;
        this.random = Math.random;
        Math.random = () => ((seed = (seed * 48_271) % 2_147_483_647) - 1) / 2_147_483_646;
    }

    remove(): void {
        this.clock?.uninstall();
        this.clock = null;
        Math.random = this.random;
        AbortSignal.timeout = realTimeout;
    }

    /** Runs until the promise settles. @param longest seconds of virtual time. @throws when nothing is left that could settle it */
    async until<T>(promise: Promise<T>, longest = 10 * 24 * 3600): Promise<T> {
        const clock = this.clock!;
        const end = clock.now + longest * 1000;
        let settled = false;
        const done = () => void (settled = true);
        promise.then(done, done);
        for (let idle = 0; !settled;) {
            await new Promise<void>((resolve) => realImmediate(resolve));
            if (settled) break;
            if (++idle < patience) continue;
            idle = 0;
            if (clock.now > end) throw new Error(`Not done after ${longest} s of virtual time`);
            if (clock.countTimers() > 0) {
                this.stalledSince = null;
                clock.next();
            } else await this.stalled();
        }
        return promise;
    }

    /** Nothing waits for time: real work is going on, which takes longer on a machine that does much beside. */
    private async stalled(): Promise<void> {
        this.stalledSince ??= performance.now();
        if (performance.now() - this.stalledSince > longestWork)
            throw new Error("Nothing is left that could go on: something waits for ever");
        await new Promise<void>((resolve) => realImmediate(resolve));
    }
}

/** Waits in virtual time. @param seconds of it */
export const virtualWait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
