import * as aws from "@pulumi/aws";
import type { StackValidationPolicy } from "@pulumi/policy";
import { isInCleanRoom } from "./lib/location";
import type { ResourceClass } from "./lib/references";

/** What joins a VPC to another network, with the name people know it by. */
const GATEWAYS: [ResourceClass, string][] = [
    [aws.ec2.InternetGateway, "an internet gateway"],
    [aws.ec2.InternetGatewayAttachment, "the attachment of an internet gateway"],
    [aws.ec2.NatGateway, "a NAT gateway"],
    [aws.ec2.EgressOnlyInternetGateway, "an egress-only internet gateway"],
    [aws.ec2.CarrierGateway, "a carrier gateway"],
    [aws.ec2.VpcPeeringConnection, "a peering connection"],
    [aws.ec2.VpcPeeringConnectionAccepter, "an accepted peering connection"],
    [aws.ec2transitgateway.VpcAttachment, "a transit gateway attachment"],
    [aws.ec2transitgateway.VpcAttachmentAccepter, "an accepted transit gateway attachment"],
    [aws.networkmanager.VpcAttachment, "a Cloud WAN attachment"],
    [aws.ec2.VpnGateway, "a virtual private gateway"],
    [aws.ec2.VpnGatewayAttachment, "the attachment of a virtual private gateway"],
    [aws.ec2.DefaultVpc, "the account's default VPC, which has an internet gateway"],
];

/** A clean room is joined to no other network: a compromised disk under analysis must not be able to call out through anything. */
export const cleanRoomHasNoGateway: StackValidationPolicy = {
    name: "clean-room-has-no-gateway",
    description: "A clean-room VPC has no internet, NAT, egress-only or VPN gateway, no peering and no transit attachment.",
    enforcementLevel: "mandatory",
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const gateway = GATEWAYS.find(([resourceClass]) => resource.isType(resourceClass));
            if (gateway !== undefined && isInCleanRoom(resource, args.resources)) {
                reportViolation(
                    `"${resource.name}" is ${gateway[1]}, and its network is not marked as the drill range. A clean room is joined to no other network: ` +
                        `remove "${resource.name}", or move it to the VPC tagged "clean-room:role" = "drill-range".`,
                    resource.urn,
                );
            }
        }
    },
};
