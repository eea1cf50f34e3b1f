import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Early } from "./lib/early";
import { ignoredUnder } from "./lib/ignored";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom } from "./lib/location";
import { referencedBy } from "./lib/references";
import { listOf, objectOf, show, UNKNOWN, type Properties, type Value } from "./lib/values";

const inputs = new Inputs();
const early = new Early();

/**
 * A clean room has no route of its own, hence no default route, also not one cut in two halves, and nothing that writes routes by itself. It needs
 * none: AWS adds the local route and those of gateway endpoints by itself.
 */
export const cleanRoomHasNoRouteOut: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-has-no-route-out",
    description:
        "A clean-room route table has no route but the local one and those of gateway endpoints, and nothing that writes routes into it.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        early.judge(args, () => routesOf(args).forEach((route) => reportViolation(violation(args, route))));
    },
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const ways = [...(early.hasJudged(resource.urn) ? [] : routesOf(resource)), ...strangersTable(resource, args.resources)];
            if (ways.length > 0 && isInCleanRoom(resource, args.resources)) {
                ways.forEach((way) => reportViolation(violation(resource, way), resource.urn));
            }
        }
    },
};

type Judged = PolicyResource | ResourceValidationArgs;

/** What a resource adds to a route table, as a violation says it. */
function routesOf(resource: Judged): string[] {
    const props = inputs.of(resource);
    if (resource.isType(aws.ec2.Route)) {
        return [`routes ${destination(props)}`];
    }
    if (resource.isType(aws.ec2.RouteTable) || resource.isType(aws.ec2.DefaultRouteTable)) {
        return [
            ...listOf(props.routes)
                .filter(isNotLocal)
                .map((route) => `routes ${destination(route)}`),
            ...listOf(props.propagatingVgws).map((gateway) => `takes every route that the VPN gateway ${show(gateway)} learns`),
            ...ignoredUnder(resource.opts.ignoreChanges, ["routes", "propagatingVgws"]).map(
                (path) => `ignores changes of "${path}", so that a route added by hand would stay; take it out of ignoreChanges:`,
            ),
        ];
    }
    if (resource.isType(aws.ec2.VpnGatewayRoutePropagation)) {
        return [`takes every route that the VPN gateway ${show(props.vpnGatewayId)} learns`];
    }
    if (resource.isType(aws.vpc.RouteServerPropagation)) {
        return [`takes every route that the route server ${show(props.routeServerId)} learns`];
    }
    if (resource.isType(aws.ec2.RouteTableAssociation) && props.gatewayId !== undefined && props.gatewayId !== null) {
        return [`lets the gateway ${show(props.gatewayId)} route`];
    }
    return resource.isType(aws.ec2.LocalGatewayRoute) ? [`routes ${destination(props)}`] : [];
}

/** The VPC's own route, which AWS lets be written out. */
const isNotLocal = (route: Value): boolean => objectOf(route).gatewayId !== "local";

/** An association with a table that the program neither makes nor adopts: nobody can tell what routes are in it. */
function strangersTable(resource: PolicyResource, stack: readonly PolicyResource[]): string[] {
    if (!resource.isType(aws.ec2.RouteTableAssociation) && !resource.isType(aws.ec2.MainRouteTableAssociation)) {
        return [];
    }
    const { routeTableId } = inputs.of(resource);
    const known = referencedBy(resource, "routeTableId", stack).some((each) => each.type !== resource.type);
    return known || routeTableId === undefined
        ? []
        : [
              `takes its routes from ${routeTableId === UNKNOWN ? "a table" : `the table ${show(routeTableId)}`} that this program does not make, and so routes anywhere`,
          ];
}

function destination(route: Value): string {
    const { destinationCidrBlock, cidrBlock, destinationIpv6CidrBlock, ipv6CidrBlock, destinationPrefixListId }: Properties =
        objectOf(route);
    const destinations: Value[] = [destinationCidrBlock, cidrBlock, destinationIpv6CidrBlock, ipv6CidrBlock, destinationPrefixListId];
    return show(destinations.find((value) => value !== undefined && value !== "") ?? "somewhere");
}

function violation({ name, type }: Judged, way: string): string {
    return (
        `"${name}" (${type}) ${way} in a network that is not marked as the drill range. A clean room needs no route of its own, ` +
        "since AWS adds the local route and those of gateway endpoints: remove it."
    );
}
