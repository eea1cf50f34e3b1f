/**
 * The way of a decision on the local AWS: the real startIncident and requestApproval with their own permissions, the real state machine
 * and table, and the operator's command; the steps around them stand in.
 */
import { execFile } from "node:child_process";
import path from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import {
    CreateStateMachineCommand,
    DescribeExecutionCommand,
    ListExecutionsCommand,
    SendTaskSuccessCommand,
    StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { buildSync } from "esbuild";
import { expect } from "chai";
import { strToU8, zipSync } from "fflate";
import { openRecord, standingIncident, useIncidents } from "../../functions/aws/incidentsTable";
import type { Permissions } from "../../functions/aws/permissions";
import type { Containment, InstanceRef } from "../../functions/domain/containers";
import { newRecord } from "../../functions/domain/incidentRecord";
import { proposeIncidents } from "../../functions/domain/proposeIncidents";
import { parseMessage } from "../../functions/domain/parseMessage";
import * as answerApproval from "../../functions/answerApproval";
import * as requestApproval from "../../functions/requestApproval";
import * as startIncident from "../../functions/startIncident";
import { deployedNames, functionNameOf, incidentsTableName } from "../../infra/names";
import { workflowDefinition } from "../../infra/workflow/definition";
import { stepHandlers, type StepName } from "../../infra/workflow/tasks";
import { fixture, put } from "../functions/domain/messageFixtures";
import { allow, makeFunction, makeRole, zipped, type Statement } from "./support/functions";
import { FORENSICS, localEmu, MEMBER, rootOf, unique, until, type Clients } from "./support/localAws";

/** A Region no other spec makes clients for: they are kept for the life of the process. */
const region = "eu-south-2";
const repository = path.join(__dirname, "../..");
const names = deployedNames({
    partition: "aws",
    region,
    forensicsAccountId: FORENSICS,
    memberAccountIds: [MEMBER],
    evidenceKeyArn: `arn:aws:kms:${region}:${FORENSICS}:key/evidence`,
    slack: false,
});
const evidenceBucket = names.evidenceBucketArn.replace("arn:aws:s3:::", "");
const lambdas = { Service: "lambda.amazonaws.com" };
const logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], "*");
/** What a function's role may do, as deployed. */
const statementsOf = ({ permissions }: { permissions: Permissions }) => [logs, ...(permissions(names) as Statement[])];

/** Contains nothing: says what isolateInstance would say before people are asked, and after they answered: in the table, or by silence. */
const standInForIsolation = (containment: Omit<Containment, "outcome" | "decision" | "contained">) => `
    import { readIncident } from "./functions/aws/incidentsTable";
    export const handler = async ({ incident, answer: silence }) => {
        const answer = (await readIncident(incident.incidentId))?.approval?.answer ?? silence;
        return {
            ...${JSON.stringify(containment)}, contained: answer?.approved ?? false,
            outcome: !answer ? "awaiting-approval" : answer.approved ? "contained" : "observed",
            decision: { mode: !answer ? "approval" : answer.approved ? "automatic" : "observe", reason: "as the test says", by: answer?.by ?? null, exempt: false },
        };
    };`;

/** One of our functions as it is deployed. */
function bundled(handler: string, contents?: string): Uint8Array {
    const built = buildSync({
        absWorkingDir: repository,
        ...(contents === undefined
            ? { entryPoints: [`functions/${handler}.ts`] }
            : { stdin: { contents, resolveDir: repository, loader: "ts" } }),
        bundle: true,
        platform: "node",
        target: "node22",
        format: "cjs",
        keepNames: true,
        write: false,
        mainFields: ["module", "main"],
    });
    return zipSync({ "index.js": strToU8(built.outputFiles[0]!.text) });
}

let instances = 0;
const newInstance = (): InstanceRef => ({
    instanceId: `i-${String(process.pid).padStart(8, "0")}${String((instances += 1)).padStart(9, "0")}`,
    accountId: MEMBER,
    region,
});
function findingAbout({ instanceId }: InstanceRef, id = `finding-${instanceId}`): Record<string, unknown> {
    const event = fixture("eventbridge");
    put(event, "detail.id", id);
    put(event, "detail.region", region);
    put(event, "detail.resource.instanceDetails.instanceId", instanceId);
    return event;
}

describe("LocalEmu: who decides, and one incident an instance", function () {
    this.timeout(60_000);
    let aws: Clients;
    let endpoint: string;
    let startFunction: string;
    let stateMachines: { patient: string; hasty: string };
    const saved = { ...process.env };
    const operator = () => ({
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: FORENSICS,
        AWS_SECRET_ACCESS_KEY: "rehearsal",
    });

    before(async function () {
        this.timeout(600_000);
        ({ endpoint } = await localEmu());
        aws = await rootOf(FORENSICS, region);
        Object.assign(process.env, operator(), { INCIDENTS_TABLE: incidentsTableName });
        await new DynamoDBClient({}).send(
            new CreateTableCommand({
                TableName: incidentsTableName,
                BillingMode: "PAY_PER_REQUEST",
                KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
                AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
            }),
        );
        await aws.s3.send(new CreateBucketCommand({ Bucket: evidenceBucket, CreateBucketConfiguration: { LocationConstraint: region } }));

        const standIn = await makeRole(aws, lambdas, [logs, ...(useIncidents("GetItem")(names) as Statement[])]);
        const now = new Date().toISOString();
        const isolate = await makeFunction(
            aws,
            standIn,
            bundled(
                "standInForIsolation",
                standInForIsolation({
                    schemaVersion: 1,
                    incidentId: "of the test",
                    instance: newInstance(),
                    vpcId: "vpc-1",
                    availabilityZone: `${region}a`,
                    isolationGroupId: "",
                    networkAclId: null,
                    interfaces: [],
                    targetGroups: [],
                    autoScalingGroup: null,
                    restoreRecord: { bucket: evidenceBucket, key: "observed-instance.json", sha256: "0".repeat(64) },
                    steps: [],
                    uncut: [],
                    startedAt: now,
                    containedAt: null,
                }),
            ),
            { environment: { INCIDENTS_TABLE: incidentsTableName } },
        );
        const other = await makeFunction(
            aws,
            standIn,
            zipped("exports.handler = async () => ({ done: true, rounds: 1, roundsBefore: 0 });"),
        );
        const environment = {
            PARTITION: "aws",
            INCIDENTS_TABLE: incidentsTableName,
            EVIDENCE_BUCKET: evidenceBucket,
            CONTAINMENT_POLICY: JSON.stringify({ mode: "approval", rules: [{ minimumSeverity: 9, mode: "automatic" }] }),
            NOTIFICATION_TOPIC_ARN: "",
            SLACK_WEBHOOK_PARAMETER: "",
            STATE_MACHINE_ARN: names.stateMachineArn,
            DEAD_LETTER_QUEUE_URL: "none",
            FORENSICS_ACCOUNT_ID: FORENSICS,
            MEMBER_ACCOUNTS: MEMBER,
            DRILL: "true",
        };
        const ask = await makeFunction(aws, await makeRole(aws, lambdas, statementsOf(requestApproval)), bundled("requestApproval"), {
            environment,
        });
        startFunction = await makeFunction(aws, await makeRole(aws, lambdas, statementsOf(startIncident)), bundled("startIncident"), {
            environment,
        });

        await makeFunction(aws, await makeRole(aws, lambdas, statementsOf(answerApproval)), bundled("answerApproval"), {
            environment,
            name: functionNameOf("answerApproval"),
        });

        const functionArns = {
            ...Object.fromEntries(Object.keys(stepHandlers).map((state) => [state, other])),
            IsolateInstance: isolate,
            RequestApproval: ask,
        } as Record<StepName, string>;
        const flow = await makeRole(aws, { Service: "states.amazonaws.com" }, [
            allow("lambda:InvokeFunction", [...new Set(Object.values(functionArns))]),
            allow("s3:PutObject", `${names.evidenceBucketArn}/*`),
        ]);
        const machine = async (name: string, approvalTimeoutSeconds: number) =>
            (
                await aws.sfn.send(
                    new CreateStateMachineCommand({
                        name,
                        roleArn: flow,
                        definition: JSON.stringify(
                            workflowDefinition({
                                partition: "aws",
                                functionArns,
                                evidenceBucket,
                                approvalTimeoutSeconds,
                                endpointsOnDemand: false,
                                onApprovalTimeout: "contain",
                            }),
                        ),
                    }),
                )
            ).stateMachineArn!;
        stateMachines = { patient: await machine(names.stateMachineArn.split(":").at(-1)!, 300), hasty: await machine(unique("hasty"), 2) };
    });
    after(() => {
        for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
        Object.assign(process.env, saved);
    });

    const deliver = async (...messages: object[]) => {
        const Payload = JSON.stringify({
            Records: messages.map((message) => ({
                EventSource: "aws:sns",
                Sns: { MessageId: unique("message"), Message: JSON.stringify(message) },
            })),
        });
        const { FunctionError, Payload: answer } = await aws.lambda.send(new InvokeCommand({ FunctionName: startFunction, Payload }));
        expect(FunctionError, new TextDecoder().decode(answer)).to.equal(undefined);
    };
    /** `npm run approve` or `deny` as an operator's shell runs it. */
    const answer = (...args: string[]) =>
        new Promise<{ code: number; output: string }>((resolve) => {
            execFile(
                process.execPath,
                ["-r", "tsx/cjs", "tools/approve.ts", ...args, ...(args.length > 1 ? ["--yes"] : [])],
                { cwd: repository, env: { PATH: process.env.PATH, ...operator() } },
                (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
            );
        });
    const asked = (instance: InstanceRef) =>
        until(
            `people asked about ${instance.instanceId}`,
            async () => {
                const record = await standingIncident(instance);
                return record?.approval ? record : undefined;
            },
            20_000,
        );
    const ended = (executionArn: string) =>
        until(
            `the end of ${executionArn}`,
            async () => {
                const execution = await aws.sfn.send(new DescribeExecutionCommand({ executionArn }));
                return execution.status === "RUNNING" ? undefined : execution;
            },
            20_000,
        );
    const outcomeOf = async (executionArn: string) => {
        const { status, output, error, cause } = await ended(executionArn);
        expect({ status, error, cause }).to.deep.equal({ status: "SUCCEEDED", error: undefined, cause: undefined });
        const { containment, evidence } = JSON.parse(output!) as { containment: Containment; evidence: unknown };
        expect(evidence).to.deep.equal({ done: true, rounds: 1, roundsBefore: 0 });
        return containment;
    };
    const executionOf = (incidentId: string) => `${names.stateMachineArn.replace(":stateMachine:", ":execution:")}:${incidentId}`;

    for (const [verb, outcome] of [
        ["approve", "contained"],
        ["deny", "observed"],
    ] as const) {
        it(`waits for people, takes their ${verb} once, and goes on as they said`, async () => {
            const instance = newInstance();
            await deliver(findingAbout(instance));
            const {
                incident: { incidentId },
            } = await asked(instance);
            const given = await answer(verb, incidentId, "--reason", "as the test says");
            expect(given.output).to.match(new RegExp(`^(Approved|Denied): ${incidentId}`, "m"));
            expect(given.output)
                .to.match(/asked by +as the test says/)
                .and.include(instance.instanceId);
            expect(given.code).to.equal(0);
            const containment = await outcomeOf(executionOf(incidentId));
            expect(containment.outcome).to.equal(outcome);
            expect(containment.decision!.by).to.match(new RegExp(`^arn:aws:.*${FORENSICS}`));
            const again = await answer(verb, incidentId);
            expect(again.output).to.match(/was (approved|denied) by arn:aws:/);
            // By what AWS says of the operator's credentials, which the table has.
            const kept = (await standingIncident(instance))!.approval!.answer!;
            expect(kept).to.include({ by: containment.decision!.by, via: "person", reason: "as the test says" });
            expect(again.code).to.equal(1);
        });
    }

    for (const [what, output] of [
        ["names somebody else", '{"approved":true,"by":"arn:aws:sts::111111111111:assumed-role/ciso/forged","reason":null}'],
        ["is malformed", '{"approved":"no"}'],
    ] as const)
        it(`is not decided by what whoever has the token sends: it ${what}`, async () => {
            const instance = newInstance();
            await deliver(findingAbout(instance));
            const { approval, incident } = await asked(instance);
            await aws.sfn.send(new SendTaskSuccessCommand({ taskToken: approval!.taskToken!, output }));
            // People are asked again, and what they say counts.
            await until(
                "people asked again",
                async () => {
                    const record = await standingIncident(instance);
                    return record!.approval!.taskToken === approval!.taskToken ? undefined : record;
                },
                20_000,
            );
            expect((await standingIncident(instance))!.approval!.answer).to.equal(null);
            expect((await answer("deny", incident.incidentId)).code).to.equal(0);
            expect((await outcomeOf(executionOf(incident.incidentId))).outcome).to.equal("observed");
        });

    it("asks nobody any more when a finding joins that asks nobody", async () => {
        const instance = newInstance();
        await deliver(findingAbout(instance));
        const {
            incident: { incidentId },
        } = await asked(instance);
        const graver = findingAbout(instance, `graver-${instance.instanceId}`);
        put(graver, "detail.severity", 9.5);
        await deliver(graver);
        const containment = await outcomeOf(executionOf(incidentId));
        expect(containment.outcome).to.equal("contained");
        expect(containment.decision!.by).to.equal(`finding graver-${instance.instanceId}`);
    });

    it("lets silence contain when the time is over", async () => {
        const incident = proposeIncidents(parseMessage(JSON.stringify(findingAbout(newInstance()))).findings, new Date())[0]!;
        await openRecord(newRecord(incident, 1, "approval", incident.openedAt), null);
        const { executionArn } = await aws.sfn.send(
            new StartExecutionCommand({ stateMachineArn: stateMachines.hasty, name: incident.incidentId, input: JSON.stringify(incident) }),
        );
        const containment = await outcomeOf(executionArn!);
        expect(containment).to.deep.include({ outcome: "contained", contained: true });
        expect(containment.decision!.by).to.equal("silence");
        const late = await answer("deny", incident.incidentId);
        expect(late.code, late.output).to.equal(1);
        expect(late.output).to.match(/time/);
    });

    it("lets silence decide, and tells people, when they cannot be asked", async () => {
        // The table does not know the incident, so that nobody could answer.
        const incident = proposeIncidents(parseMessage(JSON.stringify(findingAbout(newInstance()))).findings, new Date())[0]!;
        const { executionArn } = await aws.sfn.send(
            new StartExecutionCommand({
                stateMachineArn: stateMachines.patient,
                name: incident.incidentId,
                input: JSON.stringify(incident),
            }),
        );
        expect((await outcomeOf(executionArn!)).outcome).to.equal("contained");
    });

    it("starts one execution for the same finding twice and for two findings at once", async () => {
        const instance = newInstance();
        await Promise.all([deliver(findingAbout(instance)), deliver(findingAbout(instance, "another")), deliver(findingAbout(instance))]);
        await deliver(findingAbout(instance));
        const { executions } = await aws.sfn.send(new ListExecutionsCommand({ stateMachineArn: stateMachines.patient }));
        expect(executions!.filter(({ name }) => name!.startsWith(instance.instanceId))).to.have.length(1);
        expect((await standingIncident(instance))!.findings.map(({ id }) => id).sort()).to.deep.equal([
            "another",
            `finding-${instance.instanceId}`,
        ]);
    });

    it("tells an operator what is wrong with a question that nobody asked", async () => {
        const unknown = await answer("approve", "i-0123456789abcdef0-0123456789abcdef");
        expect(unknown).to.deep.include({ code: 1 });
        expect(unknown.output).to.match(/There is no incident i-0123456789abcdef0-0123456789abcdef/);
        expect((await answer("approve", "i-1")).code).to.equal(2);
        expect((await answer("approve")).output).to.match(/No incident given.*\nUsage: npm run approve/);
    });
});
