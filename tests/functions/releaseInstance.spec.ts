import { STSClient } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { proveCaller } from "../../functions/aws/callerIdentity";
import { readStanding } from "../../functions/aws/standingContainments";
import { releaseStatement } from "../../functions/domain/callerProof";
import { handler as isolate } from "../../functions/isolateInstance";
import { handler as releaseHandler } from "../../functions/releaseInstance";
import { openRecord } from "../../functions/aws/incidentsTable";
import { newRecord } from "../../functions/domain/incidentRecord";
import type { Containment, Release } from "../../functions/domain/containers";
import { releaseMessage } from "../../functions/domain/messages/release";
import { deniedInstances } from "../../functions/domain/planCredentialDeny";
import { awsError } from "../support/aws/errors";
import { MemberAccount } from "../support/memberAccount";
import { VirtualTime } from "../support/virtualTime";
import { incident, thrown } from "./inMemoryAws";

const { incidentId, prefix } = incident;

describe("releaseInstance", () => {
    let account: MemberAccount;
    let before: unknown;
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({ CONTAIN_NETWORK: "nacl", CONTAIN_CREDENTIALS: "revoke-role" });
        account.denyAnother("i-00000000000000001");
        before = account.snapshot();
    });
    afterEach(() => account.remove());
    const contain = () => isolate({ incident });
    const release = (force = false) => releaseHandler({ incidentId, force, acceptRisk: "a test" }) as Promise<Release>;
    const records = () =>
        [...account.objects].filter(([key]) => key.startsWith(`${prefix}releases/`)).map(([, text]) => JSON.parse(text) as Release);
    const withoutRevocation = (snapshot: unknown) => ({
        ...(snapshot as object),
        policies: (snapshot as { policies: [string, string][] }).policies.filter(([name]) => name !== "clean-room-revoke-older-sessions"),
    });

    it("puts back exactly what was, other incidents' parts untouched, and writes it down", async () => {
        await contain();
        expect(account.snapshot()).to.not.deep.equal(before);
        const { released, steps } = await release();
        expect(released).to.equal(true);
        // The deny of older sessions stays while another incident on the role is open.
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
        expect(deniedInstances(account.iam.policies.get("clean-room-contained-instances")!)).to.have.length(1);
        expect(steps.map(({ name }) => name)).to.include.members([
            "restoreSubnet",
            "restoreIdleTimeout",
            "allowCredentials",
            "restoreGroups",
            "registerTarget",
            "registerWithClassic",
            "rejoinAutoScaling",
        ]);
        expect(records()).to.have.length(1);
        expect(account.objects.has(`${prefix}restore-record.json`)).to.equal(true);
    });

    it("says what it cannot put back because nobody could read it, and takes what containment set for no first state, however often it is tried", async () => {
        const time = new VirtualTime();
        time.install();
        try {
            const answer = account.answer.bind(account);
            let isBusy = true;
            account.answer = (name, input) => {
                if (isBusy && name === "DescribeInstanceAttribute" && input.Attribute === "disableApiStop")
                    throw awsError("RequestLimitExceeded");
                return answer(name, input);
            };
            await contain();
            // The second run reads what the first one has set.
            isBusy = false;
            await contain();
            expect((await readStanding(incident.instance))!.record.stopProtection).to.equal(null);
            const done = await release();
            const { released, unknownBefore, steps } = done;
            expect(released).to.equal(true);
            expect(unknownBefore).to.deep.equal([
                "Stop protection stays on, as containment left it: AWS was too busy to say what it was before. If it was not so, take it off by hand",
            ]);
            expect(steps.map(({ name }) => name))
                .to.include("unprotectFromTermination")
                .and.not.include("unprotectFromStop");
            expect(account.attributes).to.include({ disableApiStop: true, disableApiTermination: false });
            const message = releaseMessage(done, "aws");
            expect(message.whatWeDid).to.contain("but for what nobody could read then");
            expect(message.sections.flatMap(({ items }) => items)).to.include(unknownBefore![0]!);
        } finally {
            time.remove();
        }
    });

    it("goes in the reverse order: the Auto Scaling group, which could end the instance, comes last", async () => {
        await contain();
        const names = (await release()).steps.map(({ name }) => name);
        expect(names[0]).to.equal("restoreSubnet");
        expect(names.at(-1)).to.equal("rejoinAutoScaling");
    });

    it("gives back the network alone where that is asked for, and the rest by a later release", async () => {
        await contain();
        const { steps, leftInPlace, released } = (await releaseHandler({ incidentId, acceptRisk: "a test", networkOnly: true })) as Release;
        expect(released).to.equal(true);
        expect([...new Set(steps.map(({ name }) => name))].sort()).to.deep.equal(["restoreGroups", "restoreIdleTimeout", "restoreSubnet"]);
        expect(leftInPlace!.map((each) => each.split(":")[0])).to.include.members([
            "allowCredentials",
            "registerTarget",
            "rejoinAutoScaling",
        ]);
        expect(account.iam.policies.has("clean-room-contained-instances")).to.equal(true);
        expect((await release()).released).to.equal(true);
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("keeps the first state on record when the network alone was given back and another incident contains it again", async () => {
        await contain();
        await releaseHandler({ incidentId, acceptRisk: "a test", networkOnly: true });
        const given = (await readStanding(incident.instance))!;
        expect([given.releasedAt, given.networkReleasedAt === null, given.releasingAt]).to.deep.equal([null, false, null]);
        // The network is its owner's again, who changes it; that is no conflict, and what the next release gives back.
        account.interfaces[0]!.groups = ["sg-app"];
        const second = { ...incident, incidentId: `${incident.instance.instanceId}-${"2".repeat(16)}` };
        await isolate({ incident: { ...second, prefix: `incidents/${second.incidentId}/` } });
        const again = (await readStanding(incident.instance))!;
        expect(again).to.deep.include({ networkReleasedAt: null, incidentIds: [incidentId, second.incidentId] });
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([[again.groups.isolation], [again.groups.isolation]]);
        expect((await releaseHandler({ incidentId: second.incidentId, acceptRisk: "a test" })) as Release).to.include({ released: true });
        account.interfaces[0]!.groups = ["sg-app", "sg-ssh"];
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("takes what the owner did with a network that was given back for no conflict", async () => {
        await contain();
        await releaseHandler({ incidentId, acceptRisk: "a test", networkOnly: true });
        account.interfaces[0]!.groups = ["sg-app"];
        account.interfaces.push({ id: "eni-3", subnet: "subnet-a", groups: ["sg-app"], timeout: undefined });
        expect((await release()).released).to.equal(true);
        expect(account.ec2.vpc.groups).to.deep.equal([]);
        expect(account.interfaces[0]!.groups).to.deep.equal(["sg-app"]);
    });

    describe("retires instead", () => {
        const ann = "arn:aws:sts::111111111111:assumed-role/operator/ann";
        const retirement = { incidentId, force: false, acceptRisk: null, networkOnly: false, retire: "rebuilt as web-8" };
        const send = STSClient.prototype.send;
        afterEach(() => (STSClient.prototype.send = send));
        const proved = async (statement = retirement) => {
            Object.assign(process.env, {
                AWS_ACCESS_KEY_ID: "AKIAANN",
                AWS_SECRET_ACCESS_KEY: "secret",
                FORENSICS_ACCOUNT_ID: "111111111111",
            });
            const proof = await proveCaller("eu-west-1", releaseStatement(statement));
            STSClient.prototype.send = (() => Promise.resolve({ Arn: ann, Account: "111111111111" })) as typeof send;
            return proof;
        };

        it("leaves everything as it is, and keeps who decided and why", async () => {
            await contain();
            const isolated = account.snapshot();
            const retired = (await releaseHandler({ ...retirement, proof: await proved() })) as Release;
            expect(retired).to.include({ released: false, retired: "rebuilt as web-8", by: ann });
            expect(account.snapshot()).to.deep.equal(isolated);
            const standing = (await readStanding(incident.instance))!;
            expect(standing.releasedAt).to.equal(null);
            expect(standing.retired).to.include({ by: ann, why: "rebuilt as web-8" });
            expect(records().map(({ by }) => by)).to.deep.equal([ann]);
        });

        it("takes nobody's word for who asks", async () => {
            await contain();
            expect((await thrown(releaseHandler({ ...retirement, by: ann }))).message).to.match(/Who retires the instance is not proved/);
            const other = await proved({ ...retirement, incidentId: "i-0123456789abcdef0-0123456789abcdef" });
            expect((await thrown(releaseHandler({ ...retirement, proof: other }))).message).to.match(/signed for something else/);
            expect((await readStanding(incident.instance))!.retired).to.equal(undefined);
        });

        it("has nothing to retire where nothing stands contained", async () => {
            await contain();
            await release();
            expect((await thrown(releaseHandler({ ...retirement, proof: await proved() }))).message).to.match(/Nothing stands contained/);
        });
    });

    it("takes both denies out with the last incident on the role", async () => {
        account.iam.policies.clear();
        await contain();
        expect(account.iam.policies.size).to.equal(2);
        await release();
        expect(account.iam.policies.size).to.equal(0);
    });

    it("has nothing left to do the second time", async () => {
        await contain();
        await release();
        const at = account.calls.length;
        const again = await release();
        expect(again.released).to.equal(true);
        expect(again.steps.filter(({ outcome }) => outcome === "done")).to.deep.equal([]);
        expect(account.calls.slice(at).filter((call) => !/^(Describe|Get|List|Query|PutObject)/.test(call))).to.deep.equal([]);
    });

    it("refuses what was never contained", async () => {
        expect((await thrown(release())).message).to.contain("Nothing was contained under this incident");
    });

    it("needs no object of the bucket: the table has the record", async () => {
        account.refusals.set("PutObject", "AccessDenied");
        await openRecord(newRecord(incident, 1, "automatic", incident.openedAt), null);
        await contain();
        account.refusals.clear();
        expect((await release()).released).to.equal(true);
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("puts back the first state although a second incident contained the instance again, and ends both", async () => {
        await contain();
        const second = { ...incident, incidentId: `${incident.instance.instanceId}-${"2".repeat(16)}`, prefix: `incidents/second/` };
        const again = (await isolate({ incident: second })) as Containment;
        expect(again.interfaces.map(({ groupsBefore }) => groupsBefore)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
        const { released, ended } = await release();
        expect({ released, ended }).to.deep.equal({ released: true, ended: [incidentId, second.incidentId] });
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("does not open a newer containment for an incident that is over", async () => {
        await contain();
        await release();
        const second = { ...incident, incidentId: `${incident.instance.instanceId}-${"2".repeat(16)}`, prefix: `incidents/second/` };
        await isolate({ incident: second });
        const at = account.snapshot();
        expect((await thrown(release())).message)
            .to.contain("under another")
            .and.contain(second.incidentId);
        expect(account.snapshot()).to.deep.equal(at);
    });

    for (const [what, report] of [
        ["has not ended", null],
        ["is grave", { findingsBySeverity: { critical: 2 }, complete: true, intact: true }],
        ["is incomplete", { findingsBySeverity: {}, complete: false, intact: true }],
    ] as const)
        it(`is refused while the analysis ${what}, unless somebody takes the risk by name`, async () => {
            await contain();
            const page = { bucket: "evidence", key: "report.html", sha256: "0".repeat(64) };
            if (report !== null)
                account.objects.set(
                    `${prefix}report/report.json`,
                    JSON.stringify({ schemaVersion: 1, incidentId, page, at: incident.openedAt, ...report }),
                );
            const at = account.snapshot();
            expect((await thrown(releaseHandler({ incidentId }))).message).to.contain("--accept-risk");
            expect(account.snapshot()).to.deep.equal(at);
            expect(await release()).to.include({ released: true, acceptedRisk: "a test" });
        });

    it("needs nobody's word for a report that is complete, intact and without grave findings", async () => {
        await contain();
        const page = { bucket: "evidence", key: "report.html", sha256: "0".repeat(64) };
        const report = {
            schemaVersion: 1,
            incidentId,
            page,
            findingsBySeverity: { low: 1 },
            complete: true,
            intact: true,
            at: incident.openedAt,
        };
        // An earlier edition judges nothing any more.
        account.objects.set(`${prefix}report/report.json`, JSON.stringify({ ...report, complete: false }));
        account.objects.set(`${prefix}report/edition-2/report.json`, JSON.stringify({ ...report, findingsBySeverity: { critical: 1 } }));
        expect((await thrown(releaseHandler({ incidentId }))).message).to.include("--accept-risk");
        account.objects.set(`${prefix}report/edition-10/report.json`, JSON.stringify(report));
        expect(await releaseHandler({ incidentId })).to.include({ released: true, acceptedRisk: null });
    });

    it("deletes the groups that were made for it", async () => {
        await contain();
        await release();
        expect(account.ec2.vpc.groups).to.deep.equal([]);
    });

    it("refuses, naming it, what was changed since; force leaves that alone and puts back the rest", async () => {
        await contain();
        account.interfaces[0]!.groups = ["sg-somebody"];
        const at = account.snapshot();
        const error = await thrown(release());
        expect(error.name).to.equal("StepFailed");
        expect(error.message).to.contain("eni-1").and.contain("sg-somebody").and.contain("--force");
        expect(account.snapshot()).to.deep.equal(at);
        expect(records()).to.deep.equal([]);

        const { released, forced, conflicts } = await release(true);
        expect({ released, forced }).to.deep.equal({ released: true, forced: true });
        expect(conflicts.join()).to.contain("eni-1");
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([["sg-somebody"], ["sg-app"]]);
        expect(account.autoScaling).to.equal("InService");
    });

    it("leaves the network ACL of a subnet that another contained instance needs", async () => {
        await contain();
        account.ec2.vpc.otherInterfaces = [{ id: "eni-other", subnet: "subnet-a", groups: account.interfaces[0]!.groups }];
        expect((await thrown(release())).message).to.contain("eni-other");
        await release(true);
        expect(account.ec2.vpc.acls).to.deep.equal({ "subnet-a": "acl-isolation-1", "subnet-b": "acl-own" });
        account.ec2.vpc.otherInterfaces = [];
        await release();
        expect(account.ec2.vpc.acls["subnet-a"]).to.equal("acl-own");
    });

    it("does the rest when one action is denied, writes what it did, and goes on with what is left", async () => {
        await contain();
        account.refusals.set("RegisterTargets", "AccessDenied");
        const error = await thrown(release());
        expect(error.message).to.contain("not complete").and.contain("registerTarget");
        expect(records()[0]!.released).to.equal(false);
        expect(account.interfaces[0]!.groups).to.deep.equal(["sg-app", "sg-ssh"]);
        account.refusals.clear();
        const done = (await release()).steps.filter(({ outcome }) => outcome === "done").map(({ name }) => name);
        expect(done).to.deep.equal(["registerTarget"]);
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("asks to be run again when AWS was busy", async () => {
        await contain();
        account.refusals.set("AttachInstances", "ThrottlingException");
        expect((await thrown(release())).name).to.equal("Transient");
    });

    it("comes out of standby where detaching had been refused", async () => {
        account.refusals.set("DetachInstances", "ValidationError");
        await contain();
        await release();
        expect(account.calls).to.include("ExitStandby").and.not.include("AttachInstances");
        expect(account.autoScaling).to.equal("InService");
    });

    it("says so of an instance that is gone, and takes its deny out of the role", async () => {
        await contain();
        account.state = "terminated";
        expect((await thrown(release())).message).to.contain("already terminated");
        expect(deniedInstances(account.iam.policies.get("clean-room-contained-instances")!)).to.have.length(1);
    });

    it("releases what a failed containment had begun", async () => {
        account.refusals.set("ModifyNetworkInterfaceAttribute:Groups", "UnauthorizedOperation");
        await thrown(contain());
        account.refusals.clear();
        await release();
        expect(withoutRevocation(account.snapshot())).to.deep.equal(before);
    });

    it("does not change anything for an id that is none", async () => {
        expect((await thrown(releaseHandler({ incidentId: "../other" }))).name).to.equal("StepFailed");
        expect(account.calls).to.deep.equal([]);
    });
});
