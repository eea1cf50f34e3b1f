/** What an action of a plan came to. A failure is thrown, and recorded by {@link attempt}: the rest must still be done. */
import { setTimeout } from "node:timers/promises";
import type { ContainmentStep } from "../../domain/containers";
import { isTransient } from "../errors";
import { log } from "../handler";

export interface Performed {
    outcome: Exclude<ContainmentStep["outcome"], "failed">;
    /** What turned out differently from the plan; null when nothing did. */
    note: string | null;
}
export const done: Performed = { outcome: "done", note: null };
export const alreadyDone: Performed = { outcome: "already-done", note: null };

/** Milliseconds before an action that AWS was too busy for is tried again, half of it by chance; after the last it has failed. */
const pauses = [500, 1000, 2000];

/** Tries again what AWS was too busy for, on top of what the SDK does. @throws what it threw last */
export async function persist<T>(perform: () => Promise<T>): Promise<T> {
    for (const pause of pauses) {
        try {
            return await perform();
        } catch (error) {
            if (!isTransient(error)) throw error;
            await setTimeout(pause * (0.5 + Math.random() / 2));
        }
    }
    return perform();
}

/** Does one action, with patience for a busy AWS, and says how it ended. Never throws. @param what the action, as the record of steps names it */
export async function attempt(
    what: { name: string; detail: string },
    perform: () => Promise<Performed>,
): Promise<{ step: ContainmentStep; error: unknown }> {
    const { name, detail } = what;
    const step = (outcome: ContainmentStep["outcome"], text: string): ContainmentStep => ({
        name,
        outcome,
        at: new Date().toISOString(),
        detail: text,
    });
    try {
        const { outcome, note } = await persist(perform);
        return { step: step(outcome, note === null ? detail : `${detail}; ${note}`), error: null };
    } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log("an action failed", { action: name, detail, why });
        return { step: step("failed", `${detail}: ${why}`), error };
    }
}
