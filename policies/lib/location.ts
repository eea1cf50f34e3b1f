import * as aws from "@pulumi/aws";
import type { PolicyResource } from "@pulumi/policy";
import { referencedBy } from "./references";
import { roleTag, type Role } from "./roles";
import { reveal } from "./values";

/** Properties by which a network resource says where it is. */
const WHERE = [
    "vpcId",
    "peerVpcId",
    "vpcArn",
    "subnetId",
    "subnetIds",
    "subnetArns",
    "vpcSubnetIds",
    "routeTableId",
    "defaultRouteTableId",
    "securityGroupId",
    "networkInterfaceId",
    "instanceId",
    "instance",
];

/**
 * Whether a resource is in a network that is not the drill range. Everything counts as a clean room unless it is marked otherwise, so that a
 * forgotten mark is on the safe side; and the VPC's mark decides over the resource's own, so that nothing is talked out of its clean room.
 */
export function isInCleanRoom(resource: PolicyResource, stack: readonly PolicyResource[]): boolean {
    const vpcs = vpcsOf(resource, stack, new Set());
    const marked = vpcs.length > 0 ? vpcs : [resource];
    const drillRange: Role = "drill-range";
    return marked.some((each) => roleTag(reveal(each.props)) !== drillRange);
}

/** The VPCs a resource is in, by way of its subnets, route tables, instances and interfaces. */
function vpcsOf(resource: PolicyResource, stack: readonly PolicyResource[], seen: Set<PolicyResource>): PolicyResource[] {
    if (seen.has(resource)) {
        return [];
    }
    seen.add(resource);
    if (resource.isType(aws.ec2.Vpc) || resource.isType(aws.ec2.DefaultVpc)) {
        return [resource];
    }
    return WHERE.flatMap((property) => referencedBy(resource, property, stack)).flatMap((target) => vpcsOf(target, stack, seen));
}
