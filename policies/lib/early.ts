import * as aws from "@pulumi/aws";
import type { ResourceValidationArgs } from "@pulumi/policy";
import { standsInNetwork } from "./location";
import { roleTag, type Role } from "./roles";
import { reveal } from "./values";

/**
 * What can be told of a resource's network before the resource exists. A policy over the whole stack has its turn when everything has been made:
 * `pulumi up --skip-preview` would make an internet gateway first and refuse it then. While no drill range has been declared with the same
 * provider, a resource that stands in a network stands in a clean room, whatever its VPC; the rest waits for the stack's turn.
 */
export class Early {
    private readonly rangeProviders = new Set<string>();
    private readonly told = new Set<string>();

    /** Judges a resource at once where that can be done. @param report called for a resource that is surely in a clean room */
    judge(args: ResourceValidationArgs, report: () => void): void {
        const range: Role = "drill-range";
        const provider = args.provider?.urn ?? "default";
        this.told.delete(args.urn);
        if (args.type === "pulumi:pulumi:Stack") {
            this.rangeProviders.clear();
        }
        const props = reveal(args.props);
        const isRange = roleTag(props) === range;
        if (isRange && (args.isType(aws.ec2.Vpc) || args.isType(aws.ec2.DefaultVpc))) {
            this.rangeProviders.add(provider);
        }
        if (!isRange && !this.rangeProviders.has(provider) && standsInNetwork(props)) {
            this.told.add(args.urn);
            report();
        }
    }

    /** Whether {@link judge} already judged a resource, so that the stack's turn need not tell it twice. */
    hasJudged(urn: string): boolean {
        return this.told.has(urn);
    }
}
