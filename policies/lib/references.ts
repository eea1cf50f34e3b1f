import type { PolicyResource } from "@pulumi/policy";
import { revealKey, type Value } from "./values";

/** A Pulumi resource class, to compare a resource with. */
export type ResourceClass = Parameters<PolicyResource["isType"]>[0];

/** Resources by id and by ARN, made once for a stack: looking each reference up in the whole stack would be quadratic. */
const indexes = new WeakMap<readonly PolicyResource[], Map<string, PolicyResource[]>>();

function indexOf(stack: readonly PolicyResource[]): Map<string, PolicyResource[]> {
    const known = indexes.get(stack);
    if (known !== undefined) {
        return known;
    }
    const index = new Map<string, PolicyResource[]>();
    for (const resource of stack) {
        // Of a bucket other resources name the bucket, and of whatever else its id or ARN.
        const names = ["id", "arn", ...(/^aws:s3\/bucket(V2)?:/.test(resource.type) ? ["bucket"] : [])];
        for (const name of new Set(names.map((each) => revealKey(resource.props, each)))) {
            if (typeof name === "string") {
                index.set(name, [...(index.get(name) ?? []), resource]);
            }
        }
    }
    indexes.set(stack, index);
    return index;
}

/**
 * The resources of the stack that a property refers to: by the engine's dependency record, which exists at preview when the id
 * itself is still unknown, and by id, for a literal one.
 */
export function referencedBy(resource: PolicyResource, property: string, stack: readonly PolicyResource[]): PolicyResource[] {
    const found = new Set(resource.propertyDependencies[property] ?? []);
    for (const literal of textsIn(revealKey(resource.props, property))) {
        for (const candidate of indexOf(stack).get(literal) ?? []) {
            found.add(candidate);
        }
    }
    return [...found];
}

/** Every text within a value: an id may lie deep in a list of interfaces. */
export function textsIn(value: Value): string[] {
    if (typeof value === "string") {
        return [value];
    }
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
