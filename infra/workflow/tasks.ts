/** The steps of the incident workflow as states: which function each calls, how long it may wait, when it is called again. */
import { longestSeconds } from "../../functions/domain/planSize";
import type { ReportedStep } from "../../functions/domain/steps";
import {
    callAgain,
    catchAll,
    nameProblem,
    passTo,
    retryBusy,
    retryTransient,
    transientErrors,
    writeErrorObject,
    type State,
    type States,
} from "./states";

/** Steps that are Lambda functions: the name of the state -> the handler's file. */
export const stepHandlers = {
    QuarantineInstance: "quarantineInstance",
    AcquireMemory: "acquireMemory",
    IsolateInstance: "isolateInstance",
    RequestApproval: "requestApproval",
    OpenTicket: "openTicket",
    NotifyIsolation: "notifyIsolation",
    CaptureMetadata: "captureMetadata",
    CreateSnapshots: "createSnapshots",
    OpenEndpoints: "openEndpoints",
    StartForensicInstance: "startForensicInstance",
    AttachEvidenceVolumes: "attachEvidenceVolumes",
    CheckSsm: "checkSsm",
    RunAnalysis: "runAnalysis",
    TearDown: "tearDown",
    SendReport: "sendReport",
    CloseEndpoints: "closeEndpoints",
    SealCustody: "sealCustody",
} as const satisfies Partial<Record<ReportedStep, string>>;
export type StepName = keyof typeof stepHandlers;
/** Steps that are there only where memory is taken before the last cut. */
export const memorySteps = ["QuarantineInstance", "AcquireMemory"] as const satisfies StepName[];
export type MemoryStep = (typeof memorySteps)[number];

/** What the definition is made of, all known once the functions and the bucket are. */
export interface WorkflowInputs {
    /** As in `arn:<partition>:states:::`. */
    readonly partition: string;
    /** By the state that calls it. */
    readonly functionArns: Readonly<Record<Exclude<StepName, MemoryStep>, string> & Partial<Record<MemoryStep, string>>>;
    /** Whether memory is taken before the last cut. @default false */
    readonly takesMemory?: boolean;
    /** Name of the bucket that error objects go to. */
    readonly evidenceBucket: string;
    /** Seconds that people have to answer a request for approval. */
    readonly approvalTimeoutSeconds: number;
    /** Whether the clean room's endpoints are made and removed by the workflow. */
    readonly endpointsOnDemand: boolean;
    /** What silence means. */
    readonly onApprovalTimeout: "contain" | "observe";
}

/** Steps that must find room whatever else is at work. Every retry counts against the 25,000 events of an execution, so it is these alone. */
const urgent: ReadonlySet<StepName> = new Set<StepName>(["IsolateInstance", "NotifyIsolation"]);

/** How long a step that is not finished may take. */
interface Waiting {
    /** Seconds before it is asked again. */
    readonly every: number;
    /** Seconds after which it is given up. */
    readonly atMost: number;
    /** Seconds that the pace slows to. @default 120 where the wait is of more than a day, 60 of more than an hour, 15 of less */
    readonly slowest?: number;
}

/** Seconds that the preservation of all volumes may take. */
export const longestPreservationSeconds = 4 * 24 * 3600;
/** Seconds that an analysis may take: the longest that Run Command lets a script run, and its delivery. */
export const longestAnalysisSeconds = longestSeconds + 600;
/** Seconds a Lambda task may take; each handler's own time limit is shorter. Sealing and reporting may read whole objects. */
const taskTimeoutSeconds = (step: StepName) => (step === "SealCustody" || step === "SendReport" ? 930 : 300);

/**
 * Steps that wait; all others answer at once. An execution has 25,000 events, three a retry, and those of a round come as often as there are rounds
 * (functions/domain/planRounds.ts), so their pace slows further. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const waits: Partial<Record<StepName, Waiting>> = {
    // A full copy of a volume of 16 TiB takes some nine hours, an encrypted volume needs two, and they may wait for others.
    CreateSnapshots: { every: 15, atMost: longestPreservationSeconds, slowest: 180 },
    // Endpoints take one to three minutes; until a quota is raised.
    OpenEndpoints: { every: 5, atMost: 6 * 3600, slowest: 180 },
    // Until AWS has capacity or a quota is raised.
    StartForensicInstance: { every: 15, atMost: 12 * 3600, slowest: 180 },
    // Until a quota of volumes is raised; a host may have to be stopped and started.
    AttachEvidenceVolumes: { every: 5, atMost: 6 * 3600, slowest: 180 },
    // An instance takes 30 s to 6 min to register with Systems Manager.
    CheckSsm: { every: 5, atMost: 1200, slowest: 20 },
    // Run Command stops the script when the time is over that its volumes need (functions/domain/planSize.ts).
    RunAnalysis: { every: 30, atMost: longestAnalysisSeconds, slowest: 300 },
    TearDown: { every: 5, atMost: 1800, slowest: 30 },
    CloseEndpoints: { every: 5, atMost: 1800 },
    // Until the report of an analysis that has ended is there.
    SealCustody: { every: 5, atMost: 1800 },
};

/**
 * Wait as a Retry: the execution sleeps, no function does. The pace slows where the wait is long: half of what it took so far, up to `slowest`. A retrier
 * counts over the whole state, so what is transient is part of the wait: else a handful of hiccups in a day would end it.
 */
function retryNotYet({ every, atMost, slowest = atMost > 24 * 3600 ? 120 : atMost > 3600 ? 60 : Math.max(every, 15) }: Waiting): State {
    return callAgain(["NotYet", ...transientErrors], {
        backoffRate: 1.5,
        slowestSeconds: slowest,
        attempts: Math.ceil(atMost / slowest) + 10,
    });
}

/** Containers of the execution's state, as payloads name them: each task gets only those it names. */
export const containers = <Name extends string>(...names: Name[]): Record<`${Name}.$`, string> =>
    Object.fromEntries(names.map((name) => [`${name}.$`, `$.${name}`])) as Record<`${Name}.$`, string>;

/** A function's answer lies under Payload; only that becomes the container. */
export const answerInto = (container: string): State => ({ ResultSelector: { "value.$": "$.Payload" }, ResultPath: `$.${container}` });

/** What a state hands on for the container that was answered into it. */
export const takeAnswer = (answer: string, container: string, next: string): State => ({
    Type: "Pass",
    InputPath: `$.${answer}.value`,
    ResultPath: `$.${container}`,
    Next: next,
});

/** What all parts of the workflow are built with. */
export class Tasks {
    constructor(readonly inputs: WorkflowInputs) {}

    /** ARN of one of Step Functions' integrations. */
    service(name: string): string {
        return `arn:${this.inputs.partition}:states:::${name}`;
    }

    /** Calls the step's function. @param rest where its answer goes, what is caught, what follows */
    task(step: StepName, payload: Record<string, unknown>, rest: State): State {
        const waiting = waits[step];
        return {
            Type: "Task",
            Resource: this.service("lambda:invoke"),
            // A step that waits is told since when, so that people hear of a wait that does not end.
            Parameters: {
                FunctionName: this.inputs.functionArns[step],
                Payload: waiting ? { ...payload, "since.$": "$$.State.EnteredTime" } : payload,
            },
            TimeoutSeconds: taskTimeoutSeconds(step),
            Retry: [...(urgent.has(step) ? [retryBusy] : []), waiting ? retryNotYet(waiting) : retryTransient],
            ...rest,
        };
    }

    /** Tells people of `$.problem` by an error object. A second way to tell them is the alarm on failed executions. */
    tellError(next: string): State {
        return writeErrorObject({
            partition: this.inputs.partition,
            evidenceBucket: this.inputs.evidenceBucket,
            key: "States.Format('{}errors/{}.error.json', $.incident.prefix, $.problem.step)",
            subject: { "incidentId.$": "$.incident.incidentId", "instance.$": "$.incident.instance" },
            next,
        });
    }

    /** A step whose answer becomes a container, and whose failure is named and goes to another state. */
    step(
        step: StepName,
        payload: Record<string, unknown>,
        to: { readonly container: string; readonly next: string; readonly onFailure: string },
    ): States {
        const answer = `${to.container}Result`;
        return {
            [step]: this.task(step, payload, { ...answerInto(answer), ...catchAll(`${step}Failed`), Next: `${step}Done` }),
            [`${step}Done`]: takeAnswer(answer, to.container, to.next),
            [`${step}Failed`]: nameProblem(step, to.onFailure),
        };
    }

    /**
     * A branch beside others: its failure is told, and stops nothing.
     *
     * @param done what it hands on @param givenUp the same after a failure @param again follows the states' names where the step is called a second time
     */
    branch(
        step: StepName,
        payload: Record<string, unknown>,
        { done, givenUp }: { readonly done: State; readonly givenUp: State },
        again = "",
    ): State {
        const name = `${step}${again}`;
        return {
            StartAt: name,
            States: {
                [name]: this.task(step, payload, { ...answerInto("result"), ...catchAll(`${name}Failed`), Next: `${name}Done` }),
                [`${name}Done`]: passTo(done),
                [`${name}Failed`]: nameProblem(step, `Tell${name}Error`),
                [`Tell${name}Error`]: this.tellError(`${name}GivenUp`),
                [`${name}GivenUp`]: passTo(givenUp),
            },
        };
    }
}
