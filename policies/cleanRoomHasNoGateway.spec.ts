import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { cleanRoomHasNoGateway } from "./cleanRoomHasNoGateway";
import { judge, unknownString, type Declared } from "./testing/engine";

const cleanRoom: Declared = {
    is: aws.ec2.Vpc,
    name: "clean-room",
    props: { id: unknownString, tags: { "clean-room:role": "clean-room" } },
};
const drillRange: Declared = { is: aws.ec2.Vpc, name: "range", props: { id: unknownString, tags: { "clean-room:role": "drill-range" } } };
const subnet: Declared = { is: aws.ec2.Subnet, name: "subnet", props: {}, refs: { vpcId: ["clean-room"] } };
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(cleanRoomHasNoGateway, stack)).violations;

describe("policy clean-room-has-no-gateway", () => {
    it("accepts a network joined to nothing", async () => {
        expect(await violations(cleanRoom, subnet)).to.be.empty;
    });

    const joined: [Declared["is"], Record<string, string[]>][] = [
        [aws.ec2.InternetGateway, { vpcId: ["clean-room"] }],
        [aws.ec2.InternetGatewayAttachment, { vpcId: ["clean-room"] }],
        [aws.ec2.NatGateway, { subnetId: ["subnet"] }],
        [aws.ec2.EgressOnlyInternetGateway, { vpcId: ["clean-room"] }],
        [aws.ec2.VpcPeeringConnection, { vpcId: ["range"], peerVpcId: ["clean-room"] }],
        [aws.ec2transitgateway.VpcAttachment, { vpcId: ["clean-room"], subnetIds: ["subnet"] }],
        [aws.ec2.VpnGateway, { vpcId: ["clean-room"] }],
    ];
    for (const [is, refs] of joined) {
        it(`refuses ${is.name}, also one that calls itself drill range`, async () => {
            const [violation, ...others] = await violations(cleanRoom, drillRange, subnet, {
                is,
                name: "join",
                props: { tags: { "clean-room:role": "drill-range" } },
                refs,
            });
            expect(others).to.be.empty;
            expect(violation).to.match(/^"join" is .*remove "join"/);
        });
    }

    it("refuses a gateway that is attached to nothing known, and one of an unmarked network", async () => {
        expect(await violations({ is: aws.ec2.InternetGateway, name: "loose", props: {} })).to.have.length(1);
        const unmarked: Declared = { is: aws.ec2.Vpc, name: "plain", props: { id: "vpc-1" } };
        expect(await violations(unmarked, { is: aws.ec2.InternetGateway, name: "join", props: { vpcId: "vpc-1" } })).to.have.length(1);
    });

    it("leaves the drill range its internet", async () => {
        const gateway: Declared = { is: aws.ec2.InternetGateway, name: "internet", props: {}, refs: { vpcId: ["range"] } };
        expect(await violations(drillRange, gateway)).to.be.empty;
    });
});
