/** Containment comes first, and once more where people had to be asked. Where memory is taken, a quarantine comes before the last cut. */
import { catchAll, nameProblem, type State, type States } from "./states";
import { askPeople, tellOfContainment } from "./people";
import { answerInto, containers, takeAnswer, type MemoryStep, type Tasks } from "./tasks";

/** Seconds that quarantining may take: as long as the last cut may wait for it. */
const quarantineSeconds = 45;

/**
 * Contains the instance; when that fails, people are told at once and the rest follows all the same.
 *
 * @returns the states, and the one that begins
 */
export function containFirst(tasks: Tasks, next: string): { first: string; states: States } {
    const memory = tasks.inputs.takesMemory ? containers("incident", "memory") : containers("incident");
    const states = {
        ...tasks.step("IsolateInstance", memory, { container: "containment", next, onFailure: "TellIsolationError" }),
        TellIsolationError: tasks.tellError(next),
    };
    if (!tasks.inputs.takesMemory) return { first: "IsolateInstance", states };
    return { first: "QuarantineInstance", states: { ...takeMemory(tasks, "IsolateInstance"), ...states } };
}

/**
 * Quarantine, and acquisition while it lasts. Nothing of it is tried again, nothing of it lasts beyond its time, and whatever it ends by, the last
 * cut is what follows: an error, a time limit, an answer. What became of it is told with the containment.
 */
function takeMemory(tasks: Tasks, lastCut: string): States {
    const once = (step: MemoryStep, payload: Record<string, unknown>, limit: State, after: string): States => ({
        [step]: {
            Type: "Task",
            Resource: tasks.service("lambda:invoke"),
            Parameters: { FunctionName: tasks.inputs.functionArns[step], Payload: payload },
            ...limit,
            ...answerInto("memoryResult"),
            ...catchAll(lastCut, `$.${step}Failure`),
            Next: `${step}Done`,
        },
        [`${step}Done`]: takeAnswer("memoryResult", "memory", after),
    });
    return {
        ...once(
            "QuarantineInstance",
            { ...containers("incident"), "since.$": "$$.State.EnteredTime" },
            { TimeoutSeconds: quarantineSeconds },
            "CanBeAcquired",
        ),
        CanBeAcquired: {
            Type: "Choice",
            Choices: [{ Variable: "$.memory.outcome", StringEquals: "ready", Next: "AcquireMemory" }],
            Default: lastCut,
        },
        ...once("AcquireMemory", containers("incident", "memory"), { TimeoutSecondsPath: "$.memory.taskSeconds" }, lastCut),
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
