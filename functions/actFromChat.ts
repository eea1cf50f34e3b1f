/**
 * Does what somebody asked for by a button in a chat channel (domain/chatActions.ts). Deployed only where `notifications.chatActions` is on.
 *
 * Who may press is who may invoke this function: the channel's role, by IAM. AWS tells a function nothing of its caller, so answers and releases are
 * on record as this function's, whose session STS proves like a person's; who pressed stands in the channel and in CloudTrail.
 */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { proveCaller } from "./aws/callerIdentity";
import { forensicsClient } from "./aws/clients";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { environment, needs } from "./aws/environment";
import { StepError } from "./aws/errors";
import { log, step } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import type { Permissions } from "./aws/permissions";
import { resumeIncident } from "./aws/resumeIncident";
import { answerStatement, releaseStatement } from "./domain/callerProof";
import { chatRequestSchema } from "./domain/chatActions";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "INCIDENTS_TABLE", "STATE_MACHINE_ARN", "RELEASE_STATE_MACHINE_ARN", "ANSWER_FUNCTION");

export const permissions: Permissions = (names) => {
    const executions = (arn: string) => `${arn.replace(":stateMachine:", ":execution:")}:*`;
    return [
        ...appendCustodyPermissions(names),
        ...useIncidents("GetItem")(names),
        { Sid: "Answer", Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: [names.answerFunctionArn] },
        {
            Sid: "StartReleaseOrResume",
            Effect: "Allow",
            Action: ["states:StartExecution"],
            Resource: [names.releaseStateMachineArn, names.stateMachineArn],
        },
        {
            Sid: "LookAndRedrive",
            Effect: "Allow",
            Action: ["states:DescribeExecution", "states:GetExecutionHistory", "states:RedriveExecution"],
            Resource: [executions(names.stateMachineArn)],
        },
    ];
};

/** Stands in the incident's record. */
const reason = "by a button in the chat channel; who pressed it stands there and in CloudTrail";

/** @returns what the function that takes answers said */
async function answer(incidentId: string, approved: boolean): Promise<string> {
    const request = { incidentIds: [incidentId], approved, reason };
    const proof = await proveCaller(environment("AWS_REGION"), answerStatement(request));
    const { FunctionError, Payload } = await forensicsClient(LambdaClient).send(
        new InvokeCommand({ FunctionName: environment("ANSWER_FUNCTION"), Payload: Buffer.from(JSON.stringify({ ...request, proof })) }),
    );
    const said = JSON.parse(new TextDecoder().decode(Payload)) as {
        errorMessage?: string;
        answers?: { taken: boolean; why: string }[];
    };
    if (FunctionError)
        throw new StepError(
            `The answer was not taken: ${said.errorMessage ?? FunctionError}`,
            incidentId,
            `Answer by npm run ${approved ? "approve" : "deny"} -- ${incidentId}.`,
        );
    const [taken] = said.answers ?? [];
    if (taken?.taken !== true) return taken?.why ?? "Nothing was answered.";
    return `${approved ? "Approved: the instance is contained now" : "Denied: the instance is left as it is"}. The next message about ${incidentId} says how it went.`;
}

/** A plain release: one that is refused is asked for with `npm run release`, where somebody says why. */
async function release(incidentId: string): Promise<string> {
    const statement = { incidentId, force: false, acceptRisk: null, networkOnly: false, retire: null };
    await forensicsClient(SFNClient).send(
        new StartExecutionCommand({
            stateMachineArn: environment("RELEASE_STATE_MACHINE_ARN"),
            name: `${incidentId}-${new Date().toISOString().replace(/[^0-9TZ]/g, "")}`,
            input: JSON.stringify({
                ...statement,
                proof: await proveCaller(environment("AWS_REGION"), releaseStatement(statement)),
            }),
        }),
    );
    return `The release of ${incidentId} began; a message says how it went, and it is refused where the report does not say that the instance may go back.`;
}

async function act({ action, incidentId }: z.infer<typeof chatRequestSchema>): Promise<string> {
    switch (action) {
        case "approve":
        case "deny":
            return answer(incidentId, action === "approve");
        case "release":
            return release(incidentId);
        case "resume":
            return (await resumeIncident(forensicsClient(SFNClient), environment("STATE_MACHINE_ARN"), incidentId)).said;
    }
}

export const handler = step({
    name: "ActFromChat",
    input: chatRequestSchema,
    // The channel shows it.
    output: z.object({ said: z.string() }),
    run: async (request) => {
        const said = await act(request);
        log("asked from chat", { ...request, said });
        return { said };
    },
});
