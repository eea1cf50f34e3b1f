/**
 * `npm run resume`: goes on with a response that failed, instead of beginning it anew.
 *
 * An execution that was stopped, timed out or broke off is redriven from that state, as long as Step Functions allows it (fourteen days). One
 * that ended because a step failed is gone on with by a new execution of the same incident: what is contained stays so, locked snapshots are not
 * taken again, and the analysis gets a new host.
 */
import { GetExecutionHistoryCommand, RedriveExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { newestExecution } from "../functions/aws/executions";
import { readIncident } from "../functions/aws/incidentsTable";
import { stateMachineName } from "../infra/names";
import { command, type Values } from "./command";
import { jsonOption, readIncidentId, readRegion, regionOption } from "./operator";
import { planResume, type LastExecution } from "./resumePlan";

const options = { region: regionOption, json: jsonOption } as const;

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

async function goOn({ json, ...given }: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    const region = readRegion(given.region);
    const told = (action: "nothing" | "redriven" | "started", execution: string | null, text: string): number => {
        const code = action === "nothing" ? 1 : 0;
        if (json) console.log(JSON.stringify({ schemaVersion: 1, incidentId, region, action, execution, said: text }));
        else if (code === 0) console.log(text);
        else console.error(text);
        return code;
    };
    const record = await readIncident(incidentId);
    const sfn = new SFNClient({ region });
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const place = `arn:${Arn!.split(":")[1]}:states:${region}:${Account}`;
    const arnOf = (name: string) => `${place}:execution:${stateMachineName}:${name}`;
    const { last, executions } = record === null ? { last: null, executions: 0 } : await lastExecution(sfn, arnOf, incidentId);
    const plan = planResume(incidentId, record, last, executions);
    if (plan.kind === "nothing") return told("nothing", null, plan.reason);
    if (plan.kind === "redrive") {
        await sfn.send(new RedriveExecutionCommand({ executionArn: arnOf(plan.name) }));
        return told("redriven", plan.name, `Redriven: ${plan.name} goes on from the state that it broke off in.`);
    }
    await sfn.send(
        new StartExecutionCommand({
            stateMachineArn: `${place}:stateMachine:${stateMachineName}`,
            name: plan.name,
            input: JSON.stringify(record!.incident),
        }),
    );
    return told(
        "started",
        plan.name,
        `Started: ${plan.name}, a new execution of ${incidentId}. What stands is kept: it goes on with what is missing.`,
    );
}

export const resume = command(
    {
        name: "resume",
        summary:
            "Goes on with a response that failed, instead of beginning it anew: redriven where Step Functions allows it, else a new execution of the\nsame incident. What is contained stays so, and locked snapshots are not taken again.",
        arguments: "INCIDENT [--region REGION] [--json]",
        options,
        positionals: { what: "incident", least: 1, most: 1 },
        examples: ["npm run resume -- i-0123456789abcdef0-0123456789abcdef"],
        exitCodes: { 0: "it goes on", 1: "there is nothing to go on with", 2: "it could not be asked for" },
        rights: {
            "the table clean-room-incidents": ["dynamodb:GetItem"],
            "the key of that table": ["kms:Decrypt"],
            "the state machine clean-room-incident": ["states:StartExecution"],
            "its executions": ["states:DescribeExecution", "states:GetExecutionHistory", "states:RedriveExecution"],
        },
        run: goOn,
    },
    module,
);
