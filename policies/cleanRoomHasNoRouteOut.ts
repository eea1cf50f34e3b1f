import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom } from "./lib/location";
import { listOf, objectOf, show, type Value } from "./lib/values";

const inputs = new Inputs();

/**
 * A clean room has no route of its own, hence no default route, also not one cut in two halves. It needs none: AWS adds the local
 * route and those of gateway endpoints by itself.
 */
export const cleanRoomHasNoRouteOut: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-has-no-route-out",
    description: "A clean-room route table has no route but the local one and those of gateway endpoints.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const routes = routesOf(resource);
            if (routes.length === 0 || !isInCleanRoom(resource, args.resources)) {
                continue;
            }
            for (const route of routes) {
                reportViolation(
                    `"${resource.name}" (${resource.type}) routes ${destination(route)} in a network that is not marked as the drill range. A clean room needs no route of its own, ` +
                        "since AWS adds the local route and those of gateway endpoints: remove the route.",
                    resource.urn,
                );
            }
        }
    },
};

function routesOf(resource: PolicyResource): Value[] {
    const props = inputs.of(resource);
    if (resource.isType(aws.ec2.Route)) {
        return [props];
    }
    return resource.isType(aws.ec2.RouteTable) || resource.isType(aws.ec2.DefaultRouteTable) ? listOf(props.routes) : [];
}

function destination(route: Value): string {
    const { destinationCidrBlock, cidrBlock, destinationIpv6CidrBlock, ipv6CidrBlock, destinationPrefixListId } = objectOf(route);
    const destinations: Value[] = [destinationCidrBlock, cidrBlock, destinationIpv6CidrBlock, ipv6CidrBlock, destinationPrefixListId];
    return show(destinations.find((value) => value !== undefined && value !== "") ?? "somewhere");
}
