/** Which locks a hold extends. Pure: what stands in, what to do out. A lock is never shortened, and its mode never weakened. */
import type { Retention } from "../../functions/domain/custody/seal";

/** S3 and EC2 take locks of at most 100 years. */
const longestDays = 36_500;

export interface HeldObject {
    name: string;
    versionId: string | null;
    retention: Retention | null;
}
export interface HeldSnapshot {
    snapshotId: string;
    lock: { mode: "governance" | "compliance"; expiresAt: string } | null;
}
export interface HoldPlan {
    /** Objects whose lock is set, with the mode it then has. */
    objects: (HeldObject & { mode: "GOVERNANCE" | "COMPLIANCE" })[];
    snapshots: (HeldSnapshot & { mode: "governance" | "compliance" })[];
    /** Locked for as long already. */
    kept: number;
}

/** @throws Error where the date is none that a lock can end at */
export function readUntil(text: string, now: number): string {
    const at = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.000Z` : text);
    if (Number.isNaN(at)) throw new Error(`"${text}" is no date; write 2030-12-31 or an ISO 8601 time.`);
    if (at <= now) throw new Error(`${text} is past: a hold only extends locks.`);
    if (at > now + longestDays * 24 * 3600 * 1000) throw new Error(`${text} is more than 100 years away, the longest that a lock can be.`);
    return new Date(at).toISOString();
}

/** @param until ISO 8601 */
export function planHold(objects: readonly HeldObject[], snapshots: readonly HeldSnapshot[], until: string): HoldPlan {
    const shortObjects = objects.filter(({ retention }) => retention === null || retention.until < until);
    const shortSnapshots = snapshots.filter(({ lock }) => lock === null || lock.expiresAt < until);
    return {
        objects: shortObjects.map((each) => ({ ...each, mode: each.retention?.mode ?? "GOVERNANCE" })),
        snapshots: shortSnapshots.map((each) => ({ ...each, mode: each.lock?.mode ?? "governance" })),
        kept: objects.length + snapshots.length - shortObjects.length - shortSnapshots.length,
    };
}
