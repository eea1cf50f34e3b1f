/** The record of drifts: which are new, which ended, and which of them stay on record. */
import { mostDrifts, type StandingDrift } from "../standingContainment";
import type { Drift } from "./drift";

/** Drifts that are told of again although they do not last: they are over in the moment they are seen. */
const isOver = (key: string) => /^(started|stopped):/.test(key);

/**
 * The record of drifts with what a look saw.
 *
 * @returns all of them, oldest first, and those that nobody has been told of
 */
export function mergeDrifts(
    known: readonly StandingDrift[],
    seen: readonly Drift[],
    now: string,
): { drifts: StandingDrift[]; added: Drift[] } {
    const keys = new Set(seen.map(({ key }) => key));
    const stands = new Set(known.filter(({ outcome }) => outcome === "stands").map(({ key }) => key));
    const told = new Set(known.filter(({ key }) => isOver(key)).map(({ key }) => key));
    const added = seen.filter(({ key }) => !stands.has(key) && !told.has(key));
    const kept = known.map((each) => (each.outcome === "stands" && !keys.has(each.key) ? { ...each, outcome: "ended" as const } : each));
    const fresh = added.map(({ key, what }) => ({
        key,
        what,
        by: null,
        since: now,
        toldAt: null,
        outcome: isOver(key) ? ("ended" as const) : ("stands" as const),
    }));
    // What stands is never the one that goes when there are too many.
    const all = [...kept, ...fresh];
    while (all.length > mostDrifts) {
        const over = all.findIndex(({ outcome, toldAt }) => outcome !== "stands" && toldAt !== null);
        all.splice(over >= 0 ? over : 0, 1);
    }
    return { drifts: all, added };
}
