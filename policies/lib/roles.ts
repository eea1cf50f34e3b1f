import { objectOf, UNKNOWN, type Properties, type Value } from "./values";

/** The tag by which the program says what a resource is for. */
export const ROLE_TAG = "clean-room:role";
export type Role = "isolation" | "clean-room" | "evidence" | "drill-range";

/** The resource's role tag; UNKNOWN when the tags are not known before the update. */
export function roleTag(props: Properties): Value {
    return props.tags === UNKNOWN ? UNKNOWN : objectOf(props.tags)[ROLE_TAG];
}

/**
 * Whether a resource has, or may have, a role that its tag or one of its names announces. Names count beside the tag so that a forgotten
 * or removed tag does not take a resource out of the policy's sight; unknown tags count as the role.
 */
export function mayHaveRole(role: Role, props: Properties, names: Value[]): boolean {
    const tag = roleTag(props);
    return tag === role || tag === UNKNOWN || names.some((name) => typeof name === "string" && name.toLowerCase().includes(role));
}
