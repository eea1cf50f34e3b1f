/** When the watch looks, and when it contains again. */
import type { StandingContainment } from "../standingContainment";
import type { Drift } from "./drift";

/** Milliseconds after which something that could not be put back, and opens nothing, is tried again. */
const patience = 3_600_000;

/** Whether containing again is worth it now: something new can be put back, or something that opens the instance stands, or an hour has passed. */
export function isRepairDue(standing: StandingContainment, seen: readonly Drift[], added: readonly Drift[], now: string): boolean {
    const repairable = seen.filter((each) => each.repairable);
    if (repairable.length === 0) return false;
    const since = standing.repairedAt === null ? Infinity : Date.parse(now) - Date.parse(standing.repairedAt);
    return repairable.some((each) => each.opens || added.includes(each)) || since >= patience;
}

/** Milliseconds that a containment may be under way before the watch looks at it. */
const settling = 600_000;
/** Milliseconds after which a release that was begun should have ended. */
const releasing = 900_000;

/** Whether the watch has anything to say of it now. A containment under way, and a release, end by themselves or tell of it. */
export function isWatchable({ releasedAt, settledAt, begunAt, releasingAt, quarantine }: StandingContainment, now: string): boolean {
    const age = (at: string) => Date.parse(now) - Date.parse(at);
    if (releasedAt !== null || (releasingAt !== null && age(releasingAt) < releasing)) return false;
    // A workflow that was lost in the quarantine does not keep the instance in it: the watch makes the last cut.
    return settledAt !== null || age(quarantine?.until ?? begunAt) >= settling;
}
