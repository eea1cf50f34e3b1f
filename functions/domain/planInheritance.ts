/**
 * Which evidence of earlier incidents about a contained instance stands for a later one: pure.
 *
 * An instance that stays cut, was not started anew and kept its volumes holds what its locked snapshots hold, but for what runs inside it by
 * itself. So a later incident, such as the one after a failed analysis, takes those snapshots over, and takes none of its own. What shows it is
 * AWS's and our own records: the ids that we pinned in the evidence bucket, the snapshots in the forensics account under the evidence key with
 * their locks, the time since which the containment holds, and EC2's times of start and attachment. No name or tag has a say.
 */
import type { Pin } from "./pins";
import type { SnapshotLock, SnapshotState, VictimVolume } from "./preservation";

/** What is known of evidence that may stand. */
export interface InheritanceFacts {
    /** ISO 8601: since when every interface is cut, as it was read back; null where that is not known. */
    cutSince: string | null;
    /** ISO 8601: when the instance was started last; null where there is no instance any more. */
    startedAt: string | null;
    /** The volumes to preserve; `attachedAt` in ISO 8601, and null for one that no longer exists. */
    volumes: readonly (VictimVolume & { attachedAt: string | null })[];
    /** The incidents that share the containment, the newest first, with everything that was pinned for them. */
    earlier: readonly { incidentId: string; pins: readonly Pin[] }[];
    /** Pinned evidence snapshots as EC2 shows them in the forensics account, by id, and their locks. */
    snapshots: ReadonlyMap<string, SnapshotState>;
    locks: ReadonlyMap<string, SnapshotLock>;
    /** ARN of the key that evidence is encrypted under. */
    evidenceKeyArn: string;
    /** Whether a person asked for snapshots of now: then only what no longer exists is taken over. */
    fresh: boolean;
    /** ISO 8601. */
    now: string;
}

/** A volume whose evidence is taken over: the pins as they were written for the earlier incident. */
export interface InheritedVolume {
    volumeId: string;
    from: string;
    pins: Pin[];
    evidenceId: string;
}

const newest = (pins: readonly Pin[]): Pin | undefined => [...pins].sort((left, right) => right.generation - left.generation)[0];

/** The pins of a volume's evidence and of what it was copied from; null while that is not whole. */
function chainOf(pins: readonly Pin[], volumeId: string): { source: Pin; evidence: Pin; pins: Pin[] } | null {
    const of = (stage: Pin["stage"]) => pins.filter((pin) => pin.volumeId === volumeId && pin.stage === stage);
    const evidence = newest(of("evidence"));
    if (evidence === undefined) return null;
    // One that was made anew after the evidence was copied has no part in it.
    const before = (stage: Pin["stage"]) => newest(of(stage).filter(({ madeAt }) => madeAt <= evidence.madeAt));
    const [source, shared] = [before("source"), before("shared-copy")];
    return source === undefined ? null : { source, evidence, pins: [source, ...(shared === undefined ? [] : [shared]), evidence] };
}

/** The volumes whose evidence stands. The others are preserved anew. */
export function planInheritance(facts: InheritanceFacts): InheritedVolume[] {
    const { cutSince, startedAt, volumes, earlier, snapshots, locks, evidenceKeyArn, fresh, now } = facts;
    /** What the volume holds now is what it held then. */
    const isUnchanged = (attachedAt: string, takenAt: string) =>
        cutSince !== null && startedAt !== null && [cutSince, startedAt, attachedAt].every((each) => each <= takenAt);
    const stands = ({ snapshotId }: Pin) => {
        const [snapshot, lock] = [snapshots.get(snapshotId), locks.get(snapshotId)];
        return (
            snapshot?.state === "completed" &&
            snapshot.encrypted &&
            snapshot.keyArn === evidenceKeyArn &&
            lock !== undefined &&
            lock.expiresAt > now
        );
    };
    return volumes.flatMap(({ volumeId, attachedAt }) => {
        for (const { incidentId, pins } of earlier) {
            const chain = chainOf(pins, volumeId);
            if (chain === null || !stands(chain.evidence)) continue;
            // Of a volume that is gone there is nothing newer.
            if (attachedAt !== null && (fresh || !isUnchanged(attachedAt, chain.source.madeAt))) continue;
            const from = chain.evidence.from ?? incidentId;
            return [{ volumeId, from, pins: chain.pins.map((pin) => ({ ...pin, from })), evidenceId: chain.evidence.snapshotId }];
        }
        return [];
    });
}
