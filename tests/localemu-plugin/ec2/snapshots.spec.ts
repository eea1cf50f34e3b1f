import {
    CopySnapshotCommand,
    CreateSnapshotCommand,
    CreateSnapshotsCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    DeleteSnapshotCommand,
    DescribeLockedSnapshotsCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    LockSnapshotCommand,
    ModifySnapshotAttributeCommand,
    ModifyVolumeCommand,
    TerminateInstancesCommand,
    UnlockSnapshotCommand,
    type CopySnapshotCommandInput,
    type CreateVolumeCommandInput,
    type LockSnapshotCommandInput,
    type Snapshot,
} from "@aws-sdk/client-ec2";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { expect } from "chai";
import { errorOf, FORENSICS, MEMBER, OUTSIDER, REGION, rootOf, until, type Clients } from "../support/localAws";
import { makeNetwork, startInstance, volumeAt, type Network } from "../support/network";

describe("LocalEmu: snapshots", function () {
    this.timeout(20_000);
    let member: Clients;
    let forensics: Clients;
    let network: Network;

    const describe_ = async (aws: Clients, id: string): Promise<Snapshot> =>
        (await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!;
    const done = (aws: Clients, id: string) =>
        until(`${id} is done`, async () => {
            const found = await describe_(aws, id);
            return found.State === "pending" ? undefined : found;
        });
    const makeKey = async (aws: Clients) => (await aws.kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
    async function makeVolume(input: Partial<CreateVolumeCommandInput> = {}): Promise<string> {
        const id = (await member.ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 3, ...input }))).VolumeId!;
        return until("the volume is there", async () =>
            (await member.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes![0]!.State === "available" ? id : undefined,
        );
    }
    async function makeSnapshot(input: Partial<CreateVolumeCommandInput> = {}): Promise<string> {
        const id = (await member.ec2.send(new CreateSnapshotCommand({ VolumeId: await makeVolume(input) }))).SnapshotId!;
        await done(member, id);
        return id;
    }
    const share = (SnapshotId: string, ...UserIds: string[]) =>
        member.ec2.send(
            new ModifySnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission", OperationType: "add", UserIds }),
        );
    const copy = async (aws: Clients, SourceSnapshotId: string, input: Partial<CopySnapshotCommandInput> = {}) =>
        (await aws.ec2.send(new CopySnapshotCommand({ SourceRegion: REGION, SourceSnapshotId, ...input }))).SnapshotId!;

    before(async function () {
        this.timeout(600_000);
        [member, forensics] = await Promise.all([rootOf(MEMBER), rootOf(FORENSICS)]);
        network = await makeNetwork(member);
    });

    it("are pending at first, and are not to be copied or made into volumes then", async () => {
        const made = await member.ec2.send(
            new CreateSnapshotCommand({
                VolumeId: await makeVolume(),
                Description: "of a spec",
                TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "a", Value: "b" }] }],
            }),
        );
        expect(made.State).to.equal("pending");
        expect(await describe_(member, made.SnapshotId!)).to.include({
            State: "pending",
            VolumeSize: 3,
            Description: "of a spec",
            OwnerId: MEMBER,
            Encrypted: false,
        });
        expect(await errorOf(copy(member, made.SnapshotId!))).to.equal("IncorrectState");
        expect(await errorOf(makeVolume({ SnapshotId: made.SnapshotId }))).to.equal("IncorrectState");
        const completed = await done(member, made.SnapshotId!);
        expect(completed).to.include({ State: "completed", Progress: "100%" });
        expect(completed.Tags).to.deep.equal([{ Key: "a", Value: "b" }]);
    });

    it("keep the size their volume had", async () => {
        const VolumeId = await makeVolume();
        const { SnapshotId } = await member.ec2.send(new CreateSnapshotCommand({ VolumeId }));
        await member.ec2.send(new ModifyVolumeCommand({ VolumeId, Size: 9 }));
        expect((await describe_(member, SnapshotId!)).VolumeSize).to.equal(3);
    });

    it("are made of all volumes of an instance, less those left out, with the volumes' tags on request", async () => {
        const instance = await startInstance(member, {
            SubnetId: network.subnetIds[0],
            BlockDeviceMappings: [{ DeviceName: "/dev/sdf", Ebs: { VolumeSize: 2 } }],
        });
        const [root, data] = [volumeAt(instance), volumeAt(instance, "/dev/sdf")];
        await member.ec2.send(
            new CreateTagsCommand({
                Resources: [data],
                Tags: [
                    { Key: "Name", Value: "data" },
                    { Key: "own", Value: "volume" },
                ],
            }),
        );
        const InstanceId = instance.InstanceId!;
        const all = await member.ec2.send(
            new CreateSnapshotsCommand({
                InstanceSpecification: { InstanceId },
                CopyTagsFromSource: "volume",
                TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "own", Value: "call" }] }],
            }),
        );
        expect(all.Snapshots!.map((each) => each.VolumeId).sort()).to.deep.equal([root, data].sort());
        const ofData = all.Snapshots!.find((each) => each.VolumeId === data)!;
        expect(Object.fromEntries(ofData.Tags!.map((tag) => [tag.Key, tag.Value]))).to.deep.equal({ Name: "data", own: "call" });
        const volumesOf = async (specification: object) =>
            (await member.ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId, ...specification } }))).Snapshots!.map(
                (each) => each.VolumeId,
            );
        expect(await volumesOf({ ExcludeBootVolume: true })).to.deep.equal([data]);
        expect(await volumesOf({ ExcludeDataVolumeIds: [data] })).to.deep.equal([root]);
        const untagged = await member.ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId } }));
        expect(untagged.Snapshots!.flatMap((each) => each.Tags ?? [])).to.deep.equal([]);
        await member.ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
        expect(await errorOf(volumesOf({}))).to.equal("IncorrectState");
    });

    it("are seen and used by the accounts they are shared with, and by no other", async () => {
        const id = await makeSnapshot();
        const outsider = await rootOf(OUTSIDER);
        await member.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "secret", Value: "tag" }] }));
        for (const aws of [forensics, outsider]) {
            expect(await errorOf(describe_(aws, id))).to.equal("InvalidSnapshot.NotFound");
            expect(await errorOf(copy(aws, id))).to.equal("InvalidSnapshot.NotFound");
        }
        await share(id, FORENSICS);
        expect(await describe_(forensics, id)).to.include({ OwnerId: MEMBER, State: "completed" });
        expect((await describe_(forensics, id)).Tags ?? []).to.deep.equal([]);
        const ids = async (input: object) =>
            (await forensics.ec2.send(new DescribeSnapshotsCommand(input))).Snapshots!.map((each) => each.SnapshotId);
        expect(await ids({ OwnerIds: [MEMBER] })).to.include(id);
        expect(await ids({ RestorableByUserIds: ["self"] })).to.include(id);
        expect(await ids({ OwnerIds: ["self"] })).not.to.include(id);
        expect(await ids({ Filters: [{ Name: "tag:secret", Values: ["tag"] }] })).to.deep.equal([]);
        expect(await errorOf(describe_(outsider, id))).to.equal("InvalidSnapshot.NotFound");
        expect(await errorOf(forensics.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })))).to.equal("InvalidSnapshot.NotFound");
        expect(
            await errorOf(forensics.ec2.send(new LockSnapshotCommand({ SnapshotId: id, LockMode: "governance", LockDuration: 1 }))),
        ).to.equal("InvalidSnapshot.NotFound");
        const copied = await copy(forensics, id, {
            Description: "copy",
            TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "a", Value: "b" }] }],
        });
        expect((await describe_(forensics, copied)).State).to.equal("pending");
        const after = await done(forensics, copied);
        expect(after).to.include({
            State: "completed",
            OwnerId: FORENSICS,
            VolumeSize: 3,
            VolumeId: "vol-ffffffff",
            Description: "copy",
            Encrypted: false,
        });
        expect(after.Tags).to.deep.equal([{ Key: "a", Value: "b" }]);
        await member.ec2.send(
            new ModifySnapshotAttributeCommand({ SnapshotId: id, CreateVolumePermission: { Remove: [{ UserId: FORENSICS }] } }),
        );
        expect(await errorOf(copy(forensics, id))).to.equal("InvalidSnapshot.NotFound");
    });

    it("cannot be shared under the default key, and can under a key of one's own", async () => {
        const underDefault = await makeSnapshot({ Encrypted: true });
        expect((await describe_(member, underDefault)).KmsKeyId).to.match(new RegExp(`^arn:aws:kms:${REGION}:${MEMBER}:key/`));
        expect(await errorOf(share(underDefault, FORENSICS))).to.equal("OperationNotPermitted");
        const key = await makeKey(member);
        const recoded = await copy(member, underDefault, { Encrypted: true, KmsKeyId: key });
        expect(await done(member, recoded)).to.include({ State: "completed", Encrypted: true, KmsKeyId: key });
        await share(recoded, FORENSICS);
        const evidenceKey = await makeKey(forensics);
        const evidence = await done(forensics, await copy(forensics, recoded, { Encrypted: true, KmsKeyId: evidenceKey }));
        expect(evidence).to.include({ Encrypted: true, KmsKeyId: evidenceKey, State: "completed" });
        expect(await errorOf(share(recoded, "all"))).to.equal("InvalidUserID.Malformed");
    });

    it("keep their key through a copy in the same account, and take the default one in another", async () => {
        const key = await makeKey(member);
        const id = await makeSnapshot({ Encrypted: true, KmsKeyId: key });
        expect(await done(member, await copy(member, id))).to.include({ Encrypted: true, KmsKeyId: key });
        await share(id, FORENSICS);
        const copied = await done(forensics, await copy(forensics, id));
        expect(copied.KmsKeyId).to.match(new RegExp(`^arn:aws:kms:${REGION}:${FORENSICS}:key/`));
        const elsewhere = await rootOf(MEMBER, "us-east-1");
        const abroad = await done(elsewhere, await copy(elsewhere, id));
        expect(abroad).to.include({ State: "completed", Encrypted: true });
        expect(abroad.KmsKeyId).to.match(new RegExp(`^arn:aws:kms:us-east-1:${MEMBER}:key/`));
        expect(await errorOf(describe_(elsewhere, id))).to.equal("InvalidSnapshot.NotFound");
    });

    it("fail afterwards under a key that cannot be used", async () => {
        const copied = await copy(member, await makeSnapshot(), {
            Encrypted: true,
            KmsKeyId: `arn:aws:kms:${REGION}:${MEMBER}:key/00000000-0000-0000-0000-000000000000`,
        });
        expect((await describe_(member, copied)).State).to.equal("pending");
        const failed = await done(member, copied);
        expect(failed).to.include({ State: "error", StateMessage: "Given key ID is not accessible" });
    });

    it("are copied twenty at a time", async () => {
        const id = await makeSnapshot();
        const results = await Promise.all(
            Array.from({ length: 21 }, () =>
                copy(member, id).then(
                    () => "made",
                    (error: Error) => error.name,
                ),
            ),
        );
        expect(results.filter((each) => each === "ResourceLimitExceeded")).to.have.length(1);
    });

    it("cannot be deleted while locked", async () => {
        const id = await makeSnapshot();
        const lock = (input: Partial<LockSnapshotCommandInput>) =>
            member.ec2.send(new LockSnapshotCommand({ SnapshotId: id, LockMode: "governance", ...input }));
        for (const wrong of [
            {},
            { LockDuration: 0 },
            { LockDuration: 36_501 },
            { LockDuration: 1, CoolOffPeriod: 1 },
            { LockDuration: 1, ExpirationDate: new Date(Date.now() + 9e9) },
            { LockMode: "compliance" as const, LockDuration: 1, CoolOffPeriod: 73 },
        ]) {
            expect(await errorOf(lock(wrong)), JSON.stringify(wrong)).to.match(/^InvalidParameter/);
        }
        expect(await lock({ LockDuration: 3 })).to.include({ LockState: "governance", LockDuration: 3, SnapshotId: id });
        const { Snapshots } = await member.ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds: [id] }));
        expect(Snapshots).to.have.length(1);
        expect(Snapshots![0]).to.include({ LockState: "governance", OwnerId: MEMBER });
        expect(Snapshots![0]!.LockExpiresOn!.getTime() - Date.now()).to.be.closeTo(3 * 86_400_000, 60_000);
        expect(await errorOf(member.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })))).to.equal("OperationNotPermitted");
        await member.ec2.send(new UnlockSnapshotCommand({ SnapshotId: id }));
        await member.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
        expect(await errorOf(describe_(member, id))).to.equal("InvalidSnapshot.NotFound");
    });

    it("locked in compliance mode can only be locked for longer, save while cooling off", async () => {
        const id = await makeSnapshot();
        const lock = (input: Partial<LockSnapshotCommandInput>) =>
            member.ec2.send(new LockSnapshotCommand({ SnapshotId: id, LockMode: "compliance", ...input }));
        expect(await lock({ LockDuration: 5, CoolOffPeriod: 1 })).to.include({ LockState: "compliance-cooloff" });
        await member.ec2.send(new UnlockSnapshotCommand({ SnapshotId: id }));
        expect(await lock({ LockDuration: 5 })).to.include({ LockState: "compliance" });
        expect(await errorOf(lock({ LockDuration: 4 }))).to.equal("OperationNotPermitted");
        expect(await errorOf(lock({ LockMode: "governance", LockDuration: 9 }))).to.equal("OperationNotPermitted");
        expect(await errorOf(member.ec2.send(new UnlockSnapshotCommand({ SnapshotId: id })))).to.equal("OperationNotPermitted");
        expect(await lock({ LockDuration: 9 })).to.include({ LockState: "compliance", LockDuration: 9 });
        expect(await errorOf(member.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })))).to.equal("OperationNotPermitted");
    });
});
