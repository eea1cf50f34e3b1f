/**
 * Errors by what the workflow does with them. A Lambda's error type is the `name` of what it throws, and the state
 * machine's Retry and Catch match on that name, so these names are part of the workflow (see infra/workflow.ts).
 */
import { adviceMark } from "../domain/stepFailure";

/** Not finished: ask again later. The state machine's Retry with back-off is the wait. */
export class NotYetError extends Error {
    override readonly name = "NotYet";
}

/** Throttling, a lost connection, a 5xx: the same call may succeed in a moment. */
export class TransientError extends Error {
    override readonly name = "Transient";
}

/**
 * Asking again would not help. Says what happened, to which resource, and what to do.
 *
 * @example new StepError("The volume could not be attached", "vol-0abc", "Check the Availability Zone of the forensic subnet.")
 */
export class StepError extends Error {
    override readonly name = "StepFailed";
    constructor(
        what: string,
        readonly resource: string,
        readonly advice: string,
        options?: ErrorOptions,
    ) {
        super(`${what}: ${resource}.${adviceMark}${advice}`, options);
    }
}

const throttling =
    /^(Throttl|RequestLimitExceeded|RequestThrottled|TooManyRequests|SlowDown|ProvisionedThroughputExceeded|PriorRequestNotComplete|BandwidthLimitExceeded|RequestTimeout|ServiceUnavailable|InternalError|InternalFailure|Unavailable|ResourceCountExceeded|ConcurrentSnapshotLimitExceeded|SnapshotCreationPerVolumeRateExceeded|SnapshotLimitExceeded|ResourceContention|ScalingActivityInProgress|ConcurrentModification|ConditionalRequestConflict)/;
const network = new Set(["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "TimeoutError", "NetworkingError"]);

/** The error code of an AWS SDK error (`name`), or of a Node network error (`code`). */
export function errorCode(error: unknown): string {
    if (typeof error !== "object" || error === null) return "";
    const { name, code, Code } = error as { name?: unknown; code?: unknown; Code?: unknown };
    if (typeof code === "string" && network.has(code)) return code;
    if (typeof Code === "string") return Code;
    return typeof name === "string" ? name : "";
}

/** True when the AWS error says that the thing asked for is not there. */
export function isNotFound(error: unknown): boolean {
    return /NotFound|NoSuch|DoesNotExist|InvalidInstanceID\.Malformed/.test(errorCode(error));
}

/** True for AWS's several spellings of "this principal may not". */
export function isAccessDenied(error: unknown): boolean {
    return /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Client\.UnauthorizedOperation|AuthFailure)$/.test(errorCode(error));
}

/** Whether the same call may succeed later; the SDK has already retried a few times when this is asked. */
export function isTransient(error: unknown): boolean {
    if (error instanceof TransientError) return true;
    const code = errorCode(error);
    if (network.has(code) || throttling.test(code)) return true;
    const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
    return status === 429 || (status !== undefined && status >= 500);
}
