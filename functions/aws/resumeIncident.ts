/** Goes on with an incident's response after it failed: domain/planResume.ts decides how. */
import { GetExecutionHistoryCommand, RedriveExecutionCommand, StartExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";
import { planResume, type LastExecution } from "../domain/planResume";
import { newestExecution } from "./executions";
import { readIncident } from "./incidentsTable";

/** What was done. */
export interface Resumed {
    action: "nothing" | "redriven" | "started";
    /** Name of the execution that goes on; null when none does. */
    execution: string | null;
    /** In words. */
    said: string;
}

/** The newest execution of the incident, and how many there are. */
async function lastExecution(
    sfn: SFNClient,
    arnOf: (name: string) => string,
    incidentId: string,
): Promise<{ last: LastExecution | null; executions: number }> {
    const newest = await newestExecution(sfn, arnOf, incidentId);
    if (newest === null) return { last: null, executions: 1 };
    const { name, described, count } = newest;
    const last = { name, status: described.status!, redriveStatus: described.redriveStatus ?? null, endedInFail: false };
    return { last: await withEnd(sfn, arnOf, last), executions: count };
}

async function withEnd(sfn: SFNClient, arnOf: (name: string) => string, last: LastExecution): Promise<LastExecution> {
    if (last.status !== "FAILED") return last;
    const { events = [] } = await sfn.send(
        new GetExecutionHistoryCommand({ executionArn: arnOf(last.name), reverseOrder: true, maxResults: 2, includeExecutionData: false }),
    );
    return { ...last, endedInFail: events.some(({ type }) => type === "FailStateEntered") };
}

/** @param stateMachineArn the workflow's, in the account and Region of the incident @param late as planResume has it */
export async function resumeIncident(sfn: SFNClient, stateMachineArn: string, incidentId: string, late = false): Promise<Resumed> {
    const record = await readIncident(incidentId);
    const arnOf = (name: string) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    const { last, executions } = record === null ? { last: null, executions: 0 } : await lastExecution(sfn, arnOf, incidentId);
    const plan = planResume(incidentId, record, last, executions, late);
    if (plan.kind === "nothing") return { action: "nothing", execution: null, said: plan.reason };
    if (plan.kind === "redrive") {
        await sfn.send(new RedriveExecutionCommand({ executionArn: arnOf(plan.name) }));
        return {
            action: "redriven",
            execution: plan.name,
            said: `Redriven: ${plan.name} goes on from the state that it broke off in.`,
        };
    }
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name: plan.name, input: JSON.stringify(record!.incident) }));
    return {
        action: "started",
        execution: plan.name,
        said: `Started: ${plan.name}, a new execution of ${incidentId}. What stands is kept: it goes on with what is missing.`,
    };
}
