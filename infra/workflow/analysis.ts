/** The analysis: an instance in the clean room reads the evidence, and is removed on every path. */
import { captureLater } from "./preservation";
import { catchAll, nameProblem, passTo, type State, type States } from "./states";
import { answerInto, containers, type StepName, type Tasks } from "./tasks";

const ofIncident = { "incidentId.$": "$.incident.incidentId" };

/**
 * A branch that asks for the endpoints while the snapshots are taken. Whatever comes of it, they are asked for again before they are needed. Not in an
 * execution that goes on with an incident: there may be nothing left to analyse, and endpoints cost.
 */
export function openEarly(tasks: Tasks): State {
    return {
        StartAt: "NameExecution",
        States: {
            NameExecution: {
                Type: "Pass",
                Parameters: { "incident.$": "$.incident", "execution.$": "$$.Execution.Name" },
                Next: "IsFirstExecution",
            },
            IsFirstExecution: {
                Type: "Choice",
                // functions/domain/executions.ts: the first one has the incident's own name.
                Choices: [{ Variable: "$.execution", StringEqualsPath: "$.incident.incidentId", Next: "OpenEndpointsEarly" }],
                Default: "OpenedEarly",
            },
            OpenEndpointsEarly: {
                Type: "Task",
                Resource: tasks.service("lambda:invoke"),
                Parameters: { FunctionName: tasks.inputs.functionArns.OpenEndpoints, Payload: ofIncident },
                TimeoutSeconds: 120,
                ResultPath: null,
                ...catchAll("OpenedEarly"),
                Next: "OpenedEarly",
            },
            OpenedEarly: passTo({ Result: null }),
        },
    };
}

/** The first state of a round. */
const beginRound = (tasks: Tasks): string => (tasks.inputs.endpointsOnDemand ? "OpenEndpoints" : "StartForensicInstance");

/**
 * One round from the evidence to the results, in this order. A step's failure ends the round, but never before its tear-down. Where an earlier execution
 * analysed everything there is no round: what it left behind is torn down, and its report looked after.
 */
export function analyse(tasks: Tasks, next: string): States {
    const mainStep = (step: StepName, payload: Record<string, unknown>, container: string, following: string) =>
        tasks.step(step, payload, { container, next: following, onFailure: "TellError" });
    return {
        FirstRound: {
            Type: "Pass",
            Parameters: {
                "number.$": "States.MathAdd($.evidence.roundsBefore, 1)",
                "last.$": "States.MathAdd($.evidence.roundsBefore, $.evidence.rounds)",
            },
            ResultPath: "$.round",
            Next: "AnythingLeft",
        },
        AnythingLeft: {
            Type: "Choice",
            Choices: [{ Variable: "$.evidence.rounds", NumericEquals: 0, Next: "TearDown" }],
            Default: beginRound(tasks),
        },
        // Begun beside the snapshots; here it is waited for, and read back.
        ...(tasks.inputs.endpointsOnDemand
            ? {
                  OpenEndpoints: tasks.task("OpenEndpoints", ofIncident, {
                      ResultPath: null,
                      ...catchAll("OpenEndpointsFailed"),
                      Next: "StartForensicInstance",
                  }),
                  OpenEndpointsFailed: nameProblem("OpenEndpoints", "TellError"),
              }
            : {}),
        ...mainStep("StartForensicInstance", containers("incident", "evidence", "round"), "host", "AttachEvidenceVolumes"),
        ...mainStep("AttachEvidenceVolumes", containers("incident", "evidence", "host"), "host", "CheckSsm"),
        ...mainStep("CheckSsm", containers("incident", "host"), "host", "CaptureLater"),
        ...captureLater(tasks, "RunAnalysis"),
        ...mainStep("RunAnalysis", containers("incident", "containment", "evidence", "host"), "analysis", next),
        TellError: tasks.tellError(next),
    };
}

/**
 * What follows a tear-down: the next round, or the one report of all rounds and executions. Where there is one round and there was none before, its manifest
 * starts the report by itself (domain/planRounds.ts, reportedByWorkflow). A round that failed is told by then and named in the report; `$.problem`
 * stays, so that the execution does not say that it succeeded.
 */
function nextRound(tasks: Tasks, next: string): States {
    const analysed = { Variable: "$.round", IsPresent: true };
    return {
        AnotherRound: {
            Type: "Choice",
            Choices: [
                { And: [analysed, { Variable: "$.round.number", NumericLessThanPath: "$.round.last" }], Next: "NextRound" },
                {
                    And: [
                        analysed,
                        { Variable: "$.evidence.rounds", NumericEquals: 1 },
                        { Variable: "$.evidence.roundsBefore", NumericEquals: 0 },
                    ],
                    Next: next,
                },
                { ...analysed, Next: "SendReport" },
            ],
            Default: next,
        },
        NextRound: {
            Type: "Pass",
            Parameters: { "number.$": "States.MathAdd($.round.number, 1)", "last.$": "$.round.last" },
            ResultPath: "$.round",
            Next: beginRound(tasks),
        },
        SendReport: tasks.task("SendReport", ofIncident, { ResultPath: null, ...catchAll("SendReportFailed"), Next: next }),
        SendReportFailed: nameProblem("SendReport", "TellSendReportError"),
        TellSendReportError: tasks.tellError(next),
    };
}

/** Removes the forensic instance, its volumes and at last the endpoints, seals the case, and ends the execution. */
export function tearDown(tasks: Tasks): States {
    const { endpointsOnDemand } = tasks.inputs;
    const afterTearDown = endpointsOnDemand ? "CloseEndpoints" : "SealCustody";
    return {
        TearDown: tasks.task("TearDown", ofIncident, {
            ...answerInto("tearDownResult"),
            ...catchAll("TearDownFailed"),
            Next: "AnotherRound",
        }),
        TearDownFailed: nameProblem("TearDown", "TellTearDownError"),
        TellTearDownError: tasks.tellError("AnotherRound"),
        ...nextRound(tasks, afterTearDown),
        ...(endpointsOnDemand
            ? {
                  CloseEndpoints: tasks.task("CloseEndpoints", ofIncident, {
                      ResultPath: null,
                      ...catchAll("CloseEndpointsFailed"),
                      Next: "SealCustody",
                  }),
                  CloseEndpointsFailed: nameProblem("CloseEndpoints", "TellCloseEndpointsError"),
                  TellCloseEndpointsError: tasks.tellError("SealCustody"),
              }
            : {}),
        // Last, so that it covers whatever the others wrote, also what they wrote of their failures.
        SealCustody: tasks.task("SealCustody", ofIncident, {
            ...answerInto("sealResult"),
            ...catchAll("SealCustodyFailed"),
            Next: "Outcome",
        }),
        SealCustodyFailed: nameProblem("SealCustody", "TellSealCustodyError"),
        TellSealCustodyError: tasks.tellError("Failed"),
        // Whatever went wrong on the way, an execution that had a problem does not say that it succeeded.
        Outcome: { Type: "Choice", Choices: [{ Variable: "$.problem", IsPresent: true, Next: "Failed" }], Default: "Succeeded" },
        Succeeded: { Type: "Succeed" },
        Failed: { Type: "Fail", ErrorPath: "$.problem.error", CausePath: "$.problem.cause" },
    };
}
