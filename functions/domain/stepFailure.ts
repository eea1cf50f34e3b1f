/** Reads a Problem object as it was written, however the state machine or a function wrapped it. */
import { problemSchema, type Problem } from "./containers";
import { clip, shortened } from "./visibleText";

/** UTF-16 units of a cause: what the problem's schema takes. */
const longestCause = 4096;

/** What a StepError writes before what to do about it. Lambda and Step Functions hand on an error's text alone. */
export const adviceMark = " What to do: ";

/** The error's text without its advice, and the advice. The last mark counts: what stands before it may quote anything. */
function parted(message: string): Pick<Problem, "cause" | "advice"> {
    const at = message.lastIndexOf(adviceMark);
    const bounded = (text: string) => shortened(text, longestCause);
    return at < 0
        ? { cause: bounded(message) }
        : { cause: bounded(message.slice(0, at)), advice: bounded(message.slice(at + adviceMark.length)) };
}

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

/** A moment however it is written (with an offset, without a zone, as seconds or milliseconds since 1970) as ISO 8601 in UTC; null for anything else. */
function readTime(value: unknown): string | null {
    // Ten digits are seconds until the year 2286; a date without a zone is UTC, as everything here.
    const since1970 = typeof value === "number" && value < 1e11 ? value * 1000 : value;
    const text = typeof value === "string" && /^\d{4}-\d\d-\d\d[T ][\d:.,]+$/.test(value) ? `${value.replace(" ", "T")}Z` : since1970;
    if (typeof text !== "string" && typeof text !== "number") return null;
    const date = new Date(text);
    const year = date.getUTCFullYear();
    return year >= 1970 && year <= 9999 ? date.toISOString() : null;
}

/**
 * Reads an error object. Never throws, and a field out of shape never takes the others with it: it falls back by itself, so that people
 * are told what is readable, and at the least which incident and step.
 *
 * @param fallback what its key says, for what the object itself does not
 */
export function readProblem(text: string, fallback: { incidentId: string | null; step: string; at: string }): Problem {
    const once = parseJson(text);
    // Step Functions' PutObject may write a Body that is text as a JSON string.
    const value = typeof once === "string" ? parseJson(once) : once;
    if (!isObject(value)) {
        return {
            schemaVersion: 1,
            incidentId: fallback.incidentId,
            instance: null,
            step: clip(fallback.step, 64),
            error: unreadable,
            ...parted(text.trim() === "" ? "The object is empty." : text),
            at: fallback.at,
        };
    }
    const written = (field: unknown) => (typeof field === "string" && field.trim() !== "" ? field : null);
    const { type, message } = unwrapCause(value.cause);
    const instance = problemSchema.shape.instance.safeParse(value.instance);
    return {
        schemaVersion: 1,
        incidentId: value.incidentId === null ? null : (written(value.incidentId)?.slice(0, 128) ?? fallback.incidentId),
        instance: instance.success ? instance.data : null,
        step: clip(written(value.step) ?? fallback.step, 64),
        error: clip(type ?? written(value.error) ?? "Unknown", 256),
        ...parted(message),
        at: readTime(value.at) ?? fallback.at,
    };
}
