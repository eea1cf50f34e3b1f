import * as aws from "@pulumi/aws";
import { Kind, drillRange, stranger, subnet, vpc } from "./support";

/** All that leads into or out of a clean room. */
export const kind = new Kind("network", "All that leads into or out of a clean room");

kind.bad("dms-peering", ["clean-room-has-no-gateway", "nothing-is-public"], () => {
    const net = vpc();
    new aws.ec2.VpcPeeringConnection("p", { vpcId: net.id, peerVpcId: "vpc-2", peerOwnerId: stranger });
});
kind.bad("route-to-eni", "clean-room-has-no-route-out", () => {
    const net = vpc();
    new aws.ec2.Route("r", { routeTableId: net.mainRouteTableId, destinationCidrBlock: "0.0.0.0/0", networkInterfaceId: "eni-1" });
});
kind.bad("route-by-prefix-list", "clean-room-has-no-route-out", () => {
    const net = vpc();
    const t = new aws.ec2.RouteTable("t", { vpcId: net.id });
    new aws.ec2.Route("r", { routeTableId: t.id, destinationPrefixListId: "pl-1", vpcPeeringConnectionId: "pcx-1" });
});
kind.bad("main-table-association", "clean-room-has-no-route-out", () => {
    const net = vpc();
    new aws.ec2.MainRouteTableAssociation("r", { vpcId: net.id, routeTableId: "rtb-foreign" });
});
kind.bad("egress-only", "clean-room-has-no-gateway", () => {
    const net = vpc();
    new aws.ec2.EgressOnlyInternetGateway("g", { vpcId: net.id, tags: drillRange });
});
kind.bad("secondary-cidr-v6", "clean-room-has-no-public-address", () => {
    const net = vpc();
    new aws.ec2.VpcIpv6CidrBlockAssociation("g", { vpcId: net.id, ipv6IpamPoolId: "pool" });
});
kind.bad("public-nlb", "clean-room-has-no-public-address", () => {
    const net = vpc();
    new aws.lb.LoadBalancer("b", { loadBalancerType: "network", subnets: [subnet(net).id], internal: false });
});
kind.bad("vpc-endpoint-foreign-service", ["clean-room-has-no-gateway", "endpoint-policy-is-not-open"], () => {
    const net = vpc();
    new aws.ec2.VpcEndpoint("s", {
        vpcId: net.id,
        vpcEndpointType: "Interface",
        serviceName: "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
    });
});
kind.bad("group-rule-egress-any", "clean-room-egress-is-named", () => {
    const net = vpc();
    const g = new aws.ec2.SecurityGroup("host", { vpcId: net.id, ingress: [], egress: [] });
    new aws.vpc.SecurityGroupEgressRule("out", {
        securityGroupId: g.id,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        cidrIpv4: "0.0.0.0/0",
    });
});
