/** The words of preservation: volumes, snapshots and what can be done with them (domain/planPreservation.ts decides). */
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

/** The first of its stage, or in place of one that was lost or failed. */
export type Attempt = Pick<Pin, "generation" | "replaces">;

export type PreservationAction =
    /** All volumes at one point in time. */
    | { kind: "snapshot-all" }
    | ({ kind: "snapshot-volume"; volumeId: string } & Attempt)
    /** Copy in the member account under the evidence key. */
    | ({ kind: "copy-to-share"; volumeId: string; from: string } & Attempt)
    /** Share with the forensics account and copy there. */
    | ({ kind: "share-and-copy"; volumeId: string; from: string } & Attempt)
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
