/**
 * `npm run approve -- <incident> [--reason TEXT] [--region REGION]` and `npm run deny -- …`: answers the question whether the
 * instance of an incident shall be contained.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * dynamodb:GetItem on the incidents table, kms:Decrypt on its key, and states:SendTaskSuccess on the workflow. Exit 0 when
 * the answer was taken, 1 when there is nothing to answer, 2 when it could not be given.
 */
import { parseArgs } from "node:util";
import { SendTaskSuccessCommand, SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { errorCode } from "../functions/aws/errors";
import { spentToken } from "../functions/aws/applyFinding";
import { readIncident } from "../functions/aws/incidentsTable";
import { incidentSchema, type ApprovalAnswer } from "../functions/domain/containers";
import { incidentsTableName } from "../infra/names";
import { approvalRequest } from "./approvalRequest";

const usage = "Use: npm run approve -- <incident> [--reason TEXT] [--region REGION], or npm run deny -- …";

/** What the operator has to mend before anything is asked of AWS. */
class UsageError extends Error {}

interface Wanted {
    approved: boolean;
    incidentId: string;
    reason: string | null;
    region: string;
}

function read([verb, ...argv]: string[]): Wanted {
    if (verb !== "approve" && verb !== "deny") throw new UsageError("Say approve or deny.");
    let parsed;
    try {
        parsed = parseArgs({ args: argv, allowPositionals: true, options: { reason: { type: "string" }, region: { type: "string" } } });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
    const { values, positionals } = parsed;
    if (positionals.length !== 1) throw new UsageError(positionals.length === 0 ? "No incident given." : "One incident at a time.");
    const incidentId = incidentSchema.shape.incidentId.safeParse(positionals[0]);
    if (!incidentId.success)
        throw new UsageError(
            `"${positionals[0]}" is no incident id; it looks like i-0123456789abcdef0-0123456789abcdef and stands in the message that asks.`,
        );
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    return { approved: verb === "approve", incidentId: incidentId.data, reason: values.reason ?? null, region };
}

async function main(argv: string[]): Promise<number> {
    const { approved, incidentId, reason, region } = read(argv);
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    const request = approvalRequest(incidentId, await readIncident(incidentId), new Date());
    if ("reason" in request) {
        console.error(request.reason);
        return 1;
    }
    const { Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const answer: ApprovalAnswer = { approved, by: Arn!, reason };
    try {
        await new SFNClient({ region }).send(new SendTaskSuccessCommand({ taskToken: request.taskToken, output: JSON.stringify(answer) }));
    } catch (error) {
        if (!spentToken.has(errorCode(error))) throw error;
        console.error(
            `The question about ${incidentId} is answered already, or the time for it is over. The next message about the incident says what was decided.`,
        );
        return 1;
    }
    console.log(
        `${approved ? "Approved" : "Denied"}: ${incidentId}, as ${Arn}. The instance is ${approved ? "contained now" : "left as it is"}; the next message about the incident says how it went.`,
    );
    return 0;
}

main(process.argv.slice(2)).then(
    (code) => (process.exitCode = code),
    (error: Error) => {
        const advice =
            error instanceof UsageError
                ? usage
                : "Check the credentials: they must be of the forensics account, and the Region must have a clean room.";
        console.error(`${error.name === "Error" ? "" : `${error.name}: `}${error.message}\n${advice}`);
        process.exitCode = 2;
    },
);
