/** Lambda functions as local processes. */
import { CreateLogGroupCommand, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateFunctionCommand, GetFunctionCommand, InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { expect } from "chai";
import { bringAbout } from "../../../rehearsal/circumstances";
import { allow, makeFunction, makeRole, zipped } from "../support/functions";
import { FORENSICS, localEmu, REGION, rootOf, unique, until, type Clients } from "../support/localAws";

const LAMBDA = { Service: "lambda.amazonaws.com" };

describe("LocalEmu: functions", function () {
    this.timeout(30_000);
    let aws: Clients;
    let role: string;
    const invoke = async (functionName: string, event: object = {}) => {
        const { FunctionError, Payload } = await aws.lambda.send(
            new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
        );
        return { error: FunctionError, result: JSON.parse(new TextDecoder().decode(Payload)) };
    };
    const make = (source: string, options: Parameters<typeof makeFunction>[3] = {}) => makeFunction(aws, role, zipped(source), options);

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(FORENSICS);
        role = await makeRole(aws, LAMBDA, [
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], `arn:aws:logs:${REGION}:${FORENSICS}:log-group:*`),
        ]);
    });

    it("see what Lambda gives a function, and nothing of the host's environment", async () => {
        const name = unique("environment");
        const source = `
            const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");
            exports.handler = async (event, context) => ({
                event, environment: process.env, context: { ...context, left: context.getRemainingTimeInMillis() },
                identity: (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn,
            });`;
        await makeFunction(aws, role, zipped(source, true), { name, timeout: 7, environment: { COLOUR: "green" } });
        const { result } = await invoke(name, { a: [1, "ü\n"] });
        expect(result.event).to.deep.equal({ a: [1, "ü\n"] });
        expect(result.environment).to.include({
            AWS_ENDPOINT_URL: (await localEmu()).endpoint,
            AWS_REGION: REGION,
            AWS_DEFAULT_REGION: REGION,
            AWS_LAMBDA_FUNCTION_NAME: name,
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
            _HANDLER: "index.handler",
            COLOUR: "green",
            TZ: "UTC",
            AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        });
        expect(Object.keys(result.environment).filter((each) => /^(CLEAN_ROOM|LOCALEMU|HOME$|USER$|npm_)/.test(each))).to.deep.equal([]);
        expect(result.context).to.include({
            functionName: name,
            memoryLimitInMB: "256",
            invokedFunctionArn: `arn:aws:lambda:${REGION}:${FORENSICS}:function:${name}`,
        });
        expect(result.context.left).to.be.within(1, 7_000);
        expect(result.identity).to.equal(`arn:aws:sts::${FORENSICS}:assumed-role/${role.split("/").pop()!}/${name}`);
    });

    it("stay warm between invocations and run beside each other in environments of their own", async () => {
        const name = await make(
            "let calls = 0; exports.handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return { pid: process.pid, calls: ++calls }; };",
        );
        const first = await invoke(name, { ms: 0 });
        const second = await invoke(name, { ms: 0 });
        expect(second.result).to.deep.equal({ pid: first.result.pid, calls: 2 });
        const beside = await Promise.all([invoke(name, { ms: 400 }), invoke(name, { ms: 400 })]);
        expect(new Set(beside.map(({ result }) => result.pid)).size).to.equal(2);
    });

    it("see the time that a rehearsal lets pass, and nothing else of it", async () => {
        const name = await make(
            "exports.handler = async (at) => [Date.now(), +new Date(), new Date(at).toISOString(), new Date() instanceof Date, typeof Date()]",
        );
        const look = async () => (await invoke(name, "2026-11-24T10:00:00.000Z" as never)).result as [number, number, ...unknown[]];
        const later = async (seconds: number) =>
            bringAbout((await localEmu()).endpoint, { accountId: FORENSICS, region: REGION, kind: "later", seconds });
        const ahead = async () => {
            const [now, made, ...rest] = await look();
            expect(rest).to.deep.equal(["2026-11-24T10:00:00.000Z", true, "string"]);
            expect(made).to.be.closeTo(now, 100);
            return now - Date.now();
        };
        expect(await ahead()).to.be.closeTo(0, 5_000);
        await later(3600);
        expect(await ahead()).to.be.closeTo(3_600_000, 5_000);
        await later(0);
        expect(await ahead()).to.be.closeTo(0, 5_000);
    });

    it("end at their time-out and start afresh", async () => {
        const name = await make(
            "let calls = 0; exports.handler = async ({ hang }) => { calls += 1; if (hang) await new Promise((r) => setTimeout(r, 60_000)); return { calls }; };",
            { timeout: 1 },
        );
        expect((await invoke(name)).result).to.deep.equal({ calls: 1 });
        const { error, result } = await invoke(name, { hang: true });
        expect(error).to.equal("Unhandled");
        expect(result).to.deep.include({ errorType: "Sandbox.Timedout" });
        expect(result.errorMessage).to.match(/Task timed out after 1\.00 seconds$/);
        expect((await invoke(name)).result).to.deep.equal({ calls: 1 });
    });

    it("may crash, and the next invocation runs", async () => {
        const name = await make(`exports.handler = async ({ how }) => {
            if (how === "exit") process.exit(3);
            if (how === "kill") process.kill(process.pid, "SIGKILL");
            if (how === "later") setTimeout(() => { throw new RangeError("too late"); }, 1);
            if (how) await new Promise((r) => setTimeout(r, 5_000));
            return "well";
        };`);
        expect((await invoke(name, { how: "exit" })).result).to.deep.include({ errorType: "Runtime.ExitError" });
        expect((await invoke(name, { how: "kill" })).result.errorMessage).to.match(/signal/);
        expect((await invoke(name, { how: "later" })).result).to.deep.include({ errorType: "RangeError", errorMessage: "too late" });
        expect(await invoke(name)).to.deep.equal({ error: undefined, result: "well" });
    });

    it("tell their errors as Lambda does", async () => {
        const thrown = await invoke(
            await make(
                "class NotYetError extends Error { constructor(m) { super(m); this.name = 'NotYetError'; } } exports.handler = async () => { throw new NotYetError('wait'); };",
            ),
        );
        expect(thrown.error).to.equal("Unhandled");
        expect(thrown.result).to.deep.include({ errorType: "NotYetError", errorMessage: "wait" });
        expect(thrown.result.trace[0]).to.equal("NotYetError: wait");
        expect((await invoke(await make("require('./missing');"))).result.errorMessage).to.match(/missing/);
        expect((await invoke(await make("exports.other = 1;"))).result).to.deep.include({ errorType: "Runtime.HandlerNotFound" });
        expect(
            (await invoke(await make("exports.handler = (event, context, callback) => callback(null, 'called back');"))).result,
        ).to.equal("called back");
        expect((await invoke(await make("exports.handler = async () => undefined;", { runtime: "nodejs24.x" }))).result).to.equal(null);
    });

    it("are refused in another runtime than Node, by name", async () => {
        const name = unique("python");
        await aws.lambda.send(
            new CreateFunctionCommand({
                FunctionName: name,
                Runtime: "python3.13",
                Role: role,
                Handler: "index.handler",
                Code: { ZipFile: zipped("") },
            }),
        );
        const outcome = await until("the function's state", async () => {
            const { Configuration } = await aws.lambda.send(new GetFunctionCommand({ FunctionName: name }));
            return Configuration!.State === "Pending" ? undefined : Configuration!.State;
        });
        const refusal =
            outcome === "Failed"
                ? "Failed"
                : String(
                      await aws.lambda.send(new InvokeCommand({ FunctionName: name })).then(
                          () => "ran",
                          (error: Error) => error.message,
                      ),
                  );
        expect(refusal).to.match(/Failed|python3\.13 cannot run here/);
    });

    it("log to their group with their role's permissions, and only where they may", async () => {
        const source = "exports.handler = async () => { console.log('line of the function'); };";
        const [allowed, refused] = [unique("logs"), unique("logs")];
        await aws.logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/lambda/${allowed}` }));
        await aws.logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/lambda/${refused}` }));
        await make(source, { name: allowed });
        await makeFunction(aws, await makeRole(aws, LAMBDA, []), zipped(source), { name: refused });
        await invoke(refused);
        await invoke(allowed);
        const lines = async (name: string) =>
            (await aws.logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }))).events!.map((each) =>
                each.message!.trim(),
            );
        const found = await until("the function's log", async () => {
            const all = await lines(allowed);
            return all.length > 0 ? all : undefined;
        });
        expect(found).to.include("line of the function");
        expect(found[0]).to.match(/^START RequestId: /);
        expect(await lines(refused)).to.deep.equal([]);
    });

    it("are tried three times when invoked asynchronously, and leave the event as a dead letter if their role may", async () => {
        const queueUrl = (await aws.sqs.send(new CreateQueueCommand({ QueueName: unique("letters") }))).QueueUrl!;
        const queueArn = (await aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["QueueArn"] })))
            .Attributes!.QueueArn!;
        const may = await makeRole(aws, LAMBDA, [allow("sqs:SendMessage", queueArn)]);
        const source = "exports.handler = async () => { throw new Error('always'); };";
        for (const [owner, event] of [
            [role, "may not"],
            [may, "may"],
        ] as const) {
            const name = await makeFunction(aws, owner, zipped(source), { deadLetters: queueArn });
            await aws.lambda.send(new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: JSON.stringify({ event }) }));
        }
        const messages = await until(
            "a dead letter",
            async () =>
                (
                    await aws.sqs.send(
                        new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] }),
                    )
                ).Messages,
            20_000,
        );
        expect(messages.map((each) => JSON.parse(each.Body!))).to.deep.equal([{ event: "may" }]);
    });
});
