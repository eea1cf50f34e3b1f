import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom } from "./lib/location";
import type { ResourceClass } from "./lib/references";
import { listOf, objectOf, show, type Properties, type Value } from "./lib/values";

/** Properties that give a public address when they are neither absent nor false. */
const SWITCHES: [ResourceClass, string[]][] = [
    [aws.ec2.Vpc, ["assignGeneratedIpv6CidrBlock", "ipv6CidrBlock", "ipv6IpamPoolId"]],
    [aws.ec2.Subnet, ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation", "mapCustomerOwnedIpOnLaunch"]],
    [aws.ec2.DefaultSubnet, ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"]],
    [aws.ec2.Instance, ["associatePublicIpAddress", "ipv6AddressCount", "ipv6Addresses"]],
    [aws.ec2.LaunchConfiguration, ["associatePublicIpAddress"]],
];
const ADDRESSES: ResourceClass[] = [aws.ec2.Eip, aws.ec2.EipAssociation];
const inputs = new Inputs();

/** Nothing in a clean room has a public address: neither given by the subnet, nor at launch, nor as an elastic IP, nor an IPv6 one (all are public). */
export const cleanRoomHasNoPublicAddress: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-has-no-public-address",
    description: "Nothing in a clean-room VPC gets a public IPv4 or an IPv6 address.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const findings = publicAddresses(resource);
            if (findings.length > 0 && isInCleanRoom(resource, args.resources)) {
                for (const finding of findings) {
                    reportViolation(
                        `"${resource.name}" (${resource.type}) ${finding} in a network that is not marked as the drill range. Nothing in a clean room has a public address: remove it.`,
                        resource.urn,
                    );
                }
            }
        }
    },
};

function publicAddresses(resource: PolicyResource): string[] {
    if (ADDRESSES.some((address) => resource.isType(address))) {
        return ["makes an elastic IP address"];
    }
    const props = inputs.of(resource);
    if (resource.isType(aws.ec2.LaunchTemplate)) {
        return listOf(props.networkInterfaces).flatMap((each) =>
            switchedOn(objectOf(each), ["associatePublicIpAddress", "ipv6AddressCount", "ipv6Addresses"]),
        );
    }
    const properties = SWITCHES.find(([resourceClass]) => resource.isType(resourceClass))?.[1] ?? [];
    return switchedOn(props, properties);
}

function switchedOn(props: Properties, properties: string[]): string[] {
    return properties.filter((property) => !isOff(props[property])).map((property) => `has ${property} = ${show(props[property])}`);
}

function isOff(value: Value): boolean {
    return (
        value === undefined ||
        value === null ||
        value === false ||
        value === "false" ||
        value === "" ||
        value === 0 ||
        (Array.isArray(value) && value.length === 0)
    );
}
