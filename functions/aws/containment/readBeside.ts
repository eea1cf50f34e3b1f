/**
 * Reads what stands around an instance: its protection, its Auto Scaling group, load balancers, routes, endpoints. The cut waits for
 * none of it. What AWS does not let us read is named and taken for absent, never thrown.
 */
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
import type { InstanceState } from "../../domain/instanceState";
import { trackedPaths, type Route } from "../../domain/trackedPaths";
import { errorCode } from "../errors";
import type { Victim } from "../victim";
import { collect, longestThrottling, patient } from "./patience";
import { classicOf, listClassic, listTargetGroups, readTargets, targetGroupsOf } from "./readLoadBalancers";

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
        read("the target groups", () => listTargetGroups(victim), []).then((groups) =>
            readTargets(victim, targetGroupsOf(groups, instance), instance, unread),
        ),
        read("the classic load balancers", async () => classicOf(await listClassic(victim), victim), []),
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
