/** openEndpoints and closeEndpoints against an EC2 and a table in memory: one incident, several at once in any order, crashes between any two calls. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import fc from "fast-check";
import { handler as closeEndpoints } from "../../functions/closeEndpoints";
import { endpointPolicy, endpointServices } from "../../functions/domain/endpoints";
import { handler as openEndpoints, permissions } from "../../functions/openEndpoints";
import { incidentTags, type Tag } from "../../functions/domain/tags";
import { deployedNames } from "../fixtures/analysis/deployedNames";
import { FakeDynamoDb } from "../support/aws/dynamoDb";
import { awsError } from "../support/aws/errors";
import { underClient } from "../support/aws/underClients";
import { VirtualTime } from "../support/virtualTime";
import { forensicsAccountId, InMemoryAws, thrown } from "./inMemoryAws";

const vpcId = "vpc-0123456789abcdef0";
const environment = {
    FORENSIC_VPC_ID: vpcId,
    ENDPOINT_GROUP_ID: "sg-0123456789abcdef0",
    ...Object.fromEntries(
        endpointServices.map((service) => [`ENDPOINT_POLICY_${service.toUpperCase()}`, endpointPolicy(service, forensicsAccountId)]),
    ),
    STATE_MACHINE_ARN: "arn:aws:states:eu-west-1:111111111111:stateMachine:incident",
};
const incidents = ["a", "b", "c", "d"].map((each) => `i-0a1b2c3d4e5f60718-000000000000000${each}`);

interface Endpoint {
    VpcEndpointId: string;
    ServiceName: string;
    State: string;
    PrivateDnsEnabled: boolean;
    Tags: Tag[];
    PolicyDocument: string;
}

class Died extends Error {}
/** Of the event loop. */
const oneTurn = () => new Promise((resolve) => setImmediate(resolve));

/** EC2 as far as endpoints go: pending, available, deleting, gone; one private name at a time; a token gives what it gave. */
class World {
    readonly endpoints = new Map<string, Endpoint>();
    readonly hosts = new Map<string, Tag[]>();
    readonly table = new FakeDynamoDb();
    executions: string[] = [];
    readonly calls: string[] = [];
    /** Called after each call took effect: throws where the function dies then. */
    after: () => void = () => undefined;
    /** Turns of the event loop that the next call waits before it takes effect. */
    turns: () => number = () => 1;
    refuse: Record<string, Error> = {};
    private readonly tokens = new Map<string, string>();
    private next = 1;

    settle(): void {
        for (const endpoint of this.endpoints.values()) {
            if (endpoint.State === "deleting") this.endpoints.delete(endpoint.VpcEndpointId);
            if (endpoint.State === "pending") endpoint.State = "available";
        }
    }

    async send(name: string, input: Record<string, unknown>): Promise<unknown> {
        for (let turn = this.turns(); turn > 0; turn--) await oneTurn();
        this.calls.push(name);
        if (this.refuse[name]) throw this.refuse[name];
        const answer = this.ec2(name, input);
        this.after();
        return answer;
    }

    private ec2(name: string, input: Record<string, unknown>): unknown {
        switch (name) {
            case "DescribeVpcEndpoints":
                return { VpcEndpoints: [...this.endpoints.values()].map((each) => ({ ...each })) };
            case "DescribeInstances":
                return { Reservations: [...this.hosts].map(([InstanceId, Tags]) => ({ Instances: [{ InstanceId, Tags }] })) };
            case "ListExecutions":
                return { executions: input.statusFilter === "RUNNING" ? this.executions.map((each) => ({ name: each })) : [] };
            case "CreateVpcEndpoint": {
                const token = input.ClientToken as string;
                if (this.tokens.has(token)) return { VpcEndpoint: { VpcEndpointId: this.tokens.get(token) } };
                const ServiceName = input.ServiceName as string;
                if ([...this.endpoints.values()].some((each) => each.ServiceName === ServiceName))
                    throw awsError(
                        "InvalidParameter",
                        `private-dns-enabled cannot be set because there is already a conflicting DNS domain for ${ServiceName}`,
                    );
                const id = `vpce-${String(this.next++).padStart(17, "0")}`;
                this.tokens.set(token, id);
                this.endpoints.set(id, {
                    VpcEndpointId: id,
                    ServiceName,
                    State: "pending",
                    PrivateDnsEnabled: input.PrivateDnsEnabled as boolean,
                    Tags: (input.TagSpecifications as { Tags: Tag[] }[])[0]!.Tags,
                    PolicyDocument: input.PolicyDocument as string,
                });
                return { VpcEndpoint: { VpcEndpointId: id } };
            }
            case "DeleteVpcEndpoints":
                for (const id of input.VpcEndpointIds as string[]) {
                    const endpoint = this.endpoints.get(id);
                    if (endpoint) endpoint.State = "deleting";
                }
                return { Unsuccessful: [] };
            default:
                throw new Error(`${name} is not in this EC2`);
        }
    }

    usable(): number {
        return [...this.endpoints.values()].filter((each) => each.State === "available").length;
    }
}

describe("the clean room's endpoints on demand", () => {
    let aws: InMemoryAws;
    let world: World;
    const time = new VirtualTime();
    const undo: (() => void)[] = [];

    const begin = () => (world = new World());
    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        Object.assign(process.env, environment);
        begin();
        undo.push(
            underClient(EC2Client, (_, name, input) => world.send(name, input)),
            underClient(SFNClient, (_, name, input) => world.send(name, input)),
            underClient(DynamoDBClient, async (_, name, input) => {
                await oneTurn();
                const { body } = world.table.answer(name, input) as { body: { __type?: string } };
                if (body.__type) throw awsError(body.__type);
                world.after();
                return body;
            }),
        );
        time.install();
    });
    afterEach(() => {
        time.remove();
        for (const each of undo.splice(0)) each();
        aws.remove();
    });

    /** As the workflow does: again after NotYet, and after the function died; a retry comes seconds later. */
    async function until(handler: (event: unknown) => Promise<unknown>, event: object, most = 200): Promise<void> {
        for (let calls = 1; ; calls++) {
            try {
                await handler(event);
                return;
            } catch (error) {
                if (calls === most || !((error as Error).name === "NotYet" || error instanceof Died)) throw error;
                time.skip(15_000);
                world.settle();
            }
        }
    }
    const open = (incidentId: string) => until(openEndpoints, { incidentId });
    const close = (incidentId: string) => until(closeEndpoints, { incidentId });

    it("are made with private DNS, policy and tags, waited for, and removed with the last incident", async () => {
        const first = await thrown(openEndpoints({ incidentId: incidents[0] }));
        expect(first.name).to.equal("NotYet");
        expect(first.message).to.match(/com\.amazonaws\.eu-west-1\.ssm was asked for/);
        await open(incidents[0]!);
        expect([...world.endpoints.values()].map((each) => each.ServiceName.split(".").at(-1)).sort()).to.deep.equal(
            [...endpointServices].sort(),
        );
        for (const each of world.endpoints.values()) {
            expect(each.PrivateDnsEnabled).to.equal(true);
            expect(each.PolicyDocument).to.include(`"aws:ResourceAccount":"${forensicsAccountId}"`);
        }
        await open(incidents[1]!);
        expect(world.endpoints.size, "made once").to.equal(3);
        expect(await closeEndpoints({ incidentId: incidents[0] })).to.deep.include({ closed: false });
        expect(world.usable(), "the second incident still needs them").to.equal(3);
        await close(incidents[1]!);
        expect(world.endpoints.size).to.equal(0);
        // Closing what is closed does nothing, and the next incident begins anew.
        await close(incidents[1]!);
        await open(incidents[2]!);
        expect(world.usable()).to.equal(3);
    });

    it("whatever the order of calls, and wherever functions die: who was told that they are there has them, and in the end none is left", async function () {
        this.timeout(20_000);
        await fc.assert(
            fc.asyncProperty(
                // Turns of the event loop after which each incident begins, and for how many it needs them.
                fc.array(fc.tuple(fc.nat(120), fc.nat(30)), { minLength: 2, maxLength: 4 }),
                fc.infiniteStream(fc.nat(5)),
                fc.uniqueArray(fc.nat(80), { maxLength: 4 }),
                async (lives, turns, deaths) => {
                    begin();
                    world.turns = () => turns.next().value as number;
                    let effects = 0;
                    world.after = () => {
                        if (deaths.includes(effects++)) throw new Died("the function died");
                    };
                    await Promise.all(
                        lives.map(async ([begins, needs], index) => {
                            const incidentId = incidents[index]!;
                            for (let turn = 0; turn < begins; turn++) await oneTurn();
                            await open(incidentId);
                            for (let turn = 0; turn <= needs; turn++) {
                                expect(world.usable(), `${incidentId} uses them`).to.equal(3);
                                await oneTurn();
                            }
                            await close(incidentId);
                        }),
                    );
                    world.settle();
                    expect(world.endpoints.size, "nothing is left").to.equal(0);
                },
            ),
            { numRuns: 150 },
        );
    });

    it("stay while an instance of the clean room has not ended, whatever the claims say, and go with the sweep after it", async () => {
        await open(incidents[0]!);
        world.hosts.set("i-0123456789abcdef0", incidentTags(incidents[0]!, "forensic-host"));
        expect(await closeEndpoints({ incidentId: incidents[0] })).to.deep.include({ closed: false });
        await closeEndpoints({ sweep: true });
        expect(world.usable()).to.equal(3);
        world.hosts.clear();
        await closeEndpoints({ sweep: true });
        world.settle();
        expect(world.endpoints.size).to.equal(0);
    });

    it("are swept when their execution ended without its tear-down, and not while one is under way or has just begun", async () => {
        await open(incidents[0]!);
        await closeEndpoints({ sweep: true });
        expect(world.usable(), "begun minutes ago").to.equal(3);
        time.skip(3_600_000);
        world.executions = [`${incidents[0]}-resumed-2`];
        await closeEndpoints({ sweep: true });
        expect(world.usable(), "resumed").to.equal(3);
        world.executions = [incidents[1]!];
        await closeEndpoints({ sweep: true });
        world.settle();
        expect(world.endpoints.size, "nothing stands behind them").to.equal(0);
    });

    it("of a former deployment, or broken, are made anew", async () => {
        await open(incidents[0]!);
        const [first] = world.endpoints.values();
        first!.State = "failed";
        process.env.ENDPOINT_POLICY_LOGS = endpointPolicy("logs", "999999999999");
        await open(incidents[0]!);
        expect(world.usable()).to.equal(3);
        expect([...world.endpoints.values()].some((each) => each.PolicyDocument.includes("999999999999"))).to.equal(true);
        expect(world.endpoints.has(first!.VpcEndpointId)).to.equal(false);
    });

    it("that somebody else made are named and never touched", async () => {
        world.endpoints.set("vpce-stranger", {
            VpcEndpointId: "vpce-stranger",
            ServiceName: "com.amazonaws.eu-west-1.ssm",
            State: "available",
            PrivateDnsEnabled: true,
            Tags: [],
            PolicyDocument: "",
        });
        const error = await thrown(openEndpoints({ incidentId: incidents[0] }));
        expect(error.name).to.equal("StepFailed");
        expect(error.message).to.include("vpce-stranger for com.amazonaws.eu-west-1.ssm");
        await closeEndpoints({ incidentId: incidents[0] });
        expect([...world.endpoints.keys()]).to.deep.equal(["vpce-stranger"]);
        expect(world.calls).to.not.include("DeleteVpcEndpoints");
    });

    it("say in plain words why they cannot be made", async () => {
        world.refuse.CreateVpcEndpoint = awsError("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.");
        const full = await thrown(openEndpoints({ incidentId: incidents[0] }));
        expect([full.name, full.message]).to.satisfy(
            ([name, text]: string[]) => name === "NotYet" && /quota allows.*L-29B6F2EB/.test(text!),
        );
        world.refuse.CreateVpcEndpoint = awsError("UnauthorizedOperation", "with an explicit deny in a service control policy");
        const denied = await thrown(openEndpoints({ incidentId: incidents[0] }));
        expect(denied.name).to.equal("StepFailed");
        expect(denied.message).to.match(/service control policy.*exempt the role of clean-room-openEndpoints/s);
    });

    it("are made by a role that can make them in one VPC alone, and only tagged", () => {
        const making = permissions(deployedNames).filter(({ Action }) => Action.includes("ec2:CreateVpcEndpoint"));
        expect(making.flatMap(({ Resource }) => Resource)).to.have.members([
            deployedNames.cleanRoomVpcArn,
            ...deployedNames.cleanRoomSubnetArns,
            deployedNames.endpointGroupArn,
            "arn:aws:ec2:eu-west-1:111111111111:vpc-endpoint/*",
        ]);
        const tagged = making.find(({ Resource }) => Resource[0]!.endsWith("vpc-endpoint/*"))!;
        expect(Object.keys(tagged.Condition!.StringEquals!)).to.deep.equal([
            "aws:RequestTag/clean-room:role",
            "aws:RequestTag/clean-room:purpose",
            "ec2:VpceServiceName",
        ]);
    });
});
