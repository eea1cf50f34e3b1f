import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { cleanRoomHasNoRouteOut } from "./cleanRoomHasNoRouteOut";
import { judge, unknownString, type Declared } from "./testing/engine";

const vpc = (role: string): Declared => ({ is: aws.ec2.Vpc, name: "vpc", props: { tags: { "clean-room:role": role } } });
const table = (routes?: unknown): Declared => ({ is: aws.ec2.RouteTable, name: "table", props: { routes }, refs: { vpcId: ["vpc"] } });
const route = (props: object): Declared => ({ is: aws.ec2.Route, name: "route", props, refs: { routeTableId: ["table"] } });
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(cleanRoomHasNoRouteOut, stack)).violations;

describe("policy clean-room-has-no-route-out", () => {
    it("accepts a route table without routes", async () => {
        expect(await violations(vpc("clean-room"), table(), table([]))).to.be.empty;
    });

    for (const props of [
        { destinationCidrBlock: "0.0.0.0/0" },
        { destinationCidrBlock: "128.0.0.0/1" },
        { destinationIpv6CidrBlock: "::/0" },
        { destinationPrefixListId: unknownString },
    ]) {
        it(`refuses a route with ${JSON.stringify(props)}`, async () => {
            const [violation, ...others] = await violations(vpc("clean-room"), table(), route(props));
            expect(others).to.be.empty;
            expect(violation).to.include(`"route" (aws:ec2/route:Route) routes`);
        });
    }

    it("refuses inline routes, also unknown ones, and names where they lead", async () => {
        expect(await violations(vpc("clean-room"), table([{ cidrBlock: "0.0.0.0/0", gatewayId: unknownString }])))
            .to.have.length(1)
            .and.satisfy(([message]: string[]) => message.includes("0.0.0.0/0"));
        expect(await violations(vpc("clean-room"), table(unknownString))).to.have.length(1);
    });

    it("leaves the drill range its default route", async () => {
        expect(await violations(vpc("drill-range"), table(), route({ destinationCidrBlock: "0.0.0.0/0" }))).to.be.empty;
    });
});
