/** Reads an instance: the instance itself, with all its interfaces, in one round; what stands around it (readBeside.ts) on its own. */
import { DescribeInstancesCommand, EC2Client, paginateDescribeNetworkInterfaces } from "@aws-sdk/client-ec2";
import type { Instance, NetworkInterface } from "@aws-sdk/client-ec2";
import type { InstanceState } from "../../domain/instanceState";
import { isNotFound, StepError } from "../errors";
import type { Victim } from "../victim";
import { readBeside, readQuick, type BesideRead, type QuickRead } from "./readBeside";

/** There is no instance any more to change anything about. */
export class InstanceGone extends StepError {}

/** The instance as EC2 describes it. @throws InstanceGone when there is none, or it is terminated. */
export async function describeInstance(victim: Victim): Promise<Instance> {
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

/** Marks the interface that a branch interface hangs on (EKS); whoever may tag can write it. */
const trunkTag = "vpcresources.k8s.aws/trunk-eni-id";

/** Branch interfaces of the instance's trunk: pods and tasks that share its network card and do not stand among its interfaces. */
export interface Branches {
    interfaces: NetworkInterface[];
    /** Branch interfaces of the VPC of which nothing says whose they are: without the mark, or marked with what is no trunk. Null where they could not be listed. */
    unknown: string[] | null;
    /** Marked as another trunk's, by a tag alone. */
    elsewhere: string[];
}

/**
 * Looks for them where the instance has a trunk. EC2 lists a trunk's branches only for its own services, so each branch interface of
 * the VPC must be accounted for: ours, or marked as another trunk's that is there.
 */
export async function readBranches(victim: Victim, instance: Instance): Promise<Branches> {
    const trunks = (instance.NetworkInterfaces ?? [])
        .filter(({ InterfaceType }) => InterfaceType === "trunk")
        .map((each) => each.NetworkInterfaceId!);
    if (trunks.length === 0) return { interfaces: [], unknown: [], elsewhere: [] };
    const found: NetworkInterface[] = [];
    const filters = [
        { Name: "vpc-id", Values: [instance.VpcId ?? ""] },
        { Name: "interface-type", Values: ["branch", "trunk"] },
    ];
    try {
        for await (const page of paginateDescribeNetworkInterfaces({ client: victim.client(EC2Client) }, { Filters: filters }))
            found.push(...(page.NetworkInterfaces ?? []));
    } catch {
        return { interfaces: [], unknown: null, elsewhere: [] };
    }
    const trunkOf = (each: NetworkInterface) => each.TagSet?.find(({ Key }) => Key === trunkTag)?.Value;
    const branches = found.filter(({ InterfaceType }) => InterfaceType !== "trunk");
    const standing = new Set(found.filter(({ InterfaceType }) => InterfaceType === "trunk").map((each) => each.NetworkInterfaceId!));
    const isOurs = (each: NetworkInterface) => trunks.includes(trunkOf(each) ?? "");
    const others = branches.filter((each) => !isOurs(each));
    const ids = (of: NetworkInterface[]) => of.map((each) => each.NetworkInterfaceId!);
    return {
        interfaces: branches.filter(isOurs),
        unknown: ids(others.filter((each) => !standing.has(trunkOf(each) ?? ""))),
        elsewhere: ids(others.filter((each) => standing.has(trunkOf(each) ?? ""))),
    };
}

/** What stands around an instance, where that is not looked at. */
export const nothingBeside: BesideRead = {
    targets: [],
    classicLoadBalancers: [],
    networkAcls: [],
    trackedPaths: [],
    unread: [],
    defaultTimeout: null,
};

type Interface = Pick<
    NetworkInterface,
    "NetworkInterfaceId" | "SubnetId" | "PrivateIpAddresses" | "Ipv6Addresses" | "Groups" | "Association"
> & {
    ConnectionTrackingConfiguration?: { TcpEstablishedTimeout?: number };
};

/** The state, as far as it was read. @param beside left out: what stands around the instance is not known */
export function stateOf(victim: Victim, instance: Instance, branches: Branches, quick: QuickRead, beside = nothingBeside): InstanceState {
    const interfaces = [...(instance.NetworkInterfaces ?? []), ...branches.interfaces]
        .map((each: Interface) => ({
            networkInterfaceId: each.NetworkInterfaceId!,
            subnetId: each.SubnetId ?? "",
            privateIps: (each.PrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress!),
            ipv6: (each.Ipv6Addresses ?? []).length > 0,
            publicIps: [
                ...new Set(
                    [each.Association, ...(each.PrivateIpAddresses ?? []).map(({ Association }) => Association)].flatMap(
                        (association) => association?.PublicIp ?? [],
                    ),
                ),
            ].sort(),
            groups: (each.Groups ?? []).map((group) => group.GroupId!).sort(),
            tcpIdleTimeout:
                beside.defaultTimeout === null
                    ? null
                    : (each.ConnectionTrackingConfiguration?.TcpEstablishedTimeout ?? beside.defaultTimeout),
        }))
        .sort((a, b) => a.networkInterfaceId.localeCompare(b.networkInterfaceId));
    const { defaultTimeout: _, unread, ...around } = beside;
    return {
        schemaVersion: 1,
        instance: victim.ref,
        readAt: new Date().toISOString(),
        state: instance.State?.Name ?? "unknown",
        launchTime: instance.LaunchTime?.toISOString() ?? null,
        vpcId: instance.VpcId ?? "",
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
        ...quick.attributes,
        metadataEndpoint: instance.MetadataOptions?.HttpEndpoint === "disabled" ? "disabled" : "enabled",
        instanceProfileArn: instance.IamInstanceProfile?.Arn ?? null,
        autoScaling: quick.autoScaling,
        ...around,
        unread: [...quick.unread, ...unread],
    };
}

/** Milliseconds that reads of an instance's own settings are waited for where nothing hurries. */
const unhurried = 20_000;

/** All of it. @throws InstanceGone when the instance does not exist or is already terminated */
export async function readInstance(victim: Victim): Promise<InstanceState> {
    const [instance, quick] = await Promise.all([describeInstance(victim), readQuick(victim, unhurried)]);
    const [branches, beside] = await Promise.all([readBranches(victim, instance), readBeside(victim, instance)]);
    return stateOf(victim, instance, branches, quick, beside);
}
