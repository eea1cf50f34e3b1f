import { expect } from "chai";
import { handler, mostAnswers } from "../../functions/answerApproval";
import { answerStatement } from "../../functions/domain/callerProof";
import { proveCaller } from "../../functions/aws/callerIdentity";
import { awsError } from "../support/aws/errors";
import { holdIncident, openRecord, readIncident } from "../../functions/aws/incidentsTable";
import { approvalAnswerSchema } from "../../functions/domain/containers";
import { heldPrefix, receivedMessage } from "../../functions/domain/evidenceKeys";
import { newRecord } from "../../functions/domain/incidentRecord";
import { LoopbackAws } from "../support/aws/loopback";
import { incident, thrown } from "./inMemoryAws";

/** A Region no other spec makes clients for. */
const region = "xx-answer-1";
const { incidentId } = incident;
const operator = "arn:aws:sts::111111111111:assumed-role/start/start";
const now = "2026-11-24T10:00:00.000Z";

describe("answerApproval", () => {
    let aws: LoopbackAws;
    let regions = 0;
    const print = console.log;

    beforeEach(async () => {
        console.log = () => undefined;
        aws = new LoopbackAws();
        await aws.start(() => ({
            AWS_REGION: `${region}${regions++}`,
            FORENSICS_ACCOUNT_ID: "111111111111",
            INCIDENTS_TABLE: "incidents",
            EVIDENCE_BUCKET: "evidence",
            STATE_MACHINE_ARN: `arn:aws:states:${region}:111111111111:stateMachine:incident`,
        }));
    });
    afterEach(async () => {
        console.log = print;
        await aws.stop();
    });

    /** Answers as an operator does, who signs what is asked for. */
    async function answer(approved: boolean, { incidentIds = [incidentId], signed = approved } = {}) {
        const request = { incidentIds, approved, reason: "seen in the console" };
        const proof = await proveCaller(process.env.AWS_REGION!, answerStatement({ ...request, approved: signed }));
        return handler({ ...request, proof });
    }
    /** An execution that waits for people. */
    const asked = () =>
        openRecord(
            {
                ...newRecord(incident, 1, "approval", now),
                approval: { taskToken: "the-token", expiresAt: "2999-01-01T00:00:00.000Z", answer: null },
            },
            null,
        );
    /** An incident that was not begun, as the brake holds, with the message it came in. */
    async function held(): Promise<string> {
        const sha256 = "a".repeat(64);
        const finding = { ...incident.finding, message: { sha256, bytes: 2 } };
        await openRecord(newRecord({ ...incident, finding }, 1, "automatic", now), null);
        await holdIncident(incidentId);
        aws.objects.set(`${heldPrefix}${receivedMessage(sha256)}`, "{}");
        return `${incident.prefix}${receivedMessage(sha256)}`;
    }
    const record = async () => (await readIncident(incidentId))!;

    for (const approved of [true, false])
        it(`wakes what waits with ${approved ? "an approval" : "a denial"} of who AWS says it is, once the table has it`, async () => {
            await asked();
            aws.record.length = 0;
            expect(await answer(approved)).to.deep.equal({ by: operator, answers: [{ incidentId, taken: true, why: "" }] });
            const [woken, ...more] = aws.of("SendTaskSuccess");
            expect(more).to.deep.equal([]);
            expect(woken!.taskToken).to.equal("the-token");
            const sent = approvalAnswerSchema.parse(JSON.parse(woken!.output as string));
            expect(sent).to.deep.equal({ approved, by: operator, reason: "seen in the console", via: "person" });
            const [written, told] = [
                Math.max(aws.calls.indexOf("PutItem"), aws.calls.indexOf("UpdateItem")),
                aws.calls.indexOf("SendTaskSuccess"),
            ];
            expect(written).to.be.within(0, told - 1);
            expect((await record()).approval!.answer).to.deep.equal(sent);
        });

    it("takes the first answer, and says of the second who had answered", async () => {
        await asked();
        await answer(false);
        const { answers } = await answer(true);
        expect(answers[0]).to.include({ taken: false });
        expect(answers[0]!.why).to.contain(`denied by ${operator} (seen in the console)`);
        expect((await record()).approval!.answer!.approved).to.equal(false);
        expect(aws.of("SendTaskSuccess")).to.have.length(1);
    });

    it("takes one of two answers at the same moment, and tells the other whose was taken", async () => {
        await asked();
        const both = await Promise.all([answer(true), answer(false)]);
        const answers = both.map((each) => each.answers[0]!);
        expect(answers.filter(({ taken }) => taken)).to.have.length(1);
        expect(answers.find(({ taken }) => !taken)!.why).to.match(/was (approved|denied) by arn:/);
        const sent = aws.of("SendTaskSuccess").map(({ output }) => approvalAnswerSchema.parse(JSON.parse(output as string)));
        expect(sent).to.deep.equal([(await record()).approval!.answer]);
    });

    it("wakes what waits when the same person answers again, where the first answer broke off in between", async function () {
        // The SDK tries a busy API again, for as long as it sees fit.
        this.timeout(30_000);
        await asked();
        aws.refusals.set("SendTaskSuccess", "ThrottlingException");
        await thrown(answer(true));
        aws.refusals.clear();
        const before = (await record()).approval!.answer;
        expect(before).to.include({ approved: true, by: operator });
        // Else the instance stays open until silence decides, although people read that it was approved.
        expect((await answer(true)).answers[0]).to.include({ taken: true });
        expect(aws.of("SendTaskSuccess").at(-1)!.taskToken).to.equal("the-token");
        expect((await record()).approval!.answer).to.deep.equal(before);
        expect((await answer(false)).answers[0]!.why).to.contain(`approved by ${operator}`);
    });

    it("says that the time is over when Step Functions waits no more", async () => {
        await asked();
        aws.stepFunctions.onSendTaskSuccess = () => {
            throw awsError("TaskTimedOut");
        };
        const { answers } = await answer(true);
        expect(answers[0]).to.include({ taken: false });
        expect(answers[0]!.why).to.match(/^Nothing waits for an answer about .* or the time was over/);
    });

    it("starts what the brake holds when it is approved, and puts its message beside the evidence", async () => {
        const message = await held();
        expect((await answer(true)).answers[0]).to.deep.include({ taken: true });
        expect([...aws.stepFunctions.executions.keys()]).to.deep.equal([incidentId]);
        expect(aws.objects.get(message)).to.equal("{}");
        expect((await record()).startedAt).to.match(/^20/);
        expect((await record()).heldSince ?? null).to.equal(null);
    });

    it("goes on with an approval that broke off before the start", async () => {
        await held();
        aws.refusals.set("StartExecution", "AccessDeniedException");
        await thrown(answer(true));
        aws.refusals.clear();
        expect((await answer(true)).answers[0]).to.deep.include({ taken: true });
        expect(aws.stepFunctions.executions.size).to.equal(1);
    });

    it("leaves what the brake holds as it is when it is denied", async () => {
        const message = await held();
        expect((await answer(false)).answers[0]).to.deep.include({ taken: true });
        expect(aws.stepFunctions.executions.size).to.equal(0);
        expect(aws.objects.has(message)).to.equal(false);
        expect((await record()).status).to.equal("observed");
    });

    it("takes the answer about one incident though another is not known", async () => {
        await asked();
        const unknown = incidentId.replace(/.{4}$/, "ffff");
        const { answers } = await answer(true, { incidentIds: [unknown, incidentId] });
        expect(answers.map(({ taken }) => taken)).to.deep.equal([false, true]);
        expect(answers[0]!.why).to.contain(`There is no incident ${unknown}`);
    });

    it("takes nobody's word: neither what was signed for another answer, nor another account's", async () => {
        await asked();
        expect((await thrown(answer(true, { signed: false }))).message).to.match(/signed for something else/);
        aws.sts.account = "222222222222";
        expect((await thrown(answer(true))).message).to.match(/of account 222222222222/);
        expect((await record()).approval!.answer).to.equal(null);
        expect(aws.of("SendTaskSuccess")).to.deep.equal([]);
    });

    it("takes no more incidents at a time than it has time for", async () => {
        const error = await thrown(answer(true, { incidentIds: Array<string>(mostAnswers + 1).fill(incidentId) }));
        expect(error.message).to.match(/incidentIds/);
    });
});
