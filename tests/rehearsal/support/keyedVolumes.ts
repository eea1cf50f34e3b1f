/** Volumes with a file system under any kind of key, as the volumes of other people's instances are. */
import {
    AttachVolumeCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    DescribeVolumesCommand,
    type EC2Client,
    type CreateVolumeCommandInput,
} from "@aws-sdk/client-ec2";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import type { LocalClients, Target } from "../../../rehearsal/deploy/localClients";
import { until } from "../../../rehearsal/watch";

export const organizationId = "o-a1b2c3d4e5";
const owner = ({ accountId }: Target) => ({
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${accountId}:root` },
    Action: "kms:*",
    Resource: "*",
});
/** As docs/evidence.md has it for a key of a central account. */
export const readsVolumes = {
    Sid: "CleanRoomReadsVolumes",
    Effect: "Allow",
    Principal: { AWS: "*" },
    Resource: "*",
    Action: ["kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"],
    Condition: {
        StringEquals: { "aws:PrincipalOrgID": organizationId },
        ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/clean-room-responder" },
        StringLike: { "kms:ViaService": "ec2.*.amazonaws.com" },
    },
};

/** @returns the ARN of a new key that its account may use, and whom the statements let in besides */
export async function makeKey(clients: LocalClients, target: Target, ...statements: object[]): Promise<string> {
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [owner(target), ...statements] });
    return (await clients(KMSClient, target).send(new CreateKeyCommand({ Policy }))).KeyMetadata!.Arn!;
}

/** Makes a volume of 1 GiB in the Region's first zone, with the image behind it, and attaches it. @returns its id */
export async function attachVolume(
    ec2: EC2Client,
    { instanceId, region, device, image }: { instanceId: string; region: string; device: string; image: string },
    key: Partial<CreateVolumeCommandInput>,
): Promise<string> {
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1, ...key }));
    const isAvailable = async () =>
        (await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId!] }))).Volumes![0]!.State === "available" || null;
    await until(VolumeId!, isAvailable, Date.now() + 120_000);
    await ec2.send(new CreateTagsCommand({ Resources: [VolumeId!], Tags: [{ Key: "rehearsal:image", Value: image }] }));
    await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: instanceId, Device: device }));
    return VolumeId!;
}
