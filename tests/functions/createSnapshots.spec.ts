import { instanceStateSchema } from "../../functions/domain/instanceState";
import { containmentSchema, type Containment, type Evidence, type Incident } from "../../functions/domain/containers";
import { newStanding, type StandingContainment } from "../../functions/domain/standingContainment";
import { expect } from "chai";
import { incidentTags } from "../../functions/domain/tags";
import { handler } from "../../functions/createSnapshots";
import { tagValue } from "../../functions/domain/tags";
import { awsError } from "../support/aws/errors";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

const event = { incident, containment: null };
const { instanceId } = incident.instance;
const creations = ["CreateSnapshots", "CreateSnapshot", "CopySnapshot", "LockSnapshot"] as const;

/** A restore record but for its volumes. */
const recorded = {
    schemaVersion: 1,
    instance: incident.instance,
    readAt: incident.openedAt,
    state: "running",
    vpcId: "vpc-1",
    availabilityZone: "eu-west-1a",
    lifecycle: "on-demand",
    rootDeviceType: "ebs",
    interfaces: [],
    terminationProtection: null,
    stopProtection: null,
    shutdownBehavior: null,
    metadataEndpoint: "enabled",
    instanceProfileArn: null,
    autoScaling: null,
    targets: [],
    classicLoadBalancers: [],
    trackedPaths: [],
};
/** What a containment says that nobody looks at here. */
const anyContainment = {
    schemaVersion: 1,
    incidentId: incident.incidentId,
    instance: incident.instance,
    vpcId: "vpc-1",
    availabilityZone: "eu-west-1a",
    isolationGroupId: "sg-made-1",
    interfaces: [],
    targetGroups: [],
    autoScalingGroup: null,
    restoreRecord: { bucket: "evidence", key: "restore-record.json", sha256: "a".repeat(64) },
    steps: [],
    uncut: [],
    startedAt: incident.openedAt,
    containedAt: incident.openedAt,
};

describe("createSnapshots", () => {
    let aws: InMemoryAws;

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
    });
    afterEach(() => aws.remove());

    const made = () =>
        Object.fromEntries(creations.map((name) => [name, aws.of(name, aws.member).length + aws.of(name, aws.forensics).length]));
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
        expect(made()).to.deep.equal({ CreateSnapshots: 1, CreateSnapshot: 0, CopySnapshot: 2, LockSnapshot: 4 });
        for (const { evidenceSnapshotId, volumeId, sourceSnapshotId, lock } of answer.snapshots) {
            const snapshot = aws.forensics.snapshots.get(evidenceSnapshotId)!;
            expect(snapshot.KmsKeyId).to.equal(process.env.EVIDENCE_KEY_ARN);
            expect(
                ["incident", "purpose", "source-volume", "source-snapshot"].map((key) => tagValue(snapshot.Tags, `clean-room:${key}`)),
            ).to.deep.equal([incident.incidentId, "evidence", volumeId, sourceSnapshotId]);
            expect(lock.mode).to.equal("governance");
            expect(aws.forensics.locks.has(evidenceSnapshotId)).to.equal(true);
            expect(aws.member.snapshots.get(sourceSnapshotId)!.VolumeId).to.equal(volumeId);
            expect(aws.member.shares.get(sourceSnapshotId)).to.deep.equal([]);
            expect(aws.member.locks.has(sourceSnapshotId), "the source is locked").to.equal(true);
        }
        expect(aws.of("CreateSnapshots", aws.member)[0]).not.to.have.property("CopyTagsFromSource");
    });

    describe("where memory was taken", () => {
        const volumeId = "vol-0acc0000000000acc";
        const ended = async () => (await aws.until(handler, event)).answer;
        beforeEach(() => {
            process.env.MEMORY_MODE = "volatile";
            addVictim();
            const kept = { schemaVersion: 1, volumeId, device: "/dev/sdp" };
            aws.overwrite(`${incident.prefix}acquisition-volume.json`, JSON.stringify(kept));
        });

        it("preserves the acquisition volume like the victim's own, and deletes it when its evidence is locked", async () => {
            // A system that does not let go of it.
            const attached = [{ InstanceId: instanceId, Device: "/dev/sdp", State: "attached" }];
            aws.member.addVolume({ VolumeId: volumeId, Encrypted: true, Size: 2, State: "in-use", Attachments: attached });
            const evidence = await ended();
            expect(evidence.missing).to.deep.equal([]);
            const memory = evidence.snapshots.filter(({ kind }) => kind === "memory");
            expect(memory.map(({ volumeId: id, device, root }) => ({ id, device, root }))).to.deep.equal([
                { id: volumeId, device: "/dev/sdp", root: false },
            ]);
            expect(evidence.snapshots).to.have.length(3);
            expect(aws.forensics.locks.has(memory[0]!.evidenceSnapshotId)).to.equal(true);
            expect(aws.member.volumes.has(volumeId)).to.equal(false);
            expect(aws.of("DetachVolume", aws.member)).to.deep.equal([{ VolumeId: volumeId, Force: true }]);
        });

        it("finds one whose id was not kept by what EC2 says it was made of, and no other by its tags", async () => {
            aws.objects.delete(`${incident.prefix}acquisition-volume.json`);
            process.env.ACQUISITION_IMAGES = JSON.stringify({
                x86_64: { snapshotId: "snap-0123456789abcdef0", sizeGiB: 1, toolsSha256: "a".repeat(64) },
            });
            const Tags = incidentTags(incident.incidentId, "acquisition") as { Key: string; Value: string }[];
            const made = { Encrypted: true, Size: 2, CreateTime: new Date(), Tags };
            aws.member.addVolume({ VolumeId: "vol-0bad0000000000bad", ...made });
            aws.member.addVolume({ VolumeId: volumeId, ...made, SnapshotId: "snap-0123456789abcdef0" });
            const evidence = await ended();
            delete process.env.ACQUISITION_IMAGES;
            expect(evidence.snapshots.filter(({ kind }) => kind === "memory").map(({ volumeId: id }) => id)).to.deep.equal([volumeId]);
            expect(aws.member.volumes.has(volumeId)).to.equal(false);
            expect(aws.member.volumes.has("vol-0bad0000000000bad")).to.equal(true);
        });

        it("says that the acquisition volume is lost, and preserves the others", async () => {
            const evidence = await ended();
            expect(evidence.snapshots).to.have.length(2);
            expect(evidence.missing.map(({ why }) => why).join()).to.contain("deleted before it could be preserved");
        });

        it("tells of an acquisition volume that cannot be deleted, and is done all the same", async () => {
            aws.member.addVolume({ VolumeId: volumeId, Encrypted: true, Size: 2 });
            aws.member.errors.set("DeleteVolume", Array<string>(9).fill("UnauthorizedOperation"));
            const evidence = await ended();
            expect(evidence.snapshots).to.have.length(3);
            expect(evidence.anomalies.join()).to.contain(`the acquisition volume ${volumeId} could not be deleted`);
        });
    });

    it("copies an encrypted volume under the evidence key before it shares the copy, never the original", async () => {
        addVictim({ "/dev/xvda": { Encrypted: true } });
        const {
            answer: {
                snapshots: [snapshot],
            },
        } = await aws.until(handler, event);
        expect(snapshot.sourceEncrypted).to.equal(true);
        expect(aws.of("CopySnapshot", aws.member)[0]).to.include({
            SourceSnapshotId: snapshot.sourceSnapshotId,
            KmsKeyId: process.env.EVIDENCE_KEY_ARN,
        });
        expect([...aws.member.shares.keys()]).to.deep.equal([snapshot.sharedSnapshotId]);
        expect(aws.member.snapshots.has(snapshot.sharedSnapshotId!), "the intermediate copy is gone").to.equal(false);
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
        expect(made()).to.deep.equal({ CreateSnapshots: 1, CreateSnapshot: 0, CopySnapshot: 1, LockSnapshot: 2 });
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

    it("preserves the volumes of the standing record in the table where the restore record could not be written", async () => {
        const kept = aws.member.addVolume({});
        const record = { ...recorded, volumes: [{ volumeId: kept, device: "/dev/xvda", root: true, deleteOnTermination: false }] };
        const standing = (releasedAt: string | null) => {
            const containment = newStanding(instanceStateSchema.parse(record), incident.incidentId, null, incident.openedAt);
            return { containment: { S: JSON.stringify({ ...containment, releasedAt }) }, revision: { N: "0" } };
        };
        // That of a containment which is over is of another time.
        aws.standing = standing(incident.openedAt);
        expect((await thrown(handler(event))).name).to.equal("StepFailed");
        aws.standing = standing(null);
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots.map(({ volumeId }) => volumeId)).to.deep.equal([kept]);
    });

    it("snapshots volume by volume when the instance ends between the look and the call", async () => {
        addVictim();
        aws.member.errors.set("CreateSnapshots", ["IncorrectInstanceState"]);
        await aws.until(handler, event);
        expect(made()).to.include({ CreateSnapshots: 1, CreateSnapshot: 2, LockSnapshot: 4 });
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

    const problem = () => JSON.parse(aws.objects.get(`${incident.prefix}errors/CreateSnapshots.error.json`)!) as { cause: string };

    /** The copies of both volumes in the forensics account, still pending. */
    async function evidenceBegun() {
        addVictim();
        await thrown(handler(event));
        aws.settle();
        await thrown(handler(event));
        return [...aws.forensics.snapshots.values()];
    }

    it("goes on without a volume whose copy fails, and tells people at once", async () => {
        const [broken, whole] = await evidenceBegun();
        const sourceVolume = tagValue(broken.Tags, "clean-room:source-volume")!;
        // Whatever of this volume is copied: a key that may not be used shows after the copy has begun.
        const breakCopies = () => {
            for (const each of aws.forensics.snapshots.values())
                if (tagValue(each.Tags, "clean-room:source-volume") === sourceVolume)
                    Object.assign(each, { State: "error", StateMessage: "Given key ID is not accessible" });
        };
        breakCopies();
        const asked = (input: unknown) => {
            breakCopies();
            return handler(input);
        };
        const { answer } = await aws.until(asked, event);
        expect(answer.snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId)).to.deep.equal([whole.SnapshotId]);
        expect(answer.missing.map(({ volumeId }) => volumeId)).to.deep.equal([sourceVolume]);
        const copies = [...aws.forensics.snapshots.values()].filter(
            ({ Tags }) => tagValue(Tags, "clean-room:source-volume") === sourceVolume,
        );
        expect(copies, "tried twice").to.have.length(2);
        expect(answer.missing[0]!.why)
            .to.include(copies[1]!.SnapshotId as string)
            .and.include("not accessible");
        expect(problem().cause)
            .to.include("1 of 2 volumes are preserved")
            .and.include("NOT preserved")
            .and.include(process.env.EVIDENCE_KEY_ARN!);
        expect(aws.forensics.locks.has(whole.SnapshotId as string)).to.equal(true);
    });

    it("makes a copy anew that EC2 failed to make, and calls it no deletion", async () => {
        const [broken, whole] = await evidenceBegun();
        Object.assign(broken, { State: "error", StateMessage: "Internal error" });
        const { answer } = await aws.until(handler, event);
        expect(answer).to.deep.include({ missing: [], anomalies: [] });
        const evidence = answer.snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId);
        expect(evidence).to.have.length(2).and.include(whole.SnapshotId).and.not.include(broken.SnapshotId);
    });

    it("goes on without a volume whose copy AWS refuses", async () => {
        addVictim();
        aws.forensics.errors.set(
            "CopySnapshot",
            Array.from({ length: 100 }, (_, index) => (index === 1 ? null : "UnauthorizedOperation")),
        );
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots).to.have.length(1);
        expect(answer.missing).to.have.length(1);
        expect(aws.forensics.locks.size).to.equal(1);
    });

    it("fails when no volume at all can be preserved", async () => {
        addVictim();
        aws.forensics.errors.set("CopySnapshot", Array<string>(100).fill("UnauthorizedOperation"));
        expect((await thrown(aws.until(handler, event))).name).to.equal("UnauthorizedOperation");
    });

    it("never takes a snapshot for its own because it carries the incident's tags", async () => {
        addVictim({ "/dev/xvda": {} });
        const [volumeId] = [...aws.member.volumes.keys()];
        const tags = (purpose: string) =>
            Object.entries({ incident: incident.incidentId, purpose, "source-volume": volumeId! }).map(([key, Value]) => ({
                Key: `clean-room:${key}`,
                Value,
            }));
        const planted = { State: "completed", VolumeId: volumeId, OwnerId: "222222222222", VolumeSize: 8, Encrypted: false };
        aws.member.snapshots.set("snap-backup", {
            ...planted,
            SnapshotId: "snap-backup",
            StartTime: new Date("2020-01-01"),
            Tags: tags("source"),
        });
        aws.member.snapshots.set("snap-later", {
            ...planted,
            SnapshotId: "snap-later",
            StartTime: new Date("2099-01-01"),
            Tags: tags("source"),
        });
        aws.member.snapshots.set("snap-other", {
            ...planted,
            SnapshotId: "snap-other",
            StartTime: new Date(),
            VolumeId: "vol-0fffffffffffffff0",
            Tags: tags("shared-copy"),
        });
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots.map(({ sourceSnapshotId }) => sourceSnapshotId)).to.not.include.members(["snap-backup", "snap-later"]);
        for (const each of ["snap-backup", "older than the incident", "snap-later", "snap-other", "vol-0fffffffffffffff0"])
            expect(answer.anomalies.join(" ")).to.include(each);
        expect(problem().cause).to.include("snap-backup");
    });

    it("goes on with its own source when somebody else deletes it while it is copied, and says so", async () => {
        addVictim({ "/dev/xvda": {} });
        await thrown(handler(event));
        aws.settle();
        await thrown(handler(event));
        const [source] = [...aws.member.snapshots.keys()];
        aws.member.locks.clear();
        aws.member.snapshots.delete(source!);
        const pin = [...aws.objects.keys()].find((key) => key.includes("/source.1.json"))!;
        aws.objects.set(pin, aws.objects.get(pin)!.replace(/"madeAt": "[^"]+"/, '"madeAt": "2026-01-01T00:00:00.000Z"'));
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots[0]!.sourceSnapshotId).to.equal(source);
        expect(answer.anomalies.join()).to.include(source!).and.include("deleted");
        expect(made()).to.include({ CreateSnapshots: 1, CreateSnapshot: 0 });
    });

    it("takes a source anew that somebody deleted before it was copied, and never in silence", async () => {
        addVictim({ "/dev/xvda": {} });
        await thrown(handler(event));
        const [source] = [...aws.member.snapshots.keys()];
        aws.member.locks.clear();
        aws.member.snapshots.delete(source!);
        const pin = [...aws.objects.keys()].find((key) => key.includes("/source.1.json"))!;
        aws.objects.set(pin, aws.objects.get(pin)!.replace(/"madeAt": "[^"]+"/, '"madeAt": "2026-01-01T00:00:00.000Z"'));
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots[0]!.sourceSnapshotId).to.not.equal(source);
        expect(answer.anomalies.join()).to.include(source!).and.include("taken later");
    });

    it("preserves all the same where the member account lets nothing be locked or un-shared, and names it", async () => {
        addVictim({ "/dev/xvda": { Encrypted: true } });
        for (const name of ["LockSnapshot", "DeleteSnapshot"])
            aws.member.errors.set(name, Array<string>(100).fill("UnauthorizedOperation"));
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots).to.have.length(1);
        expect(answer.anomalies.join(" ")).to.include("could not be locked").and.include("could not be deleted");
    });

    it("says where AWS does not tell whom a source is shared with, and does not take that for nobody", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.member.errors.set("DescribeSnapshotAttribute", Array<string>(100).fill("UnauthorizedOperation"));
        const { answer } = await aws.until(handler, event);
        expect(answer.anomalies.join(" "))
            .to.include(answer.snapshots[0]!.sourceSnapshotId)
            .and.match(/did not say whom .* is shared with/);
        expect(problem().cause).to.match(/did not say whom/);
    });

    const pinsItem = () => aws.table.items.get(`pins#${incident.incidentId}`) ?? {};
    const pinNames = () =>
        Object.keys(pinsItem())
            .filter((name) => name.startsWith("vol-"))
            .map((name) => `${incident.prefix}preservation/${name}.json`)
            .sort();
    const pinObjects = () => [...aws.objects.keys()].filter((key) => key.includes("/preservation/")).sort();

    it("pins what EC2 answered in the bucket and in the table, before it does anything with it", async () => {
        addVictim({ "/dev/xvda": { Encrypted: true }, "/dev/sdf": {} });
        await thrown(handler(event));
        expect(pinNames()).to.have.length(2).and.deep.equal(pinObjects());
        expect(pinsItem().standing).to.deep.equal({ S: "evidence" });
        await aws.until(handler, event);
        expect(pinNames()).to.have.length(5).and.deep.equal(pinObjects());
    });

    it("goes on from the table where the bucket could not be written, and the other way round, and mends what is lacking", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.beforePut = (key) => {
            if (key.includes("/preservation/")) throw awsError("AccessDenied");
        };
        await thrown(handler(event));
        expect([pinNames().length, pinObjects().length]).to.deep.equal([1, 0]);
        aws.beforePut = null;
        aws.tableErrors.push(null, ...Array<string>(20).fill("ProvisionedThroughputExceededException"));
        await thrown(handler(event));
        aws.settle();
        await thrown(handler(event));
        aws.tableErrors.length = 0;
        await aws.until(handler, event);
        expect(pinNames()).to.have.length(2).and.deep.equal(pinObjects());
        expect(made()).to.include({ CreateSnapshots: 1, CopySnapshot: 1 });
    });

    it("tells where bucket and table say different snapshots, and uses the bucket's, which is locked", async () => {
        addVictim({ "/dev/xvda": {} });
        await thrown(handler(event));
        const [name, value] = Object.entries(pinsItem()).find(([each]) => each.startsWith("vol-"))!;
        pinsItem()[name] = { S: (value.S as string).replace(/snap-[0-9a-f]+/, "snap-0bad") };
        const { answer } = await aws.until(handler, event);
        expect(answer.snapshots[0]!.sourceSnapshotId).to.not.equal("snap-0bad");
        expect(answer.anomalies.join(" ")).to.include("snap-0bad").and.include("was used");
    });

    it("tells people once of a limit that it has waited for longer than ten minutes, and of no wait for what was begun", async () => {
        addVictim({ "/dev/xvda": {} });
        const since = new Date(Date.now() - 11 * 60_000).toISOString();
        aws.member.errors.set("CreateSnapshots", Array<string>(2).fill("PendingSnapshotLimitExceeded"));
        await thrown(handler({ ...event, since: new Date().toISOString() }));
        const told = () => [...aws.objects.keys()].filter((key) => key.includes("errors/"));
        expect(told()).to.deep.equal([]);
        await thrown(handler({ ...event, since }));
        expect(told()).to.have.length(1);
        expect(aws.objects.get(told()[0]!)).to.include("waits for other snapshots").and.include("StillWaiting");
        aws.objects.delete(told()[0]!);
        await thrown(handler({ ...event, since }));
        expect(told(), "a snapshot that is being made is no refusal").to.deep.equal([]);
    });

    it("waits for a full account for as long as it takes, whatever AWS calls its limit", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.member.errors.set("CreateSnapshots", [
            "PendingSnapshotLimitExceeded",
            "ConcurrentSnapshotLimitExceeded",
            "RequestLimitExceeded",
        ]);
        for (let call = 0; call < 3; call++) expect((await thrown(handler(event))).name).to.equal("NotYet");
        expect((await aws.until(handler, event)).answer.snapshots).to.have.length(1);
    });

    it("asks again when one copy was throttled, though another was refused", async () => {
        addVictim();
        await thrown(handler(event));
        aws.settle();
        aws.forensics.errors.set("CopySnapshot", ["UnauthorizedOperation", "RequestLimitExceeded"]);
        expect((await thrown(handler(event))).name).to.equal("NotYet");
        expect((await aws.until(handler, event)).answer.snapshots).to.have.length(2);
    });

    it("waits where EC2 has too many copies under way", async () => {
        addVictim({ "/dev/xvda": {} });
        aws.forensics.errors.set("CopySnapshot", ["ResourceLimitExceeded", "InvalidSnapshot.NotFound"]);
        expect((await aws.until(handler, event)).answer.snapshots).to.have.length(1);
        expect(aws.of("CopySnapshot", aws.forensics)).to.have.length(3);
    });

    for (const mode of ["compliance", "governance"]) {
        it(`gives a ${mode} lock no cool-off, in which it could be taken back`, async () => {
            addVictim({ "/dev/xvda": {} });
            Object.assign(process.env, { LOCK_MODE: mode });
            await aws.until(handler, event);
            const [sent] = aws.of("LockSnapshot", aws.forensics);
            expect(sent).to.include({ LockMode: mode, LockDuration: 365 });
            expect(sent).not.to.have.property("CoolOffPeriod");
        });
    }

    describe("of a later incident about a contained instance", () => {
        const second = { ...incident, incidentId: `${instanceId}-${"2".repeat(16)}`, prefix: `incidents/${instanceId}-${"2".repeat(16)}/` };
        const long = new Date("2026-01-01T00:00:00.000Z");
        const contained = { contained: true } as Containment;
        const again = { incident: second as Incident, containment: null as Containment | null };
        const victim = () =>
            aws.member.instances.get(instanceId)! as unknown as {
                State: { Name: string };
                LaunchTime: Date;
                BlockDeviceMappings: { DeviceName: string; Ebs: { VolumeId: string; AttachTime: Date } }[];
            };
        const stand = (changes: Partial<StandingContainment> = {}) => {
            const record = instanceStateSchema.parse({
                ...recorded,
                volumes: victim().BlockDeviceMappings.map(({ DeviceName, Ebs }, index) => ({
                    volumeId: Ebs.VolumeId,
                    device: DeviceName,
                    root: index === 0,
                    deleteOnTermination: true,
                })),
            });
            const containment = {
                ...newStanding(record, incident.incidentId, null, incident.openedAt),
                incidentIds: [incident.incidentId, second.incidentId],
                settledAt: "2026-11-01T00:00:00.000Z",
                ...changes,
            };
            aws.standing = { containment: { S: JSON.stringify(containment) }, revision: { N: "0" } };
        };
        /** The evidence of the first incident. */
        let first: Evidence;
        beforeEach(async () => {
            addVictim();
            Object.assign(victim(), { LaunchTime: long });
            for (const { Ebs } of victim().BlockDeviceMappings) Ebs.AttachTime = long;
            stand();
            first = (await aws.until(handler, event)).answer;
            again.incident = second;
            again.containment = containmentSchema.parse({ ...anyContainment, ...contained });
        });
        const askFresh = () => void (again.incident = { ...second, finding: { ...second.finding, origin: "manual", freshEvidence: true } });
        const ids = ({ snapshots }: Evidence) => snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId);

        it("takes the evidence over that stands, locked as long as its own would be, and snapshots nothing", async () => {
            const before = made();
            const { answer, calls } = await aws.until(handler, again);
            expect(ids(answer)).to.deep.equal(ids(first));
            expect(
                answer.snapshots.map(({ sourceSnapshotId, startedAt, inheritedFrom }) => [sourceSnapshotId, startedAt, inheritedFrom]),
            ).to.deep.equal(first.snapshots.map(({ sourceSnapshotId, startedAt }) => [sourceSnapshotId, startedAt, incident.incidentId]));
            expect([answer.incidentId, answer.missing, answer.anomalies, calls]).to.deep.equal([second.incidentId, [], [], 1]);
            expect(made()).to.deep.equal({ ...before, LockSnapshot: before.LockSnapshot + 2 });
            expect((await aws.until(handler, again)).answer.snapshots).to.deep.equal(answer.snapshots);
        });

        const changes: [string, () => void][] = [
            ["the instance was cut again after its snapshots", () => stand({ settledAt: new Date(Date.now() + 1000).toISOString() })],
            ["it is not known since when it is cut", () => stand({ settledAt: null })],
            ["the containment was released", () => stand({ releasedAt: incident.openedAt })],
            ["it was stopped and started", () => void (victim().LaunchTime = new Date(Date.now() + 1000))],
            ["the later incident did not find it contained", () => void (again.containment = { ...again.containment!, contained: false })],
            ["nobody contained it for the later incident", () => void (again.containment = null)],
            ["a person asked for fresh evidence", () => askFresh()],
            ["a lock has gone", () => aws.forensics.locks.clear()],
            ["the evidence was deleted", () => aws.forensics.snapshots.clear()],
            ["the evidence is under another key", () => void (process.env.EVIDENCE_KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/new")],
            [
                "the lock cannot be made longer",
                () => void aws.forensics.errors.set("LockSnapshot", ["OperationNotPermitted", "OperationNotPermitted"]),
            ],
            ["what stands cannot be seen", () => void aws.forensics.errors.set("DescribeLockedSnapshots", ["UnauthorizedOperation"])],
        ];
        for (const [what, change] of changes)
            it(`preserves anew where ${what}`, async () => {
                change();
                const { answer } = await aws.until(handler, again);
                expect(answer.snapshots).to.have.length(2);
                expect(answer.snapshots.every(({ inheritedFrom }) => !inheritedFrom)).to.equal(true);
                for (const id of ids(answer)) expect(ids(first)).to.not.include(id);
            });

        it("preserves anew only the volume that was attached since", async () => {
            victim().BlockDeviceMappings[1]!.Ebs.AttachTime = new Date(Date.now() + 1000);
            const { answer } = await aws.until(handler, again);
            expect(answer.snapshots.map(({ inheritedFrom }) => inheritedFrom ?? null)).to.deep.equal([incident.incidentId, null]);
            expect(ids(answer)[0]).to.equal(ids(first)[0]);
        });

        it("takes nothing over by the tags of a stranger's snapshot", async () => {
            for (const snapshot of aws.forensics.snapshots.values()) aws.forensics.locks.delete(snapshot.SnapshotId as string);
            for (const [id, snapshot] of [...aws.forensics.snapshots]) {
                const copy = { ...snapshot, SnapshotId: `${id.slice(0, -1)}f` };
                aws.forensics.snapshots.set(copy.SnapshotId, copy);
                aws.forensics.locks.set(copy.SnapshotId, {
                    SnapshotId: copy.SnapshotId,
                    LockState: "compliance",
                    LockExpiresOn: new Date("2030-01-01"),
                });
            }
            for (const { inheritedFrom } of (await aws.until(handler, again)).answer.snapshots)
                expect(inheritedFrom ?? null).to.equal(null);
        });

        it("has the evidence of an instance that ended with its volumes meanwhile", async () => {
            aws.member.instances.clear();
            aws.member.volumes.clear();
            again.containment = null;
            const { answer } = await aws.until(handler, again);
            expect(ids(answer)).to.deep.equal(ids(first));
            expect(answer.snapshots.every(({ inheritedFrom }) => inheritedFrom === incident.incidentId)).to.equal(true);
        });

        it("has that evidence also when a person asked for fresh, which nobody can take any more", async () => {
            aws.member.instances.clear();
            aws.member.volumes.clear();
            askFresh();
            expect(ids((await aws.until(handler, again)).answer)).to.deep.equal(ids(first));
        });

        it("asks again where EC2 was too busy to say what stands", async () => {
            aws.forensics.errors.set("DescribeLockedSnapshots", ["RequestLimitExceeded"]);
            expect((await thrown(handler(again))).name).to.equal("Transient");
            expect(ids((await aws.until(handler, again)).answer)).to.deep.equal(ids(first));
        });
    });
});
