/** State machines do what their role may, and the language's corners that the incident workflow stands on. */
import { CreateLogGroupCommand, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateBucketCommand, GetObjectCommand, GetObjectRetentionCommand, PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import {
    CreateStateMachineCommand,
    DescribeExecutionCommand,
    GetExecutionHistoryCommand,
    StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { allow, makeFunction, makeRole, zipped, type Statement } from "./support/functions";
import { errorOf, FORENSICS, REGION, rootOf, unique, until, type Clients } from "./support/localAws";

const invokes = "arn:aws:states:::lambda:invoke";
type State = Record<string, unknown>;

describe("LocalEmu: state machines", function () {
    this.timeout(30_000);
    let aws: Clients;
    const make = async (States: Record<string, State>, statements: Statement[] = [], more: object = {}) => {
        const roleArn = await makeRole(aws, { Service: "states.amazonaws.com" }, statements);
        const definition = JSON.stringify({ StartAt: Object.keys(States)[0], States });
        return (await aws.sfn.send(new CreateStateMachineCommand({ name: unique("machine"), roleArn, definition, ...more })))
            .stateMachineArn!;
    };
    const run = async (stateMachineArn: string, input: object = {}) => {
        const { executionArn } = await aws.sfn.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }));
        const { status, output, error, cause } = await until(
            "the execution's end",
            async () => {
                const found = await aws.sfn.send(new DescribeExecutionCommand({ executionArn }));
                return found.status === "RUNNING" ? undefined : found;
            },
            15_000,
        );
        return { executionArn, status, output: output === undefined ? undefined : JSON.parse(output), error, cause };
    };
    const makeHandler = async (source: string, timeout = 10) =>
        makeFunction(aws, await makeRole(aws, { Service: "lambda.amazonaws.com" }, []), zipped(source), { timeout });

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(FORENSICS);
    });

    it("put an object into a locked bucket with a checksum, and only where the role may", async () => {
        const Bucket = unique("evidence");
        await aws.s3.send(
            new CreateBucketCommand({
                Bucket,
                ObjectLockEnabledForBucket: true,
                CreateBucketConfiguration: { LocationConstraint: REGION },
            }),
        );
        await aws.s3.send(
            new PutObjectLockConfigurationCommand({
                Bucket,
                ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } } },
            }),
        );
        const put = (suffix: string): Record<string, State> => ({
            Put: {
                Type: "Task",
                Resource: "arn:aws:states:::aws-sdk:s3:putObject",
                Parameters: {
                    Bucket,
                    "Key.$": `States.Format('{}errors/{}${suffix}', $.prefix, $.step)`,
                    ContentType: "application/json",
                    ChecksumAlgorithm: "SHA256",
                    Body: { "cause.$": "States.JsonToString($.cause)", "at.$": "$$.State.EnteredTime" },
                },
                ResultPath: "$.put",
                Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.untold", Next: "End" }],
                Next: "End",
            },
            End: { Type: "Succeed" },
        });
        const may = allow("s3:PutObject", `arn:aws:s3:::${Bucket}/incidents/*.error.json`);
        const input = { prefix: "incidents/2/", step: "Isolate", cause: { Error: "E", Cause: "why" } };
        const allowed = await run(await make(put(".error.json"), [may]), input);
        expect(allowed.output.untold).to.equal(undefined);
        const Key = "incidents/2/errors/Isolate.error.json";
        const body = JSON.parse(await (await aws.s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString());
        expect(JSON.parse(body.cause)).to.deep.equal(input.cause);
        expect((await aws.s3.send(new GetObjectRetentionCommand({ Bucket, Key }))).Retention!.Mode).to.equal("GOVERNANCE");
        const refused = await run(await make(put(".json"), [may]), input);
        expect(refused.output.untold.Error).to.match(/S3/);
        expect(refused.output.untold.Cause).to.match(/not authorized to perform: s3:PutObject/);
    });

    it("tell a function's errors by name, retry those that are named, and keep the input on a catch", async () => {
        const flaky = await makeHandler(
            `
            let calls = 0;
            exports.handler = async ({ name, times, hang }) => {
                if (hang) await new Promise((r) => setTimeout(r, 30_000));
                if (++calls > times) return { calls };
                const error = new Error("call " + calls); error.name = name; throw error;
            };`,
            1,
        );
        const task = (more: State): Record<string, State> => ({
            Call: {
                Type: "Task",
                Resource: invokes,
                Parameters: { FunctionName: flaky, "Payload.$": "$" },
                ResultSelector: { "value.$": "$.Payload" },
                ResultPath: "$.result",
                Next: "End",
                ...more,
            },
            End: { Type: "Succeed" },
        });
        const may = [allow("lambda:InvokeFunction", flaky)];
        const Catch = [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "End" }];
        const retried = await run(
            await make(
                task({
                    Retry: [{ ErrorEquals: ["NotYetError"], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 1, JitterStrategy: "FULL" }],
                }),
                may,
            ),
            { name: "NotYetError", times: 2 },
        );
        expect(retried).to.deep.include({
            status: "SUCCEEDED",
            output: { name: "NotYetError", times: 2, result: { value: { calls: 3 } } },
        });
        const caught = await run(await make(task({ Retry: [{ ErrorEquals: ["NotYetError"], MaxAttempts: 3 }], Catch }), may), {
            name: "StepError",
            times: 99,
        });
        expect(caught.output.failure.Error).to.equal("StepError");
        expect(JSON.parse(caught.output.failure.Cause).errorMessage).to.match(/^call /);
        expect(caught.output.name).to.equal("StepError");
        expect((await run(await make(task({ Catch }), may), { hang: true })).output.failure.Error).to.equal("Sandbox.Timedout");
    });

    it("fail past States.ALL when a path names nothing, and when a state's output is too big", async () => {
        const Catch = [{ ErrorEquals: ["States.ALL"], Next: "Caught" }];
        const big = await makeHandler("exports.handler = async () => 'x'.repeat(300 * 1024);");
        const may = [allow("lambda:InvokeFunction", big)];
        const machine = (Parameters: State) =>
            make({ Call: { Type: "Task", Resource: invokes, Parameters, Catch, End: true }, Caught: { Type: "Succeed" } }, may);
        expect(await run(await machine({ FunctionName: big, "Payload.$": "$.no.such" }))).to.deep.include({
            status: "FAILED",
            error: "States.Runtime",
        });
        expect(await run(await machine({ FunctionName: big }))).to.deep.include({ status: "FAILED", error: "States.DataLimitExceeded" });
    });

    it("run branches beside each other, and write their history and their log", async () => {
        const group = unique("/aws/vendedlogs/states/machine");
        await aws.logs.send(new CreateLogGroupCommand({ logGroupName: group }));
        const branch = (name: string): State => ({ StartAt: name, States: { [name]: { Type: "Pass", Result: name, End: true } } });
        const loggingConfiguration = {
            level: "ALL" as const,
            includeExecutionData: true,
            destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: `arn:aws:logs:${REGION}:${FORENSICS}:log-group:${group}:*` } }],
        };
        const { executionArn, output } = await run(
            await make(
                {
                    Both: {
                        Type: "Parallel",
                        Branches: [branch("A"), branch("B")],
                        ResultSelector: { "a.$": "$[0]", "b.$": "$[1]" },
                        ResultPath: "$.both",
                        End: true,
                    },
                },
                [],
                { loggingConfiguration },
            ),
            { kept: true },
        );
        expect(output).to.deep.equal({ kept: true, both: { a: "A", b: "B" } });
        const { events } = await aws.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
        expect(events!.map((each) => each.type)).to.include.members([
            "ExecutionStarted",
            "ParallelStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ]);
        await until("the log", async () =>
            (await aws.logs.send(new FilterLogEventsCommand({ logGroupName: group }))).events!.some((each) =>
                each.message!.includes("ExecutionSucceeded"),
            )
                ? true
                : undefined,
        );
    });

    it("are started once for a name: again with the same input is the same execution, with another an error", async () => {
        const stateMachineArn = await make({ Wait: { Type: "Wait", Seconds: 30, End: true } });
        const start = (input: string) => aws.sfn.send(new StartExecutionCommand({ stateMachineArn, name: "incident", input }));
        const { executionArn } = await start('{"a":1}');
        expect((await start('{"a":1}')).executionArn).to.equal(executionArn);
        expect(await errorOf(start('{"a":2}'))).to.equal("ExecutionAlreadyExists");
    });
});
