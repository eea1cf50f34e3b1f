/**
 * `npm run approve` and `npm run deny`: answer the question whether the instances of incidents shall be contained.
 *
 * Who answered is not what this command says: it signs a question to AWS, and the function asks AWS whose signature it is.
 */
import { createInterface } from "node:readline/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { mostAnswers, type AnswerOutcome, type AnswerRequest } from "../functions/answerApproval";
import { proveCaller } from "../functions/aws/callerIdentity";
import { readIncident } from "../functions/aws/incidentsTable";
import { listHeld } from "../functions/aws/standingContainments";
import { answerStatement } from "../functions/domain/callerProof";
import { approvalQuestion } from "../functions/domain/approvalQuestion";
import type { IncidentRecord } from "../functions/domain/incidentRecord";
import { visible } from "../functions/domain/visibleText";
import { functionNameOf } from "../infra/names";
import { approvalLines } from "./approvalLines";
import { command, UsageError, type CommandSpec, type Values } from "./command";
import { jsonOption, readIncidentId, readRegion, regionOption } from "./operator";

const options = {
    reason: { type: "string", description: "why; it stands in the incident's record and in messages" },
    waiting: { type: "boolean", description: "in the place of incidents: all that wait because the brake holds" },
    yes: { type: "boolean", description: "answer without being asked whether you mean it; --json and anything but a terminal need it" },
    region: regionOption,
    json: jsonOption,
} as const;

/** Answers a part of them. @throws with what the function said when it failed */
async function ask(lambda: LambdaClient, region: string, request: Omit<AnswerRequest, "proof">): Promise<AnswerOutcome> {
    const proof = await proveCaller(region, answerStatement(request));
    const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: functionNameOf("answerApproval"), Payload: JSON.stringify({ ...request, proof }) }),
    );
    const answer = JSON.parse(new TextDecoder().decode(Payload)) as AnswerOutcome & { errorMessage?: string };
    if (FunctionError) throw new Error(answer.errorMessage ?? FunctionError);
    return answer;
}

/** Where the operator is asked. */
export interface Terminal {
    input: NodeJS.ReadableStream & { isTTY?: boolean };
    output: NodeJS.WritableStream;
}

/**
 * Asks whether it is meant. An end of the input is no yes.
 *
 * @throws UsageError where there is nobody to ask
 */
export async function confirmed(question: string, { input, output }: Terminal): Promise<boolean> {
    if (!input.isTTY)
        throw new UsageError("This is no terminal, so nobody can be asked whether it is meant. Look at what is decided on, and say --yes.");
    const asking = createInterface({ input, output });
    try {
        const ended = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
        return (await Promise.race([asking.question(`${question} Type yes: `), ended])).trim().toLowerCase() === "yes";
    } finally {
        asking.close();
    }
}

/** Those of the incidents that wait for an answer. Of the others the function says why there is nothing to answer. */
async function questions(incidentIds: readonly string[]): Promise<IncidentRecord[]> {
    const records = await Promise.all(incidentIds.map(readIncident));
    return records.filter(
        (record): record is IncidentRecord =>
            record !== null && !("reason" in approvalQuestion(record.incident.incidentId, record, new Date())),
    );
}

/** Shows what is decided on, and asks. @returns whether it is meant; where nothing waits for an answer nobody is asked */
async function meant(approved: boolean, incidentIds: readonly string[], yes: boolean): Promise<boolean> {
    const waiting = await questions(incidentIds);
    if (waiting.length === 0) return true;
    for (const line of approvalLines(waiting, approved)) console.log(line);
    if (yes) return true;
    const which = waiting.length === 1 ? "this instance" : `these ${waiting.length} instances`;
    return confirmed(approved ? `Contain ${which} now?` : `Leave ${which} as ${waiting.length === 1 ? "it is" : "they are"}?`, {
        input: process.stdin,
        output: process.stdout,
    });
}

async function answer(approved: boolean, { waiting, json, yes, ...given }: AnswerValues, incidents: string[]): Promise<number> {
    if (incidents.length === 0 && !waiting) throw new UsageError("No incident given.");
    if (incidents.length > 0 && waiting) throw new UsageError("Name incidents, or --waiting for all that wait.");
    if (json && !yes) throw new UsageError("--json is for machines, which nobody asks whether they mean it: say --yes.");
    const named = incidents.map(readIncidentId);
    const reason = given.reason ?? null;
    const region = readRegion(given.region);
    const incidentIds = waiting ? (await listHeld()).map(({ incident }) => incident.incidentId) : [...new Set(named)];
    if (incidentIds.length === 0 && !json) console.log("Nothing waits in this Region.");
    if (!json && !(await meant(approved, incidentIds, yes))) {
        console.error("Nothing was answered.");
        return 1;
    }
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
            ? "Answers the question of an incident that asks before it contains: the instance is contained now. Shows first what is decided on, and asks."
            : "Answers the question of an incident that asks before it contains: the instance is left as it is. Evidence is taken all the same.\nShows first what is decided on, and asks.",
    arguments: "INCIDENT… [--reason TEXT] [--yes] [--region REGION] [--json], or --waiting in the place of incidents",
    options,
    positionals: { what: "incident", least: 0, most: Infinity },
    examples: [
        `npm run ${verb} -- i-0123456789abcdef0-0123456789abcdef --reason "asked the owner"`,
        `npm run ${verb} -- --waiting --region eu-west-1`,
        `npm run --silent ${verb} -- i-0123456789abcdef0-0123456789abcdef --yes --json`,
    ],
    exitCodes: {
        0: "every answer was taken",
        1: "there was one that nothing asks for, or you did not mean it",
        2: "they could not be given",
    },
    rights: {
        "the function clean-room-answerApproval": ["lambda:InvokeFunction"],
        "the table clean-room-incidents, for what is decided on, and its index, for --waiting": ["dynamodb:GetItem", "dynamodb:Query"],
        "the key of that table": ["kms:Decrypt"],
    },
    run: (values, incidents) => answer(verb === "approve", values, incidents),
});

export const approve = specOf("approve");
export const deny = specOf("deny");
const verb = process.argv[2];
if (verb === "approve" || verb === "deny") command(verb === "approve" ? approve : deny, module, process.argv.slice(3));
