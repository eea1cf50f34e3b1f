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
import { mostConcurrentCopies, type PreservationAction, type PreservationPlan, type PreservationState, type Stage } from "./preservation";
import { stageState, VolumePlanner } from "./volumePlanner";

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
