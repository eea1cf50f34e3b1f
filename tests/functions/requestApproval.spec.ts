import { expect } from "chai";
import { openRecord, readIncident, updateIncident } from "../../functions/aws/incidentsTable";
import type { Containment, Finding } from "../../functions/domain/containers";
import { approvalQuestion } from "../../functions/domain/approvalQuestion";
import { approvalMessage } from "../../functions/domain/messages/approval";
import { newRecord, withFinding } from "../../functions/domain/incidentRecord";
import { toPlainText } from "../../functions/domain/channels/plainText";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import { toSlack } from "../../functions/domain/channels/slack/toSlack";
import { isolationMessage } from "../../functions/domain/messages/isolation";
import { containmentSentence } from "../../functions/domain/report/reportVerdict";
import { handler } from "../../functions/requestApproval";
import { MemberAccount } from "../support/memberAccount";
import { incident, thrown } from "./inMemoryAws";

const now = "2026-11-24T10:00:00.000Z";
const { incidentId } = incident;
const nasty = "<!channel> & \u202e\n*bold* https://evil.example";
const containment: Containment = {
    schemaVersion: 1,
    incidentId,
    instance: incident.instance,
    outcome: "awaiting-approval",
    decision: { mode: "approval", reason: `Rule 1 says so for ${nasty}`, by: null, exempt: false },
    contained: false,
    vpcId: "vpc-1",
    availabilityZone: "eu-west-1a",
    isolationGroupId: "",
    networkAclId: null,
    interfaces: [{ networkInterfaceId: "eni-1", groupsBefore: ["sg-1"], groupsAfter: ["sg-1"] }],
    targetGroups: [],
    autoScalingGroup: null,
    restoreRecord: { bucket: "evidence", key: "observed-instance.json", sha256: "a".repeat(64) },
    steps: [{ name: "isolateInterface", outcome: "planned", at: now, detail: nasty.repeat(20) }],
    uncut: [],
    startedAt: now,
    containedAt: null,
};
const input = { incident, containment, taskToken: "the-token", timeoutSeconds: 1800 };

describe("requestApproval", () => {
    let account: MemberAccount;
    beforeEach(async () => {
        account = new MemberAccount(incident);
        account.install({ NOTIFICATION_TOPIC_ARN: "arn:aws:sns:eu-west-1:111111111111:people" });
        await openRecord(newRecord(incident, 1, "approval", now), null);
    });
    afterEach(() => account.remove());

    it("keeps the token, and tells people how to answer and until when", async () => {
        const askedAt = Date.now();
        expect(await handler(input)).to.deep.equal({ told: ["topic"] });
        const record = (await readIncident(incidentId))!;
        expect(record.approval).to.deep.include({ taskToken: "the-token", answer: null });
        expect(Date.parse(record.approval!.expiresAt)).to.be.within(askedAt + 1800_000, Date.now() + 1800_000);
        expect(account.calls).to.include("Publish");
        expect(approvalQuestion(incidentId, record, new Date(now))).to.deep.include({ kind: "asked", taskToken: "the-token" });
    });

    it("answers itself when a finding has joined that asks nobody, and troubles no one", async () => {
        const graver: Finding = { ...incident.finding, id: "graver", severity: 9 };
        await updateIncident(incidentId, (record) => withFinding(record, graver, "automatic", now));
        expect(await handler(input)).to.deep.equal({ told: [] });
        expect(account.calls).to.include("SendTaskSuccess").and.not.include("Publish");
    });

    it("fails clearly for an incident that the table does not know", async () => {
        account.table.items.clear();
        expect((await thrown(handler(input))).message).to.match(/does not know the incident.*findings topic/);
    });
});

describe("approvalQuestion", () => {
    const asked = {
        ...newRecord(incident, 1, "approval", now),
        approval: { taskToken: "t", expiresAt: "2026-11-24T10:30:00.000Z", answer: null },
    };
    const reason = (...args: Parameters<typeof approvalQuestion>) => (approvalQuestion(...args) as { reason: string }).reason;
    it("says why there is nothing to answer", () => {
        expect(reason(incidentId, null, new Date(now))).to.match(/no incident/);
        expect(reason(incidentId, { ...asked, approval: null, status: "contained" }, new Date(now))).to.match(
            /Nobody is asked.*It is contained/,
        );
        expect(
            reason(
                incidentId,
                { ...asked, approval: { ...asked.approval, answer: { approved: true, by: "ann\u001b[2J", reason: null } } },
                new Date(now),
            ),
        ).to.match(/approved by ann[^\u001b]+\./);
        expect(reason(incidentId, asked, new Date("2026-11-24T10:30:00.000Z"))).to.match(
            /time to answer was over at 2026-11-24T10:30:00.000Z/,
        );
    });
});

describe("what people read of a decision", () => {
    const observed: Containment = { ...containment, outcome: "observed", decision: { ...containment.decision!, mode: "observe" } };
    for (const [name, message] of [
        ["the question", approvalMessage(incident, containment, now, "contain")],
        ["the isolation message", isolationMessage(incident, observed)],
    ] as const) {
        it(`${name} keeps Slack's limits whatever the finding says`, () =>
            expect(toSlack(message).flatMap(checkSlackPayload)).to.deep.equal([]));
    }
    it("says how to answer and what silence does", () => {
        const { text } = toPlainText(approvalMessage(incident, containment, now, "observe"));
        expect(text).to.include(`npm run approve -- ${incidentId} --region eu-west-1`).and.include("left as it is");
        expect(toPlainText(approvalMessage(incident, containment, now, "contain")).text).to.include("it is contained");
    });
    it("calls an observed instance observed, and does not tell people to isolate it by hand", () => {
        const { subject, text } = toPlainText(isolationMessage(incident, observed));
        expect(subject).to.match(/^Observed, not contained, as configured/);
        expect(text).to.include("What containment would change").and.not.include("Contain it by hand now");
        expect(containmentSentence(observed)).to.match(/^The instance was observed, not contained, as configured\. Nothing was changed/);
        expect(containmentSentence(containment)).to.match(/NOT contained yet: a person's approval is awaited/);
    });
});
