/** EBS of one account in memory: volumes, and snapshots with their shares and locks; eventually consistent, one result a page. */
import { awsError } from "./errors";

export type Item = Record<string, unknown> & { Tags?: { Key: string; Value: string }[] };

export interface Filter {
    Name: string;
    Values: string[];
}

export class InMemoryEbs {
    readonly volumes = new Map<string, Item>();
    readonly snapshots = new Map<string, Item>();
    readonly locks = new Map<string, Item>();
    /** Account ids each snapshot is shared with. */
    readonly shares = new Map<string, string[]>();
    /** Describes that do not show yet a snapshot made before them. */
    lag = 0;
    private readonly unseen = new Map<string, number>();
    /** What the time is for locks, in milliseconds since 1970. */
    now = () => 1_795_000_000_000;
    /** Results a page. */
    pageSize = 1;
    /** State of new snapshots. */
    snapshotsAreBorn = "pending";
    /** The account that shares its snapshots with this one. */
    other: InMemoryEbs | undefined;
    private next = 1;
    /** What a client token has made. */
    protected readonly tokens = new Map<string, string>();

    constructor(readonly accountId: string) {}

    /** What new volumes are. */
    volumesAreBorn = "creating";

    /** What waits becomes what it waits for. */
    settle(): void {
        for (const snapshot of this.snapshots.values()) if (snapshot.State === "pending") snapshot.State = "completed";
        for (const volume of this.volumes.values()) if (volume.State === "creating") volume.State = "available";
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

    onDescribeVolumes(input: { Filters?: Filter[]; NextToken?: string }): unknown {
        return this.page(this.matching(this.volumes.values(), input.Filters), "Volumes", input);
    }

    onDescribeVolumeAttribute(input: { VolumeId: string }): unknown {
        return { ProductCodes: this.volumes.get(input.VolumeId)?.ProductCodes ?? [] };
    }

    onCreateVolume(input: { ClientToken: string; SnapshotId: string; AvailabilityZone: string }): unknown {
        const shared = this.other?.shares.get(input.SnapshotId)?.includes(this.accountId)
            ? this.other.snapshots.get(input.SnapshotId)
            : undefined;
        const snapshot = this.snapshots.get(input.SnapshotId) ?? shared;
        if (!snapshot) throw awsError("InvalidSnapshot.NotFound");
        const standing = this.tokens.get(input.ClientToken);
        const id =
            standing ??
            this.addVolume({
                State: this.volumesAreBorn,
                SnapshotId: input.SnapshotId,
                AvailabilityZone: input.AvailabilityZone,
                Size: snapshot.VolumeSize,
                Tags: this.tags(input, "volume"),
            });
        this.tokens.set(input.ClientToken, id);
        return { VolumeId: id };
    }

    onDeleteVolume(input: { VolumeId: string }): unknown {
        if (this.volumes.get(input.VolumeId)?.State === "in-use") throw awsError("VolumeInUse");
        if (!this.volumes.delete(input.VolumeId)) throw awsError("InvalidVolume.NotFound");
        return {};
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

    protected snapshotOf(VolumeId: string, Tags: Item["Tags"]): Item {
        const volume = this.volumes.get(VolumeId);
        if (!volume) throw awsError("InvalidVolume.NotFound");
        return this.addSnapshot({ VolumeId, VolumeSize: volume.Size, Encrypted: volume.Encrypted, Tags });
    }

    onDescribeSnapshots(input: { Filters?: Filter[]; NextToken?: string }): unknown {
        const seen = this.matching(this.snapshots.values(), input.Filters).filter(
            ({ SnapshotId }) => !this.unseen.get(SnapshotId as string),
        );
        if (input.NextToken === undefined) for (const [id, left] of this.unseen) this.unseen.set(id, Math.max(0, left - 1));
        return this.page(seen, "Snapshots", input);
    }

    onCreateSnapshot(input: { VolumeId: string }): unknown {
        return this.snapshotOf(input.VolumeId, this.tags(input, "snapshot"));
    }

    onCopySnapshot(input: { SourceSnapshotId: string; KmsKeyId?: string }): unknown {
        const shared = this.other?.shares.get(input.SourceSnapshotId)?.includes(this.accountId)
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
            LockExpiresOn: new Date(this.now() + input.LockDuration * 86_400_000),
        });
        return {};
    }

    onUnlockSnapshot(input: { SnapshotId: string }): unknown {
        if (this.locks.get(input.SnapshotId)?.LockState === "compliance") throw awsError("OperationNotPermitted");
        this.locks.delete(input.SnapshotId);
        return {};
    }

    onDescribeLockedSnapshots(input: { SnapshotIds: string[]; NextToken?: string }): unknown {
        return this.page(
            [...this.locks.values()].filter(({ SnapshotId }) => input.SnapshotIds.includes(SnapshotId as string)),
            "Snapshots",
            input,
        );
    }

    protected id(prefix: string): string {
        return `${prefix}-${this.accountId[0]}${String(this.next++).padStart(16, "0")}`;
    }

    protected page(items: Item[], key: string, { NextToken }: { NextToken?: string }): Record<string, unknown> {
        const at = Number(NextToken ?? 0);
        const next = at + this.pageSize;
        return { [key]: items.slice(at, next), NextToken: next < items.length ? String(next) : undefined };
    }

    protected matching(items: Iterable<Item>, filters: Filter[] = []): Item[] {
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

    protected tags(input: object, type: string): Item["Tags"] {
        return (input as { TagSpecifications?: { ResourceType: string; Tags: Item["Tags"] }[] }).TagSpecifications?.find(
            ({ ResourceType }) => ResourceType === type,
        )?.Tags;
    }
}
