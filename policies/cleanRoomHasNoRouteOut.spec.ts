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

    it("refuses what writes routes by itself: propagation and route servers, in the table and beside it", async () => {
        const beside = (is: Declared["is"]): Declared => ({
            is,
            name: "learned",
            props: { vpnGatewayId: "vgw-1", routeServerId: "rs-1" },
            refs: { routeTableId: ["table"] },
        });
        const propagating: Declared = { ...table(), props: { propagatingVgws: ["vgw-1"] } };
        expect(await violations(vpc("clean-room"), propagating)).to.have.length(1);
        expect(await violations(vpc("clean-room"), table(), beside(aws.ec2.VpnGatewayRoutePropagation))).to.have.length(1);
        expect(await violations(vpc("clean-room"), table(), beside(aws.vpc.RouteServerPropagation))).to.have.length(1);
        expect(await violations(vpc("drill-range"), table(), beside(aws.vpc.RouteServerPropagation))).to.be.empty;
    });

    it("refuses to ignore changes of routes, however the path is spelled", async () => {
        for (const path of ["routes", '["routes"]', "routes[0].cidrBlock", "*"]) {
            expect(await violations(vpc("clean-room"), { ...table(), ignoreChanges: [path] }), path).to.have.length(1);
        }
        expect(await violations(vpc("clean-room"), { ...table(), ignoreChanges: ["tags", "routesOfOthers"] })).to.be.empty;
    });

    it("refuses a table that the program does not make, and accepts its own", async () => {
        const subnet: Declared = { is: aws.ec2.Subnet, name: "subnet", props: {}, refs: { vpcId: ["vpc"] } };
        const joined = (props: object, refs: Record<string, string[]>): Declared => ({
            is: aws.ec2.RouteTableAssociation,
            name: "joined",
            props,
            refs: { subnetId: ["subnet"], ...refs },
        });
        expect(await violations(vpc("clean-room"), subnet, joined({ routeTableId: "rtb-elsewhere" }, {}))).to.have.length(1);
        expect(await violations(vpc("clean-room"), table(), subnet, joined({ routeTableId: unknownString }, { routeTableId: ["table"] })))
            .to.be.empty;
    });

    it("accepts the local route written out", async () => {
        expect(await violations(vpc("clean-room"), table([{ cidrBlock: "10.20.0.0/24", gatewayId: "local" }]))).to.be.empty;
    });

    it("leaves the drill range its default route", async () => {
        expect(await violations(vpc("drill-range"), table(), route({ destinationCidrBlock: "0.0.0.0/0" }))).to.be.empty;
    });
});
