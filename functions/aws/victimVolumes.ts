/**
 * Which volumes of the victim must be preserved: looked up once, and kept in the evidence bucket, since an instance that
 * is terminated meanwhile no longer says which volumes it had.
 */
import { paginateDescribeInstances, paginateDescribeVolumes, type EC2Client, type Instance } from "@aws-sdk/client-ec2";
import { z } from "zod";
import type { Incident } from "../domain/containers";
import { environment } from "./environment";
import { isNotFound, StepError } from "./errors";
import { getJson, putJson } from "./evidenceBucket";
import { earlierPins } from "./earlierPins";
import { log } from "./handler";
import { madeOfOurImages } from "./memory/leftVolumes";
import { keptVolume } from "./memory/acquisitionVolume";
import { readStanding } from "./standingContainments";
import { objectNames } from "../domain/evidenceKeys";

const volumeSchema = z.object({
    /** The acquisition volume; left out for a volume of the victim's own. */
    kind: z.enum(["memory"]).optional(),
    volumeId: z.string().regex(/^vol-[0-9a-f]{8,17}$/),
    device: z.string().min(1).max(64),
    root: z.boolean(),
});
const victimVolumesSchema = z.object({
    schemaVersion: z.literal(1),
    /** `instance`: all volumes can be taken at one point in time; `restore-record`: it was gone, these volumes outlived it. */
    foundBy: z.enum(["instance", "restore-record"]),
    volumes: z.array(volumeSchema).min(1),
});
export type VictimVolumes = z.infer<typeof victimVolumesSchema>;

/** The part of containment's restore record that names the volumes. */
const recordedVolumesSchema = z.object({ volumes: z.array(volumeSchema) });

/** The instance as EC2 shows it, also for a while after its end; null when it shows none. */
export async function describeVictim(ec2: EC2Client, instanceId: string): Promise<Instance | null> {
    try {
        for await (const page of paginateDescribeInstances({ client: ec2 }, { InstanceIds: [instanceId] })) {
            const instance = page.Reservations?.flatMap((one) => one.Instances ?? [])[0];
            if (instance) return instance;
        }
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    return null;
}

/** Whether there is no instance whose volumes could be taken together any more. */
export const isGone = (instance: Instance | null): boolean =>
    instance === null || instance.State?.Name === "terminated" || instance.State?.Name === "shutting-down";

/** Which of some volumes still exist. */
export async function standingVolumes(ec2: EC2Client, volumeIds: string[]): Promise<Set<string>> {
    const standing = new Set<string>();
    // A filter, not ids: EC2 refuses the whole call when one of the ids is gone.
    for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters: [{ Name: "volume-id", Values: volumeIds }] })) {
        for (const volume of page.Volumes ?? []) {
            if (volume.State === "available" || volume.State === "in-use") standing.add(volume.VolumeId!);
        }
    }
    return standing;
}

/**
 * The volumes that the instance had before containment: of the restore record, which is written before anything is changed, or, where that
 * object could not be written, of the standing record in the table, which is older than the first change too.
 */
async function recordedVolumes(incident: Incident): Promise<VictimVolumes["volumes"]> {
    const record = await getJson(`${incident.prefix}${objectNames.restoreRecord}`, recordedVolumesSchema);
    if (record) return record.value.volumes;
    const standing = await readStanding(incident.instance);
    return standing?.releasedAt === null ? recordedVolumesSchema.parse(standing.record).volumes : [];
}

async function lookUp(ec2: EC2Client, incident: Incident): Promise<VictimVolumes> {
    const { instanceId } = incident.instance;
    const instance = await describeVictim(ec2, instanceId);
    const gone = isGone(instance);
    const attached = (instance?.BlockDeviceMappings ?? []).flatMap((mapping) =>
        mapping.Ebs?.VolumeId && mapping.DeviceName
            ? [{ volumeId: mapping.Ebs.VolumeId, device: mapping.DeviceName, root: mapping.DeviceName === instance?.RootDeviceName }]
            : [],
    );
    if (!gone) {
        if (attached.length > 0) return { schemaVersion: 1, foundBy: "instance", volumes: attached };
        throw new StepError(
            "The instance has no EBS volume, so there is nothing that a snapshot could preserve",
            instanceId,
            "Its instance store is lost when it stops: collect memory and files from the running, isolated instance by hand.",
        );
    }
    const known = attached.length > 0 ? attached : await recordedVolumes(incident);
    const standing =
        known.length > 0
            ? await standingVolumes(
                  ec2,
                  known.map(({ volumeId }) => volumeId),
              )
            : new Set<string>();
    // Of what is gone the evidence of an earlier incident may stand.
    const evidenced = new Set((await earlierPins(incident)).flatMap(({ pins }) => pins.map(({ volumeId }) => volumeId)));
    const isThere = ({ volumeId }: { volumeId: string }) => standing.has(volumeId) || evidenced.has(volumeId);
    const lost = known.filter((each) => !isThere(each)).map(({ volumeId }) => volumeId);
    if (lost.length > 0) log("volumes were deleted before they could be preserved", { instanceId, volumes: lost });
    const volumes = known.filter(isThere);
    if (volumes.length > 0) return { schemaVersion: 1, foundBy: "restore-record", volumes };
    throw new StepError(
        "The instance is gone and none of its volumes is known to exist",
        instanceId,
        "Look for volumes and snapshots of it in the member account and ask its owner what terminated it.",
    );
}

/** One whose id was not kept, since the step that made it was ended between the two; EC2 says what it was made of. */
async function unkept(
    ec2: EC2Client,
    { incidentId }: Incident,
): Promise<Pick<VictimVolumes["volumes"][number], "volumeId" | "device"> | null> {
    const [volume] = await madeOfOurImages(ec2, incidentId);
    return volume ? { volumeId: volume.VolumeId!, device: volume.Attachments?.[0]?.Device ?? "not attached" } : null;
}

/** The acquisition volume beside them, still attached or not: by the id that was kept, whatever the device says. */
async function withAcquisition(ec2: EC2Client, incident: Incident, found: VictimVolumes): Promise<VictimVolumes> {
    if (environment("MEMORY_MODE") === "off") return found;
    const kept = (await keptVolume(incident)) ?? (await unkept(ec2, incident));
    if (kept === null) return found;
    const { volumeId, device } = kept;
    const others = found.volumes.filter((each) => each.volumeId !== volumeId);
    return { ...found, volumes: [...others, { kind: "memory", volumeId, device, root: false }] };
}

/** The victim's volumes as they were when this incident first looked. @throws StepFailed when there are none. */
export async function victimVolumes(ec2: EC2Client, incident: Incident): Promise<VictimVolumes> {
    const key = `${incident.prefix}${objectNames.victimVolumes}`;
    const kept = await getJson(key, victimVolumesSchema);
    if (kept) return kept.value;
    const found = await withAcquisition(ec2, incident, await lookUp(ec2, incident));
    await putJson(key, found, { onlyIfAbsent: true });
    return found;
}
