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

    const also: [Declared["is"], object, Record<string, string[]>][] = [
        [aws.vpclattice.ServiceNetworkVpcAssociation, { vpcIdentifier: unknownString }, { vpcIdentifier: ["clean-room"] }],
        [aws.vpclattice.ResourceGateway, { subnetIds: unknownString }, { subnetIds: ["subnet"] }],
        [aws.ec2transitgateway.InstanceConnectEndpoint, { subnetId: unknownString }, { subnetId: ["subnet"] }],
        [aws.ec2clientvpn.NetworkAssociation, { subnetId: unknownString }, { subnetId: ["subnet"] }],
        [aws.networkmanager.VpcAttachment, { vpcArn: unknownString }, { vpcArn: ["clean-room"] }],
        [aws.route53.ResolverEndpoint, { direction: "INBOUND" }, { ipAddresses: ["subnet"] }],
        [aws.route53.ResolverRuleAssociation, { vpcId: unknownString }, { vpcId: ["clean-room"] }],
        [aws.route53.ProfilesAssociation, { resourceId: unknownString }, { resourceId: ["clean-room"] }],
        [aws.vpc.RouteServerVpcAssociation, { vpcId: unknownString }, { vpcId: ["clean-room"] }],
        [aws.networkfirewall.Firewall, { vpcId: unknownString }, { vpcId: ["clean-room"] }],
        [aws.verifiedaccess.Endpoint, { endpointType: "network-interface" }, { networkInterfaceOptions: ["subnet"] }],
        [aws.apigatewayv2.VpcLink, { subnetIds: unknownString }, { subnetIds: ["subnet"] }],
        [aws.quicksight.VpcConnection, { subnetIds: unknownString }, { subnetIds: ["subnet"] }],
        [aws.ec2.VpcBlockPublicAccessExclusion, { vpcId: unknownString }, { vpcId: ["clean-room"] }],
        [aws.ec2.NetworkInterfacePermission, { networkInterfaceId: "eni-1" }, { networkInterfaceId: ["clean-room"] }],
        [aws.ec2.VpcEndpointService, { networkLoadBalancerArns: ["arn:x"] }, { networkLoadBalancerArns: ["clean-room"] }],
        [aws.ec2.VpcEndpoint, { serviceName: "com.amazonaws.vpce.eu-west-1.vpce-svc-0123" }, { vpcId: ["clean-room"] }],
        [aws.ec2.VpcEndpoint, { serviceName: unknownString }, { vpcId: ["clean-room"] }],
        [aws.ec2.VpcEndpoint, { vpcEndpointType: "ServiceNetwork", serviceNetworkArn: "arn:x" }, { vpcId: ["clean-room"] }],
        [
            aws.ec2.VpcEndpoint,
            { serviceName: "com.amazonaws.eu-west-1.s3", vpcEndpointType: "GatewayLoadBalancer" },
            { vpcId: ["clean-room"] },
        ],
    ];
    for (const [is, props, refs] of also) {
        it(`refuses ${is.name} with ${JSON.stringify(props)}, and not the range's`, async () => {
            expect(await violations(cleanRoom, subnet, { is, name: "join", props, refs })).to.have.length(1);
            const inRange = Object.fromEntries(Object.keys(refs).map((property) => [property, ["range"]]));
            const own = { tags: { "clean-room:role": "drill-range" } };
            expect(await violations(drillRange, { is, name: "join", props: { ...own, ...props }, refs: inRange })).to.be.empty;
        });
    }

    it("accepts AWS's own endpoints, the DNS firewall, flow logs, and services that stand in no network", async () => {
        const inside = (is: Declared["is"], props: object): Declared => ({ is, name: is.name, props, refs: { vpcId: ["clean-room"] } });
        expect(
            await violations(
                cleanRoom,
                inside(aws.ec2.VpcEndpoint, { serviceName: "com.amazonaws.eu-west-1.ssm", vpcEndpointType: "Interface" }),
                inside(aws.ec2.VpcEndpoint, { serviceName: "cn.com.amazonaws.cn-north-1.ssm" }),
                inside(aws.route53.ResolverFirewallRuleGroupAssociation, { vpcId: unknownString }),
                { is: aws.route53.ResolverFirewallConfig, name: "fail closed", props: {}, refs: { resourceId: ["clean-room"] } },
                inside(aws.ec2.FlowLog, { vpcId: unknownString }),
                { is: aws.grafana.Workspace, name: "dashboards", props: { accountAccessType: "CURRENT_ACCOUNT" } },
            ),
        ).to.be.empty;
    });

    it("refuses a gateway before it exists while no drill range was declared beside it, and once", async () => {
        const gateway: Declared = {
            is: aws.ec2.InternetGateway,
            provider: {},
            name: "early",
            props: { vpcId: unknownString },
            refs: { vpcId: ["clean-room"] },
        };
        const { validateStack: _, ...resourceOnly } = cleanRoomHasNoGateway;
        expect((await judge(resourceOnly, [cleanRoom, gateway])).violations).to.have.length(1);
        expect(await violations(cleanRoom, gateway)).to.have.length(1);
    });

    it("refuses a type that nobody has looked at where it stands in a clean room", async () => {
        class Portal {
            static __pulumiType = "aws:newservice/portal:Portal";
        }
        const portal: Declared = { is: Portal, name: "portal", props: { subnetIds: unknownString }, refs: { subnetIds: ["subnet"] } };
        expect((await violations(cleanRoom, subnet, portal)).join()).to.include("policies/catalogue/network.ts");
    });

    it("leaves the drill range its internet", async () => {
        const gateway: Declared = { is: aws.ec2.InternetGateway, name: "internet", props: {}, refs: { vpcId: ["range"] } };
        expect(await violations(drillRange, gateway)).to.be.empty;
    });
});
