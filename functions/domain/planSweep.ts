/** What the evidence of an open case needs today: pure, from its pins, what EC2 shows of them, and what was told before. */
import type { SnapshotLock, SnapshotState } from "./preservation";
import type { Pin } from "./pins";

/** Days before a lock ends that people are told of it. */
export const noticeDays = 30;
const day = 24 * 3600 * 1000;

export interface CaseState {
    pins: readonly Pin[];
    /** Evidence snapshots that EC2 shows in the forensics account, by id. */
    snapshots: ReadonlyMap<string, SnapshotState>;
    locks: ReadonlyMap<string, SnapshotLock>;
    /** ISO 8601: when the lock of the case's oldest objects ends; null where that is not known, or nothing locks them. */
    objectsUntil: string | null;
    /** Everything was preserved and tidied up when it was looked at before. */
    settled: boolean;
    /** The case's workflow runs: it does by itself what is to be done. */
    running: boolean;
    now: string;
}

export interface SweepPlan {
    /** Whether the preservation has to be brought on. */
    preserve: boolean;
    /** ISO 8601: the first lock that ends within the notice; null when none does. */
    expiresAt: string | null;
    /** Evidence that was locked and is not, or is gone: sentences. */
    unprotected: string[];
}

/** The newest pin of each volume's evidence. */
function evidencePins(pins: readonly Pin[]): Pin[] {
    const newest = new Map<string, Pin>();
    for (const pin of pins)
        if (pin.stage === "evidence" && pin.generation >= (newest.get(pin.volumeId)?.generation ?? 0)) newest.set(pin.volumeId, pin);
    return [...newest.values()];
}

/** @returns what to do and to tell; a case whose workflow runs is left to it, but for what expires */
export function planSweep({ pins, snapshots, locks, objectsUntil, settled, running, now }: CaseState): SweepPlan {
    const evidence = evidencePins(pins);
    const ends = [...evidence.map(({ snapshotId }) => locks.get(snapshotId)?.expiresAt), objectsUntil]
        .filter((each): each is string => typeof each === "string")
        .sort();
    const first = ends[0];
    return {
        preserve: !settled && !running,
        expiresAt: first !== undefined && Date.parse(first) - Date.parse(now) <= noticeDays * day ? first : null,
        // Before a case is settled, a copy may still be on its way to its lock.
        unprotected: settled
            ? evidence.flatMap(({ snapshotId, volumeId }) =>
                  !snapshots.has(snapshotId)
                      ? [`The evidence snapshot ${snapshotId} of ${volumeId} is gone from the forensics account.`]
                      : locks.has(snapshotId)
                        ? []
                        : [
                              `The evidence snapshot ${snapshotId} of ${volumeId} is not locked any more: anybody with the right may delete it.`,
                          ],
              )
            : [],
    };
}
