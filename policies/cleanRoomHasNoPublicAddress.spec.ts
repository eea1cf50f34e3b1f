import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { cleanRoomHasNoPublicAddress } from "./cleanRoomHasNoPublicAddress";
import { judge, unknownString, type Declared } from "./testing/engine";

const vpc = (role: string, props: object = {}): Declared => ({
    is: aws.ec2.Vpc,
    name: "vpc",
    props: { ...props, tags: { "clean-room:role": role } },
});
const inVpc = (is: Declared["is"], props: object): Declared => ({ is, name: "thing", props, refs: { vpcId: ["vpc"], subnetId: ["vpc"] } });
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(cleanRoomHasNoPublicAddress, stack)).violations;

describe("policy clean-room-has-no-public-address", () => {
    it("accepts private subnets and instances, with the switches off or absent", async () => {
        expect(await violations(vpc("clean-room"), inVpc(aws.ec2.Subnet, { mapPublicIpOnLaunch: false }), inVpc(aws.ec2.Instance, {}))).to
            .be.empty;
        expect(
            await violations(
                inVpc(aws.ec2.LaunchTemplate, { networkInterfaces: [{ associatePublicIpAddress: "false" }] }),
                vpc("clean-room"),
            ),
        ).to.be.empty;
    });

    const given: [Declared["is"], object][] = [
        [aws.ec2.Subnet, { mapPublicIpOnLaunch: true }],
        [aws.ec2.Subnet, { assignIpv6AddressOnCreation: unknownString }],
        [aws.ec2.Instance, { associatePublicIpAddress: true }],
        [aws.ec2.LaunchTemplate, { networkInterfaces: [{ associatePublicIpAddress: "true" }] }],
        [aws.ec2.Eip, { domain: "vpc" }],
        [aws.ec2.EipAssociation, {}],
    ];
    for (const [is, props] of given) {
        it(`refuses ${is.name} with ${JSON.stringify(props)}`, async () => {
            const [violation, ...others] = await violations(vpc("clean-room"), inVpc(is, props));
            expect(others).to.be.empty;
            expect(violation).to.include(`"thing"`);
            expect(await violations(vpc("drill-range"), inVpc(is, props))).to.be.empty;
        });
    }

    it("refuses an IPv6 range of the VPC itself", async () => {
        expect(await violations(vpc("clean-room", { assignGeneratedIpv6CidrBlock: true }))).to.have.length(1);
    });
});
