import { expect } from "chai";
import { handler } from "../../functions/checkSsm";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

describe("checkSsm", () => {
    let aws: InMemoryAws;
    let event: { incident: unknown; host: { instanceId: string } };

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        const instanceId = aws.forensics.addInstance({});
        event = {
            incident,
            host: {
                schemaVersion: 1,
                incidentId: incident.incidentId,
                instanceId,
                imageId: "ami-0123456789abcdef0",
                availabilityZone: "eu-west-1a",
                volumes: [],
            } as never,
        };
    });
    afterEach(() => aws.remove());

    /** The registrations, one a page, whatever was filtered. */
    const registered =
        (...list: [instanceId: string, ping: string][]) =>
        (name: string, { NextToken = "0" }: { NextToken?: string }) => {
            if (name !== "DescribeInstanceInformation") throw new Error(`${name} was not expected`);
            const at = Number(NextToken);
            return {
                InstanceInformationList: list.slice(at, at + 1).map(([InstanceId, PingStatus]) => ({ InstanceId, PingStatus })),
                NextToken: at + 1 < list.length ? String(at + 1) : undefined,
            };
        };

    it("gives the host on once its agent is online, on whatever page it stands", async () => {
        aws.ssm = registered(["i-00000000000000009", "ConnectionLost"], [event.host.instanceId, "Online"]);
        expect(await handler(event)).to.deep.equal({ ...event.host, plan: null, missing: [] });
    });

    it("waits for an agent that is not there or not online", async () => {
        aws.ssm = registered(["i-00000000000000009", "Online"]);
        const absent = await thrown(handler(event));
        expect(absent.name).to.equal("NotYet");
        expect(absent.message).to.include("not registered");
        aws.ssm = registered([event.host.instanceId, "ConnectionLost"]);
        expect((await thrown(handler(event))).message).to.include("ConnectionLost");
    });

    it("does not wait for an instance that has ended", async () => {
        aws.ssm = registered();
        for (const state of ["shutting-down", "terminated", "stopping", "stopped"]) {
            aws.forensics.instances.get(event.host.instanceId)!.State = { Name: state };
            const error = await thrown(handler(event));
            expect(error.name).to.equal("StepFailed");
            expect(error.message).to.include(event.host.instanceId).and.include(state);
        }
    });
});
