/** How an incident's response is gone on with after it failed. Pure. */
import { executionName } from "./executions";
import type { IncidentRecord } from "./incidentRecord";

/** The newest execution of an incident, as Step Functions describes it. */
export interface LastExecution {
    name: string;
    status: string;
    /** Step Functions' own word, `REDRIVABLE` for fourteen days after the end; null where it says nothing. */
    redriveStatus: string | null;
    /** Whether its last state was the one that says that a step failed: every step before it was caught, so a redrive would do that state alone. */
    endedInFail: boolean;
}

/**
 * - `redrive`: the same execution goes on from the state that it broke off in
 * - `start`: a new execution of the same incident; every step finds what stands already, and goes on with what does not
 */
export type ResumePlan = { kind: "redrive"; name: string } | { kind: "start"; name: string } | { kind: "nothing"; reason: string };

/**
 * @param record null when the incidents table has none
 * @param last null when Step Functions knows no execution any more, as from 90 days after its end on
 * @param executions how many it knows
 * @param late evidence came after the last execution had ended well: a new one analyses what is not analysed yet, which may be nothing
 */
export function planResume(
    incidentId: string,
    record: IncidentRecord | null,
    last: LastExecution | null,
    executions: number,
    late = false,
): ResumePlan {
    const nothing = (reason: string): ResumePlan => ({ kind: "nothing", reason });
    if (record === null)
        return nothing(
            `There is no incident ${incidentId} in this account and Region. Copy the id from the message; --region is the Region of the instance.`,
        );
    if (record.status === "released")
        return nothing(
            `${incidentId} was released, so there is nothing to go on with. The next finding about the instance opens another incident.`,
        );
    if (record.heldSince && record.startedAt === null)
        return nothing(`${incidentId} waits for your answer, as the brake holds: npm run approve -- ${incidentId}, or deny.`);
    if (last?.status === "RUNNING" || last?.status === "PENDING_REDRIVE") return nothing(`${last.name} is under way.`);
    if (last?.status === "SUCCEEDED" && !late)
        return nothing(
            `${last.name} ended well. For evidence that came after it: npm run resume -- ${incidentId} --late. For a second look, publish a message about the instance to the findings topic (docs/runbook.md).`,
        );
    if (last !== null && last.redriveStatus === "REDRIVABLE" && !last.endedInFail) return { kind: "redrive", name: last.name };
    return { kind: "start", name: executionName(incidentId, executions + 1) };
}
