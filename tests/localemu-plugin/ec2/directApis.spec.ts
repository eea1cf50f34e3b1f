/** EBS direct APIs that write a snapshot, what becomes of it, and a command that finds it on a volume of another account. */
import { createHash } from "node:crypto";
import { CompleteSnapshotCommand, EBSClient, PutSnapshotBlockCommand, StartSnapshotCommand } from "@aws-sdk/client-ebs";
import {
    AttachVolumeCommand,
    CreateVolumeCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { makeRole } from "../support/functions";
import { errorOf, FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { describeInstance, makeNetwork, type Network } from "../support/network";
import { ended, sendScript, startManaged } from "../support/runCommand";

const blockSize = 524_288;
const block = (text: string) => Buffer.alloc(blockSize, text);
const sum = (data: Buffer) => createHash("sha256").update(data).digest("base64");

describe("LocalEmu: EBS direct APIs", function () {
    this.timeout(30_000);
    let ebs: EBSClient;
    let forensics: Clients;
    let member: Clients;
    let network: Network;
    let endpoint: string;

    const ebsOf = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
        new EBSClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    const put = (SnapshotId: string, BlockIndex: number, data: Buffer, Checksum = sum(data), DataLength = data.length) =>
        ebs.send(
            new PutSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockData: data, DataLength, Checksum, ChecksumAlgorithm: "SHA256" }),
        );
    const start = async (input: object = {}) => (await ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ...input }))).SnapshotId!;
    const stateOf = async (id: string) =>
        (await forensics.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!.State;
    const complete = (SnapshotId: string, ChangedBlocksCount: number) =>
        ebs.send(new CompleteSnapshotCommand({ SnapshotId, ChangedBlocksCount }));

    before(async function () {
        this.timeout(600_000);
        [forensics, member] = await Promise.all([rootOf(FORENSICS), rootOf(MEMBER)]);
        endpoint = (await localEmu()).endpoint;
        ebs = ebsOf({ accessKeyId: FORENSICS, secretAccessKey: "rehearsal" });
        network = await makeNetwork(member);
    });

    it("start a snapshot once a token, under the key that is asked for", async () => {
        const KmsKeyArn = (await forensics.kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
        const input = { VolumeSize: 2, Encrypted: true, KmsKeyArn, ClientToken: unique("token"), Tags: [{ Key: "for", Value: "a spec" }] };
        const answer = await ebs.send(new StartSnapshotCommand(input));
        expect(answer).to.include({ Status: "pending", VolumeSize: 2, BlockSize: blockSize, KmsKeyArn });
        expect(await start(input)).to.equal(answer.SnapshotId);
        expect(await errorOf(start({ ...input, VolumeSize: 3 }))).to.equal("ConflictException");
        const { Snapshots } = await forensics.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [answer.SnapshotId!] }));
        expect(Snapshots![0]).to.include({ State: "pending", VolumeSize: 2, Encrypted: true, KmsKeyId: KmsKeyArn });
        expect(Snapshots![0]!.Tags).to.deep.equal([{ Key: "for", Value: "a spec" }]);
        expect(await errorOf(start({ KmsKeyArn }))).to.equal("ValidationException");
        expect(await errorOf(start({ Timeout: 9 }))).to.equal("ValidationException");
    });

    it("take blocks of their size with the right checksum alone, and complete with as many as were written", async () => {
        const id = await start();
        await put(id, 0, block("a"));
        await put(id, 2047, block("z"));
        expect(await errorOf(put(id, 2048, block("b")))).to.equal("ValidationException");
        expect(await errorOf(put(id, 1, block("b"), sum(block("c"))))).to.equal("ValidationException");
        expect(await errorOf(put(id, 1, Buffer.alloc(512)))).to.equal("ValidationException");
        expect(await errorOf(put("snap-00000000000000000", 1, block("b")))).to.equal("ResourceNotFoundException");
        expect(await errorOf(complete(id, 1))).to.equal("ValidationException");
        expect(await stateOf(id)).to.equal("pending");
        await complete(id, 2);
        await until("the snapshot is completed", async () => ((await stateOf(id)) === "completed" ? true : undefined));
        expect(await errorOf(put(id, 1, block("b")))).to.equal("ValidationException");
    });

    it("ask for the right to start and to tag", async () => {
        const snapshots = `arn:aws:ec2:${REGION}::snapshot/*`;
        const tagged = { Tags: [{ Key: "purpose", Value: "tools" }] };
        const may = async (...statements: object[]) => {
            const role = await makeRole(forensics, { AWS: `arn:aws:iam::${FORENSICS}:root` }, statements as never);
            const { Credentials } = await forensics.sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "spec" }));
            const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
            return ebsOf({ accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! });
        };
        const starting = { Effect: "Allow", Action: "ebs:StartSnapshot", Resource: snapshots };
        const tagging = {
            Effect: "Allow",
            Action: "ec2:CreateTags",
            Resource: snapshots,
            Condition: { StringEquals: { "aws:RequestTag/purpose": "tools" } },
        };
        const call = async (client: EBSClient, input: object) =>
            errorOf(client.send(new StartSnapshotCommand({ VolumeSize: 1, ...input })));
        expect(await call(await may(tagging), {})).to.equal("AccessDeniedException");
        expect(await call(await may(starting), tagged)).to.equal("AccessDeniedException");
        const both = await may(starting, tagging);
        expect((await both.send(new StartSnapshotCommand({ VolumeSize: 1, ...tagged }))).SnapshotId).to.match(/^snap-/);
        expect(await call(both, { Tags: [{ Key: "purpose", Value: "evidence" }] })).to.equal("AccessDeniedException");
    });

    it("make a snapshot that another account's larger volume shows, once it is shared", async () => {
        const id = await start();
        await put(id, 3, block("tools"));
        await complete(id, 1);
        await until("the snapshot is completed", async () => ((await stateOf(id)) === "completed" ? true : undefined));
        const make = async () => {
            const { VolumeId } = await member.ec2.send(
                new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, SnapshotId: id, Size: 2 }),
            );
            return VolumeId!;
        };
        expect(await errorOf(make())).to.equal("InvalidSnapshot.NotFound");
        const change = (OperationType: "add" | "remove") =>
            forensics.ec2.send(
                new ModifySnapshotAttributeCommand({
                    SnapshotId: id,
                    Attribute: "createVolumePermission",
                    OperationType,
                    UserIds: [MEMBER],
                }),
            );
        await change("add");
        const volumeId = await make();
        await change("remove");
        await until("the volume is there", async () =>
            (await member.ec2.send(new DescribeVolumesCommand({ VolumeIds: [volumeId] }))).Volumes![0]!.State === "available"
                ? true
                : undefined,
        );
        const instanceId = await startManaged(member, network);
        expect((await describeInstance(member, instanceId)).Placement!.AvailabilityZone).to.equal(`${REGION}a`);
        await member.ec2.send(new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId, Device: "/dev/sdp" }));
        const device = `\${CLEAN_ROOM_DEVICE_DIRECTORY:-/dev/disk/by-id}/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
        const commands = [
            `dd if=${device} bs=${blockSize} skip=3 count=1 2> /dev/null | head -c 10`,
            `echo; dd if=${device} bs=${blockSize} count=3 2> /dev/null | tr -d '\\0' | wc -c`,
            `dd if=${device} bs=1M 2> /dev/null | wc -c`,
        ];
        const { StandardOutputContent } = await ended(member, await sendScript(member, instanceId, commands), instanceId);
        expect(StandardOutputContent!.trim().split("\n")).to.deep.equal(["toolstools", "0", String(2 * 2 ** 30)]);
    });
});
