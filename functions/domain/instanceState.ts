/** Everything containment may change about an instance, as it was read: the restore record, and what `release` puts back. */
import { z } from "zod";
import { instanceRefSchema, timestampSchema } from "./containers";

export const networkInterfaceStateSchema = z.object({
    networkInterfaceId: z.string(),
    subnetId: z.string(),
    privateIps: z.array(z.string()),
    ipv6: z.boolean(),
    /** Security group ids, sorted. */
    groups: z.array(z.string()),
});

export const instanceStateSchema = z.object({
    schemaVersion: z.literal(1),
    instance: instanceRefSchema,
    readAt: timestampSchema,
    /** EC2's state name, such as `running`. */
    state: z.string(),
    vpcId: z.string(),
    availabilityZone: z.string(),
    lifecycle: z.enum(["on-demand", "spot"]),
    rootDeviceType: z.enum(["ebs", "instance-store"]),
    interfaces: z.array(networkInterfaceStateSchema),
    volumes: z.array(z.object({ volumeId: z.string(), device: z.string(), root: z.boolean(), deleteOnTermination: z.boolean() })),
    terminationProtection: z.boolean(),
    stopProtection: z.boolean(),
    shutdownBehavior: z.enum(["stop", "terminate"]),
    /** Whether the instance metadata service answers. */
    metadataEndpoint: z.enum(["enabled", "disabled"]),
    instanceProfileArn: z.string().nullable(),
    autoScaling: z.object({ group: z.string(), lifecycleState: z.string() }).nullable(),
    targets: z.array(z.object({
        targetGroupArn: z.string(),
        /** Instance id, or the private address where the group's targets are addresses. */
        targetId: z.string(),
        port: z.number().int(),
        networkLoadBalancer: z.boolean(),
    })),
    classicLoadBalancers: z.array(z.string()),
    /** Ways through which tracked connections outlive a change of groups, by name. */
    trackedPaths: z.array(z.string()),
});
export type InstanceState = z.infer<typeof instanceStateSchema>;
