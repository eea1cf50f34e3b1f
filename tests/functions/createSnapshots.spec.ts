import { expect } from "chai";
import { handler } from "../../functions/createSnapshots";
import { tagValue } from "../../functions/domain/tags";
import { forensicsAccountId, incident, InMemoryAws, thrown } from "./inMemoryAws";

const event = { incident, containment: null };
const { instanceId } = incident.instance;
const creations = ["CreateSnapshots", "CreateSnapshot", "CopySnapshot", "LockSnapshot"] as const;

describe("createSnapshots", () => {
    let aws: InMemoryAws;

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
    });
    afterEach(() => aws.remove());

    const made = () => Object.fromEntries(creations.map((name) => [name, aws.member.of(name).length + aws.forensics.of(name).length]));
    const addVictim = (
        devices: Parameters<InMemoryAws["member"]["addInstance"]>[1] = { "/dev/xvda": { Size: 8 }, "/dev/sdf": { Size: 20 } },
    ) => aws.member.addInstance({ InstanceId: instanceId }, devices);

    it("locks an encrypted copy of every volume in the forensics account", async () => {
        addVictim();
        const { answer } = await aws.until(handler, event);
        expect(
            answer.snapshots.map(({ device, root, sizeGiB, sourceEncrypted, sharedSnapshotId }) => ({
                device,
                root,
                sizeGiB,
                sourceEncrypted,
                sharedSnapshotId,
            })),
        ).to.deep.equal([
            { device: "/dev/xvda", root: true, sizeGiB: 8, sourceEncrypted: false, sharedSnapshotId: null },
            { device: "/dev/sdf", root: false, sizeGiB: 20, sourceEncrypted: false, sharedSnapshotId: null },
        ]);
        expect(made()).to.deep.equal({ CreateSnapshots: 1, CreateSnapshot: 0, CopySnapshot: 2, LockSnapshot: 2 });
        for (const { evidenceSnapshotId, volumeId, sourceSnapshotId, lock } of answer.snapshots) {
            const snapshot = aws.forensics.snapshots.get(evidenceSnapshotId)!;
            expect(snapshot.KmsKeyId).to.equal(process.env.EVIDENCE_KEY_ARN);
            expect(
                ["incident", "purpose", "source-volume", "source-snapshot"].map((key) => tagValue(snapshot.Tags, `clean-room:${key}`)),
            ).to.deep.equal([incident.incidentId, "evidence", volumeId, sourceSnapshotId]);
            expect(lock.mode).to.equal("governance");
            expect(aws.forensics.locks.has(evidenceSnapshotId)).to.equal(true);
            expect(aws.member.snapshots.get(sourceSnapshotId)!.VolumeId).to.equal(volumeId);
            expect(aws.member.shares.get(sourceSnapshotId)).to.deep.equal([forensicsAccountId]);
        }
        expect(aws.member.of("CreateSnapshots")[0]).not.to.have.property("CopyTagsFromSource");
    });

    it("copies an encrypted volume under the evidence key before it shares the copy, never the original", async () => {
        addVictim({ "/dev/xvda": { Encrypted: true } });
        const {
            answer: {
                snapshots: [snapshot],
            },
        } = await aws.until(handler, event);
        expect(snapshot.sourceEncrypted).to.equal(true);
        expect(aws.member.snapshots.get(snapshot.sharedSnapshotId!)!.KmsKeyId).to.equal(process.env.EVIDENCE_KEY_ARN);
        expect([...aws.member.shares.keys()]).to.deep.equal([snapshot.sharedSnapshotId]);
    });

    it("changes nothing when it runs again", async () => {
        addVictim();
        const first = await aws.until(handler, event);
        const before = made();
        const second = await aws.until(handler, event);
        expect(second.calls).to.equal(1);
        expect(second.answer.snapshots).to.deep.equal(first.answer.snapshots);
        expect(made()).to.deep.equal(before);
    });

    it("goes through every stage in one call where EC2 is quick", async () => {
        addVictim({ "/dev/xvda": { Encrypted: true } });
        aws.member.snapshotsAreBorn = aws.forensics.snapshotsAreBorn = "completed";
        expect((await aws.until(handler, event)).calls).to.equal(1);
    });

    it("makes nothing twice while EC2 does not show yet what it made", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.member.lag = aws.forensics.lag = 3;
        aws.member.snapshotsAreBorn = aws.forensics.snapshotsAreBorn = "completed";
        await aws.until(handler, event);
        expect(made()).to.deep.equal({ CreateSnapshots: 1, CreateSnapshot: 0, CopySnapshot: 1, LockSnapshot: 1 });
    });

    it("goes on when the instance ends after its snapshots were begun", async () => {
        addVictim();
        expect((await thrown(handler(event))).name).to.equal("NotYet");
        aws.member.instances.clear();
        expect((await aws.until(handler, event)).answer.snapshots.map(({ device }) => device)).to.deep.equal(["/dev/xvda", "/dev/sdf"]);
    });

    it("preserves the volumes of the restore record that outlived their instance", async () => {
        const kept = aws.member.addVolume({});
        aws.objects.set(
            `${incident.prefix}restore-record.json`,
            JSON.stringify({
                volumes: [
                    { volumeId: kept, device: "/dev/sdf", root: false, deleteOnTermination: false },
                    { volumeId: "vol-0123456789abcdef0", device: "/dev/xvda", root: true, deleteOnTermination: true },
                ],
            }),
        );
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots.map(({ volumeId }) => volumeId)).to.deep.equal([kept]);
        expect(made()).to.include({ CreateSnapshots: 0, CreateSnapshot: 1 });
    });

    it("snapshots volume by volume when the instance ends between the look and the call", async () => {
        addVictim();
        aws.member.errors.set("CreateSnapshots", ["IncorrectInstanceState"]);
        await aws.until(handler, event);
        expect(made()).to.include({ CreateSnapshots: 1, CreateSnapshot: 2, LockSnapshot: 2 });
    });

    it("fails when there is no volume to preserve", async () => {
        const gone = await thrown(handler(event));
        expect(gone.name).to.equal("StepFailed");
        expect(gone.message).to.include(instanceId).and.include("gone");
        addVictim({});
        const instanceStore = await thrown(handler(event));
        expect(instanceStore.name).to.equal("StepFailed");
        expect(instanceStore.message).to.include("no EBS volume");
    });

    it("locks the other volumes before it fails on a copy whose key was wrong", async () => {
        addVictim();
        await thrown(handler(event));
        aws.settle();
        await thrown(handler(event));
        const [broken, whole] = [...aws.forensics.snapshots.values()];
        Object.assign(broken, { State: "error", StateMessage: "Given key ID is not accessible" });
        const failure = await thrown(aws.until(handler, event));
        expect(failure.name).to.equal("StepFailed");
        expect(failure.message).to.include(tagValue(broken.Tags, "clean-room:source-volume"));
        expect(failure.message)
            .to.include(broken.SnapshotId as string)
            .and.include("not accessible")
            .and.include(process.env.EVIDENCE_KEY_ARN!);
        expect([...aws.forensics.locks.keys()]).to.deep.equal([whole.SnapshotId]);
    });

    it("lets a refused copy fail the step only after the other volume is locked", async () => {
        addVictim();
        aws.forensics.errors.set(
            "CopySnapshot",
            Array.from({ length: 100 }, (_, index) => (index === 1 ? null : "UnauthorizedOperation")),
        );
        const failure = await thrown(aws.until(handler, event));
        expect(failure.name).to.equal("UnauthorizedOperation");
        expect(aws.forensics.locks.size).to.equal(1);
    });

    it("asks again when one copy was throttled, though another was refused", async () => {
        addVictim();
        await thrown(handler(event));
        aws.settle();
        aws.forensics.errors.set("CopySnapshot", ["UnauthorizedOperation", "RequestLimitExceeded"]);
        expect((await thrown(handler(event))).name).to.equal("Transient");
        expect((await aws.until(handler, event)).answer.snapshots).to.have.length(2);
    });

    it("waits where EC2 has too many copies under way", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.forensics.errors.set("CopySnapshot", ["ResourceLimitExceeded", "InvalidSnapshot.NotFound"]);
        expect((await aws.until(handler, event)).answer.snapshots).to.have.length(1);
        expect(aws.forensics.of("CopySnapshot")).to.have.length(3);
    });

    for (const mode of ["compliance", "governance"]) {
        it(`gives a ${mode} lock no cool-off, in which it could be taken back`, async () => {
            addVictim({ "/dev/xvda": {} });
            Object.assign(process.env, { LOCK_MODE: mode });
            await aws.until(handler, event);
            const [sent] = aws.forensics.of("LockSnapshot");
            expect(sent).to.include({ LockMode: mode, LockDuration: 365 });
            expect(sent).not.to.have.property("CoolOffPeriod");
        });
    }
});
