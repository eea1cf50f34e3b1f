/** Acquisition volumes that a crash left in member accounts, looked for once a day where an incident stands or is not settled. */
import { paginateDescribeVolumes, EC2Client, type Volume } from "@aws-sdk/client-ec2";
import type { InstanceRef } from "../../domain/containers";
import { planLeftVolume, type LeftCase } from "../../domain/planLeftVolume";
import { incidentTag, purposeTag, tagValue } from "../../domain/tags";
import { memberClient } from "../clients";
import { environment } from "../environment";
import { deleteAcquisitionVolume } from "./acquisitionVolume";

/** An incident by whose name a member account is looked at. */
export interface Place {
    instance: InstanceRef;
    incidentId: string;
}

/**
 * Volumes made of an image of this deployment: EC2 says what a volume was made of, and only whom the image was shared with for an
 * acquisition can have made one. Tags alone would let anybody have volumes deleted.
 *
 * @param incidentId of one incident alone. @default of all
 */
export async function madeOfOurImages(ec2: EC2Client, incidentId?: string): Promise<Volume[]> {
    const images = Object.values(environment("ACQUISITION_IMAGES")).map(({ snapshotId }) => snapshotId);
    if (images.length === 0) return [];
    const Filters = [
        { Name: "snapshot-id", Values: images },
        { Name: `tag:${purposeTag}`, Values: ["acquisition"] },
        ...(incidentId === undefined ? [] : [{ Name: `tag:${incidentTag}`, Values: [incidentId] }]),
    ];
    const found: Volume[] = [];
    for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, { Filters })) found.push(...Volumes);
    return found.filter(({ State }) => State !== "deleting" && State !== "deleted");
}

/**
 * @param places one for each member account that is looked at
 * @param caseOf what our records say of an incident; null where there is none
 * @param tell told of a volume that holds what is nowhere else
 * @returns accounts that could not be looked at, or volumes that could not be removed, as sentences
 */
export async function removeLeftVolumes(
    places: readonly Place[],
    caseOf: (incidentId: string) => Promise<LeftCase | null>,
    tell: (incidentId: string, sentence: string) => Promise<void>,
): Promise<string[]> {
    const failed: string[] = [];
    for (const { instance, incidentId } of new Map(places.map((each) => [each.instance.accountId, each])).values()) {
        try {
            const ec2 = memberClient(EC2Client, instance, incidentId);
            for (const { VolumeId, CreateTime, Tags } of await madeOfOurImages(ec2)) {
                const volumeId = VolumeId!;
                const of = tagValue(Tags, incidentTag) ?? "";
                const left = { volumeId, createdAt: (CreateTime ?? new Date()).toISOString() };
                const plan = planLeftVolume(left, await caseOf(of), new Date().toISOString());
                // One that is still attached is detached today and deleted tomorrow.
                if (plan === "delete") await deleteAcquisitionVolume(ec2, volumeId);
                if (plan === "tell")
                    await tell(
                        of,
                        `The acquisition volume ${volumeId} in account ${instance.accountId} holds what was taken of memory, and nothing else does: npm run resume -- ${of} preserves it; else snapshot it by hand and delete it.`,
                    );
            }
        } catch (error) {
            failed.push(
                `acquisition volumes in ${instance.accountId}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
            );
        }
    }
    return failed;
}
