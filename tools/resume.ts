/**
 * `npm run resume -- <incident> [--region REGION]`: goes on with a response that failed, instead of beginning it anew.
 *
 * An execution that was stopped, timed out or broke off is redriven from that state, as long as Step Functions allows it (fourteen days). One
 * that ended because a step failed is gone on with by a new execution of the same incident: what is contained stays so, locked snapshots are not
 * taken again, and the analysis gets a new host.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * dynamodb:GetItem on the incidents table, kms:Decrypt on its key, and on the workflow states:StartExecution, and on its executions
 * states:DescribeExecution, states:GetExecutionHistory and states:RedriveExecution. Exit 0 when it goes on, 1 when there is nothing to go on
 * with, 2 when it could not be asked for.
 */
import { parseArgs } from "node:util";
import { GetExecutionHistoryCommand, RedriveExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { newestExecution } from "../functions/aws/executions";
import { readIncident } from "../functions/aws/incidentsTable";
import { incidentSchema } from "../functions/domain/containers";
import { incidentsTableName, stateMachineName } from "../infra/names";
import { planResume, type LastExecution } from "./resumePlan";
import { endWith, UsageError } from "./command";

const usage = "Use: npm run resume -- <incident> [--region REGION]";

function read(argv: string[]): { incidentId: string; region: string } {
    let parsed;
    try {
        parsed = parseArgs({ args: argv, allowPositionals: true, options: { region: { type: "string" } } });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
    const { values, positionals } = parsed;
    if (positionals.length !== 1) throw new UsageError(positionals.length === 0 ? "No incident given." : "One incident at a time.");
    const incidentId = incidentSchema.shape.incidentId.safeParse(positionals[0]);
    if (!incidentId.success)
        throw new UsageError(
            `"${positionals[0]}" is no incident id; it looks like i-0123456789abcdef0-0123456789abcdef and stands in every message about the incident.`,
        );
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    return { incidentId: incidentId.data, region };
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

async function main(argv: string[]): Promise<number> {
    const { incidentId, region } = read(argv);
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    const record = await readIncident(incidentId);
    const sfn = new SFNClient({ region });
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const place = `arn:${Arn!.split(":")[1]}:states:${region}:${Account}`;
    const arnOf = (name: string) => `${place}:execution:${stateMachineName}:${name}`;
    const { last, executions } = record === null ? { last: null, executions: 0 } : await lastExecution(sfn, arnOf, incidentId);
    const plan = planResume(incidentId, record, last, executions);
    if (plan.kind === "nothing") {
        console.error(plan.reason);
        return 1;
    }
    if (plan.kind === "redrive") {
        await sfn.send(new RedriveExecutionCommand({ executionArn: arnOf(plan.name) }));
        console.log(`Redriven: ${plan.name} goes on from the state that it broke off in.`);
        return 0;
    }
    await sfn.send(
        new StartExecutionCommand({
            stateMachineArn: `${place}:stateMachine:${stateMachineName}`,
            name: plan.name,
            input: JSON.stringify(record!.incident),
        }),
    );
    console.log(`Started: ${plan.name}, a new execution of ${incidentId}. What stands is kept: it goes on with what is missing.`);
    return 0;
}

endWith(
    main(process.argv.slice(2)),
    usage,
    "Check the credentials: they must be of the forensics account, may start and redrive the incident workflow, and the Region must have a clean room.",
);
