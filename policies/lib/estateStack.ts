import type { PolicyResource } from "@pulumi/policy";
import { accountOf } from "./accounts";
import type { Inputs } from "./inputs";
import { referencedBy, type ResourceClass } from "./references";
import { reveal, type Properties } from "./values";

/** A resource with what the program asked for. */
export interface Placed {
    resource: PolicyResource;
    props: Properties;
}

/** The stack's resources by what they are, where they are and whose. */
export class EstateStack {
    private readonly byPlace = new Map<string, Placed[]>();

    constructor(
        private readonly resources: readonly PolicyResource[],
        private readonly inputs: Inputs,
    ) {
        for (const resource of resources) {
            const props = inputs.of(resource);
            // A resource without a Region of its own is in its provider's.
            const region = props.region ?? (resource.provider === undefined ? undefined : reveal(resource.provider.props).region);
            for (const place of [placeOf(resource.type, accountOf(resource)), placeOf(resource.type, accountOf(resource), region)]) {
                this.byPlace.set(place, [...(this.byPlace.get(place) ?? []), { resource, props }]);
            }
        }
    }

    /** Resources of a class in an account and Region; IAM, which is global, has no Region. */
    find(resourceClass: ResourceClass, accountId: string, region?: string): Placed[] {
        const type = (resourceClass as unknown as { __pulumiType: string }).__pulumiType;
        return this.byPlace.get(region === undefined ? placeOf(type, accountId) : placeOf(type, accountId, region)) ?? [];
    }

    /** What the program asked for of a resource. */
    inputsOf(resource: PolicyResource): Properties {
        return this.inputs.of(resource);
    }

    /** Resources that a property refers to. */
    behind({ resource }: Placed, property: string): PolicyResource[] {
        // Not itself: a target's own ARN is what it leads to, not what it is.
        return referencedBy(resource, property, this.resources).filter((each) => each.type !== resource.type);
    }
}

const placeOf = (...parts: unknown[]): string => parts.map(String).join(" ");
