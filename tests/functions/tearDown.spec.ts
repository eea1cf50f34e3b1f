import { expect } from "chai";
import { handler, permissions } from "../../functions/tearDown";
import type { DeployedNames } from "../../functions/aws/permissions";
import { incidentTags, type Purpose } from "../../functions/domain/tags";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

const { incidentId } = incident;
const tags = (purpose: Purpose, id = incidentId) => incidentTags(id, purpose) as { Key: string; Value: string }[];

describe("tearDown", () => {
    let aws: InMemoryAws;

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
    });
    afterEach(() => aws.remove());

    it("has nothing to do when nothing was made", async () => {
        expect(await handler({ incidentId })).to.deep.equal({ schemaVersion: 1, incidentId, removed: [] });
        expect(aws.record.filter(({ account }) => account === aws.forensics).map(({ name }) => name)).to.have.members([
            "DescribeInstances",
            "DescribeVolumes",
        ]);
    });

    it("removes instance and volumes, attached or not, and keeps snapshots and what is another incident's", async () => {
        const host = aws.forensics.addInstance(
            { Tags: tags("forensic-host") },
            { "/dev/xvda": { Tags: tags("forensic-host") }, "/dev/sdf": { Tags: tags("work"), Attachments: [] } },
        );
        const attached = aws.forensics.addVolume({
            State: "in-use",
            Tags: tags("evidence"),
            Attachments: [{ InstanceId: host, Device: "/dev/sdg", DeleteOnTermination: false }],
        });
        aws.forensics.addVolume({ State: "available", Tags: tags("work") });
        aws.forensics.snapshots.set("snap-1", { SnapshotId: "snap-1", Tags: tags("evidence") });
        const otherId = "i-0a1b2c3d4e5f60718-0000000000000000";
        const other = aws.forensics.addInstance({ Tags: tags("forensic-host", otherId) });
        const otherVolume = aws.forensics.addVolume({ Tags: tags("evidence", otherId) });
        for (const volume of aws.forensics.volumes.values()) if ((volume.Attachments as unknown[]).length === 0) volume.State = "available";

        const { answer, calls } = await aws.until(handler, { incidentId, failure: "whatever the workflow adds" });
        expect(calls).to.be.greaterThan(1);
        expect(answer.removed).to.include(host).and.include(attached);
        expect([...aws.forensics.volumes.keys()]).to.deep.equal([otherVolume]);
        expect(aws.forensics.instances.get(other)!.State).to.deep.equal({ Name: "running" });
        expect(aws.forensics.snapshots.size).to.equal(1);
        expect((await handler({ incidentId })).removed).to.deep.equal([host]);
    });

    it("leaves the victim and other accounts' instances alone, whatever tags they carry", async () => {
        aws.forensics.addInstance({ InstanceId: incident.instance.instanceId, Tags: tags("forensic-host") });
        aws.forensics.addInstance({ OwnerId: "222222222222", Tags: tags("forensic-host") });
        await handler({ incidentId });
        expect(aws.of("TerminateInstances", aws.forensics)).to.deep.equal([]);
    });

    it("waits, by name, for what does not go", async () => {
        const volume = aws.forensics.addVolume({
            State: "in-use",
            Tags: tags("evidence"),
            Attachments: [{ InstanceId: "i-00000000000000009" }],
        });
        const error = await thrown(handler({ incidentId }));
        expect(error.name).to.equal("NotYet");
        expect(error.message).to.include(volume);
    });

    it("counts a volume that went with its instance as gone", async () => {
        aws.forensics.addVolume({ Tags: tags("work") });
        aws.forensics.errors.set("DeleteVolume", ["InvalidVolume.NotFound"]);
        await handler({ incidentId });
        expect(aws.forensics.volumes.size).to.equal(0);
    });

    it("says so when EC2 refuses to delete a volume", async () => {
        aws.forensics.addVolume({ Tags: tags("work") });
        aws.forensics.errors.set("DeleteVolume", ["UnauthorizedOperation"]);
        expect((await thrown(handler({ incidentId }))).name).to.equal("UnauthorizedOperation");
    });

    it("tells people once when AWS has refused it for ten minutes, and goes on trying", async () => {
        const record = `${incident.prefix}errors/TearDown.error.json`;
        aws.forensics.errors.set("DescribeInstances", ["ServiceUnavailable", "ServiceUnavailable", "ServiceUnavailable"]);
        const refused = async (since: string) => expect((await thrown(handler({ incidentId, since }))).name).to.equal("Transient");
        await refused(new Date().toISOString());
        expect(aws.objects.has(record)).to.equal(false);
        await refused("2026-11-24T10:00:00.000Z");
        const told = aws.objects.get(record)!;
        expect(JSON.parse(told)).to.include({ step: "TearDown", error: "StillWaiting" });
        await refused("2026-11-24T10:00:00.000Z");
        expect(aws.objects.get(record)).to.equal(told);
    });

    it("has no right that touches a snapshot", () => {
        const names = { partition: "aws", region: "eu-west-1", accountId: "111111111111" } as DeployedNames;
        const beside = ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"]; // for the custody log
        expect(
            permissions(names)
                .flatMap(({ Action }) => Action)
                .filter((action) => !beside.includes(action)),
        ).to.have.members(["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:TerminateInstances", "ec2:DeleteVolume"]);
    });
});
