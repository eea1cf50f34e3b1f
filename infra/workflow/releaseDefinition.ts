/**
 * The release as a state machine: one task, whose failure is told to people. An operator starts it with
 * `{ incidentId, force }` (tools/release.ts), and so needs the right to start executions and nothing in any member account.
 */
import { catchAll, nameProblem, retryBusy, retryTransient, writeErrorObject, type State } from "./states";
import { errorRecord, incidentPrefix } from "../../functions/domain/evidenceKeys";

export interface ReleaseWorkflowInputs {
    /** As in `arn:<partition>:states:::`. */
    readonly partition: string;
    /** The function releaseInstance. */
    readonly functionArn: string;
    /** Bucket that error objects are written to. */
    readonly evidenceBucket: string;
}

/** The whole definition. */
export function releaseWorkflowDefinition({ partition, functionArn, evidenceBucket }: ReleaseWorkflowInputs): State {
    return {
        Comment: "Put back what the containment of one incident changed",
        StartAt: "ReleaseInstance",
        TimeoutSeconds: 3600,
        States: {
            ReleaseInstance: {
                Type: "Task",
                Resource: `arn:${partition}:states:::lambda:invoke`,
                Parameters: { FunctionName: functionArn, "Payload.$": "$" },
                TimeoutSeconds: 300,
                Retry: [retryBusy, retryTransient],
                ResultSelector: { "release.$": "$.Payload" },
                ...catchAll("ReleaseInstanceFailed"),
                Next: "Released",
            },
            Released: { Type: "Pass", InputPath: "$.release", End: true },
            ReleaseInstanceFailed: nameProblem("ReleaseInstance", "TellError"),
            TellError: writeErrorObject({
                partition,
                evidenceBucket,
                key: `States.Format('${incidentPrefix("{}")}${errorRecord("ReleaseInstance")}', $.incidentId)`,
                subject: { "incidentId.$": "$.incidentId", instance: null },
                next: "Failed",
            }),
            Failed: { Type: "Fail", ErrorPath: "$.problem.error", CausePath: "$.problem.cause" },
        },
    };
}
