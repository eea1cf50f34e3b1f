/**
 * The quarantine of an instance while its memory is taken, decided from what was read: pure.
 *
 * It is everything that containment does except the last cut: the groups are those of containment with one way left, to the VPC's own
 * endpoints of Systems Manager, and the credentials' deny leaves the agent its calls. It only ever tightens: what the last cut has
 * done already, in an earlier run or for an earlier incident, is left as it is.
 */
import { BlockList } from "node:net";
import type { InstanceState } from "./instanceState";
import { isIsolated, planContainment, type ContainmentAction, type ContainmentGroups, type CredentialsMode } from "./planContainment";

/** Services that the agent speaks to. ec2messages is used where it is there: agents since 3.3.40 do without. */
const needed = ["ssm", "ssmmessages"] as const;
const used = [...needed, "ec2messages"];

/** An interface endpoint as far as it matters. Fields as in EC2's DescribeVpcEndpoints. */
export interface EndpointFacts {
    VpcEndpointId?: string;
    VpcId?: string;
    ServiceName?: string;
    State?: string;
    PrivateDnsEnabled?: boolean;
    Groups?: { GroupId?: string }[];
}

/** A security group's rule as far as it matters. Fields as in EC2's DescribeSecurityGroups. */
interface RuleFacts {
    IpProtocol?: string;
    FromPort?: number;
    ToPort?: number;
    IpRanges?: { CidrIp?: string }[];
    Ipv6Ranges?: { CidrIpv6?: string }[];
    PrefixListIds?: unknown[];
    UserIdGroupPairs?: { GroupId?: string }[];
}
export interface EndpointGroupFacts {
    GroupId?: string;
    IpPermissions?: RuleFacts[];
}

/** The endpoints of the VPC that the agent uses, or why there is no way to a quarantined instance. */
export type EndpointChoice = { endpoints: string[]; groups: string[] } | { why: string };

/**
 * Endpoints of AWS's own services alone: what a service is called is AWS's, an endpoint's tags and names are anybody's.
 *
 * @param region as in `com.amazonaws.eu-west-1.ssm`; China's names begin with `cn.`
 */
export function chooseEndpoints(endpoints: readonly EndpointFacts[], vpcId: string, region: string): EndpointChoice {
    const serviceOf = ({ ServiceName = "" }: EndpointFacts) =>
        used.find((each) => new RegExp(`^(cn\\.)?com\\.amazonaws\\.${region}\\.${each}$`).test(ServiceName));
    const serving = endpoints.filter(
        (each) => each.VpcId === vpcId && each.State?.toLowerCase() === "available" && each.PrivateDnsEnabled === true && serviceOf(each),
    );
    const missing = needed.filter((service) => !serving.some((each) => serviceOf(each) === service));
    if (missing.length > 0)
        return { why: `the VPC ${vpcId} has no available interface endpoint with private DNS for ${missing.join(" and ")}` };
    const groups = [...new Set(serving.flatMap(({ Groups = [] }) => Groups.map(({ GroupId }) => GroupId!)))].sort();
    if (groups.length === 0) return { why: `the endpoints of Systems Manager in ${vpcId} carry no security group` };
    return { endpoints: serving.map(({ VpcEndpointId }) => VpcEndpointId!).sort(), groups };
}

const isIn = (address: string, range: string): boolean => {
    const [network = "", width = ""] = range.split("/");
    const list = new BlockList();
    try {
        list.addSubnet(network, Number(width), "ipv4");
        return list.check(address, "ipv4");
    } catch {
        return false;
    }
};

/**
 * Whether the endpoints' groups let the instance's addresses in at 443 once it carries a group of ours: a rule for its groups of now does
 * not. A prefix list may hold anything, so it is tried.
 *
 * @returns why not; null where they do
 */
export function endpointsRefuse(groups: readonly EndpointGroupFacts[], addresses: readonly string[]): string | null {
    const admits = ({ IpProtocol, FromPort = 0, ToPort = 65_535, IpRanges = [], PrefixListIds = [] }: RuleFacts) =>
        (IpProtocol === "-1" || (IpProtocol === "tcp" && FromPort <= 443 && ToPort >= 443)) &&
        (PrefixListIds.length > 0 || IpRanges.some(({ CidrIp = "" }) => addresses.some((address) => isIn(address, CidrIp))));
    if (groups.some(({ IpPermissions = [] }) => IpPermissions.some(admits))) return null;
    return `the groups of its Systems Manager endpoints (${groups.map(({ GroupId }) => GroupId).join(", ")}) let none of the instance's addresses in at 443 by its range`;
}

/** Whether a group has exactly the rules of a quarantine group: nothing in, and out 443 to these groups alone. */
export function servesAsQuarantine(
    { IpPermissions = [], IpPermissionsEgress = [] }: { IpPermissions?: RuleFacts[]; IpPermissionsEgress?: RuleFacts[] },
    groups: readonly string[],
): boolean {
    const plain = IpPermissionsEgress.every(
        ({ IpProtocol, FromPort, ToPort, IpRanges = [], Ipv6Ranges = [], PrefixListIds = [] }) =>
            IpProtocol === "tcp" && FromPort === 443 && ToPort === 443 && IpRanges.length + Ipv6Ranges.length + PrefixListIds.length === 0,
    );
    const reached = IpPermissionsEgress.flatMap(({ UserIdGroupPairs = [] }) => UserIdGroupPairs.map(({ GroupId }) => GroupId!));
    return (
        IpPermissions.length === 0 &&
        plain &&
        reached.length > 0 &&
        [...new Set(reached)].sort().join() === [...new Set(groups)].sort().join()
    );
}

export interface QuarantineGroups extends Pick<ContainmentGroups, "isolation" | "untrack"> {
    /** Null when it could not be made: then the instance is cut at once. */
    quarantine: string | null;
}

/**
 * Stages as containment has them. The metadata endpoint still answers, since the agent lives on what it hands out, and those
 * credentials are denied too; sessions of the role are not revoked yet, nor are subnets cut.
 */
export function planQuarantine(
    state: InstanceState,
    { quarantine, isolation, untrack }: QuarantineGroups,
    credentials: CredentialsMode,
): ContainmentAction[][] {
    const isCut = (id: string) =>
        isolation !== null && state.interfaces.some((each) => each.networkInterfaceId === id && isIsolated(each.groups, isolation));
    const whole = planContainment(
        state,
        { isolation: quarantine, untrack, networkAcl: null },
        credentials === "keep" ? "keep" : "deny-instance",
    );
    return whole
        .map((stage) =>
            stage
                .filter(
                    (action) =>
                        action.kind !== "disableMetadata" && !(action.kind === "isolateInterface" && isCut(action.networkInterfaceId)),
                )
                .map((action) =>
                    action.kind === "denyCredentials" || action.kind === "denyRole" ? { ...action, agentExcepted: true as const } : action,
                ),
        )
        .filter((stage) => stage.length > 0);
}

/** Interfaces that carry neither the quarantine group alone nor the isolation group alone; empty means quarantined. */
export function openInterfaces(interfaces: InstanceState["interfaces"], { quarantine, isolation }: QuarantineGroups): string[] {
    const isClosed = (groups: string[]) => [quarantine, isolation].some((each) => each !== null && isIsolated(groups, each));
    return interfaces.filter(({ groups }) => !isClosed(groups)).map(({ networkInterfaceId }) => networkInterfaceId);
}
