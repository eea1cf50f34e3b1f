import { isUnknownValueError } from "./unknown";

/** Stands in a revealed value for what the engine cannot know before the update. */
export const UNKNOWN = Symbol("not known before the update");

/** A property as a policy sees it: JSON, with UNKNOWN where a value is not known at preview. */
export type Value = string | number | boolean | null | undefined | typeof UNKNOWN | Value[] | Properties;
export interface Properties {
    [key: string]: Value;
}

/**
 * Copies a resource's properties into plain data.
 *
 * The SDK hands policies a proxy that throws on the first unknown value, and turns that into an advisory note: one unknown
 * property would silence a mandatory policy. Revealed properties let a policy judge what is known and decide about the rest.
 */
export function reveal(props: object): Properties {
    const known = revealed.get(props);
    if (known !== undefined) {
        return known;
    }
    // Each unknown value is an error with a stack trace that nobody reads.
    const { stackTraceLimit } = Error;
    try {
        Error.stackTraceLimit = 0;
        const copy = copyOf(props);
        revealed.set(props, copy);
        return copy;
    } finally {
        Error.stackTraceLimit = stackTraceLimit;
    }
}

/** Copies by what they were made of: every policy asks for the same, and none changes what it was given. */
const revealed = new WeakMap<object, Properties>();

function copyOf(props: object): Properties {
    const copy: Properties = {};
    for (const key of Object.keys(props)) {
        copy[key] = revealKey(props, key);
    }
    return copy;
}

/** One property as {@link reveal} would copy it; of a large estate nobody copies every resource to read one. */
export function revealKey(container: object, key: string | number): Value {
    let value: unknown;
    try {
        value = (container as Record<string | number, unknown>)[key];
    } catch (error) {
        if (isUnknownValueError(error)) {
            return UNKNOWN;
        }
        throw error;
    }
    if (Array.isArray(value)) {
        return Array.from({ length: value.length }, (_, index) => revealKey(value, index));
    }
    return value instanceof Object ? copyOf(value) : (value as Value);
}

/** The list behind a property; a missing one is empty, a single value is a list of one. */
export function listOf(value: Value): Value[] {
    if (value === undefined || value === null) {
        return [];
    }
    return Array.isArray(value) ? value : [value];
}

/** The object behind a value, or an empty one where there is none (also where it is unknown). */
export function objectOf(value: Value): Properties {
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

/** A value as it appears in a violation: JSON, shortened, with unknown parts named. */
export function show(value: Value): string {
    if (value === UNKNOWN) {
        return UNKNOWN.description ?? "";
    }
    const text = JSON.stringify(value, (_, part: unknown) => (part === UNKNOWN ? `<${UNKNOWN.description}>` : part)) ?? "undefined";
    return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** A value as text: a string as it is, anything else as JSON. */
export function textOf(value: Value): string {
    return typeof value === "string" ? value : value === UNKNOWN ? "?" : (JSON.stringify(value) ?? "");
}
