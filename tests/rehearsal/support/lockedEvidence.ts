/** What must be left of an incident's snapshots when it is over, by what the EC2 of both accounts says and not by our records. */
import { DescribeLockedSnapshotsCommand, DescribeSnapshotAttributeCommand, DescribeSnapshotsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { expect } from "chai";
import type { Evidence } from "../../../functions/domain/containers";
import { incidentFilters } from "../../../functions/domain/tags";
import type { LocalClients, Target } from "../../../rehearsal/deploy/localClients";

/**
 * Expects one completed, locked snapshot of each volume in the forensics account under the evidence key; in the member account the sources alone;
 * nothing that was made on the way, and nothing shared.
 *
 * @param unread whose source must stay though no copy could be made of it: volume ids
 */
export async function expectLockedEvidence(
    clients: LocalClients,
    { forensics, member }: { forensics: Target; member: Target },
    incidentId: string,
    { snapshots }: Pick<Evidence, "snapshots">,
    unread: readonly string[] = [],
): Promise<void> {
    const { KeyMetadata } = await clients(KMSClient, forensics).send(new DescribeKeyCommand({ KeyId: "alias/clean-room-evidence" }));
    const KmsKeyId = KeyMetadata!.Arn!;
    const ours = { Filters: incidentFilters(incidentId, "source", "shared-copy", "evidence"), OwnerIds: ["self"] };
    const { Snapshots: kept = [] } = await clients(EC2Client, forensics).send(new DescribeSnapshotsCommand(ours));
    const wanted = snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId);
    expect(kept.map(({ SnapshotId }) => SnapshotId)).to.have.members(wanted);
    for (const each of kept) expect(each).to.include({ State: "completed", Encrypted: true, KmsKeyId, OwnerId: forensics.accountId });
    const { Snapshots: locked = [] } = await clients(EC2Client, forensics).send(
        new DescribeLockedSnapshotsCommand({ SnapshotIds: wanted }),
    );
    expect(locked.filter(({ LockState }) => LockState === "governance").map(({ SnapshotId }) => SnapshotId)).to.have.members(wanted);

    const ec2 = clients(EC2Client, member);
    const { Snapshots: inMember = [] } = await ec2.send(new DescribeSnapshotsCommand(ours));
    const sources = snapshots.map(({ sourceSnapshotId }) => sourceSnapshotId);
    expect(inMember.map(({ SnapshotId }) => SnapshotId)).to.include.members(sources);
    // Of a volume without evidence: its source, and the newest copy that EC2 failed to make, which says why.
    const others = inMember.filter(({ SnapshotId }) => !sources.includes(SnapshotId!));
    const [copies, unreadSources] = [others.filter(({ State }) => State === "error"), others.filter(({ State }) => State !== "error")];
    expect(unreadSources.map(({ VolumeId }) => VolumeId)).to.have.members([...unread]);
    expect(copies.length).to.be.at.most(unread.length);
    for (const { SnapshotId } of inMember) {
        const { CreateVolumePermissions = [] } = await ec2.send(
            new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission" }),
        );
        expect(CreateVolumePermissions, SnapshotId).to.deep.equal([]);
    }
}
