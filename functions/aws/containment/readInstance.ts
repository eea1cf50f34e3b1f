/** Reads an instance once, in as few rounds as its parts allow: two, each of parallel calls. */
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import {
    DescribeInstanceAttributeCommand,
    DescribeInstancesCommand,
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
import type { Victim } from "../victim";
import { errorCode, isNotFound, isTransient, StepError } from "../errors";
import { mapConcurrently } from "../mapConcurrently";

async function collect<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
    const found: Item[] = [];
    for await (const page of pages) found.push(...(items(page) ?? []));
    return found;
}

/** There is no instance any more to change anything about. */
export class InstanceGone extends StepError {}

/** The instance as EC2 describes it. @throws InstanceGone when there is none, or it is terminated. */
async function describe(victim: Victim): Promise<Instance> {
    const where = `${victim.ref.instanceId} in ${victim.ref.accountId}/${victim.ref.region}`;
    let instance: Instance | undefined;
    try {
        instance = (await victim.client(EC2Client).send(new DescribeInstancesCommand({ InstanceIds: [victim.ref.instanceId] })))
            .Reservations?.[0]?.Instances?.[0];
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    if (!instance)
        throw new InstanceGone(
            "There is no such instance",
            where,
            "Check the account and Region of the finding; an instance terminated more than an hour ago is no longer listed.",
        );
    const state = instance.State?.Name ?? "unknown";
    if (state === "terminated" || state === "shutting-down") {
        throw new InstanceGone(
            `The instance is already ${state}, so there is nothing to contain or release`,
            where,
            "Look for snapshots of its volumes and for its logs.",
        );
    }
    return instance;
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

/** Registrations of the instance in target groups of its VPC, by its id or by an address of its interfaces. */
async function readTargets(
    elb: ElasticLoadBalancingV2Client,
    groups: TargetGroup[],
    instanceId: string,
    addresses: string[],
): Promise<InstanceState["targets"]> {
    const wanted = new Set([instanceId, ...addresses]);
    const health = await mapConcurrently(groups, 10, async (group) => {
        const response = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn }));
        return (response.TargetHealthDescriptions ?? [])
            .filter((each) => wanted.has(each.Target?.Id ?? "") && each.TargetHealth?.State !== "draining")
            .map((each) => ({
                targetGroupArn: group.TargetGroupArn!,
                targetId: each.Target!.Id!,
                port: each.Target!.Port ?? group.Port ?? 0,
                networkLoadBalancer: ["TCP", "UDP", "TLS", "TCP_UDP"].includes(group.Protocol ?? ""),
            }));
    });
    return health.flat();
}

/** What the first round of calls says; the second needs the VPC and the addresses. */
export interface FirstRead {
    readonly victim: Victim;
    /** The instance as EC2 describes it, with its tags. */
    readonly instance: Instance;
    readonly vpcId: string;
    readonly attributes: Pick<InstanceState, "terminationProtection" | "stopProtection" | "shutdownBehavior">;
    readonly autoScaling: InstanceState["autoScaling"];
    readonly targetGroups: TargetGroup[];
    readonly classicLoadBalancers: string[];
    readonly unread: string[];
}

/**
 * Lets a read fail that the rest does not need: what AWS refuses is named in `unread`, and an instance is not left open
 * because its load balancers cannot be listed. Throttling is thrown all the same: a moment later the read succeeds.
 */
function tolerant(unread: string[]) {
    return async <T>(what: string, read: Promise<T>, otherwise: T): Promise<T> => {
        try {
            return await read;
        } catch (error) {
            if (isTransient(error)) throw error;
            unread.push(`${what} (${errorCode(error)})`);
            return otherwise;
        }
    };
}

async function readAttributes(ec2: EC2Client, InstanceId: string, read: ReturnType<typeof tolerant>): Promise<FirstRead["attributes"]> {
    const attribute = (Attribute: "disableApiTermination" | "disableApiStop" | "instanceInitiatedShutdownBehavior") =>
        read<Partial<DescribeInstanceAttributeCommandOutput> | null>(
            `the attribute ${Attribute}`,
            ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute })),
            null,
        );
    const [termination, stop, shutdown] = await Promise.all([
        attribute("disableApiTermination"),
        attribute("disableApiStop"),
        attribute("instanceInitiatedShutdownBehavior"),
    ]);
    return {
        terminationProtection: termination && (termination.DisableApiTermination?.Value ?? false),
        stopProtection: stop && (stop.DisableApiStop?.Value ?? false),
        shutdownBehavior: shutdown && (shutdown.InstanceInitiatedShutdownBehavior?.Value === "terminate" ? "terminate" : "stop"),
    };
}

/**
 * The first round: the instance, its attributes, and the lists in which it may stand.
 *
 * @throws InstanceGone when the instance does not exist or is already terminated
 */
export async function readFirst(victim: Victim): Promise<FirstRead> {
    const ec2 = victim.client(EC2Client);
    const unread: string[] = [];
    const read = tolerant(unread);
    const [instance, attributes, scaling, targetGroups, classic] = await Promise.all([
        describe(victim),
        readAttributes(ec2, victim.ref.instanceId, read),
        read(
            "the Auto Scaling group",
            victim.client(AutoScalingClient).send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [victim.ref.instanceId] })),
            null,
        ),
        read(
            "the target groups",
            collect(paginateDescribeTargetGroups({ client: victim.client(ElasticLoadBalancingV2Client) }, {}), (page) => page.TargetGroups),
            [],
        ),
        read(
            "the classic load balancers",
            collect(
                paginateClassicLoadBalancers({ client: victim.client(ElasticLoadBalancingClient) }, {}),
                (page) => page.LoadBalancerDescriptions,
            ),
            [],
        ),
    ]);
    const group = scaling?.AutoScalingInstances?.[0];
    return {
        victim,
        instance,
        vpcId: instance.VpcId ?? "",
        attributes,
        autoScaling: group ? { group: group.AutoScalingGroupName!, lifecycleState: group.LifecycleState ?? "" } : null,
        targetGroups,
        classicLoadBalancers: classic
            .filter((each) => each.Instances?.some((one) => one.InstanceId === victim.ref.instanceId))
            .map((each) => each.LoadBalancerName!),
        unread,
    };
}

/** The second round: registrations, routes and network ACLs around the instance. Reads everything containment may change, and what it cannot. */
export async function readRest({
    victim,
    instance,
    vpcId,
    attributes,
    autoScaling,
    targetGroups,
    classicLoadBalancers,
    unread,
}: FirstRead): Promise<InstanceState> {
    const ec2 = victim.client(EC2Client);
    const read = tolerant(unread);
    const attached = instance.NetworkInterfaces ?? [];
    const addresses = attached.flatMap((each) => (each.PrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress!));
    const subnetIds = [...new Set(attached.flatMap((each) => each.SubnetId ?? []))].sort();
    const inVpc = [{ Name: "vpc-id", Values: [vpcId] }];
    const reachable = targetGroups.filter((group) => group.VpcId === vpcId && group.TargetType !== "lambda" && group.TargetType !== "alb");
    const [targets, routeTables, endpoints, networkAcls, types] = await Promise.all([
        read(
            "the targets' health",
            readTargets(victim.client(ElasticLoadBalancingV2Client), reachable, victim.ref.instanceId, addresses),
            [],
        ),
        read(
            "the route tables",
            collect(paginateDescribeRouteTables({ client: ec2 }, { Filters: inVpc }), (page) => page.RouteTables),
            [],
        ),
        read(
            "the interface endpoints",
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
            collect(
                paginateDescribeNetworkAcls({ client: ec2 }, { Filters: [{ Name: "association.subnet-id", Values: subnetIds }] }),
                (page) => page.NetworkAcls,
            ),
            [],
        ),
        read("the instance type", ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: [instance.InstanceType!] })), null),
    ]);
    // EC2 gives a default exactly for the types whose idle timeout can be set.
    const defaultTimeout = types?.InstanceTypes?.[0]?.NetworkInfo?.ConnectionTrackingConfiguration?.DefaultTcpEstablishedTimeout ?? null;
    const interfaces = attached
        .map((each) => ({
            networkInterfaceId: each.NetworkInterfaceId!,
            subnetId: each.SubnetId ?? "",
            privateIps: (each.PrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress!),
            ipv6: (each.Ipv6Addresses ?? []).length > 0,
            groups: (each.Groups ?? []).map((group) => group.GroupId!).sort(),
            tcpIdleTimeout:
                defaultTimeout === null ? null : (each.ConnectionTrackingConfiguration?.TcpEstablishedTimeout ?? defaultTimeout),
        }))
        .sort((a, b) => a.networkInterfaceId.localeCompare(b.networkInterfaceId));
    return {
        schemaVersion: 1,
        instance: victim.ref,
        readAt: new Date().toISOString(),
        state: instance.State?.Name ?? "unknown",
        vpcId,
        availabilityZone: instance.Placement?.AvailabilityZone ?? "",
        lifecycle: instance.InstanceLifecycle === "spot" ? "spot" : "on-demand",
        rootDeviceType: instance.RootDeviceType === "instance-store" ? "instance-store" : "ebs",
        interfaces,
        volumes: (instance.BlockDeviceMappings ?? [])
            .filter((mapping) => mapping.Ebs?.VolumeId)
            .map((mapping) => ({
                volumeId: mapping.Ebs!.VolumeId!,
                device: mapping.DeviceName!,
                root: mapping.DeviceName === instance.RootDeviceName,
                deleteOnTermination: mapping.Ebs!.DeleteOnTermination ?? false,
            })),
        ...attributes,
        metadataEndpoint: instance.MetadataOptions?.HttpEndpoint === "disabled" ? "disabled" : "enabled",
        instanceProfileArn: instance.IamInstanceProfile?.Arn ?? null,
        autoScaling,
        targets,
        classicLoadBalancers,
        networkAcls: subnetIds.flatMap((subnetId) => {
            const acl = networkAcls.find((each) => each.Associations?.some((association) => association.SubnetId === subnetId));
            return acl ? [{ subnetId, networkAclId: acl.NetworkAclId! }] : [];
        }),
        trackedPaths: trackedPaths({
            routes: routesOf(
                routeTables,
                interfaces.map((each) => each.subnetId),
            ),
            networkLoadBalancers: targets.filter((target) => target.networkLoadBalancer).map((target) => target.targetGroupArn),
            interfaceEndpoints: endpoints.map((endpoint) => ({ id: endpoint.VpcEndpointId!, service: endpoint.ServiceName ?? "" })),
        }),
        unread,
    };
}

/** Both rounds. @throws InstanceGone when the instance does not exist or is already terminated */
export async function readInstance(victim: Victim): Promise<InstanceState> {
    return readRest(await readFirst(victim));
}
