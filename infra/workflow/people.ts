/** People: a ticket is opened for them, they are asked, they are told. None of it stands between a finding and containment. */
import { catchAll, nameProblem, retryTransientBut, type State, type States } from "./states";
import { containers, type Tasks } from "./tasks";

/** A branch that opens the ticket, and ends with it or with null. */
export function openTicket(tasks: Tasks): State {
    return tasks.branch("OpenTicket", containers("incident"), { done: { InputPath: "$.result.value" }, givenUp: { Result: null } });
}

/** Asks whether the instance shall be contained; `$.answer` is what they, or their silence, said. */
export function askPeople(tasks: Tasks, next: string): States {
    const { functionArns, approvalTimeoutSeconds, onApprovalTimeout } = tasks.inputs;
    return {
        RequestApproval: {
            Type: "Task",
            Resource: tasks.service("lambda:invoke.waitForTaskToken"),
            Parameters: {
                FunctionName: functionArns.RequestApproval,
                Payload: {
                    ...containers("incident", "containment"),
                    "taskToken.$": "$$.Task.Token",
                    timeoutSeconds: approvalTimeoutSeconds,
                },
            },
            TimeoutSeconds: approvalTimeoutSeconds,
            // Silence is an answer, so asking is not tried again after it.
            Retry: [retryTransientBut("States.Timeout")],
            Catch: [
                { ErrorEquals: ["States.Timeout"], ResultPath: "$.failure", Next: "NobodyAnswered" },
                ...catchAll("RequestApprovalFailed").Catch,
            ],
            ResultPath: "$.answer",
            Next: next,
        },
        RequestApprovalFailed: nameProblem("RequestApproval", "TellRequestApprovalError"),
        TellRequestApprovalError: tasks.tellError("NobodyAnswered"),
        NobodyAnswered: {
            Type: "Pass",
            Result: {
                approved: onApprovalTimeout === "contain",
                by: "silence",
                reason: `nobody answered in time, and containment.onApprovalTimeout says ${onApprovalTimeout}`,
            },
            ResultPath: "$.answer",
            Next: next,
        },
    };
}

/** Says what was contained and what was not, and ends its branch with the containment. */
export function tellOfContainment(tasks: Tasks): States {
    return {
        NotifyIsolation: tasks.task("NotifyIsolation", containers("incident", "containment"), {
            ResultPath: null,
            ...catchAll("NotifyIsolationFailed"),
            Next: "Told",
        }),
        NotifyIsolationFailed: nameProblem("NotifyIsolation", "TellNotifyIsolationError"),
        TellNotifyIsolationError: tasks.tellError("Told"),
        Told: { Type: "Pass", Parameters: containers("containment"), End: true },
    };
}
