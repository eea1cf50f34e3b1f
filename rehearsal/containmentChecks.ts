/** What containment must have done to the victim, and must not have done to anything else. Pure. */
import type { Check } from "./check";
import type { Facts } from "./facts";
import { list } from "./list";

export function interfacesIsolated({ interfaces, isolationGroup }: Facts): Check {
    const carries = interfaces.map((one) => `${one.networkInterfaceId} carries ${list(one.groups)}`);
    return {
        name: "Every interface of the victim carries only the isolation group",
        passed:
            isolationGroup !== null &&
            interfaces.length > 0 &&
            interfaces.every(({ groups }) => groups.length === 1 && groups[0] === isolationGroup.groupId),
        lookedAt: `${list(carries)}; isolation group ${isolationGroup?.groupId ?? "not found"}`,
    };
}

export function isolationGroupEmpty({ isolationGroup }: Facts): Check {
    return {
        name: "The isolation group has no rules",
        passed: isolationGroup !== null && isolationGroup.ingressRules === 0 && isolationGroup.egressRules === 0,
        lookedAt: isolationGroup
            ? `${isolationGroup.groupId}: ${isolationGroup.ingressRules} ingress and ${isolationGroup.egressRules} egress rules`
            : "no isolation group was found",
    };
}

export function credentialsCut({ stolenCredentials: { victim, neighbour } }: Facts): Check {
    const said = (who: string, one: typeof victim) =>
        `ec2:DescribeInstances with the credentials of ${who} ${one.instanceId}: ${one.before} before the finding, ${one.after} now`;
    return {
        name: "The victim's stolen credentials are denied, and those of its neighbour with the same role still work",
        // The error of a denied EC2 call. Any other one would say nothing about containment.
        passed:
            victim.before === "allowed" &&
            victim.after === "UnauthorizedOperation" &&
            neighbour.before === "allowed" &&
            neighbour.after === "allowed",
        lookedAt: `${said("the victim", victim)}; ${said("the neighbour", neighbour)}`,
    };
}

export function replacementRuns({ autoScaling, instanceId }: Facts): Check {
    const inService =
        autoScaling?.members.filter((one) => one.instanceId !== instanceId && one.lifecycle === "InService" && one.state === "running") ??
        [];
    return {
        name: "The victim left its Auto Scaling group, a replacement runs, and the desired capacity is what it was",
        passed:
            autoScaling !== null &&
            autoScaling.desired > 0 &&
            autoScaling.desired === autoScaling.desiredBefore &&
            autoScaling.members.every((one) => one.instanceId !== instanceId) &&
            inService.length === autoScaling.desired,
        lookedAt: autoScaling
            ? `${autoScaling.name}: minimum ${autoScaling.minimum}, desired ${autoScaling.desiredBefore} before and ${autoScaling.desired} now, members ${list(autoScaling.members.map((one) => `${one.instanceId} (${one.lifecycle}, ${one.state})`))}`
            : "the Auto Scaling group is gone",
    };
}

export function victimKept({ victim, volumes }: Facts): Check {
    const kept = volumes.filter(({ volumeId }) => victim?.volumes.some((one) => one.volumeId === volumeId && !one.deleteOnTermination));
    return {
        name: "The victim still runs, cannot be terminated or stopped by mistake, keeps its volumes, and gets no new credentials",
        passed:
            victim !== null &&
            victim.state === "running" &&
            victim.terminationProtected &&
            victim.stopProtected &&
            victim.metadata === "disabled" &&
            volumes.length > 0 &&
            kept.length === volumes.length,
        lookedAt: victim
            ? `${victim.state}, termination protection ${victim.terminationProtected ? "on" : "off"}, stop protection ${victim.stopProtected ? "on" : "off"}, instance metadata ${victim.metadata}, ${list(
                  victim.volumes.map((one) => `${one.volumeId} ${one.deleteOnTermination ? "is deleted with it" : "outlives it"}`),
              )}; it had ${list(volumes.map((one) => one.volumeId))}`
            : "the victim is gone",
    };
}

export function noTrafficToVictim({ loadBalancers, instanceId }: Facts): Check {
    return {
        name: "No load balancer sends the victim traffic",
        passed: loadBalancers.length > 0 && loadBalancers.every((one) => !one.instances.includes(instanceId)),
        lookedAt: list(loadBalancers.map((one) => `${one.name} has ${list(one.instances)}`)),
    };
}
