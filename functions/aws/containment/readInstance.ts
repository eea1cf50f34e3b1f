/** Reads an instance once, in as few rounds as its parts allow: two, each of parallel calls. */
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client, paginateDescribeRouteTables, paginateDescribeVpcEndpoints } from "@aws-sdk/client-ec2";
import type { DescribeInstanceAttributeCommandOutput, Instance, RouteTable } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient, paginateDescribeLoadBalancers as paginateClassicLoadBalancers } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client, paginateDescribeTargetGroups } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { InstanceRef } from "../../domain/containers";
import type { InstanceState } from "../../domain/instanceState";
import { trackedPaths, type Route } from "../../domain/trackedPaths";
import { memberClient } from "../clients";
import { isNotFound, StepError } from "../errors";
import { mapConcurrently } from "../mapConcurrently";

async function collect<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
    const found: Item[] = [];
    for await (const page of pages) found.push(...items(page) ?? []);
    return found;
}

/** The instance as EC2 describes it. @throws StepError when there is none, or it is gone. */
async function describe(ec2: EC2Client, ref: InstanceRef): Promise<Instance> {
    const where = `${ref.instanceId} in ${ref.accountId}/${ref.region}`;
    let instance: Instance | undefined;
    try {
        instance = (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [ref.instanceId] }))).Reservations?.[0]?.Instances?.[0];
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    if (!instance) throw new StepError("There is no such instance", where, "Check the account and Region of the finding; an instance terminated more than an hour ago is no longer listed.");
    const state = instance.State?.Name ?? "unknown";
    if (state === "terminated" || state === "shutting-down") {
        throw new StepError(`The instance is already ${state}, so there is nothing to contain`, where, "Look for snapshots of its volumes and for its logs.");
    }
    return instance;
}

/** The routes that a subnet uses: its own table's, else the VPC's main table's. */
function routesOf(tables: RouteTable[], subnetIds: string[]): Route[] {
    const main = tables.find((table) => table.Associations?.some((association) => association.Main));
    const used = subnetIds.map((id) => tables.find((table) => table.Associations?.some((association) => association.SubnetId === id)) ?? main);
    return [...new Set(used)].flatMap((table) => table?.Routes ?? []).map((route) => ({
        target: route.NatGatewayId ?? route.TransitGatewayId ?? route.EgressOnlyInternetGatewayId ?? route.GatewayId ?? "",
        // A route to a prefix list is that of a gateway endpoint (S3, DynamoDB), whose flows are not always tracked.
        destination: route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? "",
    })).filter((route) => route.destination !== "");
}

/** Registrations of the instance in target groups of its VPC, by its id or by an address of its interfaces. */
async function readTargets(elb: ElasticLoadBalancingV2Client, groups: TargetGroup[], instanceId: string, addresses: string[]): Promise<InstanceState["targets"]> {
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

/**
 * Reads everything containment may change, and what it cannot.
 *
 * @throws StepError when the instance does not exist or is already terminated
 */
export async function readInstance(ref: InstanceRef, incidentId: string): Promise<InstanceState> {
    const ec2 = memberClient(EC2Client, ref, incidentId);
    const elb = memberClient(ElasticLoadBalancingV2Client, ref, incidentId);
    const attribute = (Attribute: "disableApiTermination" | "disableApiStop" | "instanceInitiatedShutdownBehavior") =>
        ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: ref.instanceId, Attribute })).catch((error: unknown): Partial<DescribeInstanceAttributeCommandOutput> => {
            if (isNotFound(error)) return {}; // `describe` says it better
            throw error;
        });

    const [instance, termination, stop, shutdown, scaling, targetGroups, classic] = await Promise.all([
        describe(ec2, ref),
        attribute("disableApiTermination"),
        attribute("disableApiStop"),
        attribute("instanceInitiatedShutdownBehavior"),
        memberClient(AutoScalingClient, ref, incidentId).send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [ref.instanceId] })),
        collect(paginateDescribeTargetGroups({ client: elb }, {}), (page) => page.TargetGroups),
        collect(paginateClassicLoadBalancers({ client: memberClient(ElasticLoadBalancingClient, ref, incidentId) }, {}), (page) => page.LoadBalancerDescriptions),
    ]);
    const vpcId = instance.VpcId ?? "";
    const interfaces = (instance.NetworkInterfaces ?? []).map((each) => ({
        networkInterfaceId: each.NetworkInterfaceId!,
        subnetId: each.SubnetId ?? "",
        privateIps: (each.PrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress!),
        ipv6: (each.Ipv6Addresses ?? []).length > 0,
        groups: (each.Groups ?? []).map((group) => group.GroupId!).sort(),
    })).sort((a, b) => a.networkInterfaceId.localeCompare(b.networkInterfaceId));

    const inVpc = [{ Name: "vpc-id", Values: [vpcId] }];
    const [targets, routeTables, endpoints] = await Promise.all([
        readTargets(elb, targetGroups.filter((group) => group.VpcId === vpcId && group.TargetType !== "lambda" && group.TargetType !== "alb"), ref.instanceId, interfaces.flatMap((each) => each.privateIps)),
        collect(paginateDescribeRouteTables({ client: ec2 }, { Filters: inVpc }), (page) => page.RouteTables),
        collect(paginateDescribeVpcEndpoints({ client: ec2 }, { Filters: [...inVpc, { Name: "vpc-endpoint-type", Values: ["Interface"] }] }), (page) => page.VpcEndpoints),
    ]);
    const group = scaling.AutoScalingInstances?.[0];
    return {
        schemaVersion: 1,
        instance: ref,
        readAt: new Date().toISOString(),
        state: instance.State?.Name ?? "unknown",
        vpcId,
        availabilityZone: instance.Placement?.AvailabilityZone ?? "",
        lifecycle: instance.InstanceLifecycle === "spot" ? "spot" : "on-demand",
        rootDeviceType: instance.RootDeviceType === "instance-store" ? "instance-store" : "ebs",
        interfaces,
        volumes: (instance.BlockDeviceMappings ?? []).filter((mapping) => mapping.Ebs?.VolumeId).map((mapping) => ({
            volumeId: mapping.Ebs!.VolumeId!,
            device: mapping.DeviceName!,
            root: mapping.DeviceName === instance.RootDeviceName,
            deleteOnTermination: mapping.Ebs!.DeleteOnTermination ?? false,
        })),
        terminationProtection: termination.DisableApiTermination?.Value ?? false,
        stopProtection: stop.DisableApiStop?.Value ?? false,
        shutdownBehavior: shutdown.InstanceInitiatedShutdownBehavior?.Value === "terminate" ? "terminate" : "stop",
        metadataEndpoint: instance.MetadataOptions?.HttpEndpoint === "disabled" ? "disabled" : "enabled",
        instanceProfileArn: instance.IamInstanceProfile?.Arn ?? null,
        autoScaling: group ? { group: group.AutoScalingGroupName!, lifecycleState: group.LifecycleState ?? "" } : null,
        targets,
        classicLoadBalancers: classic.filter((each) => each.Instances?.some((one) => one.InstanceId === ref.instanceId)).map((each) => each.LoadBalancerName!),
        trackedPaths: trackedPaths({
            routes: routesOf(routeTables, interfaces.map((each) => each.subnetId)),
            networkLoadBalancers: targets.filter((target) => target.networkLoadBalancer).map((target) => target.targetGroupArn),
            interfaceEndpoints: endpoints.map((endpoint) => ({ id: endpoint.VpcEndpointId!, service: endpoint.ServiceName ?? "" })),
        }),
    };
}
