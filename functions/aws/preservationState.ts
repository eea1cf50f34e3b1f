/** Reading how far the snapshots of an incident are, in its two accounts, by the ids that are pinned. Changing them is preservation.ts. */
import type { EC2Client } from "@aws-sdk/client-ec2";
import type { Incident } from "../domain/containers";
import { type Pin } from "../domain/pins";
import { accountOf, type PreservationState, type SnapshotState } from "../domain/preservation";
import { persist } from "./containment/performed";
import { isTransient } from "./errors";
import { log } from "./handler";
import { locksOf, sharedWith, snapshotsById, taggedSnapshots, type TaggedSnapshot } from "./snapshots";
import type { VictimVolumes } from "./victimVolumes";

/** The two accounts and what is known of the incident. */
export interface Sides {
    incident: Incident;
    victims: VictimVolumes;
    member: EC2Client;
    forensics: EC2Client;
}

function oddityOf({ volumeId, startedAt }: TaggedSnapshot, { incident, victims }: Sides): string {
    if (startedAt < incident.openedAt) return `it is older than the incident, from ${startedAt}`;
    if (!victims.volumes.some((volume) => volume.volumeId === volumeId)) return `it is of ${volumeId || "no volume"}`;
    return "no call of ours was answered with it; an interrupted one may have made it";
}

/** Snapshots in the member account that carry our tag without being ours. Never throws: evidence does not depend on it. */
async function strangersTo(sides: Sides, pins: readonly Pin[]): Promise<Map<string, string>> {
    const ours = new Set(pins.map(({ snapshotId }) => snapshotId));
    try {
        const tagged = await taggedSnapshots(sides.member, sides.incident.incidentId, "source", "shared-copy", "evidence");
        return new Map(tagged.filter(({ snapshotId }) => !ours.has(snapshotId)).map((one) => [one.snapshotId, oddityOf(one, sides)]));
    } catch (error) {
        log("snapshots with the incident's tag could not be listed", { error: String(error) });
        return new Map();
    }
}

/** Locks where they can be read: of the member's snapshots the evidence does not depend on them. */
async function locksIn(ec2: EC2Client, snapshots: readonly SnapshotState[], needed: boolean): ReturnType<typeof locksOf> {
    try {
        return await locksOf(
            ec2,
            snapshots.map(({ snapshotId }) => snapshotId),
        );
    } catch (error) {
        if (needed || isTransient(error)) throw error;
        log("locks could not be read", { error: String(error) });
        return new Map();
    }
}

/** Null where AWS does not say: then it is told, as it may be shared with anybody. Never throws: evidence does not depend on it. */
async function whomSharedWith(member: EC2Client, snapshotId: string): Promise<string[] | null> {
    try {
        return await persist(() => sharedWith(member, snapshotId));
    } catch (error) {
        log("whom a snapshot is shared with could not be read", { snapshotId, error: String(error) });
        return null;
    }
}

/** @param pins every pin so far, those included that were written in this call */
export async function readState(sides: Sides, pins: readonly Pin[]): Promise<PreservationState> {
    const { victims, member, forensics } = sides;
    const idsIn = (account: "member" | "forensics") =>
        pins.filter(({ stage }) => accountOf(stage) === account).map(({ snapshotId }) => snapshotId);
    const [inMember, inForensics, strangers] = await Promise.all([
        snapshotsById(member, idsIn("member")),
        snapshotsById(forensics, idsIn("forensics")),
        strangersTo(sides, pins),
    ]);
    const [memberLocks, forensicsLocks] = await Promise.all([locksIn(member, inMember, false), locksIn(forensics, inForensics, true)]);
    const isDone = (volumeId: string) =>
        pins.some((pin) => pin.volumeId === volumeId && pin.stage === "evidence" && forensicsLocks.has(pin.snapshotId)) &&
        pins.some(
            (pin) =>
                pin.volumeId === volumeId &&
                pin.stage === "evidence" &&
                inForensics.some(({ snapshotId, state }) => snapshotId === pin.snapshotId && state === "completed"),
        );
    const shared = new Map<string, string[] | null>();
    for (const { volumeId, stage, snapshotId } of pins)
        if (stage === "source" && isDone(volumeId) && inMember.some((one) => one.snapshotId === snapshotId))
            shared.set(snapshotId, await whomSharedWith(member, snapshotId));
    return {
        volumes: victims.volumes,
        pins,
        snapshots: new Map([...inMember, ...inForensics].map((one) => [one.snapshotId, one])),
        locks: new Map([...memberLocks, ...forensicsLocks]),
        sharedWith: shared,
        strangers,
        now: new Date().toISOString(),
    };
}
