/**
 * The state machine as data (Amazon States Language, JSONPath), made by a pure function so that tests can read it.
 *
 *     IsolateInstance -> Parallel( OpenTicket | [RequestApproval -> IsolateAsDecided ->] NotifyIsolation | CreateSnapshots )
 *         -> StartForensicInstance -> AttachEvidenceVolumes -> CheckSsm -> RunAnalysis -> TearDown
 *
 * The state of an execution is `{ incident, containment, ticket, evidence, host, analysis }`; each task gets only the containers
 * it names. Containment comes first and nothing stands before it; when it fails, people are told at once and the
 * evidence is preserved all the same. Where people are asked first, the evidence does not wait for their answer. TearDown stands on
 * every path.
 */
import { nameProblem, retryTransient, writeErrorObject, type State } from "./states";

/** Steps that are Lambda functions: the name of the state -> the handler's file. */
export const stepHandlers = {
    IsolateInstance: "isolateInstance",
    RequestApproval: "requestApproval",
    OpenTicket: "openTicket",
    NotifyIsolation: "notifyIsolation",
    CreateSnapshots: "createSnapshots",
    StartForensicInstance: "startForensicInstance",
    AttachEvidenceVolumes: "attachEvidenceVolumes",
    CheckSsm: "checkSsm",
    RunAnalysis: "runAnalysis",
    TearDown: "tearDown",
} as const;
export type StepName = keyof typeof stepHandlers;

export interface WorkflowInputs {
    /** `arn:aws:states:::` in the partition at hand. */
    partition: string;
    functionArns: Record<StepName, string>;
    evidenceBucket: string;
    /** Seconds the analysis may take; its wait is bounded by it. */
    analysisTimeoutSeconds: number;
    /** Seconds that people have to answer a request for approval. */
    approvalTimeoutSeconds: number;
    /** What silence means. */
    onApprovalTimeout: "contain" | "observe";
}

type States = Record<string, State>;

interface Waiting {
    /** Seconds before a step that is not finished is asked again. */
    every: number;
    /** Seconds after which it is given up. */
    atMost: number;
}

/** How long each step that waits may wait, in seconds. */
const waits: Partial<Record<StepName, Waiting>> = {
    // A first snapshot of a large volume is copied through S3 twice.
    CreateSnapshots: { every: 15, atMost: 24 * 3600 },
    AttachEvidenceVolumes: { every: 5, atMost: 1800 },
    // An instance takes 30 s to 6 min to register with Systems Manager.
    CheckSsm: { every: 5, atMost: 1200 },
    TearDown: { every: 5, atMost: 1800 },
};

/** Seconds a Lambda task may take; each handler's own time limit is shorter. */
const taskTimeoutSeconds = 300;

/** Wait as a Retry: the execution sleeps, no function does. The pace slows to a minute where the wait is long. */
function retryNotYet({ every, atMost }: Waiting): State {
    const slowest = atMost > 3600 ? 60 : Math.max(every, 15);
    return {
        ErrorEquals: ["NotYet"],
        IntervalSeconds: 1,
        BackoffRate: 1.5,
        MaxDelaySeconds: slowest,
        MaxAttempts: Math.ceil(atMost / slowest) + 10,
    };
}

/** The whole definition. */
export function workflowDefinition(inputs: WorkflowInputs): State {
    const { approvalTimeoutSeconds, onApprovalTimeout } = inputs;
    const service = (name: string) => `arn:${inputs.partition}:states:::${name}`;
    const bounds = { ...waits, RunAnalysis: { every: 30, atMost: inputs.analysisTimeoutSeconds + 600 } } as Partial<
        Record<StepName, Waiting>
    >;

    const task = (name: StepName, payload: Record<string, unknown>, next: State): State => ({
        Type: "Task",
        Resource: service("lambda:invoke"),
        Parameters: { FunctionName: inputs.functionArns[name], Payload: payload },
        TimeoutSeconds: taskTimeoutSeconds,
        Retry: bounds[name] ? [retryNotYet(bounds[name]), retryTransient] : [retryTransient],
        ...next,
    });
    /** A function's answer lies under Payload; only that becomes the container. */
    const into = (container: string): State => ({ ResultSelector: { "value.$": "$.Payload" }, ResultPath: `$.${container}Result` });
    const unwrap = (container: string, next: State): State => ({
        Type: "Pass",
        InputPath: `$.${container}Result.value`,
        ResultPath: `$.${container}`,
        ...next,
    });
    const failure = (name: StepName, next: string): State => nameProblem(name, next);
    const caught = (name: string): State => ({ Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: `${name}Failed` }] });
    /** A second way to tell people is the alarm on failed executions. */
    const tellError = (next: string): State =>
        writeErrorObject({
            partition: inputs.partition,
            evidenceBucket: inputs.evidenceBucket,
            key: "States.Format('{}errors/{}.error.json', $.incident.prefix, $.problem.step)",
            subject: { "incidentId.$": "$.incident.incidentId", "instance.$": "$.incident.instance" },
            next,
        });

    const incident = { "incident.$": "$.incident" };
    const contained = { ...incident, "containment.$": "$.containment" };
    const preserved = { ...contained, "evidence.$": "$.evidence" };
    const answered = { ...incident, "answer.$": "$.answer" };
    const withHost = { ...preserved, "host.$": "$.host" };

    /** A step whose failure ends the incident's work, but never before the tear-down. */
    const mainStep = (name: StepName, payload: Record<string, unknown>, container: string, next: string): States => ({
        [name]: task(name, payload, { ...into(container), ...caught(name), Next: `${name}Done` }),
        [`${name}Done`]: unwrap(container, { Next: next }),
        [`${name}Failed`]: failure(name, "TellError"),
    });
    /** A branch beside the evidence: its failure is told, and stops nothing. */
    const sideBranch = (name: StepName, payload: Record<string, unknown>): State => ({
        StartAt: name,
        States: {
            [name]: task(name, payload, {
                ResultSelector: { "value.$": "$.Payload" },
                ResultPath: "$.result",
                ...caught(name),
                Next: `${name}Done`,
            }),
            [`${name}Done`]: { Type: "Pass", InputPath: "$.result.value", End: true },
            [`${name}Failed`]: failure(name, `Tell${name}Error`),
            [`Tell${name}Error`]: tellError(`${name}GivenUp`),
            [`${name}GivenUp`]: { Type: "Pass", Result: null, End: true },
        },
    });

    /** The evidence, or the problem that kept it from being preserved: this branch never ends the others. */
    const preservation: State = {
        StartAt: "CreateSnapshots",
        States: {
            CreateSnapshots: task("CreateSnapshots", contained, {
                ResultSelector: { "value.$": "$.Payload" },
                ResultPath: "$.result",
                ...caught("CreateSnapshots"),
                Next: "CreateSnapshotsDone",
            }),
            CreateSnapshotsDone: { Type: "Pass", Parameters: { "evidence.$": "$.result.value" }, End: true },
            CreateSnapshotsFailed: failure("CreateSnapshots", "TellCreateSnapshotsError"),
            TellCreateSnapshotsError: tellError("CreateSnapshotsGivenUp"),
            CreateSnapshotsGivenUp: { Type: "Pass", Parameters: { "problem.$": "$.problem" }, End: true },
        },
    };
    /** The containment as it is in the end: people are asked where they decide, and then told. */
    const response: State = {
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
            RequestApproval: {
                Type: "Task",
                Resource: service("lambda:invoke.waitForTaskToken"),
                Parameters: {
                    FunctionName: inputs.functionArns.RequestApproval,
                    Payload: { ...contained, "taskToken.$": "$$.Task.Token", timeoutSeconds: approvalTimeoutSeconds },
                },
                TimeoutSeconds: approvalTimeoutSeconds,
                // Silence is an answer, so asking is not tried again after it.
                Retry: [
                    {
                        ...retryTransient,
                        ErrorEquals: (retryTransient.ErrorEquals as string[]).filter((name) => name !== "States.Timeout"),
                    },
                ],
                Catch: [
                    { ErrorEquals: ["States.Timeout"], ResultPath: "$.failure", Next: "NobodyAnswered" },
                    { ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "RequestApprovalFailed" },
                ],
                ResultPath: "$.answer",
                Next: "IsolateAsDecided",
            },
            RequestApprovalFailed: failure("RequestApproval", "TellRequestApprovalError"),
            TellRequestApprovalError: tellError("NobodyAnswered"),
            NobodyAnswered: {
                Type: "Pass",
                Result: {
                    approved: onApprovalTimeout === "contain",
                    by: "silence",
                    reason: `nobody answered in time, and containment.onApprovalTimeout says ${onApprovalTimeout}`,
                },
                ResultPath: "$.answer",
                Next: "IsolateAsDecided",
            },
            IsolateAsDecided: task("IsolateInstance", answered, {
                ...into("containment"),
                ...caught("IsolateAsDecided"),
                Next: "IsolateAsDecidedDone",
            }),
            IsolateAsDecidedDone: unwrap("containment", { Next: "NotifyIsolation" }),
            IsolateAsDecidedFailed: failure("IsolateInstance", "TellIsolateAsDecidedError"),
            TellIsolateAsDecidedError: tellError("NotContained"),
            NotContained: { Type: "Pass", Parameters: { containment: null, "problem.$": "$.problem" }, End: true },
            NotifyIsolation: task("NotifyIsolation", contained, { ResultPath: null, ...caught("NotifyIsolation"), Next: "Told" }),
            NotifyIsolationFailed: failure("NotifyIsolation", "TellNotifyIsolationError"),
            TellNotifyIsolationError: tellError("Told"),
            Told: { Type: "Pass", Parameters: { "containment.$": "$.containment" }, End: true },
        },
    };

    return {
        Comment: "One incident of one EC2 instance: contain, preserve, analyse, report",
        StartAt: "Open",
        TimeoutSeconds: 24 * 3600 * 2 + inputs.analysisTimeoutSeconds,
        States: {
            Open: { Type: "Pass", Parameters: { "incident.$": "$", containment: null }, Next: "IsolateInstance" },
            IsolateInstance: task("IsolateInstance", incident, {
                ...into("containment"),
                ...caught("IsolateInstance"),
                Next: "IsolateInstanceDone",
            }),
            IsolateInstanceDone: unwrap("containment", { Next: "PreserveAndTell" }),
            IsolateInstanceFailed: failure("IsolateInstance", "TellIsolationError"),
            TellIsolationError: tellError("PreserveAndTell"),
            PreserveAndTell: {
                Type: "Parallel",
                Branches: [preservation, sideBranch("OpenTicket", incident), response],
                ResultSelector: { "preservation.$": "$[0]", "ticket.$": "$[1]", "response.$": "$[2]" },
                ResultPath: "$.beside",
                Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "PreserveAndTellFailed" }],
                Next: "Responded",
            },
            PreserveAndTellFailed: failure("CreateSnapshots", "TellError"),
            Responded: { Type: "Pass", InputPath: "$.beside.response.containment", ResultPath: "$.containment", Next: "AnyProblem" },
            // People were told of it in the branch; here it is kept for the outcome of the execution.
            AnyProblem: {
                Type: "Choice",
                Choices: [
                    { Variable: "$.beside.preservation.problem", IsPresent: true, Next: "NotPreserved" },
                    { Variable: "$.beside.response.problem", IsPresent: true, Next: "PreservedNotContained" },
                ],
                Default: "Preserved",
            },
            NotPreserved: { Type: "Pass", InputPath: "$.beside.preservation.problem", ResultPath: "$.problem", Next: "TearDown" },
            PreservedNotContained: { Type: "Pass", InputPath: "$.beside.response.problem", ResultPath: "$.problem", Next: "Preserved" },
            Preserved: {
                Type: "Pass",
                InputPath: "$.beside.preservation.evidence",
                ResultPath: "$.evidence",
                Next: "StartForensicInstance",
            },
            ...mainStep("StartForensicInstance", { ...incident, "evidence.$": "$.evidence" }, "host", "AttachEvidenceVolumes"),
            ...mainStep("AttachEvidenceVolumes", { ...incident, "evidence.$": "$.evidence", "host.$": "$.host" }, "host", "CheckSsm"),
            ...mainStep("CheckSsm", { ...incident, "host.$": "$.host" }, "host", "RunAnalysis"),
            ...mainStep("RunAnalysis", withHost, "analysis", "TearDown"),
            TellError: tellError("TearDown"),
            TearDown: task(
                "TearDown",
                { "incidentId.$": "$.incident.incidentId" },
                { ...into("tearDown"), ...caught("TearDown"), Next: "Outcome" },
            ),
            TearDownFailed: failure("TearDown", "TellTearDownError"),
            TellTearDownError: tellError("Failed"),
            // Whatever went wrong on the way, an execution that had a problem does not say that it succeeded.
            Outcome: { Type: "Choice", Choices: [{ Variable: "$.problem", IsPresent: true, Next: "Failed" }], Default: "Succeeded" },
            Succeeded: { Type: "Succeed" },
            Failed: { Type: "Fail", ErrorPath: "$.problem.error", CausePath: "$.problem.cause" },
        },
    };
}
