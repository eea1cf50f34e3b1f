/** EC2 of one account in memory, as far as the steps speak to it: eventually consistent, one result a page, errors on demand. Its network is in vpc.ts. */
import { awsError } from "./errors";
import { perform } from "./operations";
import { InMemoryVpc } from "./vpc";

type Item = Record<string, unknown> & { Tags?: { Key: string; Value: string }[] };

interface Filter {
    Name: string;
    Values: string[];
}

export class InMemoryEc2 {
    readonly instances = new Map<string, Item>();
    readonly volumes = new Map<string, Item>();
    readonly snapshots = new Map<string, Item>();
    readonly locks = new Map<string, Item>();
    /** Account ids each snapshot is shared with. */
    readonly shares = new Map<string, string[]>();
    readonly calls: { name: string; input: Record<string, unknown> }[] = [];
    /** Errors the next calls of an operation end with, in order; null lets one through. */
    readonly errors = new Map<string, (string | null)[]>();
    /** Describes that do not show yet a snapshot made before them. */
    lag = 0;
    private readonly unseen = new Map<string, number>();
    /** State of new snapshots. */
    snapshotsAreBorn = "pending";
    imageGiB = 8;
    other!: InMemoryEc2;
    private next = 1;
    private readonly tokens = new Map<string, string>();

    readonly vpc: InMemoryVpc;
    /** Protection and shutdown behaviour by instance. */
    readonly attributes = new Map<
        string,
        { disableApiTermination: boolean; disableApiStop: boolean; instanceInitiatedShutdownBehavior: string }
    >();

    constructor(readonly accountId: string) {
        this.vpc = new InMemoryVpc(accountId);
    }

    of(name: string): Record<string, unknown>[] {
        return this.calls.filter((call) => call.name === name).map(({ input }) => input);
    }

    /** What waits becomes what it waits for. */
    settle(): void {
        for (const snapshot of this.snapshots.values()) if (snapshot.State === "pending") snapshot.State = "completed";
        for (const volume of this.volumes.values()) if (volume.State === "creating") volume.State = "available";
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
        this.calls.push({ name, input });
        const error = this.errors.get(name)?.shift();
        if (error) throw awsError(error);
        return perform([this, this.vpc], name, input);
    }

    addVolume(changes: Item): string {
        const VolumeId = (changes.VolumeId as string | undefined) ?? this.id("vol");
        this.volumes.set(VolumeId, {
            VolumeId,
            State: "available",
            AvailabilityZone: "eu-west-1a",
            Size: 8,
            Encrypted: false,
            Attachments: [],
            ...changes,
        });
        return VolumeId;
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

    private id(prefix: string): string {
        return `${prefix}-${this.accountId[0]}${String(this.next++).padStart(16, "0")}`;
    }

    private page(items: Item[], key: string, { NextToken }: { NextToken?: string }): Record<string, unknown> {
        const at = Number(NextToken ?? 0);
        return { [key]: items.slice(at, at + 1), NextToken: at + 1 < items.length ? String(at + 1) : undefined };
    }

    private matching(items: Iterable<Item>, filters: Filter[] = []): Item[] {
        const value = (item: Item, name: string) =>
            name === "status"
                ? item.State
                : name === "volume-id"
                  ? item.VolumeId
                  : name === "snapshot-id"
                    ? item.SnapshotId
                    : item.Tags?.find(({ Key }) => `tag:${Key}` === name)?.Value;
        return [...items].filter((item) => filters.every(({ Name, Values }) => Values.includes(value(item, Name) as string)));
    }

    private tags(input: object, type: string): Item["Tags"] {
        return (input as { TagSpecifications?: { ResourceType: string; Tags: Item["Tags"] }[] }).TagSpecifications?.find(
            ({ ResourceType }) => ResourceType === type,
        )?.Tags;
    }

    private addSnapshot(changes: Item): Item {
        const snapshot = {
            SnapshotId: this.id("snap"),
            State: this.snapshotsAreBorn,
            StartTime: new Date(Math.floor(Date.now() / 1000) * 1000),
            OwnerId: this.accountId,
            VolumeSize: 8,
            Encrypted: false,
            ...changes,
        };
        this.snapshots.set(snapshot.SnapshotId, snapshot);
        this.unseen.set(snapshot.SnapshotId, this.lag);
        return snapshot;
    }

    onDescribeSnapshots(input: { Filters?: Filter[]; NextToken?: string }): unknown {
        const seen = this.matching(this.snapshots.values(), input.Filters).filter(
            ({ SnapshotId }) => !this.unseen.get(SnapshotId as string),
        );
        if (input.NextToken === undefined) for (const [id, left] of this.unseen) this.unseen.set(id, Math.max(0, left - 1));
        return this.page(seen, "Snapshots", input);
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

    onCreateSnapshot(input: { VolumeId: string }): unknown {
        return this.snapshotOf(input.VolumeId, this.tags(input, "snapshot"));
    }

    private snapshotOf(VolumeId: string, Tags: Item["Tags"]): Item {
        const volume = this.volumes.get(VolumeId);
        if (!volume) throw awsError("InvalidVolume.NotFound");
        return this.addSnapshot({ VolumeId, VolumeSize: volume.Size, Encrypted: volume.Encrypted, Tags });
    }

    onCopySnapshot(input: { SourceSnapshotId: string; KmsKeyId?: string }): unknown {
        const shared = this.other.shares.get(input.SourceSnapshotId)?.includes(this.accountId)
            ? this.other.snapshots.get(input.SourceSnapshotId)
            : undefined;
        const source = this.snapshots.get(input.SourceSnapshotId) ?? shared;
        if (!source) throw awsError("InvalidSnapshot.NotFound");
        if (source.State !== "completed") throw awsError("IncorrectState");
        return {
            SnapshotId: this.addSnapshot({
                VolumeId: "vol-ffffffff",
                VolumeSize: source.VolumeSize,
                Encrypted: true,
                KmsKeyId: input.KmsKeyId,
                Tags: this.tags(input, "snapshot"),
            }).SnapshotId,
        };
    }

    onModifySnapshotAttribute(input: { SnapshotId: string; OperationType: string; UserIds?: string[]; GroupNames?: string[] }): unknown {
        const snapshot = this.snapshots.get(input.SnapshotId)!;
        if (input.OperationType === "remove") {
            const gone = [...(input.UserIds ?? []), ...(input.GroupNames ?? [])];
            this.shares.set(
                input.SnapshotId,
                (this.shares.get(input.SnapshotId) ?? []).filter((each) => !gone.includes(each)),
            );
            return {};
        }
        // EC2 refuses to share what is encrypted under the account's default key.
        if (snapshot.Encrypted && !snapshot.KmsKeyId) throw awsError("InvalidParameterCombination");
        this.shares.set(input.SnapshotId, input.UserIds!);
        return {};
    }

    onDescribeSnapshotAttribute(input: { SnapshotId: string }): unknown {
        const shares = this.shares.get(input.SnapshotId) ?? [];
        return { CreateVolumePermissions: shares.map((each) => (each === "all" ? { Group: each } : { UserId: each })) };
    }

    onUnlockSnapshot(input: { SnapshotId: string }): unknown {
        if (this.locks.get(input.SnapshotId)?.LockState === "compliance") throw awsError("OperationNotPermitted");
        this.locks.delete(input.SnapshotId);
        return {};
    }

    onDeleteSnapshot(input: { SnapshotId: string }): unknown {
        if (this.locks.has(input.SnapshotId)) throw awsError("OperationNotPermitted");
        if (!this.snapshots.delete(input.SnapshotId)) throw awsError("InvalidSnapshot.NotFound");
        return {};
    }

    onLockSnapshot(input: { SnapshotId: string; LockMode: string; LockDuration: number }): unknown {
        if (!this.snapshots.has(input.SnapshotId)) throw awsError("InvalidSnapshot.NotFound");
        this.locks.set(input.SnapshotId, {
            SnapshotId: input.SnapshotId,
            LockState: input.LockMode,
            LockExpiresOn: new Date(1_795_000_000_000 + input.LockDuration * 86_400_000),
        });
        return {};
    }

    onDescribeLockedSnapshots(input: { SnapshotIds: string[]; NextToken?: string }): unknown {
        return this.page(
            [...this.locks.values()].filter(({ SnapshotId }) => input.SnapshotIds.includes(SnapshotId as string)),
            "Snapshots",
            input,
        );
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

    onDescribeVolumes(input: { Filters?: Filter[]; NextToken?: string }): unknown {
        return this.page(this.matching(this.volumes.values(), input.Filters), "Volumes", input);
    }

    onDescribeVolumeAttribute(input: { VolumeId: string }): unknown {
        return { ProductCodes: this.volumes.get(input.VolumeId)?.ProductCodes ?? [] };
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

    onCreateVolume(input: { ClientToken: string; SnapshotId: string; AvailabilityZone: string }): unknown {
        const snapshot = this.snapshots.get(input.SnapshotId);
        if (!snapshot) throw awsError("InvalidSnapshot.NotFound");
        const standing = this.tokens.get(input.ClientToken);
        const id =
            standing ??
            this.addVolume({
                State: "creating",
                SnapshotId: input.SnapshotId,
                AvailabilityZone: input.AvailabilityZone,
                Size: snapshot.VolumeSize,
                Tags: this.tags(input, "volume"),
            });
        this.tokens.set(input.ClientToken, id);
        return { VolumeId: id };
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

    onDeleteVolume(input: { VolumeId: string }): unknown {
        if (this.volumes.get(input.VolumeId)?.State === "in-use") throw awsError("VolumeInUse");
        if (!this.volumes.delete(input.VolumeId)) throw awsError("InvalidVolume.NotFound");
        return {};
    }
}
