/** Takes over the evidence of an earlier incident about a contained instance, where it stands (domain/planInheritance.ts). */
import { LockSnapshotCommand } from "@aws-sdk/client-ec2";
import type { Pin } from "../domain/pins";
import type { SnapshotLock } from "../domain/preservation";
import { planInheritance } from "../domain/planInheritance";
import { earlierPins } from "./earlierPins";
import { environment } from "./environment";
import { isTransient } from "./errors";
import { log } from "./handler";
import type { Sides } from "./preservationState";
import { locksOf, snapshotsById } from "./snapshots";
import { writePin } from "./snapshotPins";
import { describeVictim, isGone, standingVolumes } from "./victimVolumes";

const day = 86_400_000;

/** Locks it for as long as evidence is locked from now on. @returns false where EC2 refuses: then the volume is preserved anew */
async function lockAnew({ forensics, incident }: Sides, SnapshotId: string, lock: SnapshotLock): Promise<boolean> {
    const days = environment("LOCK_DAYS");
    if (Date.parse(lock.expiresAt) >= Date.now() + (days - 1) * day) return true;
    try {
        await forensics.send(new LockSnapshotCommand({ SnapshotId, LockMode: lock.mode, LockDuration: days }));
        return true;
    } catch (error) {
        if (isTransient(error)) throw error;
        log("evidence of an earlier incident could not be locked for longer", {
            incidentId: incident.incidentId,
            snapshot: SnapshotId,
            error: String(error),
        });
        return false;
    }
}

/**
 * Pins what stands for this incident too; nothing is snapshotted or copied.
 *
 * @param contained whether this incident read the instance back as contained
 * @returns the new pins: none where nothing stands, or it cannot be seen
 * @throws where AWS was too busy: asked again, it may stand
 */
export async function inheritEvidence(sides: Sides, contained: boolean): Promise<Pin[]> {
    const { incident, victims, member, forensics } = sides;
    try {
        const earlier = await earlierPins(incident);
        const evidence = earlier.flatMap(({ pins }) => pins).filter(({ stage }) => stage === "evidence");
        if (evidence.length === 0) return [];
        const instance = await describeVictim(member, incident.instance.instanceId);
        const gone = isGone(instance);
        const there = gone
            ? await standingVolumes(
                  member,
                  victims.volumes.map(({ volumeId }) => volumeId),
              )
            : null;
        const attached = (volumeId: string) =>
            instance?.BlockDeviceMappings?.find(({ Ebs }) => Ebs?.VolumeId === volumeId)?.Ebs?.AttachTime?.toISOString();
        const ids = [...new Set(evidence.map(({ snapshotId }) => snapshotId))];
        const snapshots = await snapshotsById(forensics, ids);
        // Only of those that exist: EC2 refuses the whole call for one that is gone.
        const locks = await locksOf(
            forensics,
            snapshots.map(({ snapshotId }) => snapshotId),
        );
        const now = new Date().toISOString();
        const planned = planInheritance({
            cutSince: contained ? (earlier[0]?.cutSince ?? null) : null,
            startedAt: gone ? null : (instance?.LaunchTime?.toISOString() ?? null),
            // A volume whose time of attachment EC2 does not tell is taken for one that was attached now.
            volumes: victims.volumes.map((volume) => ({
                ...volume,
                attachedAt: there !== null && !there.has(volume.volumeId) ? null : (attached(volume.volumeId) ?? now),
            })),
            earlier,
            snapshots: new Map(snapshots.map((one) => [one.snapshotId, one])),
            locks,
            evidenceKeyArn: environment("EVIDENCE_KEY_ARN"),
            fresh: incident.finding.freshEvidence === true,
            now,
        });
        const pins: Pin[] = [];
        for (const { volumeId, from, pins: theirs, evidenceId } of planned) {
            if (!(await lockAnew(sides, evidenceId, locks.get(evidenceId)!))) continue;
            for (const pin of theirs) pins.push(await writePin(incident, pin));
            log("evidence of an earlier incident stands", { incidentId: incident.incidentId, volumeId, from });
        }
        return pins;
    } catch (error) {
        if (isTransient(error)) throw error;
        log("evidence of earlier incidents could not be looked at", { incidentId: incident.incidentId, error: String(error) });
        return [];
    }
}
