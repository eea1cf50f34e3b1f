import {
    AttachVolumeCommand,
    CopySnapshotCommand,
    CreateSnapshotCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand } from "@aws-sdk/client-iam";
import { DescribeInstanceInformationCommand, GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeRole } from "../support/functions";
import { errorOf, FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { makeNetwork, startInstance, type Network } from "../support/network";

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
const deviceOf = (volumeId: string) =>
    `"\${CLEAN_ROOM_DEVICE_DIRECTORY:-/dev/disk/by-id}/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}"`;

describe("LocalEmu: disks behind volumes", function () {
    this.timeout(60_000);
    let member: Clients;
    let forensics: Clients;
    let folder: string;
    let image: string;
    let hash: string;
    let sourceVolume: string;
    let evidence: string;
    let host: string;

    const available = (aws: Clients, id: string) =>
        until(`${id} is available`, async () =>
            (await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes![0]!.State === "available" ? id : undefined,
        );
    const completed = (aws: Clients, id: string) =>
        until(`${id} is completed`, async () =>
            (await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!.State === "completed" ? id : undefined,
        );
    const volumeFrom = async (aws: Clients, SnapshotId?: string) =>
        available(
            aws,
            (
                await aws.ec2.send(
                    new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, ...(SnapshotId ? { SnapshotId } : { Size: 1 }) }),
                )
            ).VolumeId!,
        );
    async function run(...commands: string[]): Promise<string[]> {
        const { Command } = await forensics.ssm.send(
            new SendCommandCommand({ DocumentName: "AWS-RunShellScript", InstanceIds: [host], Parameters: { commands } }),
        );
        const end = await until(
            "the command ends",
            async () => {
                const found = await forensics.ssm
                    .send(new GetCommandInvocationCommand({ CommandId: Command!.CommandId, InstanceId: host }))
                    .catch((error: Error) => {
                        if (error.name === "InvocationDoesNotExist") return undefined;
                        throw error;
                    });
                return found && !["Pending", "InProgress"].includes(found.Status!) ? found : undefined;
            },
            30_000,
        );
        expect(end.StandardErrorContent).to.equal("");
        return end.StandardOutputContent!.trim().split("\n");
    }
    async function startHost(network: Network): Promise<string> {
        const name = unique("host");
        await makeRole(
            forensics,
            { Service: "ec2.amazonaws.com" },
            [{ Effect: "Allow", Action: ["ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*"], Resource: "*" }],
            { name },
        );
        const { InstanceProfile } = await forensics.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
        await forensics.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
        const id = (await startInstance(forensics, { SubnetId: network.subnetIds[0], IamInstanceProfile: { Arn: InstanceProfile!.Arn! } }))
            .InstanceId!;
        return until("the host is managed", async () => {
            const { InstanceInformationList } = await forensics.ssm.send(
                new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [id] }] }),
            );
            return InstanceInformationList!.length === 1 ? id : undefined;
        });
    }

    before(async function () {
        this.timeout(600_000);
        [member, forensics] = await Promise.all([rootOf(MEMBER), rootOf(FORENSICS)]);
        folder = mkdtempSync(path.join(tmpdir(), "disk-images-"));
        image = path.join(folder, "disk.img");
        // Data, a hole, data, a hole: 64 MiB, of which one is there.
        writeFileSync(image, randomBytes(512 * 1024));
        truncateSync(image, 32 * 1024 * 1024);
        writeFileSync(image, randomBytes(512 * 1024), { flag: "a" });
        truncateSync(image, 64 * 1024 * 1024);
        hash = sha256(readFileSync(image));
        sourceVolume = await volumeFrom(member);
        await member.ec2.send(new CreateTagsCommand({ Resources: [sourceVolume], Tags: [{ Key: "rehearsal:image", Value: image }] }));
        const source = await completed(member, (await member.ec2.send(new CreateSnapshotCommand({ VolumeId: sourceVolume }))).SnapshotId!);
        await member.ec2.send(
            new ModifySnapshotAttributeCommand({
                SnapshotId: source,
                Attribute: "createVolumePermission",
                OperationType: "add",
                UserIds: [FORENSICS],
            }),
        );
        evidence = await completed(
            forensics,
            (await forensics.ec2.send(new CopySnapshotCommand({ SourceRegion: REGION, SourceSnapshotId: source }))).SnapshotId!,
        );
        host = await startHost(await makeNetwork(forensics));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it("show the image, through snapshot and copy, to the instance the volume is attached to", async () => {
        const volume = await volumeFrom(forensics, evidence);
        await forensics.ec2.send(new AttachVolumeCommand({ VolumeId: volume, InstanceId: host, Device: "/dev/sdf" }));
        const [read, size] = await run(`sha256sum ${deviceOf(volume)} | cut -d ' ' -f 1`, `wc -c < ${deviceOf(volume)}`);
        expect({ read, size }).to.deep.equal({ read: hash, size: String(64 * 1024 * 1024) });
        const copy = path.join((await localEmu()).stateDirectory, "disks", `${volume}.img`);
        expect(statSync(copy).blocks * 512).to.be.lessThan(8 * 1024 * 1024);
    });

    it("are each volume's own: what is written stays there, and in snapshots made afterwards", async () => {
        const [written, other] = [await volumeFrom(forensics, evidence), await volumeFrom(forensics, evidence)];
        await forensics.ec2.send(new AttachVolumeCommand({ VolumeId: written, InstanceId: host, Device: "/dev/sdg" }));
        await forensics.ec2.send(new AttachVolumeCommand({ VolumeId: other, InstanceId: host, Device: "/dev/sdh" }));
        await run(`printf changed | dd of=${deviceOf(written)} conv=notrunc,fsync status=none`);
        const later = await completed(forensics, (await forensics.ec2.send(new CreateSnapshotCommand({ VolumeId: written }))).SnapshotId!);
        const restored = await volumeFrom(forensics, later);
        await forensics.ec2.send(new AttachVolumeCommand({ VolumeId: restored, InstanceId: host, Device: "/dev/sdi" }));
        const [begin, untouched] = await run(`head -c 7 ${deviceOf(restored)}; echo`, `sha256sum ${deviceOf(other)} | cut -d ' ' -f 1`);
        expect({ begin, untouched }).to.deep.equal({ begin: "changed", untouched: hash });
        expect(sha256(readFileSync(image))).to.equal(hash);
    });

    it("refuse a snapshot of a volume whose file is not there", async () => {
        const volume = await volumeFrom(member);
        await member.ec2.send(
            new CreateTagsCommand({ Resources: [volume], Tags: [{ Key: "rehearsal:image", Value: path.join(folder, "none.img") }] }),
        );
        expect(await errorOf(member.ec2.send(new CreateSnapshotCommand({ VolumeId: volume })))).to.equal("InvalidParameterValue");
    });
});
