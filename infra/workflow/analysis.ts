/** The analysis: an instance in the clean room reads the evidence, and is removed on every path. */
import { captureLater } from "./preservation";
import { catchAll, nameProblem, type States } from "./states";
import { answerInto, containers, type StepName, type Tasks } from "./tasks";

/** From the evidence to the results, in this order. A step's failure ends the incident's work, but never before the tear-down. */
export function analyse(tasks: Tasks, next: string): States {
    const mainStep = (step: StepName, payload: Record<string, unknown>, container: string, following: string) =>
        tasks.step(step, payload, { container, next: following, onFailure: "TellError" });
    return {
        ...mainStep("StartForensicInstance", containers("incident", "evidence"), "host", "AttachEvidenceVolumes"),
        ...mainStep("AttachEvidenceVolumes", containers("incident", "evidence", "host"), "host", "CheckSsm"),
        ...mainStep("CheckSsm", containers("incident", "host"), "host", "CaptureLater"),
        ...captureLater(tasks, "RunAnalysis"),
        ...mainStep("RunAnalysis", containers("incident", "containment", "evidence", "host"), "analysis", next),
        TellError: tasks.tellError(next),
    };
}

/** Removes the forensic instance and its volumes, seals the case, and ends the execution. */
export function tearDown(tasks: Tasks): States {
    return {
        TearDown: tasks.task(
            "TearDown",
            { "incidentId.$": "$.incident.incidentId" },
            { ...answerInto("tearDownResult"), ...catchAll("TearDownFailed"), Next: "SealCustody" },
        ),
        TearDownFailed: nameProblem("TearDown", "TellTearDownError"),
        TellTearDownError: tasks.tellError("SealCustody"),
        // Last, so that it covers whatever the others wrote, also what they wrote of their failures.
        SealCustody: tasks.task(
            "SealCustody",
            { "incidentId.$": "$.incident.incidentId" },
            { ...answerInto("sealResult"), ...catchAll("SealCustodyFailed"), Next: "Outcome" },
        ),
        SealCustodyFailed: nameProblem("SealCustody", "TellSealCustodyError"),
        TellSealCustodyError: tasks.tellError("Failed"),
        // Whatever went wrong on the way, an execution that had a problem does not say that it succeeded.
        Outcome: { Type: "Choice", Choices: [{ Variable: "$.problem", IsPresent: true, Next: "Failed" }], Default: "Succeeded" },
        Succeeded: { Type: "Succeed" },
        Failed: { Type: "Fail", ErrorPath: "$.problem.error", CausePath: "$.problem.cause" },
    };
}
