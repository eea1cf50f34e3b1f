/** Everything containment may change about an instance, as it was read: the restore record, and what `release` puts back. */
import { z } from "zod";
import { instanceRefSchema, timestampSchema, untrustedText } from "./containers";

export const networkInterfaceStateSchema = z.object({
    networkInterfaceId: z.string(),
    subnetId: z.string(),
    privateIps: z.array(z.string()),
    ipv6: z.boolean(),
    /** Public addresses; null in records that were written before they were kept. */
    publicIps: z.array(z.string()).nullable().default(null),
    /** Security group ids, sorted. */
    groups: z.array(z.string()),
    /** Seconds after which the tracking of an idle TCP connection is forgotten; null where the instance type lets nobody set it. */
    tcpIdleTimeout: z.number().int().nullable().default(null),
});

export const instanceStateSchema = z.object({
    schemaVersion: z.literal(1),
    instance: instanceRefSchema,
    readAt: timestampSchema,
    /** EC2's state name, such as `running`. */
    state: z.string(),
    /** When it was started last; null in records that were written before it was kept. */
    launchTime: timestampSchema.nullable().default(null),
    vpcId: z.string(),
    availabilityZone: z.string(),
    lifecycle: z.enum(["on-demand", "spot"]),
    rootDeviceType: z.enum(["ebs", "instance-store"]),
    interfaces: z.array(networkInterfaceStateSchema),
    volumes: z.array(z.object({ volumeId: z.string(), device: z.string(), root: z.boolean(), deleteOnTermination: z.boolean() })),
    /** These three are null where AWS did not let us read them: containment sets them all the same, release then leaves them. */
    terminationProtection: z.boolean().nullable(),
    stopProtection: z.boolean().nullable(),
    shutdownBehavior: z.enum(["stop", "terminate"]).nullable(),
    /** Whether the instance metadata service answers. */
    metadataEndpoint: z.enum(["enabled", "disabled"]),
    instanceProfileArn: z.string().nullable(),
    autoScaling: z.object({ group: z.string(), lifecycleState: z.string() }).nullable(),
    targets: z.array(
        z.object({
            targetGroupArn: z.string(),
            /** Instance id, or the private address where the group's targets are addresses. */
            targetId: z.string(),
            port: z.number().int(),
            networkLoadBalancer: z.boolean(),
        }),
    ),
    classicLoadBalancers: z.array(z.string()),
    /** Ways through which tracked connections outlive a change of groups, by name. */
    trackedPaths: z.array(z.string()),
    /** The network ACL of each subnet that an interface stands in, sorted by subnet. */
    networkAcls: z.array(z.object({ subnetId: z.string(), networkAclId: z.string() })).default([]),
    /** What AWS did not let us read, with its reason. Taken for absent, so neither changed nor put back. */
    unread: z.array(untrustedText(256)).default([]),
});
export type InstanceState = z.infer<typeof instanceStateSchema>;
