import { expect } from "chai";
import { handler } from "../../functions/attachEvidenceVolumes";
import type { Evidence, ForensicHost } from "../../functions/domain/containers";
import { sizeOn } from "../../functions/domain/planSize";
import { incidentTags } from "../../functions/domain/tags";
import { evidenceOf, incident, InMemoryAws, thrown } from "./inMemoryAws";

describe("attachEvidenceVolumes", () => {
    let aws: InMemoryAws;
    let evidence: Evidence;
    let host: ForensicHost;

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        evidence = evidenceOf(aws, [
            { root: false, device: "/dev/sdf", sizeGiB: 20 },
            { root: true, device: "/dev/xvda", sizeGiB: 8 },
        ]);
        const instanceId = aws.forensics.addInstance(
            { State: { Name: "pending" }, Tags: incidentTags(incident.incidentId, "forensic-host") as { Key: string; Value: string }[] },
            { "/dev/xvda": {} },
        );
        host = {
            schemaVersion: 1,
            incidentId: incident.incidentId,
            instanceId,
            imageId: "ami-0123456789abcdef0",
            availabilityZone: "eu-west-1a",
            plan: sizeOn("m6i.large", evidence.snapshots, 14_400),
            volumes: [],
            missing: [],
        };
    });
    afterEach(() => aws.remove());

    it("attaches an evidence and a work volume of each snapshot, the root's first", async () => {
        const { answer } = await aws.until(handler, { incident, evidence, host });
        const [data, root] = evidence.snapshots;
        expect(answer.volumes.map(({ purpose, snapshotId, root: isRoot }) => ({ purpose, snapshotId, isRoot }))).to.deep.equal([
            { purpose: "evidence", snapshotId: root.evidenceSnapshotId, isRoot: true },
            { purpose: "work", snapshotId: root.evidenceSnapshotId, isRoot: true },
            { purpose: "evidence", snapshotId: data.evidenceSnapshotId, isRoot: false },
            { purpose: "work", snapshotId: data.evidenceSnapshotId, isRoot: false },
        ]);
        expect(new Set(answer.volumes.map(({ device }) => device)).size).to.equal(4);
        for (const { volumeId } of answer.volumes) {
            expect(aws.forensics.volumes.get(volumeId)!.Attachments).to.deep.include({
                InstanceId: host.instanceId,
                Device: answer.volumes.find((one) => one.volumeId === volumeId)!.device,
                State: "attached",
                DeleteOnTermination: true,
            });
        }
    });

    it("fills volumes over 16 GiB ahead of the reads, and says nothing of keys, so that the snapshot's is kept", async () => {
        await aws.until(handler, { incident, evidence, host });
        const requests = aws.of("CreateVolume", aws.forensics);
        const rates = requests.map((request) => [request.SnapshotId, request.VolumeInitializationRate]);
        expect(rates.filter(([id]) => id === evidence.snapshots[0]!.evidenceSnapshotId).map(([, rate]) => rate)).to.deep.equal([300, 300]);
        expect(rates.filter(([id]) => id === evidence.snapshots[1]!.evidenceSnapshotId).map(([, rate]) => rate)).to.deep.equal([
            undefined,
            undefined,
        ]);
        for (const request of requests) expect(request).not.to.have.any.keys("KmsKeyId", "Encrypted");
    });

    it("makes volumes as fast as the host reads them, and without a rate where EC2 gives none", async () => {
        evidence = evidenceOf(aws, [{ root: true, device: "/dev/xvda", sizeGiB: 16_384 }]);
        host = { ...host, plan: sizeOn("m6i.4xlarge", evidence.snapshots, 14_400) };
        aws.forensics.errors.set("CreateVolume", ["VolumeInitializationRateLimitExceeded"]);
        await aws.until(handler, { incident, evidence, host });
        const requests = aws.of("CreateVolume", aws.forensics);
        expect(requests.map(({ VolumeInitializationRate }) => VolumeInitializationRate)).to.deep.equal([300, undefined, 300]);
        for (const { Throughput, Iops } of requests) expect([Throughput, Iops]).to.deep.equal([450, 3000]);
        expect(new Set(requests.map(({ ClientToken }) => ClientToken)).size).to.equal(3);
    });

    it("makes and attaches nothing again", async () => {
        const first = await aws.until(handler, { incident, evidence, host });
        const before = aws.forensics.volumes.size;
        const second = await aws.until(handler, { incident, evidence, host });
        expect(second).to.deep.equal({ ...first, calls: 1 });
        expect(aws.forensics.volumes.size).to.equal(before);
        expect(aws.of("AttachVolume", aws.forensics)).to.have.length(4);
    });

    it("leaves alone the volumes that hang on another instance", async () => {
        const former = aws.forensics.addInstance({});
        const tags = incidentTags(incident.incidentId, "evidence") as { Key: string; Value: string }[];
        const stray = aws.forensics.addVolume({
            State: "in-use",
            SnapshotId: evidence.snapshots[0]!.evidenceSnapshotId,
            Tags: tags,
            Attachments: [{ InstanceId: former, Device: "/dev/sdf", State: "attached", DeleteOnTermination: true }],
        });
        const { answer } = await aws.until(handler, { incident, evidence, host });
        expect(answer.volumes.map(({ volumeId }) => volumeId)).not.to.include(stray);
    });

    it("goes on without a volume that cannot be made, and fails only when no evidence is left", async () => {
        await thrown(handler({ incident, evidence, host }));
        const made = [...aws.forensics.volumes.values()].filter(({ SnapshotId }) => SnapshotId);
        const [volume] = made;
        volume!.State = "error";
        const { answer } = await aws.until(handler, { incident, evidence, host });
        expect(answer.volumes).to.have.length(3);
        expect(answer.missing.map(({ why }) => why).join()).to.include(volume!.VolumeId as string);
        for (const each of made) Object.assign(each, { State: "error", Attachments: [] });
        const broken = await thrown(aws.until(handler, { incident, evidence, host }));
        expect(broken.name).to.equal("StepFailed");
        expect(broken.message).to.include(volume!.VolumeId as string);
    });

    it("goes on without a volume that EC2 will never attach, and asks again where its view lags", async () => {
        aws.forensics.errors.set("AttachVolume", ["VolumeInUse", "OptInRequired"]);
        const { answer } = await aws.until(handler, { incident, evidence, host });
        expect(answer.volumes.length + answer.missing.length).to.equal(4);
        expect(answer.volumes.length).to.be.greaterThan(2);
    });

    it("stops the host to attach volumes with a Marketplace product code, and starts it again", async () => {
        await thrown(handler({ incident, evidence, host }));
        for (const volume of aws.forensics.volumes.values())
            if (volume.SnapshotId === evidence.snapshots[0]!.evidenceSnapshotId) volume.ProductCodes = [{ ProductCodeId: "abc" }];
        const { answer } = await aws.until(handler, { incident, evidence, host });
        expect(answer.volumes).to.have.length(4);
        expect(answer.missing).to.deep.equal([]);
        expect(aws.of("StopInstances", aws.forensics)).to.have.length(1);
        expect(aws.of("StartInstances", aws.forensics)).to.have.length(1);
    });

    it("fails when the instance has ended", async () => {
        aws.forensics.instances.get(host.instanceId)!.State = { Name: "terminated" };
        const ended = await thrown(handler({ incident, evidence, host }));
        expect(ended.name).to.equal("StepFailed");
        expect(ended.message).to.include(host.instanceId).and.include("terminated");
    });
});
