/**
 * What containment changes, decided from what was read: pure, so that properties can be tested over any instance.
 *
 * The order matters. An Auto Scaling group terminates what looks unhealthy, so the instance leaves it before anything
 * else touches it; protection comes next; then the network is cut. Stages run one after the other, the actions of one
 * stage at the same time, the actions of one `sequence` back to back.
 */
import type { InstanceState } from "./instanceState";

export type ContainmentAction =
    | { kind: "detachFromAutoScaling"; group: string; lifecycleState: string }
    | { kind: "protectFromTermination" }
    | { kind: "protectFromStop" }
    | { kind: "stopOnShutdown" }
    | { kind: "keepVolumes"; devices: string[] }
    | { kind: "deregisterTarget"; targetGroupArn: string; targetId: string; port: number }
    | { kind: "deregisterFromClassic"; loadBalancer: string }
    /** `before`: the groups to go back to from `through` should `group` be refused. */
    | { kind: "isolateInterface"; networkInterfaceId: string; through: string | null; group: string; before: string[] }
    /** `agentExcepted`: but for what its Systems Manager agent calls, while memory is taken (planQuarantine.ts). */
    | { kind: "denyCredentials"; instanceProfileArn: string; agentExcepted?: true }
    /** Of a role that the instance does not have any more, or that somebody else names. */
    | { kind: "denyRole"; role: string; because: string; agentExcepted?: true }
    | { kind: "revokeRole"; instanceProfileArn: string }
    /** As it was done before a moment, and undone by somebody since. */
    | { kind: "revokeSessions"; role: string; before: string }
    | { kind: "disableMetadata" }
    | { kind: "shortenIdleTimeout"; networkInterfaceId: string; seconds: number }
    | { kind: "isolateSubnet"; subnetId: string; networkAclId: string };

/** `deny-instance` hits this instance's credentials alone, `revoke-role` also every session of the role, `keep` none. */
export type CredentialsMode = "deny-instance" | "revoke-role" | "keep";

/** The shortest that EC2 allows: connections that no group can cut are forgotten this many seconds after they fall silent. */
export const shortestTcpIdleTimeout = 60;

export interface ContainmentGroups {
    /** No rules at all. Null when it could be neither found nor made: the rest is still worth doing. */
    isolation: string | null;
    /**
     * Allows everything: flows of an interface that carries it are not tracked any more and so drop at once when the
     * isolation group follows. Null leaves the step out; tracked connections then live on.
     */
    untrack: string | null;
    /** A network ACL that denies everything, for the instance's whole subnets; null unless the deployment asks for it. */
    networkAcl: string | null;
}

/** Whether an interface carries the isolation group and no other. */
export const isIsolated = (groups: string[], isolation: string) => groups.length === 1 && groups[0] === isolation;

/** Leaving the Auto Scaling group: the first stage, which needs no groups, so that it can be done while they are made. */
export function planDeparture({ autoScaling }: Pick<InstanceState, "autoScaling">): ContainmentAction[] {
    return autoScaling && !/^(Detach|Terminat)/.test(autoScaling.lifecycleState) ? [{ kind: "detachFromAutoScaling", ...autoScaling }] : [];
}

/** The state when {@link planDeparture} has been followed. */
export function departed(state: InstanceState): InstanceState {
    return { ...state, autoScaling: null };
}

/** Stages of containment for the state at hand; empty stages are left out, so nothing is left to do to
 * a contained instance but its credentials' deny, which is looked up where it is made. */
export function planContainment(state: InstanceState, groups: ContainmentGroups, credentials: CredentialsMode): ContainmentAction[][] {
    const mortal = state.volumes.filter((volume) => volume.deleteOnTermination).map((volume) => volume.device);
    const spot = state.lifecycle === "spot";
    const stages: ContainmentAction[][] = [
        planDeparture(state),
        [
            // Stop protection and a shutdown behaviour of a spot instance belong to its request, not to the instance.
            ...(state.terminationProtection || spot ? [] : [{ kind: "protectFromTermination" } as const]),
            ...(state.stopProtection || spot ? [] : [{ kind: "protectFromStop" } as const]),
            ...(state.shutdownBehavior === "stop" || spot || state.rootDeviceType !== "ebs" ? [] : [{ kind: "stopOnShutdown" } as const]),
            ...(mortal.length > 0 ? [{ kind: "keepVolumes", devices: mortal } as const] : []),
            ...state.targets.map(
                (target) =>
                    ({
                        kind: "deregisterTarget",
                        targetGroupArn: target.targetGroupArn,
                        targetId: target.targetId,
                        port: target.port,
                    }) as const,
            ),
            ...state.classicLoadBalancers.map((loadBalancer) => ({ kind: "deregisterFromClassic", loadBalancer }) as const),
            ...isolateInterfaces(state, groups),
        ],
        [...planCredentials(state, credentials), ...cutWhatGroupsCannot(state, groups)],
    ];
    return stages.filter((stage) => stage.length > 0);
}

function isolateInterfaces({ interfaces }: InstanceState, { isolation, untrack }: ContainmentGroups): ContainmentAction[] {
    if (isolation === null) return [];
    const open = interfaces.filter((each) => !isIsolated(each.groups, isolation));
    return open.map(({ networkInterfaceId, groups }) => {
        // A run that broke off between the two calls left it in there.
        const isUntracked = groups.length === 1 && groups[0] === untrack;
        return {
            kind: "isolateInterface",
            networkInterfaceId,
            through: isUntracked ? null : untrack,
            group: isolation,
            before: groups.filter((each) => each !== untrack),
        };
    });
}

/** Denies the instance's credentials and issues no new ones. */
export function planCredentials(
    { instanceProfileArn, metadataEndpoint }: Pick<InstanceState, "instanceProfileArn" | "metadataEndpoint">,
    mode: CredentialsMode,
): ContainmentAction[] {
    if (mode === "keep") return [];
    return [
        ...(instanceProfileArn ? [{ kind: "denyCredentials", instanceProfileArn } as const] : []),
        ...(instanceProfileArn && mode === "revoke-role" ? [{ kind: "revokeRole", instanceProfileArn } as const] : []),
        ...(metadataEndpoint === "disabled" ? [] : [{ kind: "disableMetadata" } as const]),
    ];
}

/** Connections that stay tracked whatever the groups are: they time out soon, and a network ACL cuts them at the subnet's edge. */
function cutWhatGroupsCannot({ interfaces, networkAcls }: InstanceState, { networkAcl }: ContainmentGroups): ContainmentAction[] {
    return [
        ...(networkAcl === null
            ? []
            : networkAcls
                  .filter((each) => each.networkAclId !== networkAcl)
                  .map(({ subnetId }) => ({ kind: "isolateSubnet", subnetId, networkAclId: networkAcl }) as const)),
        ...interfaces
            .filter(({ tcpIdleTimeout }) => tcpIdleTimeout !== null && tcpIdleTimeout > shortestTcpIdleTimeout)
            .map(
                ({ networkInterfaceId }) => ({ kind: "shortenIdleTimeout", networkInterfaceId, seconds: shortestTcpIdleTimeout }) as const,
            ),
    ];
}

/** What containment leaves undone on purpose, as lines for the record of steps. */
export function notNeeded(state: InstanceState): { name: string; detail: string }[] {
    const lines: { name: string; detail: string }[] = [];
    if (state.lifecycle === "spot")
        lines.push({
            name: "protectSpot",
            detail: "a spot instance: EC2 may still interrupt it, and refuses it stop and termination protection; its shutdown behaviour belongs to its request",
        });
    if (state.rootDeviceType === "instance-store")
        lines.push({
            name: "keepInstanceStore",
            detail: "the root device is an instance store: it cannot be stopped or snapshotted, and its disk is lost when the instance ends",
        });
    return lines;
}

/** Interfaces that do not carry the isolation group alone; empty means contained, provided there is an interface at all. */
export function uncontainedInterfaces(interfaces: InstanceState["interfaces"], isolation: string | null): string[] {
    return interfaces.filter((each) => isolation === null || !isIsolated(each.groups, isolation)).map((each) => each.networkInterfaceId);
}

const excepted = ({ agentExcepted }: { agentExcepted?: true }) =>
    agentExcepted ? "; what its Systems Manager agent calls is left to it until the last cut" : "";

/** One line about an action, for the record of steps. */
export function describeAction(action: ContainmentAction): { name: string; detail: string } {
    const name = action.kind;
    switch (action.kind) {
        case "detachFromAutoScaling":
            return { name, detail: `from ${action.group}, its desired capacity unchanged` };
        case "protectFromTermination":
            return { name, detail: "termination protection on" };
        case "protectFromStop":
            return { name, detail: "stop protection on" };
        case "stopOnShutdown":
            return { name, detail: "a shutdown from inside stops the instance instead of terminating it" };
        case "keepVolumes":
            return { name, detail: `DeleteOnTermination off for ${action.devices.join(", ")}` };
        case "deregisterTarget":
            return { name, detail: `${action.targetId}:${action.port} from ${action.targetGroupArn}` };
        case "deregisterFromClassic":
            return { name, detail: `from the classic load balancer ${action.loadBalancer}` };
        case "isolateInterface":
            return {
                name,
                detail: `${action.networkInterfaceId} carries ${action.group} alone${action.through ? `, after a moment in ${action.through} that made its connections untracked` : ""}`,
            };
        case "denyCredentials":
            return {
                name,
                detail: `the role of ${action.instanceProfileArn} denies this instance's credentials, and no other's${excepted(action)}`,
            };
        case "denyRole":
            return {
                name,
                detail: `the role ${action.role}, ${action.because}, denies this instance's credentials, and no other's${excepted(action)}`,
            };
        case "revokeRole":
            return {
                name,
                detail: `the role of ${action.instanceProfileArn} denies every session issued until now, of all instances that share it`,
            };
        case "revokeSessions":
            return { name, detail: `the role ${action.role} denies every session issued before ${action.before} again` };
        case "disableMetadata":
            return { name, detail: "the metadata endpoint no longer answers, so no new credentials are issued" };
        case "shortenIdleTimeout":
            return { name, detail: `idle TCP connections of ${action.networkInterfaceId} are forgotten after ${action.seconds} s` };
        case "isolateSubnet":
            return {
                name,
                detail: `${action.subnetId} has the network ACL ${action.networkAclId}, which denies everything to everything in that subnet`,
            };
        default:
            return action satisfies never;
    }
}
