/** What to do next to preserve one volume, for domain/planPreservation.ts: pure. */
import type { Pin } from "./pins";
import {
    mostConcurrentCopies,
    type Attempt,
    type PreservationPlan,
    type PreservationState,
    type SnapshotState,
    type Stage,
    type VictimVolume,
} from "./preservation";

/** Milliseconds after which a snapshot that EC2 does not show was deleted, and does not merely lag. */
export const lagMilliseconds = 5 * 60_000;
/** Times that a snapshot is made which somebody deletes. */
export const mostGenerations = 3;
/**
 * Snapshots and copies fail in EC2 after they have begun, mostly because a key may not be used. One is made anew at once and then, since a key
 * may be opened again, whenever the incident is looked at a quarter of an hour later: while it waits for others, by `npm run resume`, and by the daily sweep.
 */
export const triesAtOnce = 2;
export const quietMilliseconds = 15 * 60_000;
/** Pins of one stage of one volume, after which its failures are no longer tried again. */
export const mostTries = 20;

const failed = (snapshot: SnapshotState) => snapshot.state !== "pending" && snapshot.state !== "completed";

/** Where one stage of one volume stands. */
type StageState =
    { is: "none" } | { is: "unseen"; pin: Pin } | { is: "lost"; pin: Pin } | { is: "there"; pin: Pin; snapshot: SnapshotState };

/** The newest pin of a stage, and whether EC2 shows its snapshot. */
export function stageState({ pins, snapshots, now }: PreservationState, volumeId: string, stage: Stage): StageState {
    const own = pins.filter((pin) => pin.volumeId === volumeId && pin.stage === stage);
    if (own.length === 0) return { is: "none" };
    const pin = own.reduce((latest, each) => (each.generation > latest.generation ? each : latest));
    const snapshot = snapshots.get(pin.snapshotId);
    if (snapshot) return { is: "there", pin, snapshot };
    return { is: Date.parse(now) - Date.parse(pin.madeAt) > lagMilliseconds ? "lost" : "unseen", pin };
}

/** Plans one volume's next actions into the plan. */
export class VolumePlanner {
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

    /** @returns the snapshot when it is completed; null while it is waited for, which is noted */
    private completed(stage: Stage, snapshot: SnapshotState): SnapshotState | null {
        this.lockIfOpen(stage, snapshot);
        if (snapshot.state === "pending") return this.wait(`${stage} snapshot ${snapshot.snapshotId} of ${this.volume.volumeId}`);
        return snapshot;
    }

    private pinsOf(stage: Stage): Pin[] {
        return this.state.pins.filter((pin) => pin.volumeId === this.volume.volumeId && pin.stage === stage);
    }

    /** @returns how to make a lost snapshot anew; null when it was lost too often. It is told in either case. */
    private insteadOfLost(stage: Stage, pin: Pin): Attempt | null {
        this.tellLoss(pin);
        const losses = this.pinsOf(stage).filter(({ generation, replaces }) => generation > 1 && replaces === undefined).length + 1;
        if (losses < mostGenerations) return { generation: pin.generation + 1 };
        return this.fail(`its ${stage} snapshots were deleted ${mostGenerations} times, the last of them ${pin.snapshotId}`);
    }

    /** @returns how to make a failed snapshot anew; null when EC2 failed too often of late */
    private insteadOfFailed(stage: Stage, pin: Pin, { snapshotId, state, problem }: SnapshotState): Attempt | null {
        const since = Date.parse(this.state.now) - quietMilliseconds;
        const ofLate = this.pinsOf(stage).filter(({ madeAt }) => Date.parse(madeAt) > since).length;
        if (ofLate < triesAtOnce && pin.generation < mostTries) return { generation: pin.generation + 1, replaces: "failed" };
        return this.fail(
            `${stage} snapshot ${snapshotId} of ${this.volume.volumeId} is in state ${state} (${problem ?? "no reason given"})`,
        );
    }

    /** @returns how to make the stage's next snapshot, where none stands that may become good; null otherwise, and why is noted */
    private attempt(stage: Stage, at: StageState): Attempt | null {
        switch (at.is) {
            case "none":
                return { generation: 1 };
            case "unseen":
                return this.wait(`EC2 to show ${at.pin.snapshotId}`);
            case "lost":
                return this.insteadOfLost(stage, at.pin);
            case "there":
                return this.insteadOfFailed(stage, at.pin, at.snapshot);
        }
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
        if (at.is === "there" && !failed(at.snapshot)) return this.completed("source", at.snapshot);
        const attempt = this.attempt("source", at);
        if (attempt !== null) this.plan.actions.push({ kind: "snapshot-volume", volumeId: this.volume.volumeId, ...attempt });
        return null;
    }

    /** The completed copy that can be shared, for an encrypted source; null while there is none. */
    private shareable(source: SnapshotState): SnapshotState | null {
        if (!source.encrypted) return source;
        const at = this.stage("shared-copy");
        if (at.is === "there" && !failed(at.snapshot)) return this.completed("shared-copy", at.snapshot);
        const attempt = this.attempt("shared-copy", at);
        if (attempt !== null && this.takeRoom("member", source.snapshotId))
            this.plan.actions.push({ kind: "copy-to-share", volumeId: this.volume.volumeId, ...attempt, from: source.snapshotId });
        return null;
    }

    private makeEvidence(attempt: Attempt): void {
        const source = this.source();
        const shareable = source && this.shareable(source);
        if (shareable && this.takeRoom("forensics", shareable.snapshotId))
            this.plan.actions.push({ kind: "share-and-copy", volumeId: this.volume.volumeId, ...attempt, from: shareable.snapshotId });
    }

    /** What is left in the member account once the evidence is complete. */
    private tidy(): void {
        for (const pin of this.pinsOf("shared-copy")) this.deleteIntermediate(pin);
        const at = this.stage("source");
        if (at.is !== "there") return;
        const { snapshotId } = at.snapshot;
        const shared = this.state.sharedWith.get(snapshotId);
        if (shared === null)
            this.plan.anomalies.push(
                `AWS did not say whom the source snapshot ${snapshotId} is shared with, so it was not un-shared: look at its permissions in the member account.`,
            );
        else if (shared !== undefined && shared.length > 0) this.plan.actions.push({ kind: "un-share", snapshotId, from: shared });
    }

    private deleteIntermediate({ snapshotId }: Pin): void {
        if (this.state.snapshots.has(snapshotId))
            this.plan.actions.push({ kind: "delete-intermediate", snapshotId, locked: this.state.locks.has(snapshotId) });
    }

    /** What was replaced: a loss stays told when its replacement stands, and a failed copy is taken away. */
    private replaced(own: readonly Pin[]): void {
        for (const pin of own) {
            const next = own.filter(({ stage, generation }) => stage === pin.stage && generation > pin.generation);
            if (next.length === 0) continue;
            const failure = next.some(({ generation, replaces }) => generation === pin.generation + 1 && replaces === "failed");
            if (!failure) this.tellLoss(pin);
            else if (pin.stage === "source")
                this.plan.anomalies.push(
                    `EC2 failed to make the source snapshot ${pin.snapshotId} of ${pin.volumeId}, begun at ${pin.madeAt}: what replaces it was taken later.`,
                );
            else if (pin.stage === "shared-copy") this.deleteIntermediate(pin);
        }
    }

    planVolume(): void {
        const { volumeId } = this.volume;
        const own = this.state.pins.filter((pin) => pin.volumeId === volumeId);
        this.replaced(own);
        const at = this.stage("evidence");
        if (at.is !== "there" || failed(at.snapshot)) {
            const attempt = this.attempt("evidence", at);
            return attempt === null ? undefined : this.makeEvidence(attempt);
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
