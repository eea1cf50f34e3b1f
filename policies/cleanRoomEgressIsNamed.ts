import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom } from "./lib/location";
import { referencedBy } from "./lib/references";
import { listOf, objectOf, show, UNKNOWN, type Properties, type Value } from "./lib/values";

const inputs = new Inputs();

/** Properties by which a rule names addresses instead of a group or a prefix list. */
const ADDRESSES = ["cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"];

/** What stands in a clean room speaks to named groups and prefix lists: an address range is a way to whatever stands there tomorrow. */
export const cleanRoomEgressIsNamed: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-egress-is-named",
    description: "Security groups of a clean room let out to groups and prefix lists only, to no address range.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const open = egressOf(resource, inputs.of(resource)).flatMap((rule) => [
                ...addresses(rule),
                ...everywhere(resource, args.resources),
            ]);
            if (open.length > 0 && isInCleanRoom(resource, args.resources)) {
                reportViolation(
                    `"${resource.name}" (${resource.type}) lets out to ${show(open[0])} in a network that is not the drill range. Name the endpoints' group or the prefix list of the service instead.`,
                    resource.urn,
                );
            }
        }
    },
};

/** Egress rules that a resource makes. */
function egressOf(resource: PolicyResource, props: Properties): Value[] {
    if (resource.isType(aws.vpc.SecurityGroupEgressRule)) {
        return [props];
    }
    if (resource.isType(aws.ec2.SecurityGroupRule)) {
        return props.type === "ingress" ? [] : [props];
    }
    return resource.isType(aws.ec2.SecurityGroup) || resource.isType(aws.ec2.DefaultSecurityGroup) ? listOf(props.egress) : [];
}

function addresses(rule: Value): Value[] {
    return rule === UNKNOWN ? [rule] : ADDRESSES.flatMap((property) => listOf(objectOf(rule)[property])).filter((each) => each !== "");
}

/** Ranges of a prefix list of the program's own: AWS's lists are of its services. */
function everywhere(resource: PolicyResource, stack: readonly PolicyResource[]): Value[] {
    return ["prefixListId", "prefixListIds", "egress"]
        .flatMap((property) => referencedBy(resource, property, stack))
        .filter((each) => each.isType(aws.ec2.ManagedPrefixList))
        .flatMap((list) => listOf(inputs.of(list).entries).map((entry) => (entry === UNKNOWN ? entry : objectOf(entry).cidr)))
        .filter((cidr) => typeof cidr !== "string" || !/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd])/i.test(cidr));
}
