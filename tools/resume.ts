/**
 * `npm run resume`: goes on with a response that failed, instead of beginning it anew.
 *
 * An execution that was stopped, timed out or broke off is redriven from that state, as long as Step Functions allows it (fourteen days). One
 * that ended because a step failed is gone on with by a new execution of the same incident: what is contained stays so, locked snapshots are not
 * taken again, and what was analysed is not analysed again: the volumes that are left get a new host.
 */
import { SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { resumeIncident } from "../functions/aws/resumeIncident";
import { stateMachineName } from "../infra/names";
import { command, type Values } from "./command";
import { jsonOption, readIncidentId, readRegion, regionOption } from "./operator";

const options = {
    late: { type: "boolean", description: "also after an execution that ended well: analyse evidence that came after it" },
    region: regionOption,
    json: jsonOption,
} as const;

async function goOn({ json, late, ...given }: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    const region = readRegion(given.region);
    const sfn = new SFNClient({ region });
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const stateMachineArn = `arn:${Arn!.split(":")[1]}:states:${region}:${Account}:stateMachine:${stateMachineName}`;
    const { action, execution, said } = await resumeIncident(sfn, stateMachineArn, incidentId, late);
    const code = action === "nothing" ? 1 : 0;
    if (json) console.log(JSON.stringify({ schemaVersion: 1, incidentId, region, action, execution, said }));
    else if (code === 0) console.log(said);
    else console.error(said);
    return code;
}

export const resume = command(
    {
        name: "resume",
        summary:
            "Goes on with a response that failed, instead of beginning it anew: redriven where Step Functions allows it, else a new execution of the\nsame incident. What is contained stays so, locked snapshots are not taken again, and volumes are not analysed again whose results stand.",
        arguments: "INCIDENT [--late] [--region REGION] [--json]",
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
