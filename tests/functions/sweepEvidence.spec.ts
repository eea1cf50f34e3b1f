import { LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { markCaseClosed, writeTablePin } from "../../functions/aws/pinsTable";
import { openRecord } from "../../functions/aws/incidentsTable";
import { handler as createSnapshots } from "../../functions/createSnapshots";
import { incidentTags } from "../../functions/domain/tags";
import { newRecord } from "../../functions/domain/incidentRecord";
import { handler as sweep } from "../../functions/sweepEvidence";
import { awsError } from "../support/aws/errors";
import { underClient } from "../support/aws/underClients";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

const { incidentId, instance, prefix } = incident;
const event = { incident, containment: null };
const day = 24 * 3600 * 1000;

describe("sweepEvidence", () => {
    let aws: InMemoryAws;
    const askedOfMember = () => aws.record.filter(({ account }) => account === aws.member).length;
    /** What Step Functions says of the incident's execution. */
    let execution: string;
    let sealed: string[];
    const restore: (() => void)[] = [];

    beforeEach(async () => {
        aws = new InMemoryAws();
        aws.install();
        execution = "FAILED";
        sealed = [];
        Object.assign(process.env, {
            STATE_MACHINE_ARN: "arn:aws:states:eu-west-1:111111111111:stateMachine:clean-room",
            SEAL_FUNCTION: "clean-room-sealCustody",
        });
        restore.push(
            underClient(SFNClient, (_, __, { executionArn }) =>
                String(executionArn).endsWith(incidentId)
                    ? Promise.resolve({ status: execution })
                    : Promise.reject(awsError("ExecutionDoesNotExist")),
            ),
            underClient(LambdaClient, (_, __, { Payload }) => {
                sealed.push(Buffer.from(Payload as Buffer).toString("utf8"));
                return Promise.resolve({});
            }),
        );
        await openRecord(newRecord(incident, 1, "automatic", incident.openedAt), null);
        aws.member.addInstance(
            { InstanceId: instance.instanceId },
            { "/dev/xvda": { Size: 8, Encrypted: true }, "/dev/sdf": { Size: 20 } },
        );
    });
    afterEach(() => {
        for (const undo of restore.splice(0)) undo();
        aws.remove();
    });

    const told = () =>
        [...aws.objects]
            .filter(([key]) => key.startsWith(`${prefix}upkeep/`))
            .map(
                ([, body]) => JSON.parse(body) as { kind: string; missing?: string[]; preserved?: string[]; what?: string[]; at?: string },
            );
    const kinds = () => told().map(({ kind }) => kind);
    /** The workflow gave up with the source snapshots under way. */
    const giveUp = async () => {
        await thrown(createSnapshots(event));
        aws.objects.set(`${prefix}errors/CreateSnapshots.error.json`, "{}");
    };

    it("finishes what the workflow had given up on: copied, locked, un-shared, tidied up, sealed, told once", async () => {
        await giveUp();
        for (let days = 0; days < 4; days++) {
            aws.settle();
            await sweep();
        }
        expect(aws.forensics.locks.size).to.equal(2);
        expect([...aws.member.shares].flatMap(([id, accounts]) => (aws.member.snapshots.has(id) ? accounts : []))).to.deep.equal([]);
        expect([...aws.member.snapshots.keys()], "the intermediate copy is gone").to.have.length(2);
        expect(told()).to.have.length(1);
        expect(told()[0]).to.deep.include({ kind: "late", missing: [] });
        expect(told()[0]!.preserved).to.have.length(2);
        expect(sealed.length).to.be.greaterThan(0);
        // Settled: nothing is asked of the member account any more, and nothing sealed.
        const [calls, seals] = [askedOfMember(), sealed.length];
        await sweep();
        expect([askedOfMember(), sealed.length]).to.deep.equal([calls, seals]);
    });

    describe("where memory is taken", () => {
        const image = "snap-0123456789abcdef0";
        const left = (VolumeId: string, hours: number, of: string, SnapshotId = image) =>
            aws.member.addVolume({
                VolumeId,
                SnapshotId,
                Size: 2,
                Encrypted: true,
                CreateTime: new Date(Date.now() - hours * 3_600_000),
                Tags: incidentTags(of, "acquisition") as { Key: string; Value: string }[],
            });
        beforeEach(() => {
            const x86_64 = { snapshotId: image, sizeGiB: 1, toolsSha256: "a".repeat(64) };
            Object.assign(process.env, { MEMORY_MODE: "volatile", ACQUISITION_IMAGES: JSON.stringify({ x86_64 }) });
        });
        afterEach(() => {
            process.env.MEMORY_MODE = "off";
            delete process.env.ACQUISITION_IMAGES;
        });
        const there = () => [...aws.member.volumes.keys()].filter((id) => id.startsWith("vol-0acc"));

        it("tells once of an acquisition volume that a crash left and nothing preserved, and leaves it", async () => {
            await giveUp();
            left("vol-0acc0000000000001", 2, incidentId);
            await sweep();
            await sweep();
            expect(there()).to.deep.equal(["vol-0acc0000000000001"]);
            const mine = told().filter(({ kind }) => kind === "left-volume");
            expect(mine).to.have.length(1);
            expect(mine[0]!.what!.join()).to.contain("vol-0acc0000000000001").and.contain(`npm run resume -- ${incidentId}`);
        });

        it("removes one whose evidence is locked, and none that is another's, new, or of a workflow that runs", async () => {
            await giveUp();
            left("vol-0acc0000000000001", 2, incidentId);
            left("vol-0acc0000000000002", 2, "i-0fffffffffffffff0-0123456789abcdef");
            left("vol-0acc0000000000003", 0, incidentId);
            left("vol-0acc0000000000004", 2, incidentId, "snap-0aaaaaaaaaaaaaaaa");
            aws.forensics.snapshots.set("snap-0ec", {
                SnapshotId: "snap-0ec",
                State: "completed",
                StartTime: new Date(),
                VolumeSize: 2,
                Encrypted: true,
            });
            aws.forensics.locks.set("snap-0ec", {
                SnapshotId: "snap-0ec",
                LockState: "governance",
                LockCreatedOn: new Date(),
                LockExpiresOn: new Date(Date.now() + 400 * day),
            } as never);
            await writeTablePin(incidentId, {
                volumeId: "vol-0acc0000000000001",
                stage: "evidence",
                generation: 1,
                snapshotId: "snap-0ec",
                madeAt: new Date().toISOString(),
            });
            execution = "RUNNING";
            await sweep();
            expect(there()).to.have.length(4);
            execution = "FAILED";
            await sweep();
            expect(there()).to.deep.equal(["vol-0acc0000000000002", "vol-0acc0000000000003", "vol-0acc0000000000004"]);
        });

        it("looks after the evidence where a member account cannot be looked at, and names it", async () => {
            await giveUp();
            aws.settle();
            aws.after = (operation) => {
                if (operation === "DescribeVolumes" && JSON.stringify(aws.record.at(-1)!.input).includes(image))
                    throw awsError("AccessDenied");
            };
            expect((await thrown(sweep())).message).to.contain(`acquisition volumes in ${instance.accountId}`);
            expect(aws.of("CopySnapshot", aws.forensics).length + aws.of("CopySnapshot", aws.member).length).to.be.greaterThan(0);
        });
    });

    it("finds a case of the layout before, whose pins lie in the bucket alone, and leaves one that was closed", async () => {
        await giveUp();
        aws.table.items.delete(`pins#${incidentId}`);
        expect(await sweep()).to.deep.equal({ cases: 1, lookedAfter: 1 });
        for (let days = 0; days < 4; days++) {
            aws.settle();
            await sweep();
        }
        expect(aws.forensics.locks.size).to.equal(2);
        expect(kinds()).to.deep.equal(["late"]);

        aws.table.items.delete(`pins#${incidentId}`);
        await markCaseClosed(incidentId);
        expect(await sweep(), "closed by its operator, and not opened anew").to.deep.equal({ cases: 0, lookedAfter: 0 });
    });

    it("looks after the others where the bucket does not say which cases of the layout before there are", async () => {
        await giveUp();
        aws.settle();
        aws.after = (operation) => {
            if (operation === "ListObjectsV2" && aws.record.at(-1)!.input.Delimiter !== undefined) throw awsError("AccessDenied");
        };
        expect((await thrown(sweep())).message)
            .to.include("older layout")
            .and.include("AccessDenied");
        aws.settle();
        await thrown(sweep());
        expect(aws.forensics.locks.size, "the case that the table has").to.equal(2);
    });

    it("leaves a workflow that runs alone, and a case that it ended well untold", async () => {
        await thrown(createSnapshots(event));
        execution = "RUNNING";
        const calls = askedOfMember();
        expect(await sweep()).to.deep.equal({ cases: 1, lookedAfter: 1 });
        expect([askedOfMember(), sealed.length]).to.deep.equal([calls, 0]);
        await aws.until(createSnapshots, event);
        execution = "SUCCEEDED";
        await sweep();
        expect(told()).to.deep.equal([]);
    });

    it("says once what stands in the way, and goes on when it is gone", async () => {
        await giveUp();
        aws.settle();
        aws.forensics.errors.set("CopySnapshot", Array<string>(6).fill("UnauthorizedOperation"));
        aws.member.errors.set("CopySnapshot", Array<string>(6).fill("UnauthorizedOperation"));
        await sweep();
        await sweep();
        expect(kinds()).to.deep.equal(["stuck"]);
        aws.forensics.errors.clear();
        aws.member.errors.clear();
        for (let days = 0; days < 4; days++) {
            await sweep();
            aws.settle();
        }
        expect(kinds()).to.deep.equal(["stuck", "late"]);
    });

    it("tells of evidence that expires within thirty days, once for each end, and of none that lasts longer", async () => {
        await aws.until(createSnapshots, event);
        const end = (days: number) => {
            for (const lock of aws.forensics.locks.values()) lock.LockExpiresOn = new Date(Math.floor(Date.now() / day) * day + days * day);
        };
        end(40);
        await sweep();
        expect(kinds()).to.deep.equal([]);
        end(20);
        await sweep();
        await sweep();
        expect(kinds()).to.deep.equal(["expires"]);
        end(25);
        await sweep();
        expect(kinds()).to.deep.equal(["expires", "expires"]);
    });

    it("tells where evidence is not locked any more, or is gone", async () => {
        await aws.until(createSnapshots, event);
        await sweep();
        const [first, second] = [...aws.forensics.locks.keys()];
        aws.forensics.locks.delete(first!);
        aws.forensics.locks.delete(second!);
        aws.forensics.snapshots.delete(second!);
        await sweep();
        expect(kinds()).to.deep.equal(["unprotected"]);
        expect(told()[0]!.what!.join()).to.include(`${first} of`).and.include("not locked").and.include(`${second} of`).and.include("gone");
    });

    it("looks after the other cases where one cannot be read, and then says so", async () => {
        await giveUp();
        const broken = `pins#${incidentId.replace(/.$/, (last) => (last === "0" ? "1" : "0"))}`;
        aws.table.items.set(broken, { pk: { S: broken }, standing: { S: "evidence" }, "vol-0abc/evidence.1": { S: JSON.stringify(pin) } });
        aws.forensics.errors.set("DescribeSnapshots", ["UnauthorizedOperation"]);
        const error = await thrown(sweep());
        expect(error.message).to.include("1 of 2 cases").and.include("UnauthorizedOperation");
        expect(aws.of("DescribeSnapshots", aws.member).length + aws.of("DescribeSnapshots", aws.forensics).length).to.be.greaterThan(1);
    });
    const pin = { volumeId: "vol-0abc", stage: "evidence", generation: 1, snapshotId: "snap-0abc", madeAt: incident.openedAt };
});
