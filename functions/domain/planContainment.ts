/**
 * What containment changes, decided from what was read: pure, so that properties can be tested over any instance.
 *
 * The order matters. An Auto Scaling group terminates what looks unhealthy, so the instance leaves it before anything
 * else touches it; protection comes next; then the network is cut. Stages run one after the other, the actions of one
 * stage at the same time, the actions of one `sequence` back to back.
 */
import type { InstanceState } from "./instanceState";

export type ContainmentAction =
    | { kind: "detachFromAutoScaling"; group: string }
    | { kind: "protectFromTermination" }
    | { kind: "protectFromStop" }
    | { kind: "stopOnShutdown" }
    | { kind: "keepVolumes"; devices: string[] }
    | { kind: "deregisterTarget"; targetGroupArn: string; targetId: string; port: number }
    | { kind: "deregisterFromClassic"; loadBalancer: string }
    | { kind: "isolateInterface"; networkInterfaceId: string; through: string | null; group: string }
    | { kind: "denyCredentials"; instanceProfileArn: string }
    | { kind: "revokeRole"; instanceProfileArn: string }
    | { kind: "disableMetadata" };

/** `deny-instance` hits this instance's credentials alone, `revoke-role` also every session of the role, `keep` none. */
export type CredentialsMode = "deny-instance" | "revoke-role" | "keep";

export interface ContainmentGroups {
    /** No rules at all. */
    isolation: string;
    /**
     * Allows everything: flows of an interface that carries it are not tracked any more and so drop at once when the
     * isolation group follows. Null leaves the step out; tracked connections then live on.
     */
    untrack: string | null;
}

const isIsolated = (groups: string[], isolation: string) => groups.length === 1 && groups[0] === isolation;

/** Stages of containment for the state at hand; empty stages are left out, so nothing is left to do to
 * a contained instance but its credentials' deny, which is looked up where it is made. */
export function planContainment(state: InstanceState, groups: ContainmentGroups, credentials: CredentialsMode): ContainmentAction[][] {
    const inGroup = state.autoScaling && !/^(Detach|Terminat)/.test(state.autoScaling.lifecycleState) ? state.autoScaling.group : null;
    const mortal = state.volumes.filter((volume) => volume.deleteOnTermination).map((volume) => volume.device);
    const spot = state.lifecycle === "spot";
    const stages: ContainmentAction[][] = [
        inGroup ? [{ kind: "detachFromAutoScaling", group: inGroup }] : [],
        [
            // Stop protection and a shutdown behaviour of a spot instance belong to its request, not to the instance.
            ...(state.terminationProtection || spot ? [] : [{ kind: "protectFromTermination" } as const]),
            ...(state.stopProtection || spot ? [] : [{ kind: "protectFromStop" } as const]),
            ...(state.shutdownBehavior === "stop" || spot || state.rootDeviceType !== "ebs" ? [] : [{ kind: "stopOnShutdown" } as const]),
            ...(mortal.length > 0 ? [{ kind: "keepVolumes", devices: mortal } as const] : []),
            ...state.targets.map((target) => ({ kind: "deregisterTarget", targetGroupArn: target.targetGroupArn, targetId: target.targetId, port: target.port }) as const),
            ...state.classicLoadBalancers.map((loadBalancer) => ({ kind: "deregisterFromClassic", loadBalancer }) as const),
            ...state.interfaces.filter((each) => !isIsolated(each.groups, groups.isolation)).map((each) => ({
                kind: "isolateInterface",
                networkInterfaceId: each.networkInterfaceId,
                through: groups.untrack,
                group: groups.isolation,
            }) as const),
        ],
        credentials === "keep" ? [] : [
            ...(state.instanceProfileArn ? [{ kind: "denyCredentials", instanceProfileArn: state.instanceProfileArn } as const] : []),
            ...(state.instanceProfileArn && credentials === "revoke-role" ? [{ kind: "revokeRole", instanceProfileArn: state.instanceProfileArn } as const] : []),
            ...(state.metadataEndpoint === "disabled" ? [] : [{ kind: "disableMetadata" } as const]),
        ],
    ];
    return stages.filter((stage) => stage.length > 0);
}

/** Interfaces that do not carry the isolation group alone; empty means contained, provided there is an interface at all. */
export function uncontainedInterfaces(interfaces: InstanceState["interfaces"], isolation: string): string[] {
    return interfaces.filter((each) => !isIsolated(each.groups, isolation)).map((each) => each.networkInterfaceId);
}

/** One line about an action, for the record of steps. */
export function describeAction(action: ContainmentAction): { name: string; detail: string } {
    const name = action.kind;
    switch (action.kind) {
        case "detachFromAutoScaling": return { name, detail: `from ${action.group}, its desired capacity unchanged` };
        case "protectFromTermination": return { name, detail: "termination protection on" };
        case "protectFromStop": return { name, detail: "stop protection on" };
        case "stopOnShutdown": return { name, detail: "a shutdown from inside stops the instance instead of terminating it" };
        case "keepVolumes": return { name, detail: `DeleteOnTermination off for ${action.devices.join(", ")}` };
        case "deregisterTarget": return { name, detail: `${action.targetId}:${action.port} from ${action.targetGroupArn}` };
        case "deregisterFromClassic": return { name, detail: `from the classic load balancer ${action.loadBalancer}` };
        case "isolateInterface": return { name, detail: `${action.networkInterfaceId} carries ${action.group} alone${action.through ? `, after a moment in ${action.through} that made its connections untracked` : ""}` };
        case "denyCredentials": return { name, detail: `the role of ${action.instanceProfileArn} denies this instance's credentials, and no other's` };
        case "revokeRole": return { name, detail: `the role of ${action.instanceProfileArn} denies every session issued until now, of all instances that share it` };
        case "disableMetadata": return { name, detail: "the metadata endpoint no longer answers, so no new credentials are issued" };
        default: return action satisfies never;
    }
}
