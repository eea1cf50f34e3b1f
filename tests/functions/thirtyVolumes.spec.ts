/** One victim with thirty volumes in every key situation, one of them AWS Marketplace-coded and one whose copy fails: from snapshot to attached. */
import { expect } from "chai";
import { handler as attachEvidenceVolumes } from "../../functions/attachEvidenceVolumes";
import { handler as createSnapshots } from "../../functions/createSnapshots";
import { mostVolumes } from "../../functions/domain/planVolumes";
import { tagValue } from "../../functions/domain/tags";
import { handler as startForensicInstance } from "../../functions/startForensicInstance";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

const keys = [
    undefined,
    "arn:aws:kms:eu-west-1:222222222222:key/default",
    "arn:aws:kms:eu-west-1:222222222222:key/own",
    "arn:aws:kms:eu-west-1:333333333333:key/central",
];
const devices = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => {
        const KmsKeyId = keys[index % keys.length];
        const letter = String.fromCharCode(97 + (index % 26));
        const device = index === 0 ? "/dev/xvda" : index < 26 ? `/dev/sd${letter}` : `/dev/xvdb${letter}`;
        return [device, { Size: 8 + index, ...(KmsKeyId ? { Encrypted: true, KmsKeyId } : {}) }];
    }),
);

describe("thirty volumes", () => {
    let aws: InMemoryAws;
    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        aws.ssm = () => ({ Parameter: { Value: "ami-0123456789abcdef0" } });
        aws.member.addInstance({ InstanceId: incident.instance.instanceId }, devices);
    });
    afterEach(() => aws.remove());

    it("one failing copy is named and the others are locked evidence; a coded volume stops the host once; a second round has the rest", async () => {
        const event = { incident, containment: null };
        // Until the first copies into the forensics account stand.
        for (let call = 0; aws.forensics.snapshots.size === 0 && call < 10; call++) {
            await thrown(createSnapshots(event));
            aws.settle();
        }
        const [broken] = [...aws.forensics.snapshots.values()];
        const sourceVolume = tagValue(broken!.Tags, "clean-room:source-volume");
        // Whatever of this volume is copied, it is made anew once and fails again: a key that may not be used shows after the copy has begun.
        const failing = (input: unknown) => {
            for (const each of aws.forensics.snapshots.values())
                if (tagValue(each.Tags, "clean-room:source-volume") === sourceVolume)
                    Object.assign(each, { State: "error", StateMessage: "Given key ID is not accessible" });
            return createSnapshots(input);
        };
        const { answer: evidence } = await aws.until(failing, event, 40);

        expect(evidence.snapshots).to.have.length(29);
        expect(evidence.missing).to.have.length(1);
        expect(evidence.missing[0]!.volumeId).to.equal(sourceVolume);
        // The end: one locked snapshot a volume under the evidence key, nothing shared, no intermediate copy of a preserved volume.
        for (const { evidenceSnapshotId, sharedSnapshotId, sourceEncrypted } of evidence.snapshots) {
            expect(aws.forensics.snapshots.get(evidenceSnapshotId)!.KmsKeyId).to.equal(process.env.EVIDENCE_KEY_ARN);
            expect(aws.forensics.locks.has(evidenceSnapshotId)).to.equal(true);
            expect(sharedSnapshotId === null).to.equal(!sourceEncrypted);
            if (sharedSnapshotId !== null) expect(aws.member.snapshots.has(sharedSnapshotId)).to.equal(false);
        }
        const stillShared = [...aws.member.shares].filter(([id, accounts]) => aws.member.snapshots.has(id) && accounts.length > 0);
        expect(stillShared.length, "only what the failed copy was made from").to.be.at.most(1);
        expect(
            aws.record.filter(
                ({ name, input, account }) => account === aws.member && name === "ModifySnapshotAttribute" && "GroupNames" in input,
            ),
        ).to.deep.equal([]);

        expect(evidence.rounds).to.equal(2);
        const host = await startForensicInstance({ incident, evidence });
        await thrown(attachEvidenceVolumes({ incident, evidence, host }));
        const coded = [...aws.forensics.volumes.values()].find(
            ({ SnapshotId }) => SnapshotId === evidence.snapshots[3]!.evidenceSnapshotId,
        )!;
        coded.ProductCodes = [{ ProductCodeId: "abc" }];
        const { answer } = await aws.until(attachEvidenceVolumes, { incident, evidence, host }, 40);
        expect(answer.volumes.map(({ volumeId }) => volumeId)).to.include(coded.VolumeId as string);
        expect(aws.of("StopInstances", aws.forensics)).to.have.length(1);
        expect(aws.of("StartInstances", aws.forensics)).to.have.length(1);

        const later = await startForensicInstance({ incident, evidence, round: { number: 2 } });
        const { answer: rest } = await aws.until(attachEvidenceVolumes, { incident, evidence, host: later }, 40);
        const volumes = [answer, rest].flatMap((each) => each.volumes);
        expect(volumes.length).to.be.at.most(2 * mostVolumes);
        expect([...answer.missing, ...rest.missing]).to.deep.equal([]);
        const read = volumes.filter(({ purpose }) => purpose === "evidence").map(({ sourceVolumeId }) => sourceVolumeId);
        expect(read).to.have.length(29);
        expect(new Set(read).size).to.equal(29);
    });
});
