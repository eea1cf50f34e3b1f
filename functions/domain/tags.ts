/**
 * The tags that everything we make carries. A repeated step looks for them before it creates. In a member account anybody who may
 * tag can write them too, so there they help to find a thing and never prove what it is.
 */

/** What a lasting resource is for; its values are {@link Role}. */
export const roleTag = "clean-room:role";
/**
 * - `isolation`: security group without rules that contained instances carry
 * - `untrack`: security group that allows everything, carried for one call so that connections become untracked
 * - `quarantine`: security group that lets an instance reach Systems Manager's endpoints and nothing else, while its memory is taken
 * - `isolation-nacl`: network ACL that denies everything
 * - `clean-room`: the VPC without a way out, and what belongs to it
 * - `evidence`: the evidence bucket
 * - `drill-range`: the VPC of the drill's sacrificial instance
 */
export type Role = "isolation" | "untrack" | "quarantine" | "isolation-nacl" | "clean-room" | "evidence" | "drill-range";
/** On the instance: who shall decide about its containment. Anybody who may tag it can set it. */
export const modeTag = "clean-room:mode";

/** The isolation group as it is called and described in EC2, in VPCs named in the configuration and in all others. */
export const isolationGroup = { name: "clean-room-isolation", description: "Contained instances: nothing in, nothing out" } as const;
export const untrackGroup = {
    name: "clean-room-untrack",
    description: "For one call: makes connections untracked so that isolation drops them",
} as const;
export const quarantineGroup = {
    name: "clean-room-quarantine",
    description: "While memory is taken: out to the endpoints of Systems Manager, nothing else",
} as const;

export const incidentTag = "clean-room:incident";
export const purposeTag = "clean-room:purpose";
/** The victim's volume that a snapshot or volume goes back to. */
export const sourceVolumeTag = "clean-room:source-volume";
/** The snapshot that a copy or volume was made of; of a copy the first one, which CreateSnapshots made. */
export const sourceSnapshotTag = "clean-room:source-snapshot";
/** On a forensic instance of a later round: its number (domain/planRounds.ts). */
export const roundTag = "clean-room:round";

/**
 * - `source`: snapshot of the victim's volume, in the member account
 * - `shared-copy`: copy of it under the evidence key, in the member account, where its own key cannot be shared
 * - `evidence`: locked snapshot in the forensics account, and the volume made of it that nothing ever mounts
 * - `work`: volume that the analysis mounts
 * - `forensic-host`: forensic instance and its root volume
 * - `acquisition`: volume in the member account that memory was written to
 * - `endpoint`: interface endpoint of the clean room that is there while incidents need it; it is no incident's own
 */
export type Purpose = "source" | "shared-copy" | "evidence" | "work" | "forensic-host" | "acquisition" | "endpoint";

/** A tag as EC2 takes and gives it. */
export interface Tag {
    Key?: string;
    Value?: string;
}

/** Tags of a new resource. */
export function incidentTags(incidentId: string, purpose: Purpose, source: { volumeId?: string; snapshotId?: string } = {}): Tag[] {
    const tags: Tag[] = [
        { Key: incidentTag, Value: incidentId },
        { Key: purposeTag, Value: purpose },
    ];
    if (source.volumeId) tags.push({ Key: sourceVolumeTag, Value: source.volumeId });
    if (source.snapshotId) tags.push({ Key: sourceSnapshotTag, Value: source.snapshotId });
    return tags;
}

/** @returns null when the resource does not carry the tag. */
export function tagValue(tags: readonly Tag[] | undefined, key: string): string | null {
    return tags?.find((tag) => tag.Key === key)?.Value ?? null;
}

/** EC2 filters that find an incident's resources of some purposes. */
export function incidentFilters(incidentId: string, ...purposes: Purpose[]): { Name: string; Values: string[] }[] {
    return [
        { Name: `tag:${incidentTag}`, Values: [incidentId] },
        { Name: `tag:${purposeTag}`, Values: purposes },
    ];
}
