/** EC2 of one account in memory, as far as the steps speak to it: its instances, errors on demand. Its disks are in ebs.ts, its network in vpc.ts. */
import { InMemoryEbs, type Filter, type Item } from "./ebs";
import { awsError } from "./errors";
import { perform } from "./operations";
import { InMemoryVpc } from "./vpc";

export class InMemoryEc2 extends InMemoryEbs {
    readonly instances = new Map<string, Item>();
    /** Errors the next calls of an operation end with, in order; null lets one through. */
    readonly errors = new Map<string, (string | null)[]>();
    imageGiB = 8;
    readonly vpc: InMemoryVpc;
    /** Protection and shutdown behaviour by instance. */
    readonly attributes = new Map<
        string,
        { disableApiTermination: boolean; disableApiStop: boolean; instanceInitiatedShutdownBehavior: string }
    >();

    constructor(accountId: string) {
        super(accountId);
        this.vpc = new InMemoryVpc(accountId);
    }

    /** What waits becomes what it waits for. */
    override settle(): void {
        super.settle();
        for (const instance of this.instances.values()) {
            const state = instance.State as { Name: string };
            if (state.Name === "pending") state.Name = "running";
            if (state.Name === "stopping") state.Name = "stopped";
            if (state.Name !== "shutting-down") continue;
            state.Name = "terminated";
            for (const [id, volume] of this.volumes) {
                const [attachment] = volume.Attachments as { InstanceId: string; DeleteOnTermination: boolean }[];
                if (attachment?.InstanceId !== instance.InstanceId) continue;
                if (attachment!.DeleteOnTermination) this.volumes.delete(id);
                else Object.assign(volume, { State: "available", Attachments: [] });
            }
        }
    }

    send(name: string, input: Record<string, unknown>): unknown {
        const error = this.errors.get(name)?.shift();
        if (error) throw awsError(error);
        return perform([this, this.vpc], name, input);
    }

    /** A running instance with volumes on some devices, the first of which is the root device. */
    addInstance(changes: Item, devices: Record<string, Item> = {}): string {
        const InstanceId = (changes.InstanceId as string | undefined) ?? this.id("i");
        const BlockDeviceMappings = Object.entries(devices).map(([DeviceName, { DeleteOnTermination = true, ...volume }]) => ({
            DeviceName,
            Ebs: {
                VolumeId: this.addVolume({
                    State: "in-use",
                    Attachments: [{ InstanceId, Device: DeviceName, State: "attached", DeleteOnTermination }],
                    ...volume,
                }),
                DeleteOnTermination,
            },
        }));
        this.attributes.set(InstanceId, {
            disableApiTermination: false,
            disableApiStop: false,
            instanceInitiatedShutdownBehavior: "terminate",
        });
        this.instances.set(InstanceId, {
            InstanceId,
            State: { Name: "running" },
            ImageId: "ami-0123456789abcdef0",
            Placement: { AvailabilityZone: "eu-west-1a" },
            RootDeviceName: Object.keys(devices)[0],
            BlockDeviceMappings,
            ...changes,
        });
        return InstanceId;
    }

    onCreateSnapshots(input: { InstanceSpecification: { InstanceId: string } }): unknown {
        const instance = this.instances.get(input.InstanceSpecification.InstanceId);
        if (!instance || (instance.State as { Name: string }).Name === "terminated") throw awsError("InvalidInstanceID.NotFound");
        return {
            Snapshots: (instance.BlockDeviceMappings as { Ebs: { VolumeId: string } }[]).map(({ Ebs: { VolumeId } }) =>
                this.snapshotOf(VolumeId, this.tags(input, "snapshot")),
            ),
        };
    }

    onDescribeInstances(input: { InstanceIds?: string[]; Filters?: Filter[]; NextToken?: string }): unknown {
        if (input.InstanceIds?.some((id) => !this.instances.has(id))) throw awsError("InvalidInstanceID.NotFound");
        const found = this.matching(this.instances.values(), input.Filters).filter(
            ({ InstanceId }) => input.InstanceIds?.includes(InstanceId as string) ?? true,
        );
        return this.page(
            found.map((instance) => ({ OwnerId: instance.OwnerId ?? this.accountId, Instances: [this.shown(instance)] })),
            "Reservations",
            input,
        );
    }

    onStopInstances(input: { InstanceIds: string[] }): unknown {
        for (const id of input.InstanceIds) this.instances.get(id)!.State = { Name: "stopping" };
        return {};
    }

    onStartInstances(input: { InstanceIds: string[] }): unknown {
        for (const id of input.InstanceIds) this.instances.get(id)!.State = { Name: "pending" };
        return {};
    }

    onDescribeImages(): unknown {
        return {
            Images: [
                { RootDeviceName: "/dev/xvda", BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: this.imageGiB } }] },
            ],
        };
    }

    onRunInstances(input: { ClientToken: string; InstanceType: string; NetworkInterfaces: { SubnetId: string }[] }): unknown {
        const standing = this.tokens.get(input.ClientToken);
        if (standing) return { Instances: [this.instances.get(standing)] };
        const zone = `eu-west-1${input.NetworkInterfaces[0]!.SubnetId.at(-1)}`;
        const id = this.addInstance(
            {
                State: { Name: "pending" },
                InstanceType: input.InstanceType,
                Placement: { AvailabilityZone: zone },
                Tags: this.tags(input, "instance"),
            },
            { "/dev/xvda": { AvailabilityZone: zone, Tags: this.tags(input, "volume") } },
        );
        this.tokens.set(input.ClientToken, id);
        return { Instances: [this.instances.get(id)] };
    }

    onAttachVolume(input: { VolumeId: string; InstanceId: string; Device: string }): unknown {
        const volume = this.volumes.get(input.VolumeId)!;
        const instance = this.instances.get(input.InstanceId)!;
        const mappings = instance.BlockDeviceMappings as { DeviceName: string; Ebs: object }[];
        const host = (instance.State as { Name: string }).Name;
        if (volume.State !== "available" || (host !== "running" && host !== "stopped")) throw awsError("IncorrectState");
        // A volume with an AWS Marketplace product code attaches to a stopped instance only (EC2 API reference, AttachVolume).
        if (volume.ProductCodes !== undefined && host !== "stopped") throw awsError("IncorrectState");
        if (volume.AvailabilityZone !== (instance.Placement as { AvailabilityZone: string }).AvailabilityZone)
            throw awsError("InvalidVolume.ZoneMismatch");
        if (mappings.some(({ DeviceName }) => DeviceName === input.Device)) throw awsError("InvalidParameterValue");
        mappings.push({ DeviceName: input.Device, Ebs: { VolumeId: input.VolumeId } });
        Object.assign(volume, {
            State: "in-use",
            Attachments: [{ InstanceId: input.InstanceId, Device: input.Device, State: "attached", DeleteOnTermination: false }],
        });
        return {};
    }

    onDetachVolume({ VolumeId }: { VolumeId: string }): unknown {
        const volume = this.volumes.get(VolumeId);
        if (!volume) throw awsError("InvalidVolume.NotFound");
        if (volume.State !== "in-use") throw awsError("IncorrectState");
        for (const instance of this.instances.values()) {
            const mappings = instance.BlockDeviceMappings as { Ebs: { VolumeId: string } }[];
            instance.BlockDeviceMappings = mappings.filter(({ Ebs }) => Ebs.VolumeId !== VolumeId);
        }
        Object.assign(volume, { State: "available", Attachments: [] });
        return {};
    }

    private shown(instance: Item): Item {
        const NetworkInterfaces = this.vpc.shownOf(instance.InstanceId as string);
        return NetworkInterfaces ? { ...instance, NetworkInterfaces } : instance;
    }

    onDescribeInstanceTypes(): unknown {
        return { InstanceTypes: [{ NetworkInfo: { ConnectionTrackingConfiguration: { DefaultTcpEstablishedTimeout: 432_000 } } }] };
    }

    onDescribeInstanceAttribute({ InstanceId, Attribute }: { InstanceId: string; Attribute: string }): unknown {
        const { disableApiTermination, disableApiStop, instanceInitiatedShutdownBehavior } = this.attributes.get(InstanceId)!;
        return {
            DisableApiTermination: { Value: disableApiTermination },
            DisableApiStop: { Value: disableApiStop },
            InstanceInitiatedShutdownBehavior: { Value: instanceInitiatedShutdownBehavior },
            Attribute,
        };
    }

    onModifyInstanceMetadataOptions({ InstanceId, HttpEndpoint }: { InstanceId: string; HttpEndpoint: string }): unknown {
        this.instances.get(InstanceId)!.MetadataOptions = { HttpEndpoint };
        return {};
    }

    onModifyInstanceAttribute(input: {
        InstanceId: string;
        DisableApiTermination?: { Value: boolean };
        DisableApiStop?: { Value: boolean };
        InstanceInitiatedShutdownBehavior?: { Value: string };
        BlockDeviceMappings?: { DeviceName: string; Ebs: { DeleteOnTermination: boolean } }[];
    }): unknown {
        const attributes = this.attributes.get(input.InstanceId)!;
        if (input.DisableApiTermination) attributes.disableApiTermination = input.DisableApiTermination.Value;
        if (input.DisableApiStop) attributes.disableApiStop = input.DisableApiStop.Value;
        if (input.InstanceInitiatedShutdownBehavior)
            attributes.instanceInitiatedShutdownBehavior = input.InstanceInitiatedShutdownBehavior.Value;
        for (const { DeviceName, Ebs } of input.BlockDeviceMappings ?? [])
            this.setDeleteOnTermination(input.InstanceId, DeviceName, Ebs.DeleteOnTermination);
        return {};
    }

    /** Whether the volume on a device goes with its instance. */
    setDeleteOnTermination(instanceId: string, device: string, goes: boolean): void {
        const mappings = this.instances.get(instanceId)!.BlockDeviceMappings as { DeviceName: string; Ebs: object }[];
        Object.assign(mappings.find(({ DeviceName }) => DeviceName === device)!.Ebs, { DeleteOnTermination: goes });
        const attachments = [...this.volumes.values()].flatMap(
            (volume) => volume.Attachments as { InstanceId: string; Device: string; DeleteOnTermination: boolean }[],
        );
        attachments.find((one) => one.InstanceId === instanceId && one.Device === device)!.DeleteOnTermination = goes;
    }

    onTerminateInstances(input: { InstanceIds: string[] }): unknown {
        for (const id of input.InstanceIds) this.instances.get(id)!.State = { Name: "shutting-down" };
        return {};
    }
}
