/** The clean room's endpoints on demand, by the functions as they are deployed and as their own roles: two incidents at once, a crash between, nothing left. */
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateVpcEndpointCommand, DeleteVpcEndpointsCommand, DescribeVpcEndpointsCommand } from "@aws-sdk/client-ec2";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { CreateStateMachineCommand } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { permissions as closing } from "../../functions/closeEndpoints";
import { endpointPolicy, endpointServices } from "../../functions/domain/endpoints";
import { permissions as opening } from "../../functions/openEndpoints";
import type { Permissions } from "../../functions/aws/permissions";
import { deployedNames, evidenceBucketName, incidentsTableName, stateMachineName } from "../../infra/names";
import { allow, makeFunction, makeRole, zipped, type Statement } from "./support/functions";
import { errorOf, FORENSICS, localEmu, rootOf, until, type Clients } from "./support/localAws";
import { makeGroup, makeNetwork, type Network } from "./support/network";

/** One of this spec's own: its table and bucket have the names of a deployment. */
const region = "ca-central-1";
const incidents = ["1", "2"].map((each) => `i-0a1b2c3d4e5f60718-000000000000000${each}`);

describe("LocalEmu: the clean room's endpoints", function () {
    this.timeout(60_000);
    let aws: Clients;
    let table: DynamoDBClient;
    let network: Network;
    let groupId: string;
    const functions: Record<string, string> = {};

    const standing = async (vpcId = network.vpcId) =>
        (await aws.ec2.send(new DescribeVpcEndpointsCommand({ Filters: [{ Name: "vpc-id", Values: [vpcId] }] }))).VpcEndpoints!;
    /** @returns null when it answered, else the error's type and words */
    const call = async (name: string, event: object): Promise<{ errorType: string; errorMessage: string } | null> => {
        const { Payload, FunctionError } = await aws.lambda.send(
            new InvokeCommand({ FunctionName: functions[name]!, Payload: JSON.stringify(event) }),
        );
        return FunctionError ? (JSON.parse(Buffer.from(Payload!).toString()) as { errorType: string; errorMessage: string }) : null;
    };
    /** As the workflow does: again after NotYet. */
    const finished = (name: string, event: object) =>
        until(
            `${name} ${JSON.stringify(event)}`,
            async () => {
                const error = await call(name, event);
                if (error && error.errorType !== "NotYet" && error.errorType !== "Transient")
                    throw new Error(`${name}: ${error.errorType}: ${error.errorMessage}`);
                return error === null ? true : undefined;
            },
            30_000,
        );

    before(async function () {
        this.timeout(600_000);
        const { endpoint } = await localEmu();
        aws = await rootOf(FORENSICS, region);
        table = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId: FORENSICS, secretAccessKey: "rehearsal" } });
        network = await makeNetwork(aws);
        groupId = await makeGroup(aws, network.vpcId);
        await table.send(
            new CreateTableCommand({
                TableName: incidentsTableName,
                BillingMode: "PAY_PER_REQUEST",
                KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
                AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
            }),
        );
        const evidenceBucket = evidenceBucketName(FORENSICS, region);
        await aws.s3.send(new CreateBucketCommand({ Bucket: evidenceBucket, CreateBucketConfiguration: { LocationConstraint: region } }));
        const names = deployedNames({
            partition: "aws",
            region,
            forensicsAccountId: FORENSICS,
            memberAccountIds: [],
            evidenceKeyArn: `arn:aws:kms:${region}:${FORENSICS}:key/none`,
            slack: false,
            network: { ...network, endpointGroupId: groupId },
        });
        const { stateMachineArn } = await aws.sfn.send(
            new CreateStateMachineCommand({
                name: stateMachineName,
                roleArn: await makeRole(aws, { Service: "states.amazonaws.com" }, []),
                definition: JSON.stringify({ StartAt: "End", States: { End: { Type: "Succeed" } } }),
            }),
        );
        const environment = {
            PARTITION: "aws",
            INCIDENTS_TABLE: incidentsTableName,
            EVIDENCE_BUCKET: evidenceBucket,
            FORENSIC_VPC_ID: network.vpcId,
            FORENSIC_SUBNET_IDS: network.subnetIds.join(","),
            ENDPOINT_GROUP_ID: groupId,
            STATE_MACHINE_ARN: stateMachineArn!,
            ...Object.fromEntries(
                endpointServices.map((each) => [`ENDPOINT_POLICY_${each.toUpperCase()}`, endpointPolicy(each, FORENSICS)]),
            ),
        };
        const deploy = async (handler: string, permissions: Permissions) => {
            const statements = [allow(["logs:CreateLogStream", "logs:PutLogEvents"], "*"), ...(permissions(names) as Statement[])];
            functions[handler] = await makeFunction(
                aws,
                await makeRole(aws, { Service: "lambda.amazonaws.com" }, statements),
                zipped(`exports.handler = require("../../../functions/${handler}").handler;`, true),
                { environment },
            );
        };
        await Promise.all([deploy("openEndpoints", opening), deploy("closeEndpoints", closing)]);
    });

    it("an interface endpoint is pending, then available, then deleting, then gone, and its name is its own meanwhile", async () => {
        const { vpcId, subnetIds } = await makeNetwork(aws);
        const make = (ClientToken: string) =>
            aws.ec2.send(
                new CreateVpcEndpointCommand({
                    VpcEndpointType: "Interface",
                    VpcId: vpcId,
                    ServiceName: `com.amazonaws.${region}.ssm`,
                    SubnetIds: subnetIds,
                    PrivateDnsEnabled: true,
                    ClientToken,
                }),
            );
        const made = (await make("once")).VpcEndpoint!;
        expect(made.State).to.equal("pending");
        expect((await make("once")).VpcEndpoint!.VpcEndpointId).to.equal(made.VpcEndpointId);
        expect(await errorOf(make("twice"))).to.equal("InvalidParameter");
        const state = async () => (await standing(vpcId))[0]?.State as string | undefined;
        await until("available", async () => ((await state()) === "available" ? true : undefined));
        await aws.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [made.VpcEndpointId!] }));
        expect(await state()).to.equal("deleting");
        expect(await errorOf(make("twice"))).to.equal("InvalidParameter");
        await until("gone", async () => ((await state()) === undefined ? true : undefined));
        expect((await make("twice")).VpcEndpoint!.VpcEndpointId).to.not.equal(made.VpcEndpointId);
    });

    it("are made by the function's own role, in the clean room and nowhere else", async () => {
        const [incidentId] = incidents;
        await finished("openEndpoints", { incidentId });
        const there = await standing();
        expect(there.map((each) => each.ServiceName!.split(".").at(-1)).sort()).to.deep.equal([...endpointServices].sort());
        for (const each of there) {
            expect([each.State, each.PrivateDnsEnabled, each.Groups?.map(({ GroupId }) => GroupId)]).to.deep.equal([
                "available",
                true,
                [groupId],
            ]);
            expect([...each.SubnetIds!].sort()).to.deep.equal([...network.subnetIds].sort());
        }
        await finished("closeEndpoints", { incidentId });
        expect(await standing()).to.deep.equal([]);
    });

    it("two incidents at once share them, a crash loses none of the other's, and nothing is left", async () => {
        await Promise.all(incidents.map((incidentId) => finished("openEndpoints", { incidentId })));
        expect(
            (await standing()).map(({ State }) => State),
            "made once, for both",
        ).to.deep.equal(["available", "available", "available"]);
        // The first incident's execution is stopped: its tear-down never comes. The second one ends well.
        await finished("closeEndpoints", { incidentId: incidents[1] });
        expect(await standing(), "the first one's claim still stands").to.have.length(3);
        await finished("closeEndpoints", { sweep: true });
        expect(await standing(), "it began only minutes ago").to.have.length(3);
        const Key = { pk: { S: "endpoints#clean-room" } };
        const { Item } = await table.send(new GetItemCommand({ TableName: incidentsTableName, Key }));
        const anHourAgo = JSON.stringify({
            claims: { [incidents[0]!]: new Date(Date.now() - 3_600_000).toISOString() },
            closingUntil: null,
            removals: 1,
        });
        await table.send(new PutItemCommand({ TableName: incidentsTableName, Item: { ...Item!, state: { S: anHourAgo } } }));
        await finished("closeEndpoints", { sweep: true });
        await until("all gone", async () => ((await standing()).length === 0 ? true : undefined));
        // An end and a beginning at the same moment.
        await finished("openEndpoints", { incidentId: incidents[0] });
        await Promise.all([
            finished("closeEndpoints", { incidentId: incidents[0] }),
            finished("openEndpoints", { incidentId: incidents[1] }),
        ]);
        expect((await standing()).map(({ State }) => State)).to.deep.equal(["available", "available", "available"]);
        await finished("closeEndpoints", { incidentId: incidents[1] });
        expect(await standing()).to.deep.equal([]);
    });
});
