/**
 * The acquisition volume: made in the victim's account and zone of a snapshot that the forensics account gives it for the time of the
 * call, under the evidence key. It brings the tools, takes what they collect, and is preserved like every volume of the victim's.
 */
import { setTimeout } from "node:timers/promises";
import {
    AttachVolumeCommand,
    CreateVolumeCommand,
    DeleteVolumeCommand,
    DescribeInstanceTypesCommand,
    DetachVolumeCommand,
    EC2Client,
    ModifySnapshotAttributeCommand,
    paginateDescribeVolumes,
    type _InstanceType,
    type Volume,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import type { Incident } from "../../domain/containers";
import { objectNames } from "../../domain/evidenceKeys";
import { freeDevice, volumeSize, type AcquisitionImages } from "../../domain/memory";
import { incidentTags } from "../../domain/tags";
import { forensicsClient } from "../clients";
import { describeInstance } from "../containment/readInstance";
import { environment } from "../environment";
import { errorCode, isNotFound, StepError } from "../errors";
import { getJson, putJson } from "../evidenceBucket";
import type { Victim } from "../victim";

/** Milliseconds before a volume is looked at again. */
const pause = 500;
/** MiB/s and operations a second of a gp3 volume that memory is written to: as fast as most instances write. */
const throughput = 500;
const iops = 3000;

const keptSchema = z.object({ schemaVersion: z.literal(1), volumeId: z.string().regex(/^vol-[0-9a-f]{8,17}$/), device: z.string() });
export type AcquisitionVolume = z.infer<typeof keptSchema>;

/** The volume that was made for the incident, by the id that EC2 answered to us; null where there is none. */
export async function keptVolume({ prefix }: Incident): Promise<AcquisitionVolume | null> {
    return (await getJson(`${prefix}${objectNames.acquisitionVolume}`, keptSchema))?.value ?? null;
}

/** Lets an account make volumes of the image's snapshot, or no longer. */
async function share(snapshotId: string, accountId: string, OperationType: "add" | "remove"): Promise<void> {
    if (accountId === environment("FORENSICS_ACCOUNT_ID")) return;
    await forensicsClient(EC2Client).send(
        new ModifySnapshotAttributeCommand({
            SnapshotId: snapshotId,
            Attribute: "createVolumePermission",
            OperationType,
            UserIds: [accountId],
        }),
    );
}

/** The image's snapshot is the member's no longer. A volume that was made of it stays. */
export const takeImageBack = (snapshotId: string, { ref }: Victim): Promise<void> => share(snapshotId, ref.accountId, "remove");

async function describe(ec2: EC2Client, volumeId: string): Promise<Volume | null> {
    const filters = [{ Name: "volume-id", Values: [volumeId] }];
    for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters: filters })) if (page.Volumes?.[0]) return page.Volumes[0];
    return null;
}

/** MiB of the instance type's memory; null where EC2 does not say. */
async function memoryOf(ec2: EC2Client, instanceType: string): Promise<number | null> {
    const { InstanceTypes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: [instanceType as _InstanceType] }));
    return InstanceTypes?.[0]?.MemoryInfo?.SizeInMiB ?? null;
}

/** Makes it, of what was shared a moment ago. */
async function create(
    victim: Victim,
    zone: string,
    image: NonNullable<AcquisitionImages["arm64"]>,
    Size: number,
    signal: AbortSignal,
): Promise<string> {
    for (;;) {
        signal.throwIfAborted();
        // Each time anew: an incident of the same account that ends takes it back.
        await share(image.snapshotId, victim.ref.accountId, "add");
        try {
            const { VolumeId } = await victim.client(EC2Client).send(
                new CreateVolumeCommand({
                    // Asked again, EC2 answers with the same volume.
                    ClientToken: `${victim.incidentId}-acquisition`.slice(-64),
                    SnapshotId: image.snapshotId,
                    AvailabilityZone: zone,
                    Size,
                    VolumeType: "gp3",
                    Throughput: throughput,
                    Iops: iops,
                    Encrypted: true,
                    KmsKeyId: environment("EVIDENCE_KEY_ARN"),
                    TagSpecifications: [{ ResourceType: "volume", Tags: incidentTags(victim.incidentId, "acquisition") }],
                }),
            );
            return VolumeId!;
        } catch (error) {
            // The share is not seen everywhere at once. Whoever called gives up when its time is up.
            if (!isNotFound(error)) throw error;
            await setTimeout(pause, undefined, { signal });
        }
    }
}

/**
 * Makes the volume and attaches it.
 *
 * @param signal when the time is up: nothing is begun any more
 * @param made told the volume's id as soon as there is one
 * @throws StepError where it cannot be attached
 */
export async function attachAcquisitionVolume(
    victim: Victim,
    incident: Incident,
    mode: "volatile" | "full",
    signal: AbortSignal,
    made: (volume: AcquisitionVolume) => void,
): Promise<{ volumeId: string; toolsSha256: string }> {
    const ec2 = victim.client(EC2Client);
    const instance = await describeInstance(victim);
    const image = environment("ACQUISITION_IMAGES")[instance.Architecture === "arm64" ? "arm64" : "x86_64"];
    const device = freeDevice((instance.BlockDeviceMappings ?? []).map(({ DeviceName }) => DeviceName ?? ""));
    const where = `${victim.ref.instanceId} in ${victim.ref.accountId}/${victim.ref.region}`;
    if (!image) throw new StepError("There is no acquisition image for the instance's processor", where, "Deploy again with pulumi up.");
    if (device === null) throw new StepError("No device name is free for the acquisition volume", where, "Detach a volume from it.");
    const memoryMiB = mode === "full" ? await memoryOf(ec2, instance.InstanceType ?? "") : null;
    const size = volumeSize(mode, image.sizeGiB, memoryMiB);
    const volumeId = await create(victim, instance.Placement?.AvailabilityZone ?? "", image, size, signal);
    made({ schemaVersion: 1, volumeId, device });
    await putJson(`${incident.prefix}${objectNames.acquisitionVolume}`, { schemaVersion: 1, volumeId, device });
    await until(ec2, volumeId, signal, ({ State }) => State === "available" || State === "in-use");
    signal.throwIfAborted();
    await ec2
        .send(new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: victim.ref.instanceId, Device: device }))
        .catch((error: unknown) => {
            // It is, since an earlier call's answer was lost.
            if (errorCode(error) !== "VolumeInUse") throw error;
        });
    await until(ec2, volumeId, signal, ({ Attachments = [] }) =>
        Attachments.some(({ InstanceId, State }) => InstanceId === victim.ref.instanceId && State === "attached"),
    );
    return { volumeId, toolsSha256: image.toolsSha256 };
}

async function until(ec2: EC2Client, volumeId: string, signal: AbortSignal, isSo: (volume: Volume) => boolean): Promise<void> {
    for (;;) {
        signal.throwIfAborted();
        const volume = await describe(ec2, volumeId);
        if (volume !== null && isSo(volume)) return;
        if (volume?.State === "error")
            throw new StepError(
                "The acquisition volume could not be made",
                volumeId,
                `Check that the responder role may use ${environment("EVIDENCE_KEY_ARN")}: a key that may not be used fails only afterwards.`,
            );
        await setTimeout(pause, undefined, { signal });
    }
}

/** Begins to detach it, so that the instance writes to it no longer. Detached already, or never attached, is as good. */
export async function detachAcquisitionVolume(ec2: EC2Client, volumeId: string): Promise<void> {
    try {
        await ec2.send(new DetachVolumeCommand({ VolumeId: volumeId }));
    } catch (error) {
        if (errorCode(error) !== "IncorrectState" && !isNotFound(error)) throw error;
    }
}

/**
 * Removes it, its evidence being locked.
 *
 * @returns whether it is gone; a system that does not let go of it is detached from by force
 */
export async function deleteAcquisitionVolume(ec2: EC2Client, volumeId: string): Promise<boolean> {
    const volume = await describe(ec2, volumeId);
    if (volume === null || volume.State === "deleting" || volume.State === "deleted") return true;
    if (volume.State === "in-use") {
        await ec2.send(new DetachVolumeCommand({ VolumeId: volumeId, Force: true }));
        return false;
    }
    try {
        await ec2.send(new DeleteVolumeCommand({ VolumeId: volumeId }));
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    return true;
}
