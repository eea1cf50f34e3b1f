/** Reading snapshots, their locks and who may use them. */
import {
    DescribeLockedSnapshotsCommand,
    DescribeSnapshotAttributeCommand,
    paginateDescribeSnapshots,
    type EC2Client,
    type Filter,
    type Snapshot,
} from "@aws-sdk/client-ec2";
import type { SnapshotLock, SnapshotState } from "../domain/preservation";
import { incidentFilters, type Purpose } from "../domain/tags";
import { clip, visible } from "../domain/visibleText";
import { isNotFound } from "./errors";

/** EC2 takes this many values of one filter. */
const mostValues = 200;

async function ownSnapshots(ec2: EC2Client, filters: Filter[]): Promise<Snapshot[]> {
    const snapshots: Snapshot[] = [];
    for await (const page of paginateDescribeSnapshots({ client: ec2, pageSize: 1000 }, { OwnerIds: ["self"], Filters: filters })) {
        snapshots.push(...(page.Snapshots ?? []));
    }
    return snapshots;
}

/** The account's own snapshots of some ids, as far as EC2 shows them. A filter, not ids: EC2 refuses the whole call when one is gone. */
export async function snapshotsById(ec2: EC2Client, snapshotIds: readonly string[]): Promise<SnapshotState[]> {
    const found: Snapshot[] = [];
    for (let at = 0; at < snapshotIds.length; at += mostValues)
        found.push(...(await ownSnapshots(ec2, [{ Name: "snapshot-id", Values: snapshotIds.slice(at, at + mostValues) }])));
    return found.map((one) => ({
        snapshotId: one.SnapshotId!,
        state: one.State ?? "pending",
        problem: one.StateMessage ? clip(visible(one.StateMessage), 300) : null,
        encrypted: one.Encrypted === true,
        sizeGiB: one.VolumeSize!,
        startedAt: one.StartTime!.toISOString(),
        ...(one.KmsKeyId === undefined ? {} : { keyArn: one.KmsKeyId }),
    }));
}

/** A snapshot that carries an incident's tag, whoever wrote the tag. */
export interface TaggedSnapshot {
    snapshotId: string;
    volumeId: string;
    /** ISO 8601. */
    startedAt: string;
}

/** The account's own snapshots that carry the incident's tag. In a member account anybody who may tag can have written it. */
export async function taggedSnapshots(ec2: EC2Client, incidentId: string, ...purposes: Purpose[]): Promise<TaggedSnapshot[]> {
    return (await ownSnapshots(ec2, incidentFilters(incidentId, ...purposes))).map((one) => ({
        snapshotId: one.SnapshotId!,
        volumeId: one.VolumeId ?? "",
        startedAt: one.StartTime!.toISOString(),
    }));
}

/** Locks in force on some snapshots, by snapshot id. One that has expired protects nothing and is left out. */
export async function locksOf(ec2: EC2Client, snapshotIds: readonly string[]): Promise<Map<string, SnapshotLock>> {
    const locks = new Map<string, SnapshotLock>();
    for (let at = 0; at < snapshotIds.length; at += mostValues) {
        let token: string | undefined;
        do {
            const page = await ec2.send(
                new DescribeLockedSnapshotsCommand({ SnapshotIds: snapshotIds.slice(at, at + mostValues), NextToken: token }),
            );
            for (const one of page.Snapshots ?? []) {
                if (!one.LockState || one.LockState === "expired" || !one.LockExpiresOn) continue;
                locks.set(one.SnapshotId!, {
                    mode: one.LockState === "governance" ? "governance" : "compliance",
                    expiresAt: one.LockExpiresOn.toISOString(),
                });
            }
            token = page.NextToken || undefined;
        } while (token);
    }
    return locks;
}

/** Who else may make volumes of a snapshot: account ids, or `all`. Empty where it is gone. */
export async function sharedWith(ec2: EC2Client, snapshotId: string): Promise<string[]> {
    try {
        const { CreateVolumePermissions = [] } = await ec2.send(
            new DescribeSnapshotAttributeCommand({ SnapshotId: snapshotId, Attribute: "createVolumePermission" }),
        );
        return CreateVolumePermissions.flatMap(({ UserId, Group }) => UserId ?? Group ?? []);
    } catch (error) {
        if (isNotFound(error)) return [];
        throw error;
    }
}
