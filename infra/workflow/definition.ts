/**
 * The state machine as data (Amazon States Language, JSONPath), made by a pure function so that tests can read it.
 *
 *     [QuarantineInstance -> AcquireMemory ->] IsolateInstance -> Parallel( OpenTicket | [RequestApproval -> IsolateAsDecided ->] NotifyIsolation | CreateSnapshots
 *             | CaptureMetadata | OpenEndpointsEarly ) -> OpenEndpoints -> StartForensicInstance -> AttachEvidenceVolumes -> CheckSsm
 *         -> CaptureLater -> RunAnalysis -> TearDown -> CloseEndpoints -> SealCustody
 *
 * From OpenEndpoints to TearDown is one round: it is gone through again where the incident has more volumes than one forensic instance takes, and
 * SendReport then joins what the rounds left. An execution that goes on with an incident has rounds of what is not analysed yet alone.
 *
 * The state of an execution is `{ incident, memory, containment, ticket, evidence, round, host, analysis }`; each task gets only the containers
 * it names. Containment comes first and nothing stands before it; when it fails, people are told at once and the
 * evidence is preserved all the same. Where people are asked first, the evidence does not wait for their answer. TearDown stands on
 * every path. The parts: containment.ts, preservation.ts, people.ts, analysis.ts.
 */
import { analyse, openEarly, tearDown } from "./analysis";
import { containFirst, respond } from "./containment";
import { openTicket } from "./people";
import { mostRounds } from "../../functions/domain/planRounds";
import { longestAnalysisSeconds, longestPreservationSeconds } from "./tasks";
import { captureMetadata, preserve } from "./preservation";
import { catchAll, nameProblem, type State, type States } from "./states";
import { Tasks, type WorkflowInputs } from "./tasks";

/** The whole definition. */
export function workflowDefinition(inputs: WorkflowInputs): State {
    const tasks = new Tasks(inputs);
    const contain = containFirst(tasks, "PreserveAndTell");
    return {
        Comment: "One incident of one EC2 instance: contain, preserve, analyse, report",
        StartAt: "Open",
        TimeoutSeconds: longestPreservationSeconds + mostRounds * (24 * 3600 + longestAnalysisSeconds),
        States: {
            Open: { Type: "Pass", Parameters: { "incident.$": "$", containment: null, memory: null }, Next: contain.first },
            ...contain.states,
            ...preserveAndTell(tasks, "FirstRound"),
            ...analyse(tasks, "TearDown"),
            ...tearDown(tasks),
        },
    };
}

/** Evidence, ticket and people beside each other, and what came of them put together. */
function preserveAndTell(tasks: Tasks, next: string): States {
    return {
        PreserveAndTell: {
            Type: "Parallel",
            Branches: [
                preserve(tasks),
                openTicket(tasks),
                respond(tasks),
                captureMetadata(tasks, "now"),
                ...(tasks.inputs.endpointsOnDemand ? [openEarly(tasks)] : []),
            ],
            ResultSelector: { "preservation.$": "$[0]", "ticket.$": "$[1]", "response.$": "$[2]" },
            ResultPath: "$.beside",
            ...catchAll("PreserveAndTellFailed"),
            Next: "Responded",
        },
        PreserveAndTellFailed: nameProblem("CreateSnapshots", "TellError"),
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
        Preserved: { Type: "Pass", InputPath: "$.beside.preservation.evidence", ResultPath: "$.evidence", Next: next },
    };
}
