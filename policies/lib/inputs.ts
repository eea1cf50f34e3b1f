import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import { reveal, type Properties } from "./values";

/**
 * What the program asked for, for policies that judge the whole stack. The stack pass knows how resources hang together but shows them by their
 * outputs, in which everything the provider computes is unknown at preview; the inputs are seen one resource at a time, before it.
 */
export class Inputs {
    private readonly byUrn = new Map<string, Properties>();

    /** To be the policy's `validateResource`. */
    readonly remember = (args: ResourceValidationArgs): void => {
        this.byUrn.set(args.urn, reveal(args.props));
    };

    of(resource: Pick<PolicyResource, "urn" | "props">): Properties {
        return this.byUrn.get(resource.urn) ?? reveal(resource.props);
    }
}
