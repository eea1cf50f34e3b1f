/**
 * `npm run approve` and `npm run deny`: answer the question whether the instances of incidents shall be contained.
 *
 * Who answered is not what this command says: it signs a question to AWS, and the function asks AWS whose signature it is.
 */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { answerStatement, mostAnswers, type AnswerOutcome } from "../functions/answerApproval";
import { proveCaller } from "../functions/aws/callerIdentity";
import { listHeld } from "../functions/aws/standingContainments";
import { visible } from "../functions/domain/visibleText";
import { functionNameOf } from "../infra/names";
import { command, UsageError, type CommandSpec, type Values } from "./command";
import { jsonOption, readIncidentId, readRegion, regionOption } from "./operator";

const options = {
    reason: { type: "string", description: "why; it stands in the incident's record and in messages" },
    waiting: { type: "boolean", description: "in the place of incidents: all that wait because the brake holds" },
    region: regionOption,
    json: jsonOption,
} as const;

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

async function answer(approved: boolean, { waiting, json, ...given }: AnswerValues, incidents: string[]): Promise<number> {
    if (incidents.length === 0 && !waiting) throw new UsageError("No incident given.");
    if (incidents.length > 0 && waiting) throw new UsageError("Name incidents, or --waiting for all that wait.");
    const named = incidents.map(readIncidentId);
    const reason = given.reason ?? null;
    const region = readRegion(given.region);
    const incidentIds = waiting ? (await listHeld()).map(({ incident }) => incident.incidentId) : [...new Set(named)];
    if (incidentIds.length === 0 && !json) console.log("Nothing waits in this Region.");
    const lambda = new LambdaClient({ region });
    const all: { by: string; incidentId: string; taken: boolean; why: string | null }[] = [];
    for (let at = 0; at < incidentIds.length; at += mostAnswers) {
        const { by, answers } = await ask(lambda, region, { incidentIds: incidentIds.slice(at, at + mostAnswers), approved, reason });
        for (const { incidentId, taken, why } of answers) {
            all.push({ by, incidentId, taken, why });
            if (json) continue;
            if (taken)
                console.log(
                    `${approved ? "Approved" : "Denied"}: ${incidentId}, as ${by}. The instance is ${approved ? "contained now" : "left as it is"}; the next message about the incident says how it went.`,
                );
            else console.error(visible(why));
        }
    }
    if (json) console.log(JSON.stringify({ schemaVersion: 1, region, approved, answers: all }));
    return all.every(({ taken }) => taken) ? 0 : 1;
}
type AnswerValues = Values<typeof options>;

const specOf = (verb: "approve" | "deny"): CommandSpec<typeof options> => ({
    name: verb,
    summary:
        verb === "approve"
            ? "Answers the question of an incident that asks before it contains: the instance is contained now."
            : "Answers the question of an incident that asks before it contains: the instance is left as it is. Evidence is taken all the same.",
    arguments: "INCIDENT… [--reason TEXT] [--region REGION] [--json], or --waiting in the place of incidents",
    options,
    positionals: { what: "incident", least: 0, most: Infinity },
    examples: [
        `npm run ${verb} -- i-0123456789abcdef0-0123456789abcdef --reason "asked the owner"`,
        `npm run ${verb} -- --waiting --region eu-west-1`,
    ],
    exitCodes: { 0: "every answer was taken", 1: "there was one that nothing asks for", 2: "they could not be given" },
    rights: {
        "the function clean-room-answerApproval": ["lambda:InvokeFunction"],
        "the table clean-room-incidents and its index, for --waiting": ["dynamodb:Query"],
        "the key of that table, for --waiting": ["kms:Decrypt"],
    },
    run: (values, incidents) => answer(verb === "approve", values, incidents),
});

export const approve = specOf("approve");
export const deny = specOf("deny");
const verb = process.argv[2];
if (verb === "approve" || verb === "deny") command(verb === "approve" ? approve : deny, module, process.argv.slice(3));
