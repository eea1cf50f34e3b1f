/** What becomes of an acquisition volume that a crash left in a member account: pure. */

/** As EC2 shows a volume that was made of one of our images; its tag says which incident it is of, and proves nothing. */
export interface LeftVolume {
    volumeId: string;
    /** ISO 8601. */
    createdAt: string;
}

/** The incident that its tag names, as our own records have it. */
export interface LeftCase {
    /** Its workflow runs, which removes the volume by itself. */
    running: boolean;
    /** Volumes whose evidence is locked in the forensics account. */
    locked: readonly string[];
}

/** Milliseconds in which a workflow that was ended by a person, or broke off, may be resumed before anything is said. */
const patience = 3_600_000;

/**
 * - `leave`: it is somebody's still, or of no incident of ours
 * - `delete`: what lies on it is locked evidence
 * - `tell`: what lies on it is nowhere else
 */
export function planLeftVolume({ volumeId, createdAt }: LeftVolume, known: LeftCase | null, now: string): "leave" | "delete" | "tell" {
    if (known === null || known.running || Date.parse(now) - Date.parse(createdAt) < patience) return "leave";
    return known.locked.includes(volumeId) ? "delete" : "tell";
}
