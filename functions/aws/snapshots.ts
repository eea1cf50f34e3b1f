/** Reading snapshots and their locks. */
import { DescribeLockedSnapshotsCommand, paginateDescribeSnapshots, type EC2Client, type Filter, type Snapshot } from "@aws-sdk/client-ec2";
import { incidentFilters, sourceSnapshotTag, sourceVolumeTag, tagValue, type Purpose } from "../domain/tags";
import type { SnapshotLock, SnapshotState } from "../domain/planPreservation";
import { clip, visible } from "../domain/visibleText";

async function ownSnapshots(ec2: EC2Client, filters: Filter[]): Promise<Snapshot[]> {
    const snapshots: Snapshot[] = [];
    for await (const page of paginateDescribeSnapshots({ client: ec2, pageSize: 1000 }, { OwnerIds: ["self"], Filters: filters })) {
        snapshots.push(...(page.Snapshots ?? []));
    }
    return snapshots;
}

/** The account's own snapshots of an incident and purpose. */
export async function snapshotsOf(ec2: EC2Client, incidentId: string, purpose: Purpose): Promise<SnapshotState[]> {
    return (await ownSnapshots(ec2, incidentFilters(incidentId, purpose))).map((one) => ({
        snapshotId: one.SnapshotId!,
        // A copy carries an arbitrary volume id, so its tag counts; a source has no such tag, since one call tags all alike.
        volumeId: tagValue(one.Tags, sourceVolumeTag) ?? one.VolumeId!,
        sourceSnapshotId: tagValue(one.Tags, sourceSnapshotTag),
        state: one.State ?? "pending",
        problem: one.StateMessage ? clip(visible(one.StateMessage), 300) : null,
        encrypted: one.Encrypted === true,
        sizeGiB: one.VolumeSize!,
        startedAt: one.StartTime!.toISOString(),
    }));
}

/** How many of the account's own snapshots are pending in the client's Region. */
export async function pendingSnapshots(ec2: EC2Client): Promise<number> {
    return (await ownSnapshots(ec2, [{ Name: "status", Values: ["pending"] }])).length;
}

/** Locks in force on some snapshots, by snapshot id. One that has expired protects nothing and is left out. */
export async function locksOf(ec2: EC2Client, snapshotIds: string[]): Promise<Map<string, SnapshotLock>> {
    const locks = new Map<string, SnapshotLock>();
    let token: string | undefined;
    // Without ids EC2 would list every locked snapshot of the account.
    if (snapshotIds.length === 0) return locks;
    do {
        const page = await ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds: snapshotIds, NextToken: token }));
        for (const one of page.Snapshots ?? []) {
            if (!one.LockState || one.LockState === "expired" || !one.LockExpiresOn) continue;
            locks.set(one.SnapshotId!, {
                mode: one.LockState === "governance" ? "governance" : "compliance",
                expiresAt: one.LockExpiresOn.toISOString(),
            });
        }
        token = page.NextToken || undefined;
    } while (token);
    return locks;
}
