import * as aws from "@pulumi/aws";
import type { PolicyResource } from "@pulumi/policy";
import { PLACE } from "../catalogue/network";
import { referencedBy } from "./references";
import { roleTag, type Role } from "./roles";
import { objectOf, reveal, type Properties, type Value } from "./values";

/** Properties that lead to a place though their name does not say so. */
const ALSO =
    /^(peerVpcId|defaultRouteTableId|instance|instanceId|subnets|vpcs|ipAddresses|clientSubnets|config|networkConfiguration|brokerNodeGroupInfo|computeResources|endpointDetails|launchTemplate|launchConfiguration|launchSpecifications|target|targetId|ecsTarget|loadBalancer|loadBalancerOptions|networkLoadBalancerArns|gatewayLoadBalancerArns|endpointConfigurations|endpointId|resourceId|targetArn|clientVpnEndpointId|vpnGatewayId|natGatewayId|transportTransitGatewayAttachmentId)$/;

/** Whether a property, by its name, tells where in a network its resource is. */
const isPlace = (property: string): boolean => PLACE.test(property) || ALSO.test(property);

/** Whether a resource's inputs say that it stands in a network. What is not known counts: a place need not be computed to be absent. */
export function standsInNetwork(props: Properties): boolean {
    return Object.entries(props).some(([property, value]) => isThere(value) && (PLACE.test(property) || standsInNetwork(nested(value))));
}

function nested(value: Value): Properties {
    return Array.isArray(value) ? (Object.assign({}, ...value.map(nested)) as Properties) : objectOf(value);
}

function isThere(value: Value): boolean {
    return !(value === undefined || value === null || value === false || value === "" || (Array.isArray(value) && value.length === 0));
}

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
export function vpcsOf(resource: PolicyResource, stack: readonly PolicyResource[], seen = new Set<PolicyResource>()): PolicyResource[] {
    if (seen.has(resource)) {
        return [];
    }
    seen.add(resource);
    if (resource.isType(aws.ec2.Vpc) || resource.isType(aws.ec2.DefaultVpc)) {
        return [resource];
    }
    const places = new Set([...Object.keys(resource.propertyDependencies), ...Object.keys(resource.props)].filter(isPlace));
    return [...places].flatMap((property) => referencedBy(resource, property, stack)).flatMap((target) => vpcsOf(target, stack, seen));
}
