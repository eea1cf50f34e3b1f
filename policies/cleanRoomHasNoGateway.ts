import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { FEET_OUTSIDE, GATEWAYS, isLookedAt } from "./catalogue/network";
import { Early } from "./lib/early";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom, standsInNetwork } from "./lib/location";
import { show, type Properties, type Value } from "./lib/values";

const inputs = new Inputs();
const early = new Early();

/** Names of AWS's own services behind PrivateLink. `com.amazonaws.vpce.…` is somebody's. */
const AWS_SERVICE = /^((cn\.)?com\.amazonaws|aws|amazon)\.(?!vpce)/;

/** A clean room is joined to no other network: a compromised disk under analysis must not be able to call out through anything. */
export const cleanRoomHasNoGateway: ResourceValidationPolicy & StackValidationPolicy = {
    name: "clean-room-has-no-gateway",
    description:
        "A clean-room VPC is joined to no other network: by no gateway, peering, attachment, resolver, or service with a foot outside.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        const what = joining(args, inputs.of(args));
        if (what !== undefined) {
            early.judge(args, () => reportViolation(violation(args, what)));
        } else {
            early.judge(args, () => undefined);
        }
    },
    validateStack: (args, reportViolation) => {
        for (const resource of args.resources) {
            const what = joining(resource, inputs.of(resource));
            if (what !== undefined && !early.hasJudged(resource.urn) && isInCleanRoom(resource, args.resources)) {
                reportViolation(violation(resource, what), resource.urn);
            }
        }
    },
};

type Judged = PolicyResource | ResourceValidationArgs;

/** What a resource is, if it joins its network to another one. */
function joining(resource: Judged, props: Properties): string | undefined {
    if (resource.isType(aws.ec2.VpcEndpoint)) {
        return strangersService(props);
    }
    const foot = FEET_OUTSIDE.get(resource.type);
    if (foot !== undefined) {
        return standsInNetwork(props) ? foot : undefined;
    }
    if (resource.type.startsWith("aws:") && !isLookedAt(resource.type) && standsInNetwork(props)) {
        return `of the type ${resource.type}, of which nobody has decided what it means for a network (policies/catalogue/network.ts)`;
    }
    return GATEWAYS.get(resource.type);
}

/** An endpoint that leads to somebody else's service, network or resource, instead of to one of AWS's. */
function strangersService({ serviceName, vpcEndpointType, resourceConfigurationArn, serviceNetworkArn }: Properties): string | undefined {
    const named: Value = ([resourceConfigurationArn, serviceNetworkArn] as Value[]).find(
        (each) => each !== undefined && each !== null && each !== "",
    );
    if (named !== undefined) {
        return `an endpoint of ${show(named)}, which leads to another network`;
    }
    if (!isText(vpcEndpointType, /^(Interface|Gateway)$/) && vpcEndpointType !== undefined) {
        return `an endpoint of the type ${show(vpcEndpointType)}, which leads to another network`;
    }
    return isText(serviceName, AWS_SERVICE) ? undefined : `an endpoint of the service ${show(serviceName)}, which is none of AWS's`;
}

const isText = (value: Value, pattern: RegExp): boolean => typeof value === "string" && pattern.test(value);

function violation({ name }: Judged, what: string): string {
    return (
        `"${name}" is ${what}, and its network is not marked as the drill range. A clean room is joined to no other network: ` +
        `remove "${name}", or move it to the VPC tagged "clean-room:role" = "drill-range".`
    );
}
