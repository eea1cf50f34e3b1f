import type { PolicyResource } from "@pulumi/policy";
import { listOf, reveal } from "./values";

/** A Pulumi resource class, to compare a resource with. */
export type ResourceClass = Parameters<PolicyResource["isType"]>[0];

/**
 * The resources of the stack that a property refers to: by the engine's dependency record, which exists at preview when the id
 * itself is still unknown, and by id, for a literal one.
 */
export function referencedBy(resource: PolicyResource, property: string, stack: readonly PolicyResource[]): PolicyResource[] {
    const found = new Set(resource.propertyDependencies[property] ?? []);
    const literals = listOf(reveal(resource.props)[property]).filter((value) => typeof value === "string");
    for (const candidate of literals.length === 0 ? [] : stack) {
        const { id, arn } = reveal(candidate.props);
        if (literals.some((literal) => literal === id || literal === arn)) {
            found.add(candidate);
        }
    }
    return [...found];
}
