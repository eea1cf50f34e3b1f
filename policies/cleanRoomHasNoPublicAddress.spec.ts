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
        [aws.ec2.NetworkInterface, { ipv6AddressCount: 1 }],
        [aws.ec2.NetworkInterface, { ipv6Prefixes: ["2001:db8::/80"] }],
        [aws.ec2.LaunchTemplate, { networkInterfaces: [{ ipv6PrefixCount: 1 }] }],
        [aws.ec2.LaunchTemplate, { networkInterfaces: unknownString }],
        [aws.ec2.SpotInstanceRequest, { associatePublicIpAddress: true }],
        [aws.ec2.VpcIpv6CidrBlockAssociation, {}],
        [aws.lb.LoadBalancer, { subnets: [unknownString] }],
        [aws.alb.LoadBalancer, { subnets: [unknownString], internal: false }],
        [aws.ecs.Service, { networkConfiguration: { subnets: [unknownString], assignPublicIp: true } }],
        [aws.rds.Instance, { publiclyAccessible: true }],
        [aws.sagemaker.NotebookInstance, { subnetId: unknownString }],
        [aws.eks.Cluster, { vpcConfig: { subnetIds: [unknownString] } }],
    ];
    for (const [is, props] of given) {
        it(`refuses ${is.name} with ${JSON.stringify(props)}`, async () => {
            const [violation, ...others] = await violations(vpc("clean-room"), inVpc(is, props));
            expect(others).to.be.empty;
            expect(violation).to.include(`"thing"`);
            expect(await violations(vpc("drill-range"), inVpc(is, props))).to.be.empty;
        });
    }

    it("judges an address and a template by whoever uses them", async () => {
        const address: Declared = { is: aws.ec2.Eip, name: "address", props: { domain: "vpc" } };
        const nat: Declared = { is: aws.ec2.NatGateway, name: "nat", props: {}, refs: { subnetId: ["vpc"], allocationId: ["address"] } };
        expect(await violations(vpc("drill-range"), address, nat)).to.be.empty;
        expect(await violations(vpc("clean-room"), address, nat)).to.have.length(1);
        const template: Declared = {
            is: aws.ec2.LaunchTemplate,
            name: "template",
            props: { networkInterfaces: [{ associatePublicIpAddress: "true" }] },
        };
        const group: Declared = {
            is: aws.autoscaling.Group,
            name: "victims",
            props: {},
            refs: { launchTemplate: ["template"], vpcZoneIdentifiers: ["vpc"] },
        };
        expect(await violations(vpc("drill-range"), template, group)).to.be.empty;
        expect(await violations(vpc("clean-room"), template, group)).to.have.length(1);
    });

    it("finds a subnet that an interface names by its literal id", async () => {
        const subnet: Declared = { is: aws.ec2.Subnet, name: "subnet", props: { id: "subnet-1" }, refs: { vpcId: ["vpc"] } };
        const tags = { "clean-room:role": "drill-range" };
        const props = { tags, networkInterfaces: [{ subnetId: "subnet-1", associatePublicIpAddress: "true" }] };
        expect(await violations(vpc("clean-room"), subnet, { is: aws.ec2.LaunchTemplate, name: "template", props })).to.have.length(1);
    });

    it("accepts internal load balancers and private tasks", async () => {
        expect(
            await violations(
                vpc("clean-room"),
                inVpc(aws.lb.LoadBalancer, { internal: true, subnets: [unknownString] }),
                inVpc(aws.ecs.Service, { networkConfiguration: { subnets: [unknownString], assignPublicIp: false } }),
            ),
        ).to.be.empty;
    });

    it("refuses an IPv6 range of the VPC itself", async () => {
        expect(await violations(vpc("clean-room", { assignGeneratedIpv6CidrBlock: true }))).to.have.length(1);
    });
});
