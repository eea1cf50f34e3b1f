/**
 * The undo of a containment, decided from the restore record and the instance as it is now.
 *
 * What the record holds is put back in the reverse order of containment. Where the instance no longer looks as
 * containment left it, somebody changed it since: that is a conflict, named and left alone.
 */
import type { InstanceState } from "./instanceState";
import { shortestTcpIdleTimeout } from "./planContainment";

export type ReleaseAction =
    | { kind: "restoreSubnet"; subnetId: string; networkAclId: string }
    | { kind: "restoreIdleTimeout"; networkInterfaceId: string; seconds: number }
    | { kind: "allowCredentials"; instanceProfileArn: string }
    /** Of a role whose name was kept when the deny was written. */
    | { kind: "allowRole"; role: string }
    | { kind: "enableMetadata" }
    | { kind: "restoreGroups"; networkInterfaceId: string; groups: string[] }
    | { kind: "registerTarget"; targetGroupArn: string; targetId: string; port: number }
    | { kind: "registerWithClassic"; loadBalancer: string }
    | { kind: "restoreVolumes"; devices: string[] }
    | { kind: "terminateOnShutdown" }
    | { kind: "unprotectFromStop" }
    | { kind: "unprotectFromTermination" }
    | { kind: "rejoinAutoScaling"; group: string; from: "detached" | "standby" }
    | { kind: "resumeProcesses"; group: string; processes: string[] };

const ofNetwork: ReadonlySet<ReleaseAction["kind"]> = new Set(["restoreSubnet", "restoreIdleTimeout", "restoreGroups"]);
/** Whether the action is about the network alone, as `--network-only` asks. */
export const isOfNetwork = ({ kind }: ReleaseAction): boolean => ofNetwork.has(kind);

export interface ReleasePlan {
    actions: ReleaseAction[];
    /** What was changed since containment, as sentences. With any of these a release is refused unless it is forced. */
    conflicts: string[];
    /** What stays as containment left it because nobody could read what it was before, as sentences. Nobody changed it, so it stands in no release's way. */
    unknownBefore: string[];
}

const same = (a: string[], b: string[]) => a.length === b.length && [...a].sort().every((value, index) => value === [...b].sort()[index]);
const targetKey = (target: { targetGroupArn: string; targetId: string; port: number }) =>
    `${target.targetGroupArn}/${target.targetId}:${target.port}`;

/** What containment put in place of what the record holds. */
export interface Imposed {
    /** The group that every interface got. */
    isolation: string;
    /** The network ACL that every subnet got; null when subnets were left alone. */
    networkAcl: string | null;
    /** Interfaces of other contained instances, by subnet: they need its network ACL as well. */
    othersContained: Record<string, string[]>;
    /** Names of the roles that got the deny, as they were kept. @default none */
    roles?: readonly string[];
    /** Processes of its Auto Scaling group that were suspended for it. @default none */
    suspended?: { group: string; processes: string[] } | null;
    /** The network was given back before: it is its owner's, and left alone. @default false */
    networkReleased?: boolean;
    /** Other contained instances that the same group may not end. @default none */
    othersInGroup?: readonly string[];
}

/**
 * Plans the release.
 *
 * @param record the instance before the first change
 * @param current the instance now
 */
export function planRelease(
    record: InstanceState,
    current: InstanceState,
    { isolation, networkAcl, othersContained, roles = [], suspended = null, othersInGroup = [], networkReleased = false }: Imposed,
): ReleasePlan {
    const actions: ReleaseAction[] = [];
    const conflicts = current.unread.map((what) => `AWS did not let us read ${what}, so it is not known whether it was changed`);
    const changed = (what: string, left: unknown, found: unknown) =>
        conflicts.push(`${what} was left ${String(left)} by containment and is ${String(found)} now`);
    /** A boolean that containment set: put back when it differs, a conflict when somebody else has put it back or further. */
    const flag = (what: string, before: boolean | null, now: boolean | null, left: boolean, action: ReleaseAction) => {
        if (before === null || now === null) return;
        if (before === left) {
            if (now !== left) changed(what, left, now);
            return;
        }
        if (now === left) actions.push(action);
        else if (now !== before) changed(what, left, now);
    };

    for (const { subnetId, networkAclId } of networkAcl === null || networkReleased ? [] : record.networkAcls) {
        const now = current.networkAcls.find((each) => each.subnetId === subnetId)?.networkAclId;
        const others = othersContained[subnetId] ?? [];
        if (now === undefined || now === networkAclId) continue;
        if (now !== networkAcl) changed(`The network ACL of ${subnetId}`, networkAcl, now);
        else if (others.length > 0)
            conflicts.push(
                `The subnet ${subnetId} also holds interfaces of other contained instances (${others.join(", ")}), so it keeps its network ACL until those are released`,
            );
        else actions.push({ kind: "restoreSubnet", subnetId, networkAclId });
    }
    const interfaces = networkReleased ? [] : record.interfaces;
    for (const { networkInterfaceId, tcpIdleTimeout: before } of interfaces) {
        const now = current.interfaces.find((each) => each.networkInterfaceId === networkInterfaceId)?.tcpIdleTimeout ?? null;
        if (before === null || now === null || now === before) continue;
        if (now === shortestTcpIdleTimeout) actions.push({ kind: "restoreIdleTimeout", networkInterfaceId, seconds: before });
        else changed(`The TCP idle timeout of ${networkInterfaceId}`, shortestTcpIdleTimeout, now);
    }

    // The deny names this instance alone, so it comes out even of a role that the instance no longer has.
    if (record.instanceProfileArn) actions.push({ kind: "allowCredentials", instanceProfileArn: record.instanceProfileArn });
    actions.push(...roles.map((role) => ({ kind: "allowRole", role }) as const));
    if (record.instanceProfileArn !== current.instanceProfileArn)
        changed("The instance profile", record.instanceProfileArn ?? "absent", current.instanceProfileArn ?? "absent");
    flag("The metadata endpoint (enabled)", record.metadataEndpoint === "enabled", current.metadataEndpoint === "enabled", false, {
        kind: "enableMetadata",
    });

    for (const before of interfaces) {
        const now = current.interfaces.find((each) => each.networkInterfaceId === before.networkInterfaceId);
        if (!now) conflicts.push(`The interface ${before.networkInterfaceId} is no longer attached`);
        else if (same(now.groups, before.groups)) continue;
        else if (same(now.groups, [isolation]))
            actions.push({ kind: "restoreGroups", networkInterfaceId: before.networkInterfaceId, groups: before.groups });
        else changed(`The interface ${before.networkInterfaceId}`, isolation, now.groups.join(", ") || "without groups");
    }
    for (const now of networkReleased ? [] : current.interfaces) {
        if (!record.interfaces.some((each) => each.networkInterfaceId === now.networkInterfaceId))
            conflicts.push(`The interface ${now.networkInterfaceId} was attached since`);
    }

    const registered = new Set(current.targets.map(targetKey));
    for (const target of record.targets) {
        if (!registered.has(targetKey(target)))
            actions.push({ kind: "registerTarget", targetGroupArn: target.targetGroupArn, targetId: target.targetId, port: target.port });
    }
    for (const loadBalancer of record.classicLoadBalancers) {
        if (!current.classicLoadBalancers.includes(loadBalancer)) actions.push({ kind: "registerWithClassic", loadBalancer });
    }

    const devices: string[] = [];
    for (const before of record.volumes.filter((volume) => volume.deleteOnTermination)) {
        const now = current.volumes.find((volume) => volume.volumeId === before.volumeId);
        if (!now) conflicts.push(`The volume ${before.volumeId} is no longer attached`);
        else if (!now.deleteOnTermination) devices.push(now.device);
    }
    if (devices.length > 0) actions.push({ kind: "restoreVolumes", devices });

    if (record.shutdownBehavior === "terminate" && current.shutdownBehavior === "stop") actions.push({ kind: "terminateOnShutdown" });
    if (record.lifecycle === "on-demand") {
        flag("Stop protection", record.stopProtection, current.stopProtection, true, { kind: "unprotectFromStop" });
        flag("Termination protection", record.terminationProtection, current.terminationProtection, true, {
            kind: "unprotectFromTermination",
        });
    }
    if (record.autoScaling && !/^(Detach|Terminat)/.test(record.autoScaling.lifecycleState)) {
        const group = record.autoScaling.group;
        if (!current.autoScaling) actions.push({ kind: "rejoinAutoScaling", group, from: "detached" });
        else if (current.autoScaling.group !== group)
            changed("The Auto Scaling group", `out of ${group}`, `in ${current.autoScaling.group}`);
        else if (current.autoScaling.lifecycleState === "Standby" && record.autoScaling.lifecycleState !== "Standby")
            actions.push({ kind: "rejoinAutoScaling", group, from: "standby" });
    }
    // Each containment has kept the same processes, so the last release of the group's lets them run again.
    if (suspended !== null && suspended.processes.length > 0 && othersInGroup.length === 0)
        actions.push({ kind: "resumeProcesses", ...suspended });
    return { actions, conflicts, unknownBefore: unknownBefore(record, current) };
}

/** Settings of the instance's own that containment had to make before AWS told what they were. */
function unknownBefore(record: InstanceState, current: InstanceState): string[] {
    if (record.lifecycle !== "on-demand") return [];
    const stays = (what: string, undo: string) =>
        `${what}, as containment left it: AWS was too busy to say what it was before. If it was not so, ${undo} by hand`;
    return [
        ...(record.terminationProtection === null && current.terminationProtection === true
            ? [stays("Termination protection stays on", "take it off")]
            : []),
        ...(record.stopProtection === null && current.stopProtection === true ? [stays("Stop protection stays on", "take it off")] : []),
        ...(record.shutdownBehavior === null && record.rootDeviceType === "ebs" && current.shutdownBehavior === "stop"
            ? [stays("A shutdown from inside stops the instance", "let it terminate the instance again")]
            : []),
    ];
}

/** One line about an action, for the record of what a release did. */
export function describeRelease(action: ReleaseAction): { name: string; detail: string } {
    const name = action.kind;
    switch (action.kind) {
        case "restoreSubnet":
            return { name, detail: `${action.subnetId} has the network ACL ${action.networkAclId} again` };
        case "restoreIdleTimeout":
            return { name, detail: `idle TCP connections of ${action.networkInterfaceId} are tracked for ${action.seconds} s again` };
        case "allowCredentials":
            return { name, detail: `the deny on the role of ${action.instanceProfileArn} no longer names the instance` };
        case "allowRole":
            return { name, detail: `the deny on the role ${action.role} no longer names the instance` };
        case "enableMetadata":
            return { name, detail: "the metadata endpoint answers again" };
        case "restoreGroups":
            return { name, detail: `${action.networkInterfaceId} carries ${action.groups.join(", ")} again` };
        case "registerTarget":
            return { name, detail: `${action.targetId}:${action.port} in ${action.targetGroupArn}` };
        case "registerWithClassic":
            return { name, detail: `with the classic load balancer ${action.loadBalancer}` };
        case "restoreVolumes":
            return { name, detail: `DeleteOnTermination on again for ${action.devices.join(", ")}` };
        case "terminateOnShutdown":
            return { name, detail: "a shutdown from inside terminates the instance again" };
        case "unprotectFromStop":
            return { name, detail: "stop protection off again" };
        case "unprotectFromTermination":
            return { name, detail: "termination protection off again" };
        case "resumeProcesses":
            return { name, detail: `${action.processes.join(", ")} of ${action.group} run again` };
        case "rejoinAutoScaling":
            return {
                name,
                detail: `back in ${action.group} (from ${action.from}), whose desired capacity AWS raises by one: the replacement stays`,
            };
        default:
            return action satisfies never;
    }
}
