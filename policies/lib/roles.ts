import { objectOf, UNKNOWN, type Properties, type Value } from "./values";

/** The tag by which the program says what a resource is for. */
export const ROLE_TAG = "clean-room:role";
export type Role = "isolation" | "clean-room" | "evidence" | "drill-range";

/** The resource's role tag; UNKNOWN when the tags are not known before the update. */
export function roleTag(props: Properties): Value {
    return roleTags(props)[0];
}

/** Every role the resource's tags name: its own, and those with the provider's defaults in them, which may also be written out. */
function roleTags(props: Properties): Value[] {
    const both: Value[] = [props.tags, props.tagsAll];
    return both
        .map((tags): Value => (tags === UNKNOWN ? UNKNOWN : objectOf(tags)[ROLE_TAG]))
        .filter((role) => role !== undefined && role !== null);
}

/** Whether the tags name this role, and nothing else: for a role that excuses, what is not known, or contradicts, does not count. */
export function hasRoleOnly(role: Role, props: Properties): boolean {
    const tags = roleTags(props).filter((each) => each !== UNKNOWN || props.tags === UNKNOWN);
    return tags.length > 0 && tags.every((each) => each === role);
}

/**
 * Whether a resource has, or may have, a role that its tag or one of its names announces. Names count beside the tag so that a forgotten
 * or removed tag does not take a resource out of the policy's sight; unknown tags count as the role.
 */
export function mayHaveRole(role: Role, props: Properties, names: Value[]): boolean {
    // What the provider fills in at the update, tagsAll, is unknown of every resource; tags are not.
    const tags = roleTags({ ...props, ...(props.tagsAll === UNKNOWN ? { tagsAll: undefined } : {}) });
    return (
        tags.some((tag) => tag === role || tag === UNKNOWN) ||
        names.some((name) => typeof name === "string" && name.toLowerCase().includes(role))
    );
}
