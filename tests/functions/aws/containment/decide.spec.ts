/** Who decides, as isolateInstance follows it: over the member account in memory. */
import { expect } from "chai";
import { forgetBrake, mayContain } from "../../../../functions/aws/brake";
import { handler } from "../../../../functions/isolateInstance";
import { handler as release } from "../../../../functions/releaseInstance";
import { openRecord, readIncident, updateIncident } from "../../../../functions/aws/incidentsTable";
import type { ApprovalAnswer, Containment, Finding } from "../../../../functions/domain/containers";
import { newRecord, withFinding } from "../../../../functions/domain/incidentRecord";
import { MemberAccount } from "../../../support/memberAccount";
import { incident, thrown } from "../../inMemoryAws";

const now = "2026-11-24T10:00:00.000Z";
const { incidentId } = incident;
const graver: Finding = { ...incident.finding, id: "graver", severity: 9 };
const approvalBelowCritical = JSON.stringify({ mode: "approval", rules: [{ minimumSeverity: 9, mode: "automatic" }] });

describe("isolateInstance, who decides", () => {
    let account: MemberAccount;
    const install = async (policy: string) => {
        account = new MemberAccount(incident);
        account.install({ CONTAINMENT_POLICY: policy });
        await openRecord(newRecord(incident, 1, "approval", now), null);
    };
    afterEach(() => account.remove());
    const contain = (answer: ApprovalAnswer | null = null) => handler({ incident, answer }) as Promise<Containment>;
    const changes = () => account.calls.filter((call) => !/^(Describe|Get|PutObject$|UpdateItem$|TransactWriteItems$)/.test(call));
    const status = async () => (await readIncident(incidentId))!.status;

    it("changes nothing at all where it only observes, and says what would have been changed", async () => {
        await install('{"mode":"observe"}');
        const before = account.snapshot();
        const containment = await contain();
        expect(account.snapshot()).to.deep.equal(before);
        expect(changes()).to.deep.equal([]);
        expect(containment).to.include({ outcome: "observed", contained: false, containedAt: null, isolationGroupId: "" });
        expect(containment.decision).to.include({ mode: "observe", by: null, exempt: false });
        expect([...new Set(containment.steps.map(({ outcome }) => outcome))]).to.deep.equal(["planned"]);
        expect(containment.steps.map(({ name }) => name)).to.include.members([
            "detachFromAutoScaling",
            "isolateInterface",
            "denyCredentials",
            "disableMetadata",
        ]);
        expect([...account.objects.keys()]).to.deep.equal([`${incident.prefix}observed-instance.json`]);
        expect(await status()).to.equal("observed");
    });

    it("asks, then contains when a person approves, and keeps the answer", async () => {
        await install(approvalBelowCritical);
        expect(await contain()).to.include({ outcome: "awaiting-approval", contained: false });
        expect(changes()).to.deep.equal([]);
        expect(await status()).to.equal("open");
        await updateIncident(incidentId, (record) => ({ ...record, approval: { taskToken: "token", expiresAt: now, answer: null } }));

        const answer = { approved: true, by: "arn:aws:sts::111111111111:assumed-role/operator/ann", reason: null };
        const containment = await contain(answer);
        expect(containment).to.include({ outcome: "contained", contained: true });
        expect(containment.decision).to.include({ mode: "automatic", by: answer.by });
        // The record of what to put back is as old as the cut, not as the question.
        expect(account.objects.has(`${incident.prefix}restore-record.json`)).to.equal(true);
        expect((await readIncident(incidentId))!).to.deep.include({
            status: "contained",
            approval: { taskToken: "token", expiresAt: now, answer },
        });
    });

    it("ends the incident by a release", async () => {
        await install("{}");
        await contain();
        expect(await status()).to.equal("contained");
        await release({ acceptRisk: "a test", incidentId });
        expect(await status()).to.equal("released");
        await release({ acceptRisk: "a test", incidentId });
        expect(await status()).to.equal("released");
    });

    it("leaves the instance as it is when a person denies", async () => {
        await install(approvalBelowCritical);
        const containment = await contain({ approved: false, by: "ann", reason: "load test" });
        expect(changes()).to.deep.equal([]);
        expect(containment.outcome).to.equal("observed");
        expect(containment.decision!.reason).to.match(/Denied by ann: load test/);
    });

    it("contains by a graver finding that joined, whatever a person said about the first", async () => {
        await install(approvalBelowCritical);
        await updateIncident(incidentId, (record) => withFinding(record, graver, "automatic", now));
        expect((await contain({ approved: false, by: "ann", reason: null })).contained).to.equal(true);
    });

    it("decides again when a finding joins between reading and leaving the instance as it is", async () => {
        await install(JSON.stringify({ mode: "observe", rules: [{ minimumSeverity: 9, mode: "automatic" }] }));
        account.after = (operation) => {
            if (operation !== "DescribeRouteTables") return;
            account.after = () => undefined;
            const [key, item] = [...account.table.items].find(([pk]) => pk.startsWith("incident#"))!;
            account.table.items.set(key, {
                ...item,
                revision: { N: "7" },
                findings: {
                    S: JSON.stringify([
                        JSON.parse(item.findings!.S as string)[0],
                        { ...withFinding(newRecord(incident, 1, "observe", now), graver, "automatic", now).findings[1] },
                    ]),
                },
            });
        };
        expect((await thrown(contain())).name).to.equal("Transient");
        expect(changes()).to.deep.equal([]);
        expect((await contain()).contained).to.equal(true);
    });

    it("contains although the table cannot be read, and does not observe on a guess", async () => {
        await install("{}");
        account.refusals.set("GetItem", "AccessDeniedException");
        expect((await contain()).contained).to.equal(true);
        process.env.CONTAINMENT_POLICY = '{"mode":"observe"}';
        expect((await thrown(contain())).name).to.equal("AccessDeniedException");
    });

    it("honours the instance's tag only where it is allowed to", async () => {
        await install("{}");
        account.tags = [{ Key: "clean-room:mode", Value: "exempt" }];
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(containment.decision!.reason).to.match(/exempt.*not honoured/);
        process.env.CONTAINMENT_POLICY = '{"allowExempt":true}';
        const exempt = await contain();
        expect(exempt).to.include({ outcome: "observed", contained: false });
        expect(exempt.decision).to.include({ exempt: true });
    });

    describe("before the brake", () => {
        const brakeOfOne = (mode = "automatic") => JSON.stringify({ mode, brake: { count: 1 } });
        const takeTheOnlyPlace = async () => {
            forgetBrake();
            expect(await mayContain("another", incident.instance.accountId)).to.equal(true);
            forgetBrake();
        };

        it("asks instead of containing when there is no room, and changes nothing", async () => {
            await install(brakeOfOne());
            await takeTheOnlyPlace();
            const containment = await contain();
            expect(containment).to.include({ outcome: "awaiting-approval", contained: false });
            expect(containment.decision).to.include({ mode: "approval", braked: true });
            expect(containment.decision!.reason).to.match(/at most 1 containments begin in 10 minutes/);
            expect(changes()).to.deep.equal(["PutItem"]);
        });

        it("lets silence and findings contain no more than that either, and a person whatever it says", async () => {
            await install(brakeOfOne("approval"));
            await takeTheOnlyPlace();
            for (const via of ["silence", "finding"] as const)
                expect((await contain({ approved: true, by: via, reason: null, via })).outcome).to.equal("awaiting-approval");
            expect(
                (await contain({ approved: true, by: "arn:aws:sts::1:assumed-role/operator/ann", reason: null, via: "person" })).contained,
            ).to.equal(true);
        });

        it("takes its place once, and keeps what is contained contained", async () => {
            await install(brakeOfOne());
            forgetBrake();
            expect((await contain()).contained).to.equal(true);
            expect((await contain()).contained).to.equal(true);
        });

        it("contains when the table cannot be counted in", async () => {
            await install(brakeOfOne());
            await takeTheOnlyPlace();
            account.refusals.set("GetItem", "AccessDeniedException");
            expect((await contain()).contained).to.equal(true);
        });
    });
});
