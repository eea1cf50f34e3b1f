/**
 * `npm run approve -- <incident>… [--reason TEXT] [--region REGION]` and `npm run deny -- …`: answers the question whether the instances of
 * incidents shall be contained. `--waiting` in the place of incidents means all that wait because the brake holds.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * lambda:InvokeFunction on the function `clean-room-answerApproval`, and for `--waiting` dynamodb:Query on the incidents table's index and
 * kms:Decrypt on its key. Who answered is not what this command says: it signs a question to AWS, and the function asks AWS whose signature it is.
 * Exit 0 when every answer was taken, 1 when there was one that nothing asks for, 2 when they could not be given.
 */
import { parseArgs } from "node:util";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { answerStatement, mostAnswers, type AnswerOutcome } from "../functions/answerApproval";
import { proveCaller } from "../functions/aws/callerIdentity";
import { listHeld } from "../functions/aws/standingContainments";
import { incidentSchema } from "../functions/domain/containers";
import { visible } from "../functions/domain/visibleText";
import { functionNameOf, incidentsTableName } from "../infra/names";
import { endWith, UsageError } from "./command";

const usage =
    "Use: npm run approve -- <incident>… [--reason TEXT] [--region REGION], or --waiting in the place of incidents; npm run deny in the same way";

interface Wanted {
    approved: boolean;
    incidentIds: string[];
    waiting: boolean;
    reason: string | null;
    region: string;
}

function read([verb, ...argv]: string[]): Wanted {
    if (verb !== "approve" && verb !== "deny") throw new UsageError("Say approve or deny.");
    let parsed;
    try {
        parsed = parseArgs({
            args: argv,
            allowPositionals: true,
            options: { reason: { type: "string" }, region: { type: "string" }, waiting: { type: "boolean", default: false } },
        });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
    const { values, positionals } = parsed;
    if (positionals.length === 0 && !values.waiting) throw new UsageError("No incident given.");
    if (positionals.length > 0 && values.waiting) throw new UsageError("Name incidents, or --waiting for all that wait.");
    for (const each of positionals)
        if (!incidentSchema.shape.incidentId.safeParse(each).success)
            throw new UsageError(
                `"${each}" is no incident id; it looks like i-0123456789abcdef0-0123456789abcdef and stands in the message that asks.`,
            );
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    return { approved: verb === "approve", incidentIds: positionals, waiting: values.waiting, reason: values.reason ?? null, region };
}

/** Answers a part of them. @throws with what the function said when it failed */
async function ask(lambda: LambdaClient, region: string, request: Parameters<typeof answerStatement>[0]): Promise<AnswerOutcome> {
    const proof = await proveCaller(region, answerStatement(request));
    const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: functionNameOf("answerApproval"), Payload: JSON.stringify({ ...request, proof }) }),
    );
    const answer = JSON.parse(new TextDecoder().decode(Payload)) as AnswerOutcome & { errorMessage?: string };
    if (FunctionError) throw new Error(answer.errorMessage ?? FunctionError);
    return answer;
}

async function main(argv: string[]): Promise<number> {
    const { approved, reason, region, waiting, incidentIds: named } = read(argv);
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    const incidentIds = waiting ? (await listHeld()).map(({ incident }) => incident.incidentId) : [...new Set(named)];
    if (incidentIds.length === 0) console.log("Nothing waits in this Region.");
    const lambda = new LambdaClient({ region });
    let notTaken = 0;
    for (let at = 0; at < incidentIds.length; at += mostAnswers) {
        const { by, answers } = await ask(lambda, region, { incidentIds: incidentIds.slice(at, at + mostAnswers), approved, reason });
        for (const { incidentId, taken, why } of answers) {
            if (taken)
                console.log(
                    `${approved ? "Approved" : "Denied"}: ${incidentId}, as ${by}. The instance is ${approved ? "contained now" : "left as it is"}; the next message about the incident says how it went.`,
                );
            else console.error(visible(why));
            notTaken += taken ? 0 : 1;
        }
    }
    return notTaken === 0 ? 0 : 1;
}

endWith(
    main(process.argv.slice(2)),
    usage,
    "Check the credentials: they must be of the forensics account, and the Region must have a clean room.",
);
