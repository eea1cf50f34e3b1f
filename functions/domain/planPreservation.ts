/**
 * What to do next to preserve the volumes of an instance: pure, from the pins and what EC2 shows, so that a repeated or interrupted
 * step goes on where the world stands.
 *
 *     source (member) --[encrypted: copy under the evidence key]--> share --> evidence copy (forensics) --> locked
 *         every snapshot is locked while it is still pending; what was shared is un-shared and intermediate copies go at the end
 *
 * A snapshot is ours because EC2 answered its id to us, and we pinned that id in the evidence bucket before anything else. Tags, times
 * and descriptions can be written by anybody in the member account, so none of them makes a snapshot ours.
 */

import type { Pin } from "./pins";

/** A volume of the victim. */
export interface VictimVolume {
    /** The acquisition volume, which holds what was taken of its memory. @default a volume of its own */
    kind?: "memory";
    volumeId: string;
    /** Device name on the victim. */
    device: string;
    root: boolean;
}

/** The ways a snapshot of a volume takes part: the original, the copy that can be shared, the evidence itself. */
export const stages = ["source", "shared-copy", "evidence"] as const;
export type Stage = (typeof stages)[number];
/** The account that holds the snapshots of a stage. */
export const accountOf = (stage: Stage): "member" | "forensics" => (stage === "evidence" ? "forensics" : "member");

export type { Pin };

export interface SnapshotState {
    snapshotId: string;
    /** EC2's word: pending, completed, error, recoverable, recovering. */
    state: string;
    /** EC2's reason for an error, bounded; null when there is none. */
    problem: string | null;
    encrypted: boolean;
    sizeGiB: number;
    /** ISO 8601. */
    startedAt: string;
    /** ARN of the key that it is encrypted under. @default none */
    keyArn?: string;
}

export interface SnapshotLock {
    mode: "governance" | "compliance";
    /** ISO 8601. */
    expiresAt: string;
}

export interface PreservationState {
    volumes: readonly VictimVolume[];
    pins: readonly Pin[];
    /** Pinned snapshots that EC2 shows, by id. */
    snapshots: ReadonlyMap<string, SnapshotState>;
    /** Locks in force, by snapshot id. */
    locks: ReadonlyMap<string, SnapshotLock>;
    /** Who else may make volumes of a snapshot, by its id: account ids, or `all`; null where AWS did not say. Read only of what is no longer needed. */
    sharedWith: ReadonlyMap<string, readonly string[] | null>;
    /** Snapshots that carry the incident's tag and are not ours, by id, with what is odd about them. */
    strangers: ReadonlyMap<string, string>;
    /** ISO 8601. */
    now: string;
}

export type PreservationAction =
    /** All volumes at one point in time. */
    | { kind: "snapshot-all" }
    | { kind: "snapshot-volume"; volumeId: string; generation: number }
    /** Copy in the member account under the evidence key. */
    | { kind: "copy-to-share"; volumeId: string; generation: number; from: string }
    /** Share with the forensics account and copy there. */
    | { kind: "share-and-copy"; volumeId: string; generation: number; from: string }
    | { kind: "lock"; stage: Stage; snapshotId: string }
    /** The forensics account needs it no longer. */
    | { kind: "un-share"; snapshotId: string; from: readonly string[] }
    | { kind: "delete-intermediate"; snapshotId: string; locked: boolean };

/** Actions that only tidy up or protect what others hold: evidence does not depend on them. */
export const isAside = (action: PreservationAction): boolean =>
    action.kind === "un-share" || action.kind === "delete-intermediate" || (action.kind === "lock" && action.stage !== "evidence");

export interface PreservedVolume {
    volume: VictimVolume;
    source: { snapshotId: string; sizeGiB: number; encrypted: boolean; startedAt: string };
    sharedCopyId: string | null;
    evidence: SnapshotState;
    lock: SnapshotLock;
    /** The earlier incident whose evidence it is; null for this one's own. */
    inheritedFrom: string | null;
}

export interface PreservationPlan {
    actions: PreservationAction[];
    /** What must become different by itself, one sentence part each. */
    waitingFor: string[];
    /** Volumes that will not be preserved, and why, as sentences. */
    failures: { volume: VictimVolume; why: string }[];
    /** Volumes that are done, the root volume first. */
    preserved: PreservedVolume[];
    /** What was lost, replaced or foreign: sentences for people and the report. None of it is passed over silently. */
    anomalies: string[];
}

/** AWS's limit of concurrent snapshot copies to one destination Region, for each account. EC2 refuses more, and then we wait. */
export const mostConcurrentCopies = 20;
/** Milliseconds after which a snapshot that EC2 does not show was deleted, and does not merely lag. */
export const lagMilliseconds = 5 * 60_000;
/** Times that a lost snapshot is made anew. */
export const mostGenerations = 3;

const failed = (snapshot: SnapshotState) => snapshot.state !== "pending" && snapshot.state !== "completed";

/** Where one stage of one volume stands. */
type StageState =
    { is: "none" } | { is: "unseen"; pin: Pin } | { is: "lost"; pin: Pin } | { is: "there"; pin: Pin; snapshot: SnapshotState };

/** The newest pin of a stage, and whether EC2 shows its snapshot. */
function stageState({ pins, snapshots, now }: PreservationState, volumeId: string, stage: Stage): StageState {
    const own = pins.filter((pin) => pin.volumeId === volumeId && pin.stage === stage);
    if (own.length === 0) return { is: "none" };
    const pin = own.reduce((latest, each) => (each.generation > latest.generation ? each : latest));
    const snapshot = snapshots.get(pin.snapshotId);
    if (snapshot) return { is: "there", pin, snapshot };
    return { is: Date.parse(now) - Date.parse(pin.madeAt) > lagMilliseconds ? "lost" : "unseen", pin };
}

/** Plans the volume's next actions into the plan. */
class VolumePlanner {
    constructor(
        private readonly state: PreservationState,
        private readonly plan: PreservationPlan,
        private readonly room: Record<"member" | "forensics", number>,
        private readonly volume: VictimVolume,
    ) {}

    private stage(stage: Stage): StageState {
        return stageState(this.state, this.volume.volumeId, stage);
    }

    private fail(why: string): null {
        this.plan.failures.push({ volume: this.volume, why });
        return null;
    }

    private wait(why: string): null {
        this.plan.waitingFor.push(why);
        return null;
    }

    /** Locks what stands and is not locked: also while it is pending, since that is when an intruder would delete it. */
    private lockIfOpen(stage: Stage, { snapshotId }: SnapshotState): void {
        if (!this.state.locks.has(snapshotId)) this.plan.actions.push({ kind: "lock", stage, snapshotId });
    }

    /** @returns the snapshot when it is completed; otherwise what it is waited for or failed at is noted. */
    private completed(stage: Stage, snapshot: SnapshotState): SnapshotState | null {
        if (failed(snapshot))
            return this.fail(
                `${stage} snapshot ${snapshot.snapshotId} of ${this.volume.volumeId} is in state ${snapshot.state} (${snapshot.problem ?? "no reason given"})`,
            );
        this.lockIfOpen(stage, snapshot);
        if (snapshot.state === "pending") return this.wait(`${stage} snapshot ${snapshot.snapshotId} of ${this.volume.volumeId}`);
        return snapshot;
    }

    /** @returns the generation to make a lost snapshot anew in; null when it was lost too often. It is told in either case. */
    private replacement(stage: Stage, pin: Pin): number | null {
        this.tellLoss(pin);
        if (pin.generation < mostGenerations) return pin.generation + 1;
        return this.fail(`its ${stage} snapshots were deleted ${mostGenerations} times, the last of them ${pin.snapshotId}`);
    }

    private tellLoss({ stage, snapshotId, volumeId, madeAt }: Pin): void {
        this.plan.anomalies.push(
            `The ${stage} snapshot ${snapshotId} of ${volumeId}, made at ${madeAt}, was gone while it was still needed: somebody deleted it. What replaces it was taken later.`,
        );
    }

    private takeRoom(account: "member" | "forensics", snapshotId: string): boolean {
        if (this.room[account] > 0) return this.room[account]-- > 0;
        this.wait(`one of ${mostConcurrentCopies} concurrent copies in the ${account} account, for ${snapshotId}`);
        return false;
    }

    /** The completed source; null while there is none. */
    private source(): SnapshotState | null {
        const at = this.stage("source");
        if (at.is === "none") return null; // planned for all volumes together
        if (at.is === "unseen") return this.wait(`EC2 to show ${at.pin.snapshotId}`);
        if (at.is === "there") return this.completed("source", at.snapshot);
        const generation = this.replacement("source", at.pin);
        if (generation !== null) this.plan.actions.push({ kind: "snapshot-volume", volumeId: this.volume.volumeId, generation });
        return null;
    }

    /** The completed copy that can be shared, for an encrypted source; null while there is none. */
    private shareable(source: SnapshotState): SnapshotState | null {
        if (!source.encrypted) return source;
        const at = this.stage("shared-copy");
        if (at.is === "unseen") return this.wait(`EC2 to show ${at.pin.snapshotId}`);
        if (at.is === "there") return this.completed("shared-copy", at.snapshot);
        const generation = at.is === "none" ? 1 : this.replacement("shared-copy", at.pin);
        if (generation !== null && this.takeRoom("member", source.snapshotId))
            this.plan.actions.push({ kind: "copy-to-share", volumeId: this.volume.volumeId, generation, from: source.snapshotId });
        return null;
    }

    private makeEvidence(generation: number): void {
        const source = this.source();
        const shareable = source && this.shareable(source);
        if (shareable && this.takeRoom("forensics", shareable.snapshotId))
            this.plan.actions.push({ kind: "share-and-copy", volumeId: this.volume.volumeId, generation, from: shareable.snapshotId });
    }

    /** What is left in the member account once the evidence is complete. */
    private tidy(): void {
        for (const stage of ["source", "shared-copy"] as const) {
            const at = this.stage(stage);
            if (at.is !== "there") continue;
            const { snapshotId } = at.snapshot;
            const shared = this.state.sharedWith.get(snapshotId);
            if (stage === "shared-copy")
                this.plan.actions.push({ kind: "delete-intermediate", snapshotId, locked: this.state.locks.has(snapshotId) });
            else if (shared === null)
                this.plan.anomalies.push(
                    `AWS did not say whom the source snapshot ${snapshotId} is shared with, so it was not un-shared: look at its permissions in the member account.`,
                );
            else if (shared !== undefined && shared.length > 0) this.plan.actions.push({ kind: "un-share", snapshotId, from: shared });
        }
    }

    planVolume(): void {
        const { volumeId } = this.volume;
        const own = this.state.pins.filter((pin) => pin.volumeId === volumeId);
        // A loss stays told when its replacement stands.
        for (const pin of own) if (own.some((later) => later.stage === pin.stage && later.generation > pin.generation)) this.tellLoss(pin);
        const at = this.stage("evidence");
        if (at.is === "none") return this.makeEvidence(1);
        if (at.is === "unseen") return void this.wait(`EC2 to show ${at.pin.snapshotId}`);
        if (at.is === "lost") {
            const generation = this.replacement("evidence", at.pin);
            return generation === null ? undefined : this.makeEvidence(generation);
        }
        // The sources stay locked while they are still read.
        const origin = this.stage("source");
        if (origin.is === "there" && !failed(origin.snapshot)) this.lockIfOpen("source", origin.snapshot);
        if (origin.is === "lost")
            this.plan.anomalies.push(
                `The source snapshot ${origin.pin.snapshotId} of ${volumeId} was deleted in the member account after it had been copied; the locked copy ${at.pin.snapshotId} stands.`,
            );
        const evidence = this.completed("evidence", at.snapshot);
        if (!evidence) return;
        const lock = this.state.locks.get(evidence.snapshotId);
        if (!lock) return;
        const newest = (stage: Stage) =>
            own.filter((pin) => pin.stage === stage).sort((left, right) => right.generation - left.generation)[0];
        const source = origin.is === "there" ? origin.snapshot : null;
        const [sourcePin, sharedCopy] = [newest("source"), newest("shared-copy")];
        this.plan.preserved.push({
            volume: this.volume,
            source: {
                snapshotId: sourcePin?.snapshotId ?? "",
                sizeGiB: evidence.sizeGiB,
                encrypted: source?.encrypted ?? sharedCopy !== undefined,
                startedAt: source?.startedAt ?? sourcePin?.madeAt ?? evidence.startedAt,
            },
            sharedCopyId: sharedCopy?.snapshotId ?? null,
            evidence,
            lock,
            inheritedFrom: at.pin.from ?? null,
        });
        this.tidy();
    }
}

/**
 * Plans the next actions.
 *
 * Done when `preserved` and `failures` together name every volume, and no action is left: evidence for each volume that can be
 * preserved is one completed, locked snapshot in the forensics account under the evidence key, and what was made on the way there is
 * no longer shared, and no longer there.
 */
export function planPreservation(state: PreservationState): PreservationPlan {
    const plan: PreservationPlan = { actions: [], waitingFor: [], failures: [], preserved: [], anomalies: [] };
    const volumes = [...state.volumes].sort(
        (left, right) => Number(right.root) - Number(left.root) || (left.device < right.device ? -1 : 1),
    );
    const sourceless = volumes.filter(
        ({ volumeId }) => !state.pins.some((pin) => pin.volumeId === volumeId && (pin.stage === "source" || pin.stage === "evidence")),
    );
    if (sourceless.length > 0 && sourceless.length === volumes.length) plan.actions.push({ kind: "snapshot-all" });
    else plan.actions.push(...sourceless.map(({ volumeId }): PreservationAction => ({ kind: "snapshot-volume", volumeId, generation: 1 })));

    // Copies of others count against AWS's limit too, but they are not ours to wait for: EC2 says when there is no room.
    const pending = (copies: Stage) =>
        volumes.filter(({ volumeId }) => {
            const at = stageState(state, volumeId, copies);
            return at.is === "unseen" || (at.is === "there" && at.snapshot.state === "pending");
        }).length;
    const room = {
        member: mostConcurrentCopies - pending("shared-copy"),
        forensics: mostConcurrentCopies - pending("evidence"),
    };
    for (const volume of volumes) new VolumePlanner(state, plan, room, volume).planVolume();
    for (const [snapshotId, oddity] of state.strangers)
        plan.anomalies.push(`Snapshot ${snapshotId} carries this incident's tag and was not made for it (${oddity}): it was not used.`);
    return plan;
}
