/** Containment comes first, and once more where people had to be asked. */
import { catchAll, nameProblem, type State, type States } from "./states";
import { askPeople, tellOfContainment } from "./people";
import { answerInto, containers, takeAnswer, type Tasks } from "./tasks";

/** Contains the instance; when that fails, people are told at once and the rest follows all the same. */
export function containFirst(tasks: Tasks, next: string): States {
    return {
        ...tasks.step("IsolateInstance", containers("incident"), { container: "containment", next, onFailure: "TellIsolationError" }),
        TellIsolationError: tasks.tellError(next),
    };
}

/** A branch that ends with the containment as it is in the end: people are asked where they decide, and then told. */
export function respond(tasks: Tasks): State {
    return {
        StartAt: "AwaitsApproval",
        States: {
            AwaitsApproval: {
                Type: "Choice",
                Choices: [
                    {
                        And: [
                            { Variable: "$.containment.outcome", IsPresent: true },
                            { Variable: "$.containment.outcome", StringEquals: "awaiting-approval" },
                        ],
                        Next: "RequestApproval",
                    },
                ],
                Default: "NotifyIsolation",
            },
            ...askPeople(tasks, "IsolateAsDecided"),
            ...containAsDecided(tasks, "NotifyIsolation"),
            ...tellOfContainment(tasks),
        },
    };
}

/** What people, or their silence, decided. */
function containAsDecided(tasks: Tasks, next: string): States {
    return {
        IsolateAsDecided: tasks.task("IsolateInstance", containers("incident", "answer"), {
            ...answerInto("containmentResult"),
            ...catchAll("IsolateAsDecidedFailed"),
            Next: "IsolateAsDecidedDone",
        }),
        IsolateAsDecidedDone: takeAnswer("containmentResult", "containment", next),
        IsolateAsDecidedFailed: nameProblem("IsolateInstance", "TellIsolateAsDecidedError"),
        TellIsolateAsDecidedError: tasks.tellError("NotContained"),
        NotContained: { Type: "Pass", Parameters: { containment: null, "problem.$": "$.problem" }, End: true },
    };
}
