/** Reads a Problem object as it was written, however the state machine or a function wrapped it. */
import { problemSchema, type Problem } from "./containers";
import { clip } from "./visibleText";

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined; // plain text, which is what it then stays
    }
}

/** What Lambda says of a thrown error; Step Functions passes it on as text, cut to 32 KiB. */
export interface Cause {
    /** The error's name, such as `StepFailed`; null when the cause does not tell. */
    type: string | null;
    message: string;
}

/** Takes the error out of Lambda's `{"errorMessage","errorType","trace"}`, inside Step Functions' `{"Error","Cause"}` or not. */
export function unwrapCause(cause: unknown, depth = 3): Cause {
    if (typeof cause === "string") {
        const inner = depth > 0 ? parseJson(cause) : undefined;
        if (isObject(inner)) return unwrapCause(inner, depth - 1);
        // A cause that was cut is no longer JSON, but its message usually comes first.
        const message = /"errorMessage"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(cause);
        const type = /"errorType"\s*:\s*"([^"\\]{1,128})"/.exec(cause);
        const text = message ? parseJson(message[1]) : undefined;
        return { type: type?.[1] ?? null, message: typeof text === "string" ? text : cause };
    }
    if (!isObject(cause))
        return { type: null, message: cause === undefined || cause === null ? "No cause was given." : JSON.stringify(cause) };
    const { errorMessage, errorType, Error: stateError, Cause: stateCause } = cause;
    const type = [errorType, stateError].find((each): each is string => typeof each === "string") ?? null;
    if (typeof errorMessage === "string") {
        const inner = unwrapCause(errorMessage, depth - 1);
        return { type: inner.type ?? type, message: inner.message };
    }
    if (stateError === undefined && stateCause === undefined) return { type, message: JSON.stringify(cause) };
    // What a Catch of the state machine leaves; a time-out has no Cause.
    const inner = unwrapCause(stateCause, depth - 1);
    return { type: inner.type ?? type, message: inner.message };
}

const unreadable = "The error record could not be read";

/**
 * Reads an error object. Never throws: an object that does not parse still tells people which incident and step.
 *
 * @param fallback what its key says, for when the object itself does not
 */
export function readProblem(text: string, fallback: { incidentId: string | null; step: string; at: string }): Problem {
    const bounded = (value: string) => clip(value, 4096);
    const once = parseJson(text);
    // Step Functions' PutObject may write a Body that is text as a JSON string.
    const value = typeof once === "string" ? parseJson(once) : once;
    if (isObject(value)) {
        const { type, message } = unwrapCause(value.cause);
        const error = typeof value.error === "string" ? value.error : (type ?? "Unknown");
        const parsed = problemSchema.safeParse({ ...value, error: type ?? error, cause: bounded(message) });
        if (parsed.success) return parsed.data;
    }
    return {
        schemaVersion: 1,
        incidentId: fallback.incidentId,
        instance: null,
        step: clip(fallback.step, 64),
        error: unreadable,
        cause: bounded(text.trim() === "" ? "The object is empty." : text),
        at: fallback.at,
    };
}
