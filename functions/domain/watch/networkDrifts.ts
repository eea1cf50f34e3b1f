/** What of an instance's network is not as containment left it. */
import type { InstanceState } from "../instanceState";
import { isIsolated, shortestTcpIdleTimeout } from "../planContainment";
import type { StandingContainment } from "../standingContainment";
import { registeredKey } from "../targetGroupsToAsk";
import { underEc2, type Drift, type Watched } from "./drift";

/** Groups, subnets, branch interfaces and addresses. */
export function networkDrifts({ groups, record }: StandingContainment, seen: Watched): Drift[] {
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
            trail: underEc2(networkInterfaceId, "ModifyNetworkInterfaceAttribute", "AttachNetworkInterface", "CreateNetworkInterface"),
        })),
        ...(seen.isolationRules !== null && seen.isolationRules.length > 0
            ? [
                  {
                      key: `rules:${isolation}:${seen.isolationRules.join(";")}`.slice(0, 256),
                      what: `the isolation group ${isolation} has rules (${seen.isolationRules.join("; ")})`,
                      repairable: true,
                      opens: true,
                      trail: underEc2(
                          isolation!,
                          "AuthorizeSecurityGroupIngress",
                          "AuthorizeSecurityGroupEgress",
                          "ModifySecurityGroupRules",
                      ),
                  },
              ]
            : []),
        ...subnets.map(({ subnetId, networkAclId }) => ({
            key: `subnet:${subnetId}:${networkAclId}`,
            what: `the subnet ${subnetId} has the network ACL ${networkAclId} instead of ${networkAcl}`,
            repairable: true,
            opens: true,
            trail: underEc2(networkAclId, "ReplaceNetworkAclAssociation"),
        })),
        ...(seen.aclDenies === false
            ? [
                  {
                      key: `acl:${networkAcl}`,
                      what: `the network ACL ${networkAcl} lets something through`,
                      repairable: true,
                      opens: true,
                      trail: underEc2(networkAcl!, "CreateNetworkAclEntry", "ReplaceNetworkAclEntry"),
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
            trail: underEc2(now.networkInterfaceId, "AssociateAddress", "AssignPrivateIpAddresses", "AssignIpv6Addresses"),
        },
    ];
}

/** Seconds after which an idle connection is forgotten, as containment leaves it where the instance type lets it. */
export function idleTimeoutDrifts({ record }: StandingContainment, { interfaces }: InstanceState): Drift[] {
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
            trail: underEc2(networkInterfaceId, "ModifyNetworkInterfaceAttribute"),
        }));
}

/** A registration does not open what has no rules, but brings the instance back to its users when it is released, and connections that are tracked. */
export function loadBalancerDrifts({ drifts }: StandingContainment, { registered }: Watched): Drift[] {
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
