/**
 * Interface endpoints on demand, on the local AWS with the deployed functions and the workflow: two incidents begin and end together, one execution is
 * broken off without its tear-down, its claim is lost, and in the end nothing is left that is billed.
 */
import { DynamoDBClient, DeleteItemCommand, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DescribeVpcEndpointsCommand, EC2Client, RunInstancesCommand, waitUntilInstanceRunning } from "@aws-sdk/client-ec2";
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { expect } from "chai";
import type { EndpointClaims } from "../../../functions/domain/endpoints";
import { findingsTopicName, incidentsTableName, stateMachineName } from "../../../infra/names";
import { readCallLog } from "../../../rehearsal/callLog";
import type { LocalClients } from "../../../rehearsal/deploy/localClients";
import { readFaults, setFaults } from "../../../rehearsal/faults";
import { until } from "../../../rehearsal/watch";
import { forensics, member, region, startLocalEstate, type LocalEstate } from "../support/localEstate";

const stateMachineArn = `arn:aws:states:${region}:${forensics.accountId}:stateMachine:${stateMachineName}`;
const services = ["logs", "ssm", "ssmmessages"];
const Key = { pk: { S: "endpoints#clean-room" } };

describe("the clean room's endpoints on demand, on the local AWS", function () {
    this.timeout(240_000);
    let estate: LocalEstate;
    let clients: LocalClients;
    let victims: string[];
    let vpcId: string;

    before(async function () {
        this.timeout(600_000);
        estate = await startLocalEstate({ evidence: { retentionDays: 1 }, support: { enabled: false } });
        const { victim } = estate;
        ({ clients } = estate);
        const client = clients(EC2Client, member);
        const { Instances } = await client.send(
            new RunInstancesCommand({
                ImageId: victim.imageId,
                InstanceType: "t3.medium",
                MinCount: 1,
                MaxCount: 1,
                SubnetId: victim.interfaces[0]!.subnetId,
            }),
        );
        const second = Instances![0]!.InstanceId!;
        await waitUntilInstanceRunning({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 60 }, { InstanceIds: [second] });
        victims = [victim.instance.instanceId, second];
        const { Environment } = await clients(LambdaClient, forensics).send(
            new GetFunctionConfigurationCommand({ FunctionName: "clean-room-openEndpoints" }),
        );
        vpcId = Environment!.Variables!.FORENSIC_VPC_ID!;
    });
    after(() => estate?.stop());

    const sfn = () => clients(SFNClient, forensics);
    const table = () => clients(DynamoDBClient, forensics);
    const arnOf = (name: string) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    const statusOf = async (name: string) => (await sfn().send(new DescribeExecutionCommand({ executionArn: arnOf(name) }))).status!;
    const names = async () =>
        ((await sfn().send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? []).map(({ name }) => name!);

    /** Asks for incidents about both victims in the same moment. @returns their ids */
    async function begin(reason: string): Promise<string[]> {
        const known = await names();
        await Promise.all(
            victims.map((instanceId) =>
                clients(SNSClient, forensics).send(
                    new PublishCommand({
                        TopicArn: `arn:aws:sns:${region}:${forensics.accountId}:${findingsTopicName}`,
                        Message: JSON.stringify({ ...member, instanceId, reason }),
                    }),
                ),
            ),
        );
        return until(
            "two executions",
            async () => {
                const begun = (await names()).filter((name) => !known.includes(name));
                return begun.length === 2 ? begun.sort() : null;
            },
            Date.now() + 30_000,
        );
    }
    const ended = (name: string) =>
        until(
            `${name} to end`,
            async () => {
                const status = await statusOf(name);
                return status === "RUNNING" ? null : status;
            },
            Date.now() + 120_000,
        );

    const endpoints = async () =>
        (
            await clients(EC2Client, forensics).send(
                new DescribeVpcEndpointsCommand({
                    Filters: [
                        { Name: "vpc-id", Values: [vpcId] },
                        { Name: "vpc-endpoint-type", Values: ["Interface"] },
                    ],
                }),
            )
        )
            .VpcEndpoints!.map(({ VpcEndpointId, ServiceName, State }) => ({
                id: VpcEndpointId!,
                service: ServiceName!.split(".").at(-1)!,
                state: State!.toLowerCase(),
            }))
            .filter(({ state }) => state !== "deleted");
    const available = async () =>
        (await endpoints())
            .filter(({ state }) => state === "available")
            .map(({ service }) => service)
            .sort();
    async function claims(): Promise<string[]> {
        const { Item } = await table().send(new GetItemCommand({ TableName: incidentsTableName, Key, ConsistentRead: true }));
        return Item?.state?.S === undefined ? [] : Object.keys((JSON.parse(Item.state.S) as EndpointClaims).claims).sort();
    }
    const left = async () => ({ endpoints: await endpoints(), claims: await claims() });
    const nothing = { endpoints: [], claims: [] };
    /** Both incidents claim all endpoints, and wait for an instance that AWS does not give yet. */
    const bothNeedThem = (incidents: readonly string[]) =>
        until(
            "both incidents to have the endpoints",
            async () => {
                const [claimed, there] = [await claims(), await available()];
                return incidents.every((id) => claimed.includes(id)) && services.every((each) => there.includes(each)) ? true : null;
            },
            Date.now() + 60_000,
        );
    async function invoke(name: string, input: unknown): Promise<{ error?: string }> {
        const { Payload, FunctionError } = await clients(LambdaClient, forensics).send(
            new InvokeCommand({ FunctionName: `clean-room-${name}`, Payload: JSON.stringify(input) }),
        );
        const { errorType, errorMessage } = JSON.parse(Buffer.from(Payload!).toString("utf8")) as Record<string, string>;
        return FunctionError ? { error: `${errorType}: ${errorMessage}` } : {};
    }
    const swept = () =>
        until(
            "the sweep to find nothing",
            async () => {
                expect(await invoke("closeEndpoints", { sweep: true })).to.deep.equal({});
                return (await endpoints()).length === 0 ? true : null;
            },
            Date.now() + 60_000,
        );
    const full = "ec2:RunInstances@clean-room-startForensicInstance#*=throttle";
    const refused = "ec2:RunInstances@clean-room-startForensicInstance#*=deny";

    it("are made once for two incidents at the same moment, though replies are lost, and go with the last of them", async () => {
        expect(await left()).to.deep.equal(nothing);
        await setFaults(estate.localEmu.endpoint, { faults: [full, "ec2:CreateVpcEndpoint#1-2=lost-reply"] });
        const incidents = await begin("two at once");
        await bothNeedThem(incidents);
        expect(await available(), "one of each, whoever asked").to.deep.equal(services);
        expect(await claims()).to.deep.equal(incidents);
        const { faults } = await readFaults(estate.localEmu.endpoint);
        expect(faults.find(({ fault }) => fault.includes("lost-reply"))!.hits, "replies were lost").to.equal(2);

        await setFaults(estate.localEmu.endpoint, { faults: [refused] });
        expect(await Promise.all(incidents.map(ended))).to.deep.equal(["FAILED", "FAILED"]);
        expect(await left()).to.deep.equal(nothing);
        const deleted = (await readCallLog(estate.localEmu.callLogFile)).filter(
            ({ operation, status }) => operation === "DeleteVpcEndpoints" && status < 300,
        );
        expect(deleted.length, "by the last one alone").to.equal(1);
    });

    it("stay for a broken-off execution while it may be young, and the daily sweep finds that nothing stands behind its claim", async () => {
        await setFaults(estate.localEmu.endpoint, { faults: [full] });
        const incidents = await begin("one is broken off");
        const [crashed, other] = incidents as [string, string];
        await bothNeedThem(incidents);
        await sfn().send(new StopExecutionCommand({ executionArn: arnOf(crashed), cause: "somebody stopped it" }));
        await setFaults(estate.localEmu.endpoint, { faults: [refused] });
        expect(await ended(other)).to.equal("FAILED");
        expect(await claims(), "nobody took the claim back").to.deep.equal([crashed]);
        expect(await available()).to.deep.equal(services);

        expect(await invoke("closeEndpoints", { sweep: true })).to.deep.equal({});
        expect(await available(), "its execution may have begun a moment ago").to.deep.equal(services);

        // An hour goes by.
        const { Item } = await table().send(new GetItemCommand({ TableName: incidentsTableName, Key }));
        const state = JSON.parse(Item!.state!.S!) as EndpointClaims;
        const aged = { ...state, claims: { [crashed]: new Date(Date.now() - 3_600_000).toISOString() } };
        await table().send(
            new UpdateItemCommand({
                TableName: incidentsTableName,
                Key,
                UpdateExpression: "SET #state = :state",
                ExpressionAttributeNames: { "#state": "state" },
                ExpressionAttributeValues: { ":state": { S: JSON.stringify(aged) } },
            }),
        );
        await swept();
        expect(await left()).to.deep.equal(nothing);
    });

    it("that no claim is left of are found by their tags, and swept", async () => {
        await setFaults(estate.localEmu.endpoint, { faults: [] });
        await until(
            "the endpoints to be open",
            async () =>
                (await invoke("openEndpoints", { incidentId: `${victims[0]}-0123456789abcdef` })).error === undefined ? true : null,
            Date.now() + 60_000,
        );
        expect(await available()).to.deep.equal(services);
        await table().send(new DeleteItemCommand({ TableName: incidentsTableName, Key }));
        await swept();
        expect(await left()).to.deep.equal(nothing);
    });
});
