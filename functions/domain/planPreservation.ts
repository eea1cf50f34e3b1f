/**
 * What to do next to preserve the volumes of an instance: pure, from the state of the world alone, so that a repeated
 * or interrupted step goes on where the world stands.
 *
 *     source (member) --[encrypted: shared copy under the evidence key]--> share --> evidence copy (forensics) --> lock
 */

/** A volume of the victim. */
export interface VictimVolume {
    volumeId: string;
    /** Device name on the victim. */
    device: string;
    root: boolean;
}

export interface SnapshotState {
    snapshotId: string;
    /** The victim's volume. */
    volumeId: string;
    /** What it is a copy of, see `sourceSnapshotTag`; null for a source. */
    sourceSnapshotId: string | null;
    /** EC2's word: pending, completed, error, recoverable, recovering. */
    state: string;
    /** EC2's reason for an error, bounded; null when there is none. */
    problem: string | null;
    encrypted: boolean;
    sizeGiB: number;
    /** ISO 8601. */
    startedAt: string;
}

export interface SnapshotLock {
    mode: "governance" | "compliance";
    /** ISO 8601. */
    expiresAt: string;
}

export interface PreservationState {
    volumes: readonly VictimVolume[];
    sources: readonly SnapshotState[];
    sharedCopies: readonly SnapshotState[];
    evidence: readonly SnapshotState[];
    /** Locks in force, by snapshot id. */
    locks: ReadonlyMap<string, SnapshotLock>;
    /** Snapshots pending in each account, of any incident: all of them may be copies that count against the limit. */
    pending: { member: number; forensics: number };
}

export type PreservationAction =
    /** All volumes at one point in time. */
    | { kind: "snapshot-all" }
    | { kind: "snapshot-volume"; volumeId: string }
    /** Copy in the member account under the evidence key. */
    | { kind: "copy-to-share"; source: SnapshotState }
    /** Share with the forensics account and copy there; `shareable` is the source or its shared copy. */
    | { kind: "share-and-copy"; source: SnapshotState; shareable: SnapshotState }
    | { kind: "lock"; snapshot: SnapshotState };

export interface PreservedVolume {
    volume: VictimVolume;
    source: SnapshotState;
    sharedCopy: SnapshotState | null;
    evidence: SnapshotState;
    lock: SnapshotLock;
}

export interface PreservationPlan {
    actions: PreservationAction[];
    /** What must become different by itself, one sentence part each. */
    waitingFor: string[];
    /** What never will: the snapshot, and the stage it failed at. */
    failures: { snapshot: SnapshotState; stage: "source" | "shared-copy" | "evidence" }[];
    /** Volumes that are done, the root volume first. */
    preserved: PreservedVolume[];
}

/** AWS's limit of concurrent snapshot copies to one destination Region, for each account. */
export const mostConcurrentCopies = 20;

const failed = (snapshot: SnapshotState) => snapshot.state !== "pending" && snapshot.state !== "completed";

/**
 * The snapshot to go on with: the earliest one that did not fail. EC2's describes are eventually consistent, so a retry
 * may have made a second set of snapshots; all volumes then go on with the set that was made first.
 */
function earliest(snapshots: readonly SnapshotState[]): SnapshotState | undefined {
    const order = (one: SnapshotState) => `${failed(one) ? 1 : 0}/${one.startedAt}/${one.snapshotId}`;
    return [...snapshots].sort((left, right) => (order(left) < order(right) ? -1 : 1))[0];
}

/** Plans the next actions. All volumes are preserved when `preserved` is as long as `volumes`. */
export function planPreservation(state: PreservationState): PreservationPlan {
    const plan: PreservationPlan = { actions: [], waitingFor: [], failures: [], preserved: [] };
    const room = { member: mostConcurrentCopies - state.pending.member, forensics: mostConcurrentCopies - state.pending.forensics };
    const volumes = [...state.volumes].sort(
        (left, right) => Number(right.root) - Number(left.root) || (left.device < right.device ? -1 : 1),
    );

    const sourceOf = (volumeId: string) => earliest(state.sources.filter((one) => one.volumeId === volumeId));
    const missing = volumes.filter(({ volumeId }) => !sourceOf(volumeId));
    if (missing.length > 0 && missing.length === volumes.length) plan.actions.push({ kind: "snapshot-all" });
    else plan.actions.push(...missing.map(({ volumeId }): PreservationAction => ({ kind: "snapshot-volume", volumeId })));

    /** @returns the snapshot when it is completed; otherwise notes what it is waited for or failed at. */
    const completed = (snapshot: SnapshotState, stage: PreservationPlan["failures"][number]["stage"]): SnapshotState | null => {
        if (failed(snapshot)) plan.failures.push({ snapshot, stage });
        else if (snapshot.state === "pending") plan.waitingFor.push(`${stage} snapshot ${snapshot.snapshotId} of ${snapshot.volumeId}`);
        else return snapshot;
        return null;
    };
    const takeRoom = (account: "member" | "forensics", snapshot: SnapshotState): boolean => {
        if (room[account] > 0) return room[account]-- > 0;
        plan.waitingFor.push(`one of ${mostConcurrentCopies} concurrent copies in the ${account} account, for ${snapshot.snapshotId}`);
        return false;
    };

    for (const volume of volumes) {
        const found = sourceOf(volume.volumeId);
        const source = found && completed(found, "source");
        if (!source) continue;
        const copiesOf = (snapshots: readonly SnapshotState[]) =>
            earliest(snapshots.filter((one) => one.sourceSnapshotId === source.snapshotId));

        const sharedCopy = source.encrypted ? (copiesOf(state.sharedCopies) ?? null) : null;
        const copied = copiesOf(state.evidence);
        if (!copied) {
            if (source.encrypted && !sharedCopy) {
                if (takeRoom("member", source)) plan.actions.push({ kind: "copy-to-share", source });
                continue;
            }
            const shareable = sharedCopy ? completed(sharedCopy, "shared-copy") : source;
            if (shareable && takeRoom("forensics", shareable)) plan.actions.push({ kind: "share-and-copy", source, shareable });
            continue;
        }

        const evidence = completed(copied, "evidence");
        if (!evidence) continue;
        const lock = state.locks.get(evidence.snapshotId);
        if (lock) plan.preserved.push({ volume, source, sharedCopy, evidence, lock });
        else plan.actions.push({ kind: "lock", snapshot: evidence });
    }
    return plan;
}
