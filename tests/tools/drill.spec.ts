import { execFile } from "node:child_process";
import path from "node:path";
import type { SFNClient } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { proposeIncidents, refusalOf } from "../../functions/domain/proposeIncidents";
import { parseMessage } from "../../functions/domain/parseMessage";
import { findingPattern } from "../../infra/findingPattern";
import { follow } from "../../tools/drill/follow";
import { sampleFinding } from "../../tools/drill/sampleFinding";

const target = { instanceId: "i-0123456789abcdef0", accountId: "222222222222", region: "eu-west-1" };

describe("the finding of a drill", () => {
    const { findingId, event } = sampleFinding(target, "aws", new Date("2026-11-25T00:00:00Z"));

    it("is understood as a sample about that instance and no other", () => {
        const { outcome, findings } = parseMessage(JSON.stringify(event));
        expect(outcome).to.equal("incident");
        expect(findings).to.have.length(1);
        expect(findings[0]).to.deep.include({ id: findingId, sample: true, instances: [target] });
    });

    it("starts an incident where drills are on, and none elsewhere", () => {
        const [incident] = proposeIncidents(parseMessage(JSON.stringify(event)).findings, new Date());
        expect(
            refusalOf(incident!, { region: target.region, forensicsAccount: "111111111111", memberAccounts: ["*"], drill: true }),
        ).to.equal(null);
        expect(
            refusalOf(incident!, { region: target.region, forensicsAccount: "111111111111", memberAccounts: ["*"], drill: false }),
        ).to.match(/sample/);
    });

    it("is one the rule would let through", () => {
        const { detail } = event as {
            detail: { severity: number; resource: { resourceType: string; instanceDetails: { instanceId: string } } };
        };
        const pattern = findingPattern(4, ["guardduty"]) as { detail: { $or: { resource: { resourceType?: string[] } }[] } };
        expect(detail.severity).to.be.at.least(4);
        expect(pattern.detail.$or[0]!.resource.resourceType).to.include(detail.resource.resourceType);
        expect(detail.resource.instanceDetails.instanceId).to.match(/^i-/);
    });

    it("is another one each time", () => expect(sampleFinding(target, "aws", new Date()).findingId).to.not.equal(findingId));
});

describe("following a drill", () => {
    const arn = (name: string) => `arn:aws:states:eu-west-1:111111111111:execution:clean-room-incident:${name}`;
    const at = new Date("2026-11-25T00:00:00Z");

    /** Executions that appear, and end, after a number of looks. */
    function stepFunctions({ appearsAfter = 0, status = "SUCCEEDED" }: { appearsAfter?: number; status?: string }): SFNClient {
        let lists = 0;
        let looks = 0;
        const others = [
            { name: `${target.instanceId}-older`, executionArn: arn("older") },
            { name: "i-0fffffffffffffff0-other", executionArn: arn("other") },
        ];
        const own = { name: `${target.instanceId}-drill`, executionArn: arn("drill") };
        const answer = (name: string, input: { executionArn?: string }) => {
            if (name === "ListExecutionsCommand") return { executions: lists++ >= appearsAfter ? [...others, own] : others };
            if (name === "DescribeExecutionCommand") {
                if (input.executionArn !== own.executionArn) return { status: "SUCCEEDED", input: `{"id":"another"}` };
                return {
                    input: `{"incident":{"finding":{"id":"the-finding"}}}`,
                    ...(looks++ < 2 ? { status: "RUNNING" } : { status, error: "StepFailed", cause: "volume vol-1" }),
                };
            }
            return {
                events: [
                    { id: 1, timestamp: at, stateEnteredEventDetails: { name: "IsolateInstance" } },
                    { id: 2, timestamp: at, stateExitedEventDetails: { name: "IsolateInstance" } },
                    ...(looks > 2 ? [{ id: 3, timestamp: at, stateExitedEventDetails: { name: "TearDown" } }] : []),
                ],
            };
        };
        const client = Object.create(
            (require("@aws-sdk/client-sfn") as { SFNClient: { prototype: object } }).SFNClient.prototype,
        ) as SFNClient;
        return Object.assign(client, {
            send: (command: { constructor: { name: string }; input: object }) =>
                Promise.resolve(answer(command.constructor.name, command.input)),
        });
    }
    async function run(
        behaviour: Parameters<typeof stepFunctions>[0],
        startWithin = 10_000,
    ): Promise<{ worked: boolean; lines: string[] }> {
        const lines: string[] = [];
        const worked = await follow({
            sfn: stepFunctions(behaviour),
            stateMachineArn: "arn",
            instanceId: target.instanceId,
            findingId: "the-finding",
            startWithin,
            pollMilliseconds: 1,
            line: (text) => lines.push(text),
        });
        return { worked, lines };
    }

    it("waits for the incident of this finding, and says each state once", async () => {
        const { worked, lines } = await run({ appearsAfter: 3 });
        expect(worked).to.equal(true);
        expect(lines.slice(0, 3)).to.deep.equal([`Incident drill`, "00:00:00  IsolateInstance", "00:00:00  TearDown"]);
        expect(lines).to.have.length(4);
    });

    it("says what went wrong when the incident failed", async () => {
        const { worked, lines } = await run({ status: "FAILED" });
        expect(worked).to.equal(false);
        expect(lines.at(-1)).to.include("FAILED: StepFailed: volume vol-1");
    });

    it("gives up, and says where to look, when no incident starts", async () => {
        const { worked, lines } = await run({ appearsAfter: Infinity }, 20);
        expect(worked).to.equal(false);
        expect(lines).to.have.length(1).and.property("0").that.includes("clean-room-dead-letters");
    });
});

describe("npm run drill", () => {
    const run = (...args: string[]) =>
        new Promise<{ code: number | null; stderr: string }>((resolve) => {
            const child = execFile(
                process.execPath,
                ["-r", "tsx/cjs", path.resolve(__dirname, "../../tools/drill.ts"), ...args],
                (_error, _stdout, stderr) => resolve({ code: child.exitCode, stderr }),
            );
        });

    it("sends nothing without a stack, without a range, or where samples start nothing", async function () {
        this.timeout(120_000);
        const [none, noRange, prod] = await Promise.all([
            run(),
            run("--stack", "dev"),
            run("--stack", "prod", "--instance", target.instanceId),
        ]);
        expect([none.code, noRange.code, prod.code]).to.deep.equal([2, 2, 2]);
        expect(none.stderr).to.include("--stack NAME");
        expect(noRange.stderr).to.include("has no drill range");
        expect(prod.stderr).to.include("samples start no incident");
    });
});
