/** States that both state machines are made of (Amazon States Language, JSONPath). */

/** One state of the language; its full grammar is checked by asl-validator in the tests. */
export type State = Record<string, unknown>;

/** Asks a function again that failed for reasons of its own or of AWS's, not of the incident's. */
export const retryTransient: State = {
    ErrorEquals: [
        "Transient",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
        "Lambda.Unknown",
        "Sandbox.Timedout",
        "States.Timeout",
    ],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    MaxAttempts: 6,
    JitterStrategy: "FULL",
};

/** What an error object says of its incident; values or paths, as Parameters take them. */
export interface ErrorObject {
    partition: string;
    evidenceBucket: string;
    /** An intrinsic function that makes the object's key. */
    key: string;
    /** `incidentId` and `instance` of the Problem, or their paths. The rest is read from `$.problem`. */
    subject: Record<string, unknown>;
    /** The state that follows, whether people could be told or not. */
    next: string;
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
        Retry: [
            {
                ErrorEquals: ["States.ALL"],
                IntervalSeconds: 1,
                BackoffRate: 2,
                MaxDelaySeconds: 20,
                MaxAttempts: 5,
                JitterStrategy: "FULL",
            },
        ],
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.untold", Next: next }],
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
