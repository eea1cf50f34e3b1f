import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect } from "chai";
import { newRecord, type IncidentRecord } from "../../functions/domain/incidentRecord";
import { executionName } from "../../functions/domain/executions";
import { upkeepMessage } from "../../functions/domain/messages/evidenceUpkeep";
import { planResume, type LastExecution } from "../../functions/domain/planResume";
import { incident } from "../functions/inMemoryAws";

const now = "2026-11-24T10:00:00.000Z";
const { incidentId } = incident;
const record: IncidentRecord = { ...newRecord(incident, 1, "automatic", now), status: "contained", startedAt: now };
const last = (changes: Partial<LastExecution> = {}): LastExecution => ({
    name: incidentId,
    status: "FAILED",
    redriveStatus: "REDRIVABLE",
    endedInFail: true,
    ...changes,
});

describe("planResume", () => {
    const reason = (plan: ReturnType<typeof planResume>) => (plan.kind === "nothing" ? plan.reason : plan.kind);

    it("redrives what broke off, and starts anew what ended by saying that a step failed", () => {
        for (const status of ["TIMED_OUT", "ABORTED", "FAILED"])
            expect(planResume(incidentId, record, last({ status, endedInFail: false }), 1)).to.deep.equal({
                kind: "redrive",
                name: incidentId,
            });
        expect(planResume(incidentId, record, last(), 1)).to.deep.equal({ kind: "start", name: `${incidentId}-resumed-2` });
        expect(planResume(incidentId, record, last({ name: `${incidentId}-resumed-2` }), 2)).to.deep.equal({
            kind: "start",
            name: `${incidentId}-resumed-3`,
        });
    });

    it("starts from the record where AWS allows no redrive any more, or has forgotten the execution", () => {
        expect(
            planResume(incidentId, record, last({ status: "ABORTED", redriveStatus: "NOT_REDRIVABLE", endedInFail: false }), 1).kind,
        ).to.equal("start");
        expect(planResume(incidentId, record, null, 1).kind).to.equal("start");
    });

    it("says why there is nothing to go on with", () => {
        expect(reason(planResume(incidentId, null, null, 0))).to.match(/no incident/);
        expect(reason(planResume(incidentId, { ...record, status: "released" }, last(), 1))).to.match(/was released/);
        expect(reason(planResume(incidentId, { ...record, startedAt: null, heldSince: now }, null, 0))).to.match(/npm run approve/);
        expect(reason(planResume(incidentId, record, last({ status: "RUNNING" }), 1))).to.match(/under way/);
        expect(reason(planResume(incidentId, record, last({ status: "SUCCEEDED" }), 1))).to.match(/ended well/);
    });

    it("goes on after a good end for evidence that came late, and only when that is said", () => {
        const ended = last({ status: "SUCCEEDED", endedInFail: false, redriveStatus: "NOT_REDRIVABLE" });
        expect(planResume(incidentId, record, ended, 1, true)).to.deep.equal({ kind: "start", name: `${incidentId}-resumed-2` });
        expect(reason(planResume(incidentId, record, ended, 1))).to.include(`npm run resume -- ${incidentId} --late`);
        for (const status of ["RUNNING", "PENDING_REDRIVE"])
            expect(planResume(incidentId, record, last({ status }), 1, true).kind).to.equal("nothing");
        // What people are told when such evidence comes.
        const told = upkeepMessage({ kind: "late", preserved: ["vol-1"], missing: [] }, incidentId, now);
        expect(told.whatNow.join()).to.include(`npm run resume -- ${incidentId} --late`);
    });

    it("keeps to what Step Functions takes as a name", () => expect(executionName(incidentId, 50).length).to.be.at.most(80));
});

describe("npm run resume", () => {
    let server: Server;
    let calls: { action: string; body: Record<string, unknown> }[];
    /** Of the incident's first execution. */
    let first: { status: string; endedInFail: boolean };

    before(async () => {
        server = createServer((request, response) => {
            let text = "";
            request.on("data", (chunk: Buffer) => (text += chunk.toString()));
            request.on("end", () => {
                const target = request.headers["x-amz-target"];
                const action = typeof target === "string" ? target.split(".")[1]! : "GetCallerIdentity";
                const body = (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>;
                calls.push({ action, body });
                const json = (status: number, value: unknown) =>
                    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(value));
                if (action === "GetCallerIdentity")
                    return response
                        .writeHead(200, { "content-type": "text/xml" })
                        .end(
                            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/ann</Arn><UserId>A</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
                        );
                if (action === "GetItem") {
                    const text = (value: string) => ({ S: value });
                    return json(200, {
                        Item: {
                            pk: text(`incident#${incidentId}`),
                            incident: text(JSON.stringify(incident)),
                            generation: { N: "1" },
                            revision: { N: "0" },
                            status: text("contained"),
                            findings: text(JSON.stringify(record.findings)),
                            approval: { NULL: true },
                            startedAt: text(now),
                            updatedAt: text(now),
                        },
                    });
                }
                if (action === "DescribeExecution" && (body.executionArn as string).endsWith(`:${incidentId}`))
                    return json(200, {
                        executionArn: body.executionArn,
                        status: first.status,
                        redriveStatus: "REDRIVABLE",
                        startDate: 1,
                        stateMachineArn: "arn",
                    });
                if (action === "DescribeExecution") return json(400, { __type: "ExecutionDoesNotExist", message: "no" });
                if (action === "GetExecutionHistory")
                    return json(200, {
                        events: [
                            { type: "ExecutionFailed", id: 9, timestamp: 1 },
                            { type: first.endedInFail ? "FailStateEntered" : "TaskFailed", id: 8, timestamp: 1 },
                        ],
                    });
                return json(200, { executionArn: "arn", startDate: 1, redriveDate: 1 });
            });
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    beforeEach(() => (calls = []));
    after(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    });

    const resume = (...args: string[]) =>
        new Promise<{ code: number; output: string }>((resolve) => {
            execFile(
                process.execPath,
                ["-r", "tsx/cjs", "tools/resume.ts", ...args],
                {
                    cwd: path.resolve(__dirname, "../.."),
                    env: {
                        PATH: process.env.PATH,
                        AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
                        AWS_REGION: "eu-west-1",
                        AWS_ACCESS_KEY_ID: "test",
                        AWS_SECRET_ACCESS_KEY: "test",
                    },
                },
                (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
            );
        });
    const changes = () => calls.filter(({ action }) => /^(Start|Redrive)/.test(action));

    it("redrives an execution that was stopped", async () => {
        first = { status: "ABORTED", endedInFail: false };
        expect(await resume(incidentId)).to.deep.include({ code: 0 });
        expect(changes()).to.deep.equal([
            {
                action: "RedriveExecution",
                body: {
                    ...changes()[0]!.body,
                    executionArn: `arn:aws:states:eu-west-1:111111111111:execution:clean-room-incident:${incidentId}`,
                },
            },
        ]);
    });

    it("goes on with a failed step by a new execution of the same incident", async () => {
        first = { status: "FAILED", endedInFail: true };
        const { code, output } = await resume(incidentId);
        expect({ code, output }).to.deep.equal({
            code: 0,
            output: `Started: ${incidentId}-resumed-2, a new execution of ${incidentId}. What stands is kept: it goes on with what is missing.\n`,
        });
        const [{ action, body }] = changes();
        expect(action).to.equal("StartExecution");
        expect(JSON.parse(body.input as string)).to.deep.equal(JSON.parse(JSON.stringify(incident)));
    });

    it("says what is wrong with what was typed", async () => expect(await resume("web-7")).to.deep.include({ code: 2 }));
});
