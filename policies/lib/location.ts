import * as aws from "@pulumi/aws";
import type { PolicyResource } from "@pulumi/policy";
import { PLACE } from "../catalogue/network";
import published from "../estate.json";
import { accountOf } from "./accounts";
import { announcedEstate } from "./estate";
import { referencedBy, textsIn } from "./references";
import { hasRoleOnly, type Role } from "./roles";
import { objectOf, reveal, revealKey, type Properties, type Value } from "./values";

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
 * Whether a resource is, or may be, in a network that is not the drill range. Everything counts as a clean room but what stands in VPCs of this stack that are all
 * marked as the range: a resource's own mark is no proof, nor is a mark in the forensics account, and an id that leads to nothing in the stack (written out,
 * or read by `.get`) may be a clean room's.
 */
export function isInCleanRoom(resource: PolicyResource, stack: readonly PolicyResource[]): boolean {
    const vpcs = vpcsOf(resource, stack);
    return vpcs.length === 0 || vpcs.some((vpc) => !isRange(vpc, stack)) || namesAnotherVpc(resource, vpcs);
}

/** Whether a VPC is marked as the drill range, outside the forensics account. */
function isRange(vpc: PolicyResource, stack: readonly PolicyResource[]): boolean {
    const [estate, account] = [announcedEstate(stack), accountOf(vpc)];
    const range: Role = "drill-range";
    const isElsewhere =
        typeof estate === "string"
            ? account !== published.forensicsAccountId
            : account !== undefined && account !== estate.forensicsAccountId;
    return isElsewhere && hasRoleOnly(range, reveal(vpc.props));
}

/** Whether some text within is the id of a VPC which is none of those that were found. */
function namesAnotherVpc(resource: PolicyResource, vpcs: readonly PolicyResource[]): boolean {
    const known = vpcs.map((vpc) => revealKey(vpc.props, "id"));
    return textsIn(reveal(resource.props)).some((text) => /^vpc-[0-9a-z]+$/.test(text) && !known.includes(text));
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
