/** States that both state machines are made of (Amazon States Language, JSONPath). */

/** One state of the language; its full grammar is checked by asl-validator in the tests. */
export type State = Record<string, unknown>;

/** States of one machine or branch, by name. */
export type States = Record<string, State>;

/** How often, and at which pace, a task is called again. */
interface Again {
    /** Each wait is this many times the one before. @default 2 */
    readonly backoffRate?: number;
    /** Seconds that no wait exceeds. */
    readonly slowestSeconds: number;
    /** Times it is called again before it has failed. */
    readonly attempts: number;
    /** Waits are drawn at random up to their length, so that many executions do not come back together. @default false */
    readonly jitter?: boolean;
}

/** A retrier; its first wait is a second. */
export function callAgain(errors: string[], { backoffRate = 2, slowestSeconds, attempts, jitter = false }: Again): State {
    return {
        ErrorEquals: errors,
        IntervalSeconds: 1,
        BackoffRate: backoffRate,
        MaxDelaySeconds: slowestSeconds,
        MaxAttempts: attempts,
        ...(jitter ? { JitterStrategy: "FULL" } : {}),
    };
}

/**
 * What a function fails of for reasons of its own or of AWS's, not of the incident's. A process that was killed (out of memory, a host that failed)
 * is `Runtime.ExitError` in Lambda's answer, which Step Functions hands on; older runtimes say `Lambda.Unknown`.
 * https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
 */
export const transientErrors = [
    "Transient",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
];

/**
 * The account's functions are all at work: a new account may run ten at a time, and fifty incidents at once want more. The first call that finds
 * room is all that is waited for, so it is tried often.
 */
export const retryBusy: State = callAgain(["Lambda.TooManyRequestsException"], { slowestSeconds: 30, attempts: 36, jitter: true });

/** Calls a function again after a transient error, except those named. */
export const retryTransientBut = (...excluded: string[]): State =>
    callAgain(
        transientErrors.filter((error) => !excluded.includes(error)),
        { slowestSeconds: 30, attempts: 6, jitter: true },
    );
export const retryTransient: State = retryTransientBut();

/** Any error goes to a state, which finds it under `$.failure`. @param resultPath where else it is put */
export const catchAll = (next: string, resultPath = "$.failure") => ({
    Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: resultPath, Next: next }],
});

/** The last state of a branch: what it hands on. */
export const passTo = (what: State): State => ({ Type: "Pass", ...what, End: true });

/** What an error object says of its incident; values or paths, as Parameters take them. */
export interface ErrorObject {
    /** As in `arn:<partition>:states:::`. */
    readonly partition: string;
    /** Name of the bucket. */
    readonly evidenceBucket: string;
    /** An intrinsic function that makes the object's key. */
    readonly key: string;
    /** `incidentId` and `instance` of the Problem, or their paths. The rest is read from `$.problem`. */
    readonly subject: Record<string, unknown>;
    /** The state that follows, whether people could be told or not. */
    readonly next: string;
}

/** Writes the error object; its creation starts sendErrorNotification. */
export function writeErrorObject({ partition, evidenceBucket, key, subject, next }: ErrorObject): State {
    return {
        Type: "Task",
        Resource: `arn:${partition}:states:::aws-sdk:s3:putObject`,
        Parameters: {
            Bucket: evidenceBucket,
            "Key.$": key,
            ContentType: "application/json",
            // An object under Object Lock needs a checksum.
            ChecksumAlgorithm: "SHA256",
            Body: {
                schemaVersion: 1,
                ...subject,
                "step.$": "$.problem.step",
                "error.$": "$.problem.error",
                "cause.$": "$.problem.cause",
                "at.$": "$$.State.EnteredTime",
            },
        },
        TimeoutSeconds: 60,
        Retry: [callAgain(["States.ALL"], { slowestSeconds: 20, attempts: 5, jitter: true })],
        ...catchAll(next, "$.untold"),
        ResultPath: null,
        Next: next,
    };
}

/** Names the step that failed, so that one state can tell people about any of them. */
export function nameProblem(step: string, next: string): State {
    return {
        Type: "Pass",
        // Not every error has a Cause (a time-out has none), so the whole of it goes along as text.
        Parameters: { step, "error.$": "$.failure.Error", "cause.$": "States.JsonToString($.failure)" },
        ResultPath: "$.problem",
        Next: next,
    };
}
