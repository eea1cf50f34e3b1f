import { expect } from "chai";
import { handler as acquire } from "../../functions/acquireMemory";
import { handler as isolate } from "../../functions/isolateInstance";
import { handler as quarantine } from "../../functions/quarantineInstance";
import { handler as release } from "../../functions/releaseInstance";
import type { Containment, Memory } from "../../functions/domain/containers";
import { deniedInstances, denyPolicyName, isForeign, quarantinedInstances } from "../../functions/domain/planCredentialDeny";
import { MemberAccount } from "../support/memberAccount";
import { VirtualTime } from "../support/virtualTime";
import { incident } from "./inMemoryAws";

const image = { snapshotId: "snap-0123456789abcdef0", sizeGiB: 1, toolsSha256: "a".repeat(64) };
const said = (state: string) => JSON.stringify({ acquisition: state, reason: "", seconds: 12, files: 30, bytes: 4096 });
const endpoint = (service: string) => ({
    VpcEndpointId: `vpce-${service}`,
    VpcId: "vpc-1",
    ServiceName: `com.amazonaws.eu-west-1.${service}`,
    State: "available",
    PrivateDnsEnabled: true,
    Groups: [{ GroupId: "sg-endpoints" }],
});

/** The steps before the last cut and the cut, as the state machine calls them: what ends with an error is followed by the cut. */
describe("memory before the last cut", () => {
    let account: MemberAccount;
    const time = new VirtualTime();
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({
            FORENSICS_ACCOUNT_ID: "111111111111",
            EVIDENCE_KEY_ARN: "arn:aws:kms:eu-west-1:111111111111:key/evidence",
            MEMORY_MODE: "volatile",
            MEMORY_PATH: "quarantine",
            MEMORY_SECONDS: "90",
            ACQUISITION_IMAGES: JSON.stringify({ x86_64: image }),
            ACQUISITION_DOCUMENT: "arn:aws:ssm:eu-west-1:111111111111:document/clean-room-acquire-memory",
            ACQUISITION_DOCUMENT_HASH: "b".repeat(64),
        });
        const { ec2, runCommand } = account;
        ec2.volumesAreBorn = "available";
        ec2.snapshots.set(image.snapshotId, {
            SnapshotId: image.snapshotId,
            State: "completed",
            VolumeSize: 1,
            Encrypted: true,
            KmsKeyId: "k",
        });
        ec2.vpc.endpoints = [endpoint("ssm"), endpoint("ssmmessages")];
        ec2.vpc.groups.push({
            GroupId: "sg-endpoints",
            GroupName: "endpoints",
            VpcId: "vpc-1",
            Tags: [],
            ingress: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "10.0.0.0/16" }] }],
            egress: [],
        });
        runCommand.agents.set(incident.instance.instanceId, "Online");
        runCommand.invocation = () => ({ Status: "Success", StandardOutputContent: `listening\n${said("complete")}\n` });
        time.install();
    });
    afterEach(() => {
        time.remove();
        account.remove();
    });

    const begin = () => quarantine({ incident, since: new Date().toISOString() }) as Promise<Memory>;
    const cut = (memory: Memory | null) => isolate({ incident, memory }) as Promise<Containment>;
    /** As the state machine goes. @param between what happens in the quarantine */
    const run = async (between: () => void = () => undefined) => {
        const began = Date.now();
        const quarantined = await begin();
        between();
        const memory = quarantined.outcome === "ready" ? ((await acquire({ incident, memory: quarantined })) as Memory) : quarantined;
        const containment = await cut(memory);
        return { quarantined, memory, containment, seconds: (Date.now() - began) / 1000 };
    };
    const policy = () => account.iam.policies.get(denyPolicyName) ?? null;
    const group = (role: string) => account.ec2.vpc.groups.find(({ Tags }) => Tags.some(({ Value }) => Value === role));
    const carried = () => account.interfaces.map(({ groups }) => groups);
    const acquisitionVolume = () =>
        [...account.ec2.volumes.values()].find(({ Tags }) => Tags?.some(({ Value }) => Value === "acquisition"));

    it("leaves the instance one way out while it is taken, and cuts that too", async () => {
        const { quarantined, memory, containment } = await run(() => {
            const { GroupId, ingress, egress } = group("quarantine")!;
            expect(carried()).to.deep.equal([[GroupId], [GroupId]]);
            expect(ingress).to.deep.equal([]);
            expect(egress).to.deep.equal([
                { IpProtocol: "tcp", FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: "sg-endpoints" }] },
            ]);
            expect(isForeign(policy())).to.equal(false);
            expect([deniedInstances(policy()).length, quarantinedInstances(policy()).length]).to.deep.equal([0, 1]);
            expect(account.metadata).to.equal("enabled");
            expect([account.autoScaling, account.loadBalancing.targets, account.attributes.disableApiTermination]).to.deep.equal([
                null,
                [],
                true,
            ]);
        });
        expect([quarantined.outcome, quarantined.path, memory.outcome]).to.deep.equal(["ready", "quarantine", "complete"]);
        const isolation = group("isolation")!.GroupId;
        expect(carried()).to.deep.equal([[isolation], [isolation]]);
        expect(containment.contained).to.equal(true);
        expect(account.metadata).to.equal("disabled");
        expect([deniedInstances(policy()).length, quarantinedInstances(policy()).length]).to.deep.equal([1, 0]);
        expect(containment.memory).to.include({ outcome: "complete", files: 30, path: "quarantine" });
        expect(containment.steps.map(({ name }) => name)).to.include.members(["quarantineGroup", "quarantined", "isolateInterface"]);
        expect(containment.interfaces.map(({ groupsBefore }) => groupsBefore)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
    });

    it("takes the state's time with an offset too, as Step Functions may write it", async () => {
        const since = new Date().toISOString().replace("Z", "+00:00");
        const { outcome, beganAt } = (await quarantine({ incident, since })) as Memory;
        expect([outcome, beganAt]).to.deep.equal(["ready", since.replace("+00:00", "Z")]);
    });

    it("gives image and document to the account for the time of it, and runs what was deployed", async () => {
        await run();
        const [sent] = account.runCommand.sent;
        expect(sent).to.deep.include({ DocumentHash: "b".repeat(64) });
        expect(sent!.Parameters).to.deep.include({
            VolumeId: [acquisitionVolume()!.VolumeId],
            Mode: ["volatile"],
            ToolsSha256: ["a".repeat(64)],
        });
        expect(Number(sent!.Parameters.AtMostSeconds![0])).to.be.within(30, 75);
        expect([account.runCommand.sharedWith, account.ec2.shares.get(image.snapshotId)]).to.deep.equal([[], []]);
        expect(acquisitionVolume()!.State).to.equal("available");
        expect(account.of("CreateVolume")[0]).to.include({ Encrypted: true, KmsKeyId: "arn:aws:kms:eu-west-1:111111111111:key/evidence" });
        expect(account.objects.get(`${incident.prefix}acquisition-volume.json`)).to.contain(acquisitionVolume()!.VolumeId as string);
    });

    it("is released as any containment is, the quarantine group with it", async () => {
        const before = account.snapshot();
        await run();
        await release({ incidentId: incident.incidentId, acceptRisk: "of the test" });
        expect(account.snapshot()).to.deep.equal(before);
        expect(group("quarantine")).to.equal(undefined);
    });

    for (const [what, change, why] of [
        ["the VPC has no such endpoints", () => (account.ec2.vpc.endpoints = [endpoint("ssm")]), "no available interface endpoint"],
        ["no agent has registered", () => account.runCommand.agents.clear(), "does not know the instance"],
        ["the agent is gone", () => account.runCommand.agents.set(incident.instance.instanceId, "ConnectionLost"), "does not answer"],
        ["it runs Windows", () => (account.ec2.instances.get(incident.instance.instanceId)!.Platform = "windows"), "Windows"],
        [
            "Systems Manager refuses",
            () => account.refusals.set("DescribeInstanceInformation", "AccessDeniedException"),
            "AccessDeniedException",
        ],
        [
            "the endpoints let in only its groups of now",
            () => (account.ec2.vpc.groups[0]!.ingress = []),
            "let none of the instance's addresses in",
        ],
        ["endpoints cannot be read", () => account.refusals.set("DescribeVpcEndpoints", "UnauthorizedOperation"), "could not be read"],
    ] as const)
        it(`is left out at once when ${what}, and said so`, async () => {
            change();
            const { quarantined, containment, seconds } = await run();
            expect(quarantined.outcome).to.equal("skipped");
            expect(containment.memory!.reason).to.contain(why);
            expect(containment.contained).to.equal(true);
            expect(seconds).to.be.lessThan(15);
            expect(group("quarantine")).to.equal(undefined);
            expect(acquisitionVolume()).to.equal(undefined);
        });

    it("comes before anything is cut where that is configured and no quarantine can be, with its risk", async () => {
        process.env.MEMORY_PATH = "before";
        account.ec2.vpc.endpoints = [];
        const { containment } = await run(() => expect(carried()).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]));
        expect(containment.memory).to.include({ outcome: "complete", path: "before" });
        expect(containment.contained).to.equal(true);
    });

    for (const [what, change, outcome, why] of [
        [
            "a command hangs",
            () => (account.runCommand.invocation = () => ({ Status: "InProgress" })),
            "partial",
            "the command, which had not ended",
        ],
        [
            "the agent never answers",
            () => (account.runCommand.invocation = () => ({ Status: "TimedOut", StatusDetails: "Delivery Timed Out" })),
            "failed",
            "Delivery Timed Out",
        ],
        ["the volume does not come", () => (account.ec2.volumesAreBorn = "creating"), "failed", "attaching vol-"],
        [
            "the volume does not attach",
            () => account.refusals.set("AttachVolume", "InvalidVolume.ZoneMismatch"),
            "failed",
            "InvalidVolume.ZoneMismatch",
        ],
        ["no volume can be made", () => account.refusals.set("CreateVolume", "VolumeLimitExceeded"), "failed", "VolumeLimitExceeded"],
        ["the image is never seen", () => account.refusals.set("CreateVolume", "InvalidSnapshot.NotFound"), "failed", "its time was over"],
        [
            "the document is never seen",
            () => account.refusals.set("SendCommand", "InvalidDocument"),
            "failed",
            "its time was over at sending",
        ],
        [
            "the volume is full",
            () => (account.runCommand.invocation = () => ({ Status: "Success", StandardOutputContent: said("partial") })),
            "partial",
            "",
        ],
        [
            "the command says nothing",
            () => (account.runCommand.invocation = () => ({ Status: "Success", StandardOutputContent: "complete" })),
            "failed",
            "without saying what it collected",
        ],
        [
            "nothing can be tidied up",
            () =>
                ["DetachVolume", "ModifyDocumentPermission:AccountIdsToRemove"].forEach((each) =>
                    account.refusals.set(each, "UnauthorizedOperation"),
                ),
            "complete",
            "",
        ],
    ] as const)
        it(`is contained in time when ${what}, and told`, async () => {
            change();
            const { memory, containment, seconds } = await run();
            expect(memory.outcome).to.equal(outcome);
            expect(memory.reason ?? "").to.contain(why);
            expect(containment.memory!.outcome).to.equal(outcome);
            expect(containment.contained).to.equal(true);
            expect(seconds).to.be.at.most(90);
            expect(quarantinedInstances(policy())).to.deep.equal([]);
        });

    it("is contained, and told, when a step ends without an answer", async () => {
        const ready = await begin();
        for (const [memory, why] of [
            [ready, "at its time limit"],
            [null, "the step that quarantines ended by an error"],
        ] as const) {
            const containment = await cut(memory);
            expect(containment.contained).to.equal(true);
            expect(containment.memory).to.include({ outcome: "failed" });
            expect(containment.memory!.reason).to.contain(why);
        }
    });

    it("cuts at once when somebody gives the quarantine group another way out", async () => {
        account.after = (operation) => {
            if (operation === "ModifyNetworkInterfaceAttribute")
                group("quarantine")!.egress = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
        };
        const { quarantined, containment } = await run();
        expect([quarantined.outcome, containment.contained]).to.deep.equal(["skipped", true]);
        expect(containment.memory!.reason).to.contain("has other rules than it was given");
    });

    it("never opens what stands contained", async () => {
        await cut(null);
        const [before, changes] = [carried(), account.calls.filter((call) => /^(Modify|Create|Authorize)/.test(call)).length];
        const again = await begin();
        expect(again).to.include({ outcome: "skipped" });
        expect(again.reason).to.contain("stood contained already");
        expect(carried()).to.deep.equal(before);
        expect(account.calls.filter((call) => /^(Modify|Create|Authorize)/.test(call))).to.have.length(changes);
    });

    it("takes no group for its own by name or tag", async () => {
        account.ec2.vpc.groups.push({
            GroupId: "sg-theirs",
            GroupName: `clean-room-quarantine-${incident.incidentId}`,
            VpcId: "vpc-1",
            Tags: [{ Key: "clean-room:role", Value: "quarantine" }],
            ingress: [],
            egress: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: "sg-endpoints" }] }],
        });
        await run(() => expect(carried().flat()).to.not.include("sg-theirs"));
    });

    it("goes on, after any call it was broken off at, to the same end", async function () {
        this.timeout(60_000);
        const whole = await run();
        const expected = account.snapshot() as Record<string, unknown>;
        const calls = account.calls.indexOf("SendCommand");
        const setUp = (this.test!.parent as unknown as { _beforeEach: { fn: () => void }[] })._beforeEach;
        expect(whole.containment.contained).to.equal(true);
        for (let at = 1; at < calls; at += 3) {
            time.remove();
            account.remove();
            for (const { fn } of setUp) fn();
            let left = at;
            account.after = () => {
                if (left-- === 0) throw Object.assign(new Error("broken off"), { name: "Sandbox.Timedout" });
            };
            const memory = await begin()
                .then(async (ready) => (ready.outcome === "ready" ? ((await acquire({ incident, memory: ready })) as Memory) : ready))
                .catch(() => null);
            account.after = () => undefined;
            const containment = await cut(memory);
            expect(containment.contained, `broken off at call ${at}`).to.equal(true);
            const { deleteOnTermination: _, ...seen } = account.snapshot() as Record<string, unknown>;
            const { deleteOnTermination: __, ...wanted } = expected;
            expect(rename(seen), `broken off at call ${at}`).to.deep.equal(rename(wanted));
        }
    });
});

/** Groups are named in the order they were made. */
const rename = (state: Record<string, unknown>): unknown => JSON.parse(JSON.stringify(state).replace(/sg-made-\d+/g, "sg-made"));
