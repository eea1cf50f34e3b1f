/**
 * EC2 and IAM answer from copies that lag behind a change for a moment: what was just made may be unknown, and what was just
 * changed may be shown as it was. See "Eventual consistency in the Amazon EC2 API" in the EC2 API reference.
 */
import { setTimeout } from "node:timers/promises";
import { errorCode } from "./errors";

/** Milliseconds that a lag is waited for; it is rarely more than a second or two. */
const longestLag = 10_000;

/** Milliseconds before another look, half of it by chance, so that two who wait for each other fall out of step. */
const pauseAfter = (look: number): number => Math.min(200 * 2 ** look, 2000) * (0.5 + Math.random() / 2);

/** Looks until what is seen is settled. @returns what was seen last, settled or not, once the time is up */
export async function eventually<T>(look: () => Promise<T>, isSettled: (seen: T) => boolean, within = longestLag): Promise<T> {
    const deadline = Date.now() + within;
    for (let looks = 0; ; looks++) {
        const seen = await look();
        const pause = pauseAfter(looks);
        if (isSettled(seen) || Date.now() + pause > deadline) return seen;
        await setTimeout(pause);
    }
}

/** Uses a security group that may have been made a moment ago. @throws what the call threw last */
export async function onceGroupIsKnown<T>(use: () => Promise<T>): Promise<T> {
    const attempt = () =>
        use().then(
            (value) => ({ value }),
            (error: unknown) => ({ error }),
        );
    const isUnknown = (ended: Awaited<ReturnType<typeof attempt>>) =>
        "error" in ended && errorCode(ended.error) === "InvalidGroup.NotFound";
    const ended = await eventually(attempt, (each) => !isUnknown(each));
    if ("error" in ended) throw ended.error;
    return ended.value;
}
