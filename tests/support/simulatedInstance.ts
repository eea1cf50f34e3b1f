/** An instance in memory: what the containment and release actions do to it, as AWS documents them. */
import fc from "fast-check";
import type { ContainmentAction } from "../../functions/domain/planContainment";
import type { ReleaseAction } from "../../functions/domain/planRelease";
import { instanceStateSchema, type InstanceState } from "../../functions/domain/instanceState";
import { addDenied, addQuarantined, removeDenied } from "../../functions/domain/planCredentialDeny";

/** The instance, and the deny policy of the role it shares with others. */
export interface World {
    state: InstanceState;
    denyPolicy: string | null;
}
export const isolation = "sg-isolation";
export const untrack = "sg-untrack";
export const quarantine = "sg-quarantine";
export const isolationAcl = "acl-isolation";
export const victimArn = "arn:aws:ec2:eu-west-1:222222222222:instance/i-0123456789abcdef0";

const sortedTargets = (targets: InstanceState["targets"]) =>
    [...targets].sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
const withState = (world: World, change: Partial<InstanceState>): World => ({ ...world, state: { ...world.state, ...change } });
const withGroups = (world: World, id: string, groups: string[]) =>
    withState(world, {
        interfaces: world.state.interfaces.map((each) => (each.networkInterfaceId === id ? { ...each, groups: [...groups].sort() } : each)),
    });
const withTimeout = (world: World, id: string, tcpIdleTimeout: number) =>
    withState(world, {
        interfaces: world.state.interfaces.map((each) => (each.networkInterfaceId === id ? { ...each, tcpIdleTimeout } : each)),
    });
const withAcl = (world: World, subnetId: string, networkAclId: string) =>
    withState(world, {
        networkAcls: world.state.networkAcls.map((each) => (each.subnetId === subnetId ? { ...each, networkAclId } : each)),
    });
const withVolumes = (world: World, devices: string[], deleteOnTermination: boolean) =>
    withState(world, {
        volumes: world.state.volumes.map((volume) => (devices.includes(volume.device) ? { ...volume, deleteOnTermination } : volume)),
    });

export function contain(world: World, action: ContainmentAction): World {
    const { state } = world;
    switch (action.kind) {
        case "detachFromAutoScaling":
            return withState(world, { autoScaling: null });
        case "protectFromTermination":
            return withState(world, { terminationProtection: true });
        case "protectFromStop":
            return withState(world, { stopProtection: true });
        case "stopOnShutdown":
            return withState(world, { shutdownBehavior: "stop" });
        case "keepVolumes":
            return withVolumes(world, action.devices, false);
        case "deregisterTarget":
            return withState(world, {
                targets: state.targets.filter(
                    (each) =>
                        each.targetGroupArn !== action.targetGroupArn || each.targetId !== action.targetId || each.port !== action.port,
                ),
            });
        case "deregisterFromClassic":
            return withState(world, { classicLoadBalancers: state.classicLoadBalancers.filter((each) => each !== action.loadBalancer) });
        case "isolateInterface":
            return withGroups(world, action.networkInterfaceId, [action.group]);
        case "denyCredentials":
        case "denyRole":
            return { ...world, denyPolicy: (action.agentExcepted ? addQuarantined : addDenied)(world.denyPolicy, victimArn) };
        case "revokeRole":
        case "revokeSessions":
            return world;
        case "disableMetadata":
            return withState(world, { metadataEndpoint: "disabled" });
        case "shortenIdleTimeout":
            return withTimeout(world, action.networkInterfaceId, action.seconds);
        case "isolateSubnet":
            return withAcl(world, action.subnetId, action.networkAclId);
        default:
            return action satisfies never;
    }
}

export function release(world: World, action: ReleaseAction, record: InstanceState): World {
    const { state } = world;
    switch (action.kind) {
        case "restoreSubnet":
            return withAcl(world, action.subnetId, action.networkAclId);
        case "restoreIdleTimeout":
            return withTimeout(world, action.networkInterfaceId, action.seconds);
        case "allowCredentials":
        case "allowRole":
            return { ...world, denyPolicy: removeDenied(world.denyPolicy, victimArn) };
        case "enableMetadata":
            return withState(world, { metadataEndpoint: "enabled" });
        case "restoreGroups":
            return withGroups(world, action.networkInterfaceId, action.groups);
        case "registerTarget":
            return withState(world, {
                targets: sortedTargets([
                    ...state.targets,
                    record.targets.find(
                        (each) =>
                            each.targetGroupArn === action.targetGroupArn && each.targetId === action.targetId && each.port === action.port,
                    )!,
                ]),
            });
        case "registerWithClassic":
            return withState(world, { classicLoadBalancers: [...state.classicLoadBalancers, action.loadBalancer].sort() });
        case "restoreVolumes":
            return withVolumes(world, action.devices, true);
        case "terminateOnShutdown":
            return withState(world, { shutdownBehavior: "terminate" });
        case "unprotectFromStop":
            return withState(world, { stopProtection: false });
        case "unprotectFromTermination":
            return withState(world, { terminationProtection: false });
        case "resumeProcesses":
            return world;
        case "rejoinAutoScaling":
            return withState(world, { autoScaling: { group: action.group, lifecycleState: "InService" } });
        default:
            return action satisfies never;
    }
}

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));

/** Any instance: 1-8 interfaces in 1-3 subnets with 0-5 groups each, IPv6 or not, in a group or not, behind load balancers or not. */
export const arbitraryWorld: fc.Arbitrary<World> = fc
    .record({
        interfaces: fc.uniqueArray(
            fc.record({
                networkInterfaceId: hex(17).map((id) => `eni-${id}`),
                ipv6: fc.boolean(),
                subnet: fc.integer({ min: 1, max: 3 }),
                tcpIdleTimeout: fc.option(fc.constantFrom(60, 350, 432_000)),
                groups: fc.uniqueArray(
                    hex(8).map((id) => `sg-${id}`),
                    { maxLength: 5 },
                ),
            }),
            { minLength: 1, maxLength: 8, selector: (each) => each.networkInterfaceId },
        ),
        volumes: fc.uniqueArray(fc.record({ volumeId: hex(17).map((id) => `vol-${id}`), deleteOnTermination: fc.boolean() }), {
            minLength: 1,
            maxLength: 4,
            selector: (each) => each.volumeId,
        }),
        terminationProtection: fc.boolean(),
        stopProtection: fc.boolean(),
        spot: fc.boolean(),
        shutdownBehavior: fc.constantFrom("stop" as const, "terminate" as const),
        metadataEndpoint: fc.constantFrom("enabled" as const, "disabled" as const),
        profile: fc.boolean(),
        inGroup: fc.boolean(),
        targets: fc.uniqueArray(fc.record({ name: hex(6), port: fc.integer({ min: 1, max: 65_535 }), networkLoadBalancer: fc.boolean() }), {
            maxLength: 4,
            selector: (each) => each.name,
        }),
        classic: fc.uniqueArray(hex(4), { maxLength: 2 }),
        acls: fc.array(hex(4), { minLength: 3, maxLength: 3 }),
        instanceStore: fc.boolean(),
        others: fc.uniqueArray(
            hex(17)
                .map((id) => `arn:aws:ec2:eu-west-1:222222222222:instance/i-${id}`)
                .filter((arn) => arn !== victimArn),
            { maxLength: 3 },
        ),
    })
    .map((facts) => ({
        denyPolicy: facts.others.reduce<string | null>((policy, arn) => addDenied(policy, arn), null),
        state: instanceStateSchema.parse({
            schemaVersion: 1,
            instance: { instanceId: "i-0123456789abcdef0", accountId: "222222222222", region: "eu-west-1" },
            readAt: "2026-11-24T12:00:00.000Z",
            state: "running",
            vpcId: "vpc-1",
            availabilityZone: "eu-west-1a",
            lifecycle: facts.spot ? "spot" : "on-demand",
            rootDeviceType: facts.instanceStore ? "instance-store" : "ebs",
            interfaces: facts.interfaces.map(({ subnet, ...each }) => ({
                ...each,
                groups: [...each.groups].sort(),
                subnetId: `subnet-${subnet}`,
                privateIps: ["10.0.0.4"],
            })),
            volumes: facts.volumes.map((volume, index) => ({ ...volume, device: `/dev/xvd${"abcd"[index]}`, root: index === 0 })),
            terminationProtection: facts.terminationProtection && !facts.spot,
            stopProtection: facts.stopProtection && !facts.spot,
            shutdownBehavior: facts.shutdownBehavior,
            metadataEndpoint: facts.metadataEndpoint,
            instanceProfileArn: facts.profile ? "arn:aws:iam::222222222222:instance-profile/app" : null,
            autoScaling: facts.inGroup ? { group: "app", lifecycleState: "InService" } : null,
            targets: sortedTargets(
                facts.targets.map((each) => ({
                    targetGroupArn: `arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/${each.name}/1`,
                    targetId: "i-0123456789abcdef0",
                    port: each.port,
                    networkLoadBalancer: each.networkLoadBalancer,
                })),
            ),
            classicLoadBalancers: [...facts.classic].sort(),
            trackedPaths: [],
            networkAcls: [...new Set(facts.interfaces.map(({ subnet }) => subnet))]
                .sort()
                .map((subnet) => ({ subnetId: `subnet-${subnet}`, networkAclId: `acl-${facts.acls[subnet - 1]}` })),
        }),
    }));
