/** People: a ticket is opened for them, they are asked, they are told. None of it stands between a finding and containment. */
import { catchAll, nameProblem, retryTransientBut, type State, type States } from "./states";
import { containers, type Tasks } from "./tasks";

/** A branch that opens the ticket, and ends with it or with null. */
export function openTicket(tasks: Tasks): State {
    return tasks.branch("OpenTicket", containers("incident"), { done: { InputPath: "$.result.value" }, givenUp: { Result: null } });
}

/**
 * Asks whether the instance shall be contained; `$.answer` is what their silence said, or null: their answer stands in the incidents table.
 *
 * @param again follows the states' names where people are asked a second time
 */
export function askPeople(tasks: Tasks, next: string, timeoutSeconds: number, again: "" | "Again" = ""): States {
    const { functionArns, onApprovalTimeout } = tasks.inputs;
    return {
        [`RequestApproval${again}`]: {
            Type: "Task",
            Resource: tasks.service("lambda:invoke.waitForTaskToken"),
            Parameters: {
                FunctionName: functionArns.RequestApproval,
                Payload: { ...containers("incident", "containment"), "taskToken.$": "$$.Task.Token", timeoutSeconds },
            },
            TimeoutSeconds: timeoutSeconds,
            // Silence is an answer, so asking is not tried again after it.
            Retry: [retryTransientBut("States.Timeout")],
            Catch: [
                { ErrorEquals: ["States.Timeout"], ResultPath: "$.failure", Next: `NobodyAnswered${again}` },
                ...catchAll(`RequestApproval${again}Failed`).Catch,
            ],
            // Whoever holds the token may send anything. What people answered stands in the incidents table, by what AWS says who they are.
            ResultPath: null,
            Next: `Answered${again}`,
        },
        [`Answered${again}`]: { Type: "Pass", Result: null, ResultPath: "$.answer", Next: next },
        [`RequestApproval${again}Failed`]: nameProblem("RequestApproval", `TellRequestApproval${again}Error`),
        [`TellRequestApproval${again}Error`]: tasks.tellError(`NobodyAnswered${again}`),
        [`NobodyAnswered${again}`]: {
            Type: "Pass",
            Result: {
                approved: onApprovalTimeout === "contain",
                by: "silence",
                via: "silence",
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
