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

/** Seconds that people have where they are asked a second time: a day, since silence can contain no more than the brake lets it. */
const secondChanceSeconds = 24 * 3600;

/**
 * A branch that ends with the containment as it is in the end: people are asked where they decide, and then told. They are asked a second time
 * where the brake held by then, or what woke the first question was no answer.
 */
export function respond(tasks: Tasks): State {
    return {
        StartAt: "AwaitsApproval",
        States: {
            AwaitsApproval: ifAwaited("RequestApproval", "NotifyIsolation"),
            ...askPeople(tasks, "IsolateAsDecided", tasks.inputs.approvalTimeoutSeconds),
            ...containAsDecided(tasks, "IsolateAsDecided", "AwaitsApprovalAgain"),
            AwaitsApprovalAgain: ifAwaited("RequestApprovalAgain", "NotifyIsolation"),
            ...askPeople(tasks, "IsolateAfterAll", secondChanceSeconds, "Again"),
            ...containAsDecided(tasks, "IsolateAfterAll", "NotifyIsolation"),
            NotContained: { Type: "Pass", Parameters: { containment: null, "problem.$": "$.problem" }, End: true },
            ...tellOfContainment(tasks),
        },
    };
}

const ifAwaited = (then: string, otherwise: string): State => ({
    Type: "Choice",
    Choices: [
        {
            And: [
                { Variable: "$.containment.outcome", IsPresent: true },
                { Variable: "$.containment.outcome", StringEquals: "awaiting-approval" },
            ],
            Next: then,
        },
    ],
    Default: otherwise,
});

/** What people, or their silence, decided. @param name of the state */
function containAsDecided(tasks: Tasks, name: string, next: string): States {
    return {
        [name]: tasks.task("IsolateInstance", containers("incident", "answer"), {
            ...answerInto("containmentResult"),
            ...catchAll(`${name}Failed`),
            Next: `${name}Done`,
        }),
        [`${name}Done`]: takeAnswer("containmentResult", "containment", next),
        [`${name}Failed`]: nameProblem("IsolateInstance", `Tell${name}Error`),
        [`Tell${name}Error`]: tasks.tellError("NotContained"),
    };
}
