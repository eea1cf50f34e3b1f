import { expect } from "chai";
import { handler, permissions } from "../../functions/actFromChat";
import { handler as answerApproval } from "../../functions/answerApproval";
import { openRecord, readIncident, updateIncident } from "../../functions/aws/incidentsTable";
import { statementHash, statementHeader, releaseStatement } from "../../functions/domain/callerProof";
import { releaseRequestSchema } from "../../functions/domain/containers";
import { newRecord } from "../../functions/domain/incidentRecord";
import { deployedNames } from "../fixtures/analysis/deployedNames";
import { LoopbackAws } from "../support/aws/loopback";
import { incident, thrown } from "./inMemoryAws";

/** A Region no other spec makes clients for. */
const region = "xx-chat-1";
const { incidentId } = incident;
const now = "2026-11-24T10:00:00.000Z";
const arnOf = (name: string) => `arn:aws:states:${region}:111111111111:stateMachine:${name}`;

/** Lambda here runs the function that takes answers. */
class WithAnswers extends LoopbackAws {
    readonly asked: string[] = [];
    override perform(name: string, input: Record<string, unknown>): unknown {
        if (name !== "Invoke") return super.perform(name, input);
        this.asked.push(input.FunctionName as string);
        return answerApproval(JSON.parse(input.Payload as string)).then(
            (answer: unknown) => ({ StatusCode: 200, Payload: JSON.stringify(answer) }),
            (error: Error) => ({
                StatusCode: 200,
                FunctionError: "Unhandled",
                Payload: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
            }),
        );
    }
}

describe("actFromChat", () => {
    let aws: WithAnswers;
    let regions = 0;
    const print = console.log;

    beforeEach(async () => {
        console.log = () => undefined;
        aws = new WithAnswers();
        await aws.start(() => ({
            AWS_REGION: `${region}${regions++}`,
            FORENSICS_ACCOUNT_ID: "111111111111",
            INCIDENTS_TABLE: "incidents",
            EVIDENCE_BUCKET: "evidence",
            STATE_MACHINE_ARN: arnOf("incident"),
            RELEASE_STATE_MACHINE_ARN: arnOf("release"),
            ANSWER_FUNCTION: "clean-room-answerApproval",
        }));
    });
    afterEach(async () => {
        console.log = print;
        await aws.stop();
    });
    const record = async () => (await readIncident(incidentId))!;
    const press = async (action: string) => ((await handler({ action, incidentId })) as { said: string }).said;
    const asked = () =>
        openRecord(
            {
                ...newRecord(incident, 1, "approval", now),
                approval: { taskToken: "the-token", expiresAt: "2999-01-01T00:00:00.000Z", answer: null },
            },
            null,
        );

    for (const [action, approved] of [
        ["approve", true],
        ["deny", false],
    ] as const)
        it(`has ${action} taken by the function that takes people's answers, as the session that AWS says it is`, async () => {
            await asked();
            expect(await press(action)).to.match(approved ? /^Approved: .*contained now/ : /^Denied: .*left as it is/);
            expect(aws.asked).to.deep.equal(["clean-room-answerApproval"]);
            const { answer } = (await record()).approval!;
            expect(answer).to.include({ approved, via: "person" });
            expect(answer!.by).to.match(/^arn:aws:sts::111111111111:assumed-role\//);
            expect(answer!.reason).to.match(/button in the chat channel/);
            expect(aws.of("SendTaskSuccess")).to.have.length(1);
        });

    it("tells the channel why an answer was not taken, and what to type where nobody took it", async () => {
        expect(await press("approve")).to.match(/There is no incident/);
        process.env.FORENSICS_ACCOUNT_ID = "999999999999";
        expect((await thrown(handler({ action: "deny", incidentId }))).message).to.match(
            /credentials are of account 111111111111.*npm run deny -- i-/,
        );
    });

    it("starts a plain release, signed by itself: never forced, and never at somebody's risk", async () => {
        expect(await press("release")).to.match(/began.*refused where the report does not say/);
        const [{ stateMachineArn, input }] = aws.of("StartExecution") as [{ stateMachineArn: string; input: string }];
        expect(stateMachineArn).to.equal(arnOf("release"));
        const { proof, ...statement } = JSON.parse(input) as { proof: { headers: Record<string, string> } } & Record<string, unknown>;
        expect(statement).to.deep.equal({ incidentId, force: false, acceptRisk: null, networkOnly: false, retire: null });
        expect(releaseRequestSchema.safeParse(statement).success).to.equal(true);
        expect(proof.headers[statementHeader]).to.equal(statementHash(releaseStatement(releaseRequestSchema.parse(statement) as never)));
    });

    it("goes on with a response that failed, and says why where there is nothing to go on with", async () => {
        await asked();
        await updateIncident(incidentId, (read) => ({ ...read, status: "released" }));
        expect(await press("resume")).to.match(/was released, so there is nothing to go on with/);
        expect(aws.of("StartExecution")).to.deep.equal([]);
    });

    it("takes nothing else: no other action, no other field, no text in the place of an incident", async () => {
        for (const wrong of [
            { action: "retire", incidentId },
            { action: "release", incidentId, force: true },
            { action: "approve", incidentId: "$Incident" },
            {},
        ])
            expect((await thrown(handler(wrong))).message, JSON.stringify(wrong)).to.not.equal("");
        expect(aws.calls).to.deep.equal([]);
    });

    it("may do these four things, to these resources, and nothing else", () => {
        const said = permissions(deployedNames).map(({ Action, Resource }) => [Action, Resource]);
        expect(said.slice(1).flatMap(([, resource]) => resource)).to.not.include("*");
        expect(said.flatMap(([action]) => action)).to.include.members(["lambda:InvokeFunction", "states:StartExecution"]);
    });
});
