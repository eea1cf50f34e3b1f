/**
 * Takes an instance out of its Auto Scaling group, so that the group does not end it for looking unhealthy and a replacement starts.
 *
 * DetachInstances and EnterStandby take an instance in service or in standby. One that is only coming (`Pending`, also in a lifecycle
 * hook's wait, `Warmed:Pending`) is waited for; one that stays in another state (a warm pool's, a hook that nobody completes) is left
 * where it is, and the group's processes that end instances are suspended: that holds for the whole group, and is told.
 */
import { setTimeout } from "node:timers/promises";
import {
    type AutoScalingClient,
    DescribeAutoScalingGroupsCommand,
    DescribeAutoScalingInstancesCommand,
    DetachInstancesCommand,
    EnterStandbyCommand,
    SuspendProcessesCommand,
} from "@aws-sdk/client-auto-scaling";
import { errorCode, isAccessDenied, isTransient } from "../errors";
import { alreadyDone, done, type Performed } from "./performed";

/** Processes by which a group ends instances; AZRebalance and InstanceRefresh end them through Terminate too, but begin anew once it runs. */
export const endingProcesses: string[] = ["Terminate", "ReplaceUnhealthy", "AZRebalance", "InstanceRefresh"];

/** Milliseconds that a state on its way to InService is waited for, and between two looks. */
const bounds = { longest: 45_000, pause: 3000 };

/** AWS refuses to detach an instance that is not in the group any more; that is what was wanted. */
const isNoMember = (error: unknown) => error instanceof Error && /is not part of Auto Scaling group/i.test(error.message);
/** Another permission or a busy AWS is no matter of the instance's state. */
const isState = (error: unknown) => !isTransient(error) && !isAccessDenied(error);
const said = (error: unknown) => (error instanceof Error ? error.message : String(error));
/** States that lead to InService by themselves. */
const isComing = (state: string) => /^(Warmed:)?Pending/.test(state);

/** What is known of suspended processes besides AWS. */
export interface Suspensions {
    /** Keeps which processes are about to be suspended, so that a release lets them run again. */
    pin: (suspended: { group: string; processes: string[] }) => Promise<void>;
    /** Processes of the group that are suspended for other contained instances. */
    forOthers: (group: string) => Promise<string[]>;
}

export async function leaveAutoScaling(
    client: AutoScalingClient,
    instanceId: string,
    { group, lifecycleState }: { group: string; lifecycleState: string },
    suspensions: Suspensions,
): Promise<Performed> {
    const request = { InstanceIds: [instanceId], AutoScalingGroupName: group, ShouldDecrementDesiredCapacity: false };
    const stateNow = async (): Promise<string | null> => {
        const { AutoScalingInstances } = await client.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] }));
        return AutoScalingInstances?.[0]?.LifecycleState ?? null;
    };
    const deadline = Date.now() + bounds.longest;
    let state: string | null = lifecycleState;
    let refusal: unknown;
    for (;;) {
        try {
            await client.send(new DetachInstancesCommand(request));
            return done;
        } catch (error) {
            if (isNoMember(error)) return alreadyDone;
            if (isTransient(error)) throw error;
            refusal = error;
        }
        if (!isState(refusal) || state === null || !isComing(state) || Date.now() + bounds.pause > deadline) break;
        await setTimeout(bounds.pause);
        state = await stateNow().catch(() => state);
        if (state === null) return alreadyDone;
    }
    try {
        await client.send(new EnterStandbyCommand(request));
        return { outcome: "done", note: `detaching was refused (${said(refusal)}), so it is in standby` };
    } catch (error) {
        if (isTransient(error)) throw error;
        return putAside(client, group, state, `${said(refusal)}; ${said(error)}`, suspensions);
    }
}

/** Suspends what would end the instance; what was suspended before is not ours to let run again. */
async function putAside(
    client: AutoScalingClient,
    group: string,
    state: string | null,
    why: string,
    suspensions: Suspensions,
): Promise<Performed> {
    const suspendedAlready = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] })).then(
        ({ AutoScalingGroups }) => (AutoScalingGroups?.[0]?.SuspendedProcesses ?? []).map(({ ProcessName }) => ProcessName),
        (error: unknown) => {
            if (isTransient(error)) throw error;
            // Then none is let run again that somebody else may have suspended.
            return errorCode(error) === "" ? [] : endingProcesses;
        },
    );
    const forOthers = await suspensions.forOthers(group).catch((): string[] => []);
    await suspensions.pin({
        group,
        processes: endingProcesses.filter((each) => !suspendedAlready.includes(each) || forOthers.includes(each)),
    });
    await client.send(new SuspendProcessesCommand({ AutoScalingGroupName: group, ScalingProcesses: endingProcesses }));
    return {
        outcome: "done",
        note: `in the state ${state ?? "unknown"} it can neither be detached nor put in standby (${why}), so it stays in the group, whose ${endingProcesses.join(", ")} are suspended for all its instances until the release`,
    };
}
