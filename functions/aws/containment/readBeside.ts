/**
 * Reads what stands around an instance: its protection, its Auto Scaling group, load balancers, routes, endpoints. The cut waits for
 * none of it. What AWS does not let us read is named and taken for absent, never thrown.
 */
import { setTimeout } from "node:timers/promises";
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import {
    DescribeInstanceAttributeCommand,
    DescribeInstanceTypesCommand,
    EC2Client,
    paginateDescribeNetworkAcls,
    paginateDescribeRouteTables,
    paginateDescribeVpcEndpoints,
} from "@aws-sdk/client-ec2";
import type { DescribeInstanceAttributeCommandOutput, Instance, RouteTable } from "@aws-sdk/client-ec2";
import {
    ElasticLoadBalancingClient,
    paginateDescribeLoadBalancers as paginateClassicLoadBalancers,
} from "@aws-sdk/client-elastic-load-balancing";
import {
    DescribeTargetHealthCommand,
    ElasticLoadBalancingV2Client,
    paginateDescribeTargetGroups,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { InstanceState } from "../../domain/instanceState";
import { trackedPaths, type Route } from "../../domain/trackedPaths";
import { errorCode, isTransient } from "../errors";
import { mapConcurrently } from "../mapConcurrently";
import type { Victim } from "../victim";

async function collect<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
    const found: Item[] = [];
    for await (const page of pages) found.push(...(items(page) ?? []));
    return found;
}

/** Milliseconds that throttled reads are tried again. ELB refills its bucket of Describe calls by 10 a second: 300 target groups take half a minute. */
const longestThrottling = 90_000;

/** Reads again while AWS is busy. @throws the error when the time is up, or any other at once */
async function patient<T>(read: () => Promise<T>, deadline: number): Promise<T> {
    for (let pause = 300; ; pause = Math.min(pause * 2, 4000)) {
        try {
            return await read();
        } catch (error) {
            if (!isTransient(error) || Date.now() + pause > deadline) throw error;
            await setTimeout(pause * (0.5 + Math.random() / 2));
        }
    }
}

/** Lets reads fail that the rest does not need: each that does is named in `unread`. */
function tolerant(unread: string[], within: number) {
    const deadline = Date.now() + within;
    return async <T>(what: string, read: () => Promise<T>, otherwise: T): Promise<T> => {
        try {
            return await patient(read, deadline);
        } catch (error) {
            unread.push(`${what} (${errorCode(error)})`);
            return otherwise;
        }
    };
}

/** What containment sets first and must know before: asked for with the instance itself. */
export interface QuickRead {
    attributes: Pick<InstanceState, "terminationProtection" | "stopProtection" | "shutdownBehavior">;
    autoScaling: InstanceState["autoScaling"];
    /** Whether the Auto Scaling group, or that there is none, is known. */
    autoScalingRead: boolean;
    unread: string[];
}

/** @param within milliseconds that a busy AWS is waited for */
export async function readQuick(victim: Victim, within: number): Promise<QuickRead> {
    const unread: string[] = [];
    const read = tolerant(unread, within);
    const InstanceId = victim.ref.instanceId;
    const attribute = (Attribute: "disableApiTermination" | "disableApiStop" | "instanceInitiatedShutdownBehavior") =>
        read<Partial<DescribeInstanceAttributeCommandOutput> | null>(
            `the attribute ${Attribute}`,
            () => victim.client(EC2Client).send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute })),
            null,
        );
    const [termination, stop, shutdown, scaling] = await Promise.all([
        attribute("disableApiTermination"),
        attribute("disableApiStop"),
        attribute("instanceInitiatedShutdownBehavior"),
        read(
            "the Auto Scaling group",
            () => victim.client(AutoScalingClient).send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [InstanceId] })),
            null,
        ),
    ]);
    const group = scaling?.AutoScalingInstances?.[0];
    return {
        attributes: {
            terminationProtection: termination && (termination.DisableApiTermination?.Value ?? false),
            stopProtection: stop && (stop.DisableApiStop?.Value ?? false),
            shutdownBehavior: shutdown && (shutdown.InstanceInitiatedShutdownBehavior?.Value === "terminate" ? "terminate" : "stop"),
        },
        autoScaling: group ? { group: group.AutoScalingGroupName!, lifecycleState: group.LifecycleState ?? "" } : null,
        autoScalingRead: scaling !== null,
        unread,
    };
}

/** The routes that a subnet uses: its own table's, else the VPC's main table's. */
function routesOf(tables: RouteTable[], subnetIds: string[]): Route[] {
    const main = tables.find((table) => table.Associations?.some((association) => association.Main));
    const used = subnetIds.map(
        (id) => tables.find((table) => table.Associations?.some((association) => association.SubnetId === id)) ?? main,
    );
    return [...new Set(used)]
        .flatMap((table) => table?.Routes ?? [])
        .map((route) => ({
            target: route.NatGatewayId ?? route.TransitGatewayId ?? route.EgressOnlyInternetGatewayId ?? route.GatewayId ?? "",
            // A route to a prefix list is that of a gateway endpoint (S3, DynamoDB), whose flows are not always tracked.
            destination: route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? "",
        }))
        .filter((route) => route.destination !== "");
}

const networkProtocols = ["TCP", "UDP", "TLS", "TCP_UDP"];

const addressesOf = ({ NetworkInterfaces = [] }: Instance): string[] =>
    NetworkInterfaces.flatMap(({ PrivateIpAddresses = [] }) => PrivateIpAddresses.map(({ PrivateIpAddress }) => PrivateIpAddress!));

/** Target groups of the instance's VPC that can hold it. */
async function listTargetGroups(victim: Victim, { VpcId }: Instance): Promise<TargetGroup[]> {
    const groups = await collect(
        paginateDescribeTargetGroups({ client: victim.client(ElasticLoadBalancingV2Client) }, {}),
        (page) => page.TargetGroups,
    );
    return groups.filter((each) => each.VpcId === VpcId && each.TargetType !== "lambda" && each.TargetType !== "alb");
}

/** Classic load balancers that the instance is registered with, by name. */
async function listClassic(victim: Victim): Promise<string[]> {
    const all = await collect(
        paginateClassicLoadBalancers({ client: victim.client(ElasticLoadBalancingClient) }, {}),
        (page) => page.LoadBalancerDescriptions,
    );
    return all
        .filter(({ Instances }) => Instances?.some((one) => one.InstanceId === victim.ref.instanceId))
        .map((each) => each.LoadBalancerName!);
}

/**
 * Registrations of the instance with load balancers, as the watch looks for them: in the target groups that `pick` names of its VPC's, and with
 * every classic load balancer. ELB's bucket of Describe calls is the account's own, so no more is asked than a look needs.
 *
 * @throws where AWS is too busy, or refuses
 */
export async function readRegistrations(
    victim: Victim,
    instance: Instance,
    pick: (arns: readonly string[]) => ReadonlySet<string>,
): Promise<Pick<InstanceState, "targets" | "classicLoadBalancers">> {
    const [groups, classicLoadBalancers] = await Promise.all([listTargetGroups(victim, instance), listClassic(victim)]);
    const picked = pick(groups.map((each) => each.TargetGroupArn!));
    const missed: string[] = [];
    const targets = await readTargets(
        victim,
        groups.filter((each) => picked.has(each.TargetGroupArn!)),
        addressesOf(instance),
        missed,
        0,
    );
    if (missed.length > 0) throw Object.assign(new Error(missed.join("; ")), { name: /\(([^,)]*)/.exec(missed[0]!)?.[1] ?? "" });
    return { targets, classicLoadBalancers };
}

/** Registrations of the instance in target groups of its VPC, by its id or by an address of its interfaces. A group that cannot be read is named. */
async function readTargets(
    victim: Victim,
    groups: TargetGroup[],
    addresses: string[],
    unread: string[],
    within = longestThrottling,
): Promise<InstanceState["targets"]> {
    const wanted = new Set([victim.ref.instanceId, ...addresses]);
    const deadline = Date.now() + within;
    const missed: string[] = [];
    const health = await mapConcurrently(groups, 5, async (group) => {
        try {
            const response = await patient(
                () =>
                    victim
                        .client(ElasticLoadBalancingV2Client)
                        .send(new DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn })),
                deadline,
            );
            return (response.TargetHealthDescriptions ?? [])
                .filter((each) => wanted.has(each.Target?.Id ?? "") && each.TargetHealth?.State !== "draining")
                .map((each) => ({
                    targetGroupArn: group.TargetGroupArn!,
                    targetId: each.Target!.Id!,
                    port: each.Target!.Port ?? group.Port ?? 0,
                    networkLoadBalancer: networkProtocols.includes(group.Protocol ?? ""),
                }));
        } catch (error) {
            missed.push(errorCode(error));
            return [];
        }
    });
    if (missed.length > 0)
        unread.push(`the targets of ${missed.length} of ${groups.length} target groups (${[...new Set(missed)].join(", ")})`);
    return health.flat();
}

/** What is around the instance. */
export interface BesideRead extends Pick<InstanceState, "targets" | "classicLoadBalancers" | "networkAcls" | "trackedPaths" | "unread"> {
    /** Seconds; null where the instance type lets nobody set it. */
    defaultTimeout: number | null;
}

export async function readBeside(victim: Victim, instance: Instance): Promise<BesideRead> {
    const unread: string[] = [];
    const read = tolerant(unread, longestThrottling);
    const ec2 = victim.client(EC2Client);
    const attached = instance.NetworkInterfaces ?? [];
    const subnetIds = [...new Set(attached.flatMap((each) => each.SubnetId ?? []))].sort();
    const inVpc = [{ Name: "vpc-id", Values: [instance.VpcId ?? ""] }];
    const [targets, classic, routeTables, endpoints, acls, types] = await Promise.all([
        read("the target groups", () => listTargetGroups(victim, instance), []).then((groups) =>
            readTargets(victim, groups, addressesOf(instance), unread),
        ),
        read("the classic load balancers", () => listClassic(victim), []),
        read(
            "the route tables",
            () => collect(paginateDescribeRouteTables({ client: ec2 }, { Filters: inVpc }), (page) => page.RouteTables),
            [],
        ),
        read(
            "the interface endpoints",
            () =>
                collect(
                    paginateDescribeVpcEndpoints(
                        { client: ec2 },
                        { Filters: [...inVpc, { Name: "vpc-endpoint-type", Values: ["Interface"] }] },
                    ),
                    (page) => page.VpcEndpoints,
                ),
            [],
        ),
        read(
            "the network ACLs",
            () =>
                collect(
                    paginateDescribeNetworkAcls({ client: ec2 }, { Filters: [{ Name: "association.subnet-id", Values: subnetIds }] }),
                    (page) => page.NetworkAcls,
                ),
            [],
        ),
        read("the instance type", () => ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: [instance.InstanceType!] })), null),
    ]);
    return {
        targets,
        classicLoadBalancers: classic,
        networkAcls: subnetIds.flatMap((subnetId) => {
            const acl = acls.find((each) => each.Associations?.some((association) => association.SubnetId === subnetId));
            return acl ? [{ subnetId, networkAclId: acl.NetworkAclId! }] : [];
        }),
        trackedPaths: trackedPaths({
            routes: routesOf(routeTables, subnetIds),
            networkLoadBalancers: targets.filter((target) => target.networkLoadBalancer).map((target) => target.targetGroupArn),
            interfaceEndpoints: endpoints.map((endpoint) => ({ id: endpoint.VpcEndpointId!, service: endpoint.ServiceName ?? "" })),
        }),
        unread,
        // EC2 gives a default exactly for the types whose idle timeout can be set.
        defaultTimeout: types?.InstanceTypes?.[0]?.NetworkInfo?.ConnectionTrackingConfiguration?.DefaultTcpEstablishedTimeout ?? null,
    };
}
