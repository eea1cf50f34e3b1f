/** What of an incident's forensic instance and volumes is still to be removed: pure, from what EC2 shows. */

export interface RemovableInstance {
    instanceId: string;
    ownerId: string;
    /** EC2's word: pending, running, stopping, stopped, shutting-down, terminated. */
    state: string;
}

export interface RemovableVolume {
    volumeId: string;
    /** EC2's word: creating, available, in-use, deleting, deleted, error. */
    state: string;
}

export interface TearDownPlan {
    terminate: string[];
    delete: string[];
    waitingFor: string[];
    /** Instances that carry the incident's tag and are not ours to end, with the reason. */
    refused: string[];
    /** What is gone and still shown. */
    gone: string[];
}

/**
 * Plans the next removals. Nothing is left when `terminate`, `delete` and `waitingFor` are empty.
 *
 * Tags alone do not condemn an instance: the victim, whose id the incident's begins with, and anything outside the
 * forensics account are refused whatever they carry.
 */
export function planTearDown(
    incidentId: string,
    forensicsAccountId: string,
    instances: readonly RemovableInstance[],
    volumes: readonly RemovableVolume[],
): TearDownPlan {
    const plan: TearDownPlan = { terminate: [], delete: [], waitingFor: [], refused: [], gone: [] };
    for (const { instanceId, ownerId, state } of instances) {
        if (incidentId.startsWith(`${instanceId}-`)) plan.refused.push(`${instanceId} is the victim`);
        else if (ownerId !== forensicsAccountId) plan.refused.push(`${instanceId} belongs to account ${ownerId}`);
        else if (state === "terminated") plan.gone.push(instanceId);
        else if (state === "shutting-down") plan.waitingFor.push(`${instanceId}, which is shutting down`);
        else plan.terminate.push(instanceId);
    }
    for (const { volumeId, state } of volumes) {
        if (state === "deleted") plan.gone.push(volumeId);
        else if (state === "available" || state === "error") plan.delete.push(volumeId);
        else plan.waitingFor.push(`${volumeId}, which is ${state}`);
    }
    return plan;
}
