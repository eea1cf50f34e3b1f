/**
 * What of a standing containment is not as containment left it, decided from its record and from what was read now: pure.
 *
 * Each drift has a key, by which the next look knows it again, and the resource under which CloudTrail names who did it.
 */
import type { InstanceState } from "./instanceState";
import { isIsolated, shortestTcpIdleTimeout } from "./planContainment";
import { registeredKey } from "./targetGroupsToAsk";
import { mostDrifts, type StandingContainment, type StandingDrift } from "./standingContainment";

/** How a role's inline policy of our name stands to the instance; `void`: there is no such role; `unread`: AWS did not let us read it. */
export type DenySeen = "denied" | "foreign" | "absent" | "void" | "unread";

/** What the watch read of an instance that is there. What AWS did not let us read is left out here and named in `unread`. */
export interface Watched {
    state: InstanceState;
    /** Rules of our groups by the group's id, as sentences; null for a group that is gone. */
    isolationRules: string[] | null;
    /** Interfaces of others that carry a group of ours. */
    strangers: { networkInterfaceId: string; groupId: string }[];
    /** By the role's name: of the roles that got the deny, and of the one that the instance's profile holds now. */
    denies: Record<string, DenySeen>;
    /** By the role's name, of those whose older sessions were denied and may still live. */
    revoked: Record<string, DenySeen>;
    /** Whether the network ACL that denies everything still does; null where subnets were left alone. */
    aclDenies: boolean | null;
    /** Branch interfaces of which nothing says whose they are; null where they could not be listed. */
    unknownBranches: string[] | null;
    /** With which load balancers it is registered, as far as this look asked; null where AWS was too busy to say. */
    registered: Pick<InstanceState, "targets" | "classicLoadBalancers"> | null;
    /** Processes that end instances and run in the Auto Scaling group whose processes were suspended for it; empty where none were. */
    runningProcesses: string[];
    unread: string[];
}

/** Why nothing was read: the instance is gone, or AWS refused. */
export interface Unwatched {
    why: "gone" | "refused";
    /** What AWS said. */
    detail: string;
}

export interface Drift {
    key: string;
    /** A sentence without its full stop. */
    what: string;
    /** Containing again would put it back. */
    repairable: boolean;
    /** It opens the instance, or gives its credentials back. */
    opens: boolean;
    /** Resource and API calls by which CloudTrail is asked who did it. */
    trail: { resource: string; events: readonly string[]; service: "ec2" | "iam" | "autoscaling" | "elasticloadbalancing" } | null;
}

const ec2 = (resource: string, ...events: string[]): Drift["trail"] => ({ resource, events, service: "ec2" });

/** Every drift, the gravest first. */
export function planWatch(standing: StandingContainment, seen: Watched | Unwatched): Drift[] {
    const { instance, record } = standing;
    if ("why" in seen) return [unwatched(seen, instance.instanceId)];
    // Once a person had the network given back, it is the owner's, and so is what hangs on it; what stays denied is not.
    if (standing.networkReleasedAt !== null) return [...credentials(standing, seen), ...unread(seen)];
    return [
        ...network(standing, seen),
        ...credentials(standing, seen),
        ...life(standing, seen.state),
        ...protection(standing, seen),
        ...loadBalancers(standing, seen),
        ...idleTimeouts(standing, seen.state),
        ...attachments(record, seen.state),
        ...seen.strangers.map(({ networkInterfaceId, groupId }) => ({
            key: `stranger:${networkInterfaceId}:${groupId}`,
            what: `${networkInterfaceId}, which is not the instance's, carries our group ${groupId}`,
            repairable: false,
            opens: false,
            trail: ec2(networkInterfaceId, "ModifyNetworkInterfaceAttribute", "CreateNetworkInterface", "RunInstances"),
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
              trail: ec2(instanceId, "TerminateInstances"),
          }
        : {
              key: `refused:${detail.slice(0, 100)}`,
              what: `the member account does not let us look: ${detail}. Nothing is known of the containment`,
              repairable: false,
              opens: true,
              trail: null,
          };
}

function network({ groups, record }: StandingContainment, seen: Watched): Drift[] {
    const { isolation, networkAcl } = groups;
    const known = new Map(record.interfaces.map((each) => [each.networkInterfaceId, each]));
    const open = seen.state.interfaces.filter((each) => isolation === null || !isIsolated(each.groups, isolation));
    const subnets = networkAcl === null ? [] : seen.state.networkAcls.filter((each) => each.networkAclId !== networkAcl);
    return [
        ...open.map(({ networkInterfaceId, groups: carried }) => ({
            key: `interface:${networkInterfaceId}:${carried.join(",")}`.slice(0, 256),
            what: `the interface ${networkInterfaceId} ${known.has(networkInterfaceId) ? "" : "was attached since and "}carries ${carried.join(", ") || "no group"} instead of ${isolation ?? "an isolation group, of which there is none"}`,
            repairable: true,
            opens: true,
            trail: ec2(networkInterfaceId, "ModifyNetworkInterfaceAttribute", "AttachNetworkInterface", "CreateNetworkInterface"),
        })),
        ...(seen.isolationRules !== null && seen.isolationRules.length > 0
            ? [
                  {
                      key: `rules:${isolation}:${seen.isolationRules.join(";")}`.slice(0, 256),
                      what: `the isolation group ${isolation} has rules (${seen.isolationRules.join("; ")})`,
                      repairable: true,
                      opens: true,
                      trail: ec2(isolation!, "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "ModifySecurityGroupRules"),
                  },
              ]
            : []),
        ...subnets.map(({ subnetId, networkAclId }) => ({
            key: `subnet:${subnetId}:${networkAclId}`,
            what: `the subnet ${subnetId} has the network ACL ${networkAclId} instead of ${networkAcl}`,
            repairable: true,
            opens: true,
            trail: ec2(networkAclId, "ReplaceNetworkAclAssociation"),
        })),
        ...(seen.aclDenies === false
            ? [
                  {
                      key: `acl:${networkAcl}`,
                      what: `the network ACL ${networkAcl} lets something through`,
                      repairable: true,
                      opens: true,
                      trail: ec2(networkAcl!, "CreateNetworkAclEntry", "ReplaceNetworkAclEntry"),
                  },
              ]
            : []),
        ...(seen.unknownBranches === null || seen.unknownBranches.length > 0
            ? [
                  {
                      key: `branches:${seen.unknownBranches?.join(",") ?? "unread"}`.slice(0, 256),
                      what:
                          seen.unknownBranches === null
                              ? "the branch interfaces of its trunk could not be listed"
                              : `nothing says whose the branch interfaces ${seen.unknownBranches.join(", ")} of its VPC are`,
                      repairable: false,
                      opens: true,
                      trail: null,
                  },
              ]
            : []),
        ...seen.state.interfaces.flatMap((now) => newAddresses(now, known.get(now.networkInterfaceId))),
    ];
}

type Interface = InstanceState["interfaces"][number];

/** Addresses that it did not have; none of an interface that was attached since, which is told itself. */
function newAddresses(now: Interface, before: Interface | undefined): Drift[] {
    if (before === undefined) return [];
    const added = [
        ...now.privateIps.filter((each) => !before.privateIps.includes(each)),
        ...(before.publicIps === null ? [] : (now.publicIps ?? []).filter((each) => !before.publicIps!.includes(each))),
        ...(now.ipv6 && !before.ipv6 ? ["an IPv6 address"] : []),
    ];
    if (added.length === 0) return [];
    return [
        {
            key: `address:${now.networkInterfaceId}:${added.join(",")}`.slice(0, 256),
            what: `the interface ${now.networkInterfaceId} has got ${added.join(", ")}`,
            repairable: false,
            opens: false,
            trail: ec2(now.networkInterfaceId, "AssociateAddress", "AssignPrivateIpAddresses", "AssignIpv6Addresses"),
        },
    ];
}

/** Inline policies of roles that are not as they were written. */
function policies(kind: string, seen: Record<string, DenySeen>, said: Partial<Record<DenySeen, string>>): Drift[] {
    return Object.entries(seen).flatMap(([role, how]): Drift[] =>
        said[how] === undefined
            ? []
            : [
                  {
                      key: `${kind}:${role}:${how}`.slice(0, 256),
                      what: `the role ${role} ${said[how]}`,
                      repairable: true,
                      opens: true,
                      trail: { resource: role, events: ["DeleteRolePolicy", "PutRolePolicy"], service: "iam" },
                  },
              ],
    );
}

function credentials({ modes, record, instance }: StandingContainment, { state, denies, revoked }: Watched): Drift[] {
    if (modes?.credentials === "keep") return [];
    return [
        ...policies("deny", denies, {
            absent: "does not deny the instance's credentials",
            foreign: "has a policy of our name with other content, so what it allows of the instance's credentials is not known",
        }),
        ...policies("revoked", revoked, {
            absent: "does not deny the sessions any more that were issued before the containment",
            foreign:
                "has other content in the policy that denied the sessions issued before the containment, so what it allows is not known",
        }),
        ...(state.metadataEndpoint === "disabled"
            ? []
            : [
                  {
                      key: "metadata",
                      what: "the metadata endpoint answers, so the instance gets credentials",
                      repairable: true,
                      opens: true,
                      trail: ec2(instance.instanceId, "ModifyInstanceMetadataOptions"),
                  },
              ]),
        ...(state.instanceProfileArn === record.instanceProfileArn
            ? []
            : [
                  {
                      key: `profile:${state.instanceProfileArn ?? "none"}`.slice(0, 256),
                      what: `the instance profile was ${record.instanceProfileArn ?? "absent"} and is ${state.instanceProfileArn ?? "absent"} now`,
                      // Its role is denied as well; the profile itself is left as it is.
                      repairable: false,
                      opens: false,
                      trail: ec2(
                          instance.instanceId,
                          "ReplaceIamInstanceProfileAssociation",
                          "AssociateIamInstanceProfile",
                          "DisassociateIamInstanceProfile",
                      ),
                  },
              ]),
    ];
}

/** Stopping loses the memory, starting runs what the disk holds: both are over when they are seen, and told once. */
function life({ check, record, instance }: StandingContainment, now: InstanceState): Drift[] {
    const before = { state: check?.state ?? record.state, launchTime: check?.launchTime ?? record.launchTime };
    const ends = (state: string) => state === "stopped" || state === "stopping";
    const started = before.launchTime !== null && now.launchTime !== null && now.launchTime > before.launchTime;
    return [
        ...(started
            ? [
                  {
                      key: `started:${now.launchTime}`,
                      what: `the instance was stopped and started again at ${now.launchTime}: what was in its memory is lost, and it ran its start-up programs`,
                      repairable: false,
                      opens: false,
                      trail: ec2(instance.instanceId, "StartInstances", "StopInstances"),
                  },
              ]
            : []),
        ...(ends(now.state) && !ends(before.state)
            ? [
                  {
                      key: `stopped:${now.launchTime ?? ""}`,
                      what: `the instance is ${now.state}: what was in its memory is lost`,
                      repairable: false,
                      opens: false,
                      trail: ec2(instance.instanceId, "StopInstances"),
                  },
              ]
            : []),
    ];
}

/** Protection from being ended. Null is what could not be read, which stands in `unread`. */
function protection({ record, suspended }: StandingContainment, { state: now, runningProcesses }: Watched): Drift[] {
    const trail = ec2(now.instance.instanceId, "ModifyInstanceAttribute");
    const off = (key: string, isOff: boolean, what: string): Drift[] =>
        isOff ? [{ key, what, repairable: true, opens: false, trail }] : [];
    const mortal = now.volumes.filter(({ deleteOnTermination }) => deleteOnTermination).map(({ volumeId }) => volumeId);
    const onDemand = record.lifecycle === "on-demand";
    return [
        ...off("termination-protection", onDemand && now.terminationProtection === false, "termination protection is off"),
        ...off("stop-protection", onDemand && now.stopProtection === false, "stop protection is off"),
        ...off(
            "shutdown-behaviour",
            onDemand && record.rootDeviceType === "ebs" && now.shutdownBehavior === "terminate",
            "a shutdown from inside terminates the instance",
        ),
        ...off(
            `mortal:${mortal.join(",")}`.slice(0, 256),
            mortal.length > 0,
            `the volumes ${mortal.join(", ")} would be deleted with the instance`,
        ),
        ...(runningProcesses.length === 0 || suspended?.group !== now.autoScaling?.group
            ? []
            : [
                  {
                      key: `processes:${runningProcesses.join(",")}`.slice(0, 256),
                      what: `${runningProcesses.join(", ")} of the Auto Scaling group ${suspended!.group}, which would not let the instance go, run again and may terminate it`,
                      repairable: true,
                      opens: false,
                      trail: { resource: suspended!.group, events: ["ResumeProcesses"], service: "autoscaling" as const },
                  },
              ]),
        // A group that would not let it go was kept from ending it.
        ...(now.autoScaling === null ||
        suspended?.group === now.autoScaling.group ||
        /^(Standby|Detach|Terminat)/.test(now.autoScaling.lifecycleState)
            ? []
            : [
                  {
                      key: `auto-scaling:${now.autoScaling.group}`.slice(0, 256),
                      what: `the instance is in the Auto Scaling group ${now.autoScaling.group} (${now.autoScaling.lifecycleState}), which may terminate it`,
                      repairable: true,
                      opens: false,
                      trail: {
                          resource: now.autoScaling.group,
                          events: ["AttachInstances", "ExitStandby"],
                          service: "autoscaling" as const,
                      },
                  },
              ]),
    ];
}

/** Seconds after which an idle connection is forgotten, as containment leaves it where the instance type lets it. */
function idleTimeouts({ record }: StandingContainment, { interfaces }: InstanceState): Drift[] {
    const settable = new Set(
        record.interfaces.filter(({ tcpIdleTimeout }) => tcpIdleTimeout !== null).map((each) => each.networkInterfaceId),
    );
    return interfaces
        .filter(
            ({ networkInterfaceId, tcpIdleTimeout }) =>
                settable.has(networkInterfaceId) && tcpIdleTimeout !== null && tcpIdleTimeout > shortestTcpIdleTimeout,
        )
        .map(({ networkInterfaceId, tcpIdleTimeout }) => ({
            key: `idle:${networkInterfaceId}:${tcpIdleTimeout}`,
            what: `idle connections of ${networkInterfaceId} live for ${tcpIdleTimeout} s again instead of ${shortestTcpIdleTimeout}`,
            repairable: true,
            opens: false,
            trail: ec2(networkInterfaceId, "ModifyNetworkInterfaceAttribute"),
        }));
}

/** A registration does not open what has no rules, but brings the instance back to its users when it is released, and connections that are tracked. */
function loadBalancers({ drifts }: StandingContainment, { registered }: Watched): Drift[] {
    const drift = (key: string, what: string, resource: string, event: string): Drift => ({
        key: `${registeredKey}${key}`.slice(0, 256),
        what,
        repairable: true,
        opens: false,
        trail: { resource, events: [event], service: "elasticloadbalancing" },
    });
    if (registered === null)
        // What nobody could look at is as it was.
        return drifts
            .filter(({ key, outcome }) => key.startsWith(registeredKey) && outcome === "stands")
            .map(({ key, what }) => ({ key, what, repairable: false, opens: false, trail: null }));
    return [
        ...registered.targets.map(({ targetGroupArn, targetId, port }) =>
            drift(
                `${targetGroupArn} ${targetId}:${port}`,
                `${targetId}:${port} is registered in the target group ${targetGroupArn}`,
                targetGroupArn,
                "RegisterTargets",
            ),
        ),
        ...registered.classicLoadBalancers.map((name) =>
            drift(`classic ${name}`, `it is registered with the classic load balancer ${name}`, name, "RegisterInstancesWithLoadBalancer"),
        ),
    ];
}

/** Volumes and interfaces that came or went. Nobody but a person knows whether they should go back. */
function attachments(record: InstanceState, now: InstanceState): Drift[] {
    const lacks = <T>(from: T[], id: (each: T) => string, of: T[]) => from.map(id).filter((each) => !of.map(id).includes(each));
    const volumeOf = ({ volumeId }: InstanceState["volumes"][number]) => volumeId;
    const interfaceOf = ({ networkInterfaceId }: Interface) => networkInterfaceId;
    const one = (id: string, what: string, ...events: string[]): Drift => ({
        key: `${id} ${what}`.slice(0, 256),
        what: `${id} ${what}`,
        repairable: false,
        opens: false,
        trail: ec2(id, ...events),
    });
    return [
        ...lacks(record.volumes, volumeOf, now.volumes).map((id) => one(id, "is no longer attached", "DetachVolume")),
        ...lacks(now.volumes, volumeOf, record.volumes).map((id) => one(id, "was attached since", "AttachVolume")),
        ...lacks(record.interfaces, interfaceOf, now.interfaces).map((id) => one(id, "is no longer attached", "DetachNetworkInterface")),
    ];
}

/** Drifts that are told of again although they do not last: they are over in the moment they are seen. */
const isOver = (key: string) => /^(started|stopped):/.test(key);

/**
 * The record of drifts with what a look saw.
 *
 * @returns all of them, oldest first, and those that nobody has been told of
 */
export function mergeDrifts(
    known: readonly StandingDrift[],
    seen: readonly Drift[],
    now: string,
): { drifts: StandingDrift[]; added: Drift[] } {
    const keys = new Set(seen.map(({ key }) => key));
    const stands = new Set(known.filter(({ outcome }) => outcome === "stands").map(({ key }) => key));
    const told = new Set(known.filter(({ key }) => isOver(key)).map(({ key }) => key));
    const added = seen.filter(({ key }) => !stands.has(key) && !told.has(key));
    const kept = known.map((each) => (each.outcome === "stands" && !keys.has(each.key) ? { ...each, outcome: "ended" as const } : each));
    const fresh = added.map(({ key, what }) => ({
        key,
        what,
        by: null,
        since: now,
        toldAt: null,
        outcome: isOver(key) ? ("ended" as const) : ("stands" as const),
    }));
    // What stands is never the one that goes when there are too many.
    const all = [...kept, ...fresh];
    while (all.length > mostDrifts) {
        const over = all.findIndex(({ outcome, toldAt }) => outcome !== "stands" && toldAt !== null);
        all.splice(over >= 0 ? over : 0, 1);
    }
    return { drifts: all, added };
}

/** Milliseconds after which something that could not be put back, and opens nothing, is tried again. */
const patience = 3_600_000;

/** Whether containing again is worth it now: something new can be put back, or something that opens the instance stands, or an hour has passed. */
export function isRepairDue(standing: StandingContainment, seen: readonly Drift[], added: readonly Drift[], now: string): boolean {
    const repairable = seen.filter((each) => each.repairable);
    if (repairable.length === 0) return false;
    const since = standing.repairedAt === null ? Infinity : Date.parse(now) - Date.parse(standing.repairedAt);
    return repairable.some((each) => each.opens || added.includes(each)) || since >= patience;
}

/** Milliseconds that a containment may be under way before the watch looks at it. */
const settling = 600_000;
/** Milliseconds after which a release that was begun should have ended. */
const releasing = 900_000;

/** Whether the watch has anything to say of it now. A containment under way, and a release, end by themselves or tell of it. */
export function isWatchable({ releasedAt, settledAt, begunAt, releasingAt }: StandingContainment, now: string): boolean {
    const age = (at: string) => Date.parse(now) - Date.parse(at);
    if (releasedAt !== null || (releasingAt !== null && age(releasingAt) < releasing)) return false;
    return settledAt !== null || age(begunAt) >= settling;
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
