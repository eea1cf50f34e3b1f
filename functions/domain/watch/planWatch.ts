/**
 * What of a standing containment is not as containment left it, decided from its record and from what was read now: pure.
 *
 * Each drift has a key, by which the next look knows it again, and the resource under which CloudTrail names who did it.
 */
import type { StandingContainment } from "../standingContainment";
import { credentialDrifts } from "./credentialDrifts";
import { underEc2, type Drift, type Unwatched, type Watched } from "./drift";
import { attachmentDrifts, lifeDrifts, protectionDrifts } from "./instanceDrifts";
import { idleTimeoutDrifts, loadBalancerDrifts, networkDrifts } from "./networkDrifts";

/** Every drift, the gravest first. */
export function planWatch(standing: StandingContainment, seen: Watched | Unwatched): Drift[] {
    const { instance, record } = standing;
    if ("why" in seen) return [unwatched(seen, instance.instanceId)];
    // Once a person had the network given back, it is the owner's, and so is what hangs on it; what stays denied is not.
    if (standing.networkReleasedAt !== null) return [...credentialDrifts(standing, seen), ...unread(seen)];
    return [
        ...networkDrifts(standing, seen),
        ...credentialDrifts(standing, seen),
        ...lifeDrifts(standing, seen.state),
        ...protectionDrifts(standing, seen),
        ...loadBalancerDrifts(standing, seen),
        ...idleTimeoutDrifts(standing, seen.state),
        ...attachmentDrifts(record, seen.state),
        ...seen.strangers.map(({ networkInterfaceId, groupId }) => ({
            key: `stranger:${networkInterfaceId}:${groupId}`,
            what: `${networkInterfaceId}, which is not the instance's, carries our group ${groupId}`,
            repairable: false,
            opens: false,
            trail: underEc2(networkInterfaceId, "ModifyNetworkInterfaceAttribute", "CreateNetworkInterface", "RunInstances"),
        })),
        ...unread(seen),
    ];
}

function unread({ unread: what }: Watched): Drift[] {
    if (what.length === 0) return [];
    return [
        {
            key: `unread:${what.join(";").slice(0, 200)}`,
            what: `AWS did not let us read ${what.join(", ")}, so it is not known whether that is as it was left`,
            repairable: false,
            opens: false,
            trail: null,
        },
    ];
}

function unwatched({ why, detail }: Unwatched, instanceId: string): Drift {
    return why === "gone"
        ? {
              key: "gone",
              what: `the instance is gone (${detail})`,
              repairable: false,
              opens: false,
              trail: underEc2(instanceId, "TerminateInstances"),
          }
        : {
              key: `refused:${detail.slice(0, 100)}`,
              what: `the member account does not let us look: ${detail}. Nothing is known of the containment`,
              repairable: false,
              opens: true,
              trail: null,
          };
}

/** A release that began and did not end is told of; the watch does not work against it. */
export function unfinishedRelease({ releasingAt }: StandingContainment): Drift[] {
    if (releasingAt === null) return [];
    return [
        {
            key: `releasing:${releasingAt}`,
            what: `a release began at ${releasingAt} and did not end: the instance may be open in part`,
            repairable: false,
            opens: true,
            trail: null,
        },
    ];
}
