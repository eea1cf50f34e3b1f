import {
    AttachVolumeCommand,
    CreateSnapshotCommand,
    CreateVolumeCommand,
    DeleteVolumeCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    DetachVolumeCommand,
    DisableEbsEncryptionByDefaultCommand,
    EnableEbsEncryptionByDefaultCommand,
    ModifyInstanceAttributeCommand,
    TerminateInstancesCommand,
    type CreateVolumeCommandInput,
    type Volume,
} from "@aws-sdk/client-ec2";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { expect } from "chai";
import { errorOf, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { describeInstance, makeNetwork, startInstance, volumeAt, type Network } from "../support/network";

describe("LocalEmu: volumes", function () {
    this.timeout(20_000);
    let aws: Clients;
    let network: Network;

    const described = async (id: string): Promise<Volume> =>
        (await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes![0]!;
    const create = async (input: Partial<CreateVolumeCommandInput> = {}) =>
        (
            await aws.ec2.send(
                new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, ...(input.SnapshotId ? {} : { Size: 3 }), ...input }),
            )
        ).VolumeId!;
    async function available(input: Partial<CreateVolumeCommandInput> = {}): Promise<string> {
        const id = await create(input);
        return until("the volume is available", async () => ((await described(id)).State === "available" ? id : undefined));
    }
    async function running(input = {}): Promise<string> {
        const id = (await startInstance(aws, { SubnetId: network.subnetIds[0], ...input })).InstanceId!;
        return until("the instance runs", async () => ((await describeInstance(aws, id)).State?.Name === "running" ? id : undefined));
    }
    const attach = (VolumeId: string, InstanceId: string, Device: string) =>
        aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device }));
    async function snapshotOf(VolumeId: string): Promise<string> {
        const id = (await aws.ec2.send(new CreateSnapshotCommand({ VolumeId }))).SnapshotId!;
        return until("the snapshot is done", async () =>
            (await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!.State === "completed" ? id : undefined,
        );
    }

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(MEMBER);
        network = await makeNetwork(aws);
    });

    it("are being created at first, and cannot be attached then", async () => {
        const instance = await running();
        const id = await create();
        expect((await described(id)).State).to.equal("creating");
        expect(await errorOf(attach(id, instance, "/dev/sdf"))).to.equal("IncorrectState");
    });

    it("are attached once, in their zone, at a free device, to an instance that runs", async () => {
        const instance = await running();
        const [first, second, elsewhere] = [await available(), await available(), await available({ AvailabilityZone: `${REGION}b` })];
        await attach(first, instance, "/dev/sdf");
        const attached = await described(first);
        expect(attached.State).to.equal("in-use");
        expect(attached.Attachments![0]).to.include({
            InstanceId: instance,
            Device: "/dev/sdf",
            State: "attached",
            DeleteOnTermination: false,
        });
        expect(await errorOf(attach(first, instance, "/dev/sdg"))).to.equal("VolumeInUse");
        for (const device of ["/dev/sdf", "/dev/xvdf", "/dev/xvda"]) {
            expect(await errorOf(attach(second, instance, device)), device).to.equal("InvalidParameterValue");
        }
        expect(await errorOf(attach(elsewhere, instance, "/dev/sdg"))).to.equal("InvalidVolume.ZoneMismatch");
        expect(await errorOf(attach("vol-00000000000000000", instance, "/dev/sdg"))).to.equal("InvalidVolume.NotFound");
        expect(
            await errorOf(attach(second, (await startInstance(aws, { SubnetId: network.subnetIds[0] })).InstanceId!, "/dev/sdg")),
        ).to.equal("IncorrectState");
        expect(await errorOf(aws.ec2.send(new DeleteVolumeCommand({ VolumeId: first })))).to.equal("VolumeInUse");
        await aws.ec2.send(new DetachVolumeCommand({ VolumeId: first }));
        expect((await described(first)).State).to.equal("available");
        expect(await errorOf(aws.ec2.send(new DetachVolumeCommand({ VolumeId: first })))).to.equal("IncorrectState");
        await aws.ec2.send(new DeleteVolumeCommand({ VolumeId: first }));
        expect(await errorOf(described(first))).to.equal("InvalidVolume.NotFound");
    });

    it("go or stay with their instance as they are told, also later", async () => {
        const instance = await startInstance(aws, {
            SubnetId: network.subnetIds[0],
            BlockDeviceMappings: ["f", "g"].map((letter) => ({
                DeviceName: `/dev/sd${letter}`,
                Ebs: { VolumeSize: 2, DeleteOnTermination: letter === "f" },
            })),
        });
        expect(
            Object.fromEntries(instance.BlockDeviceMappings!.map((each) => [each.DeviceName, each.Ebs!.DeleteOnTermination])),
        ).to.deep.equal({ "/dev/xvda": true, "/dev/sdf": true, "/dev/sdg": false });
        const [root, first, second] = [volumeAt(instance), volumeAt(instance, "/dev/sdf"), volumeAt(instance, "/dev/sdg")];
        const keep = (DeviceName: string, DeleteOnTermination: boolean) =>
            aws.ec2.send(
                new ModifyInstanceAttributeCommand({
                    InstanceId: instance.InstanceId!,
                    BlockDeviceMappings: [{ DeviceName, Ebs: { DeleteOnTermination } }],
                }),
            );
        await keep("/dev/sdf", false);
        await keep("/dev/sdg", true);
        expect(await errorOf(keep("/dev/sdz", true))).to.equal("InvalidInstanceAttributeValue");
        expect((await described(second)).Attachments![0]!.DeleteOnTermination).to.equal(true);
        await aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
        expect(await errorOf(described(root))).to.equal("InvalidVolume.NotFound");
        expect(await errorOf(described(second))).to.equal("InvalidVolume.NotFound");
        expect(await described(first)).to.include({ State: "available" });
    });

    it("from a snapshot are as large at least, and keep its key", async () => {
        const key = (await aws.kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
        const snapshot = await snapshotOf(await available({ Size: 4, Encrypted: true, KmsKeyId: key }));
        expect(await described(await create({ SnapshotId: snapshot }))).to.include({
            Size: 4,
            SnapshotId: snapshot,
            Encrypted: true,
            KmsKeyId: key,
        });
        expect((await described(await create({ SnapshotId: snapshot, Size: 6 }))).Size).to.equal(6);
        expect(await errorOf(create({ SnapshotId: snapshot, Size: 3 }))).to.equal("InvalidParameterValue");
        expect(await errorOf(create({ SnapshotId: "snap-00000000000000000" }))).to.equal("InvalidSnapshot.NotFound");
        expect(await errorOf(create({ AvailabilityZone: `${REGION}z` }))).to.equal("InvalidZone.NotFound");
    });

    it("are encrypted only when they should be", async () => {
        const plain = await startInstance(aws, {
            SubnetId: network.subnetIds[0],
            BlockDeviceMappings: [{ DeviceName: "/dev/sdf", Ebs: { VolumeSize: 2 } }],
        });
        expect((await described(volumeAt(plain, "/dev/sdf"))).Encrypted).to.equal(false);
        expect(await errorOf(create({ KmsKeyId: "alias/aws/ebs" }))).to.equal("InvalidParameterDependency");
        await aws.ec2.send(new EnableEbsEncryptionByDefaultCommand({}));
        try {
            expect(await described(await create())).to.include({ Encrypted: true });
        } finally {
            await aws.ec2.send(new DisableEbsEncryptionByDefaultCommand({}));
        }
        expect((await described(await create())).Encrypted).to.equal(false);
    });

    it("are made once for each client token", async () => {
        const ClientToken = unique("token");
        const ids = await Promise.all([1, 2, 3].map(() => create({ ClientToken })));
        expect(new Set(ids).size).to.equal(1);
        expect(await create({ ClientToken: unique("token") })).not.to.equal(ids[0]);
        expect(await errorOf(create({ ClientToken, Size: 5 }))).to.equal("IdempotentParameterMismatch");
    });
});
