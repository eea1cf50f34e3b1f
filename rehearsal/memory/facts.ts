/** What is known of the memory at the end of a rehearsal: read back from the local AWS, but for what the instance itself said. */
import { DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { Containment } from "../../functions/domain/containers";
import type { Memory } from "../../functions/domain/memory";
import { purposeTag } from "../../functions/domain/tags";
import type { LocalClients, Target } from "../deploy/localClients";
import type { QuarantineSeen } from "./watchQuarantine";

export interface MemoryFacts {
    /** As deployed. */
    mode: "volatile" | "full";
    /** What the incident says of it; null when it says nothing. */
    told: Memory | null;
    /** When containment was told, ISO 8601; null when it was not. */
    containedAt: string | null;
    /** Milliseconds since 1970, when the finding was sent. */
    sentAt: number;
    /** Seconds, as configured. */
    atMostSeconds: number;
    quarantine: QuarantineSeen | null;
    /** Group of the VPC's own endpoints of Systems Manager. */
    endpointGroup: string;
    /** Acquisition volumes in the member account, deleted ones not among them. */
    volumesLeft: string[];
}

/** Reads what is left of the acquisition volume. */
export async function acquisitionVolumesLeft(clients: LocalClients, member: Target): Promise<string[]> {
    const { Volumes = [] } = await clients(EC2Client, member).send(
        new DescribeVolumesCommand({ Filters: [{ Name: `tag:${purposeTag}`, Values: ["acquisition"] }] }),
    );
    return Volumes.filter(({ State }) => State !== "deleting" && State !== "deleted").map(({ VolumeId }) => VolumeId!);
}

/** What the containment that was kept says of it. */
export const toldOf = (containment: Containment | null): Pick<MemoryFacts, "told" | "containedAt"> => ({
    told: containment?.memory ?? null,
    containedAt: containment?.containedAt ?? null,
});
