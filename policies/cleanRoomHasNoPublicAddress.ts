import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { ADDRESSES } from "./catalogue/addresses";
import { Early } from "./lib/early";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom, standsInNetwork, vpcsOf } from "./lib/location";
import { referencedBy } from "./lib/references";
import { listOf, objectOf, show, UNKNOWN, type Properties, type Value } from "./lib/values";

const inputs = new Inputs();
const early = new Early();

/** Nothing in a clean room has a public address: neither given by the subnet, nor at launch, nor as an elastic IP, nor an IPv6 one (all are public). */
export const cleanRoomHasNoPublicAddress: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-has-no-public-address",
    description: "Nothing in a clean-room VPC gets a public IPv4 or an IPv6 address.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        const findings = publicAddresses(args, inputs.of(args));
        // An address that names nothing may still be given to something of the drill range.
        early.judge(args, () => findings.forEach((finding) => reportViolation(violation(args, finding))));
    },
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const findings = early.hasJudged(resource.urn) ? [] : publicAddresses(resource, inputs.of(resource));
            if (findings.length > 0 && isUsedInCleanRoom(resource, args.resources)) {
                findings.forEach((finding) => reportViolation(violation(resource, finding), resource.urn));
            }
        }
    },
};

/** Resources that are given a place only by whoever uses them, with the properties that name them. */
const USED_BY: [property: string, user: (resource: PolicyResource) => boolean][] = [
    [
        "allocationId",
        (each) => each.isType(aws.ec2.EipAssociation) || each.isType(aws.ec2.NatGateway) || each.isType(aws.ec2.NatGatewayEipAssociation),
    ],
    ["secondaryAllocationIds", (each) => each.isType(aws.ec2.NatGateway)],
    ["availabilityZoneAddresses", (each) => each.isType(aws.ec2.NatGateway)],
    ["subnetMappings", (each) => each.isType(aws.lb.LoadBalancer) || each.isType(aws.alb.LoadBalancer)],
    ["launchTemplate", () => true],
    ["launchConfiguration", () => true],
];

/** Whether a resource stands in a clean room, or, where it says of no network, is used by something that does. */
function isUsedInCleanRoom(resource: PolicyResource, stack: readonly PolicyResource[]): boolean {
    if (vpcsOf(resource, stack).length > 0) {
        return isInCleanRoom(resource, stack);
    }
    const users = stack.filter((each) =>
        USED_BY.some(([property, isUser]) => isUser(each) && referencedBy(each, property, stack).includes(resource)),
    );
    return users.length > 0 ? users.some((user) => isInCleanRoom(user, stack)) : isInCleanRoom(resource, stack);
}

function publicAddresses(resource: PolicyResource | ResourceValidationArgs, props: Properties): string[] {
    const { always, off = [], must = {} } = ADDRESSES[resource.type] ?? {};
    // A managed service that stands in no VPC of ours is none of the clean room's business.
    const placed = resource.type.startsWith("aws:ec2/") || standsInNetwork(props);
    const unsaid = Object.entries(must).filter(([path, wanted]) => at(props, path).every(({ value }) => value !== wanted));
    const given = off.flatMap((each) => at(props, each)).filter(({ value }) => !isOff(value));
    return [
        ...(always === undefined ? [] : [always]),
        ...new Set(given.map(({ path, value }) => `has ${path} = ${show(value)}`)),
        ...(placed ? unsaid.map(([path, wanted]) => `does not say ${path} = ${show(wanted)}, and so is public,`) : []),
    ];
}

/** Every value at a path, through lists, with the path it was found at: of what is unknown nothing below can be read. */
function at(value: Value, path: string, above = ""): { path: string; value: Value }[] {
    if (value === UNKNOWN) {
        return [{ path: above, value }];
    }
    const [first, ...rest] = path.split(".");
    const here = above === "" ? first : `${above}.${first}`;
    const found = listOf(value).flatMap((each): Value[] => listOf(each === UNKNOWN ? each : objectOf(each)[first]));
    return rest.length === 0 ? found.map((each) => ({ path: here, value: each })) : found.flatMap((each) => at(each, rest.join("."), here));
}

function isOff(value: Value): boolean {
    return (
        value === undefined ||
        value === null ||
        value === false ||
        value === "false" ||
        value === "DISABLED" ||
        value === "" ||
        value === 0 ||
        (Array.isArray(value) && value.length === 0)
    );
}

function violation({ name, type }: { name: string; type: string }, finding: string): string {
    return `"${name}" (${type}) ${finding} in a network that is not marked as the drill range. Nothing in a clean room has a public address: remove it.`;
}
