/**
 * Takes people's answers whether instances shall be contained: `npm run approve` and `npm run deny` call it. Who answered is what AWS says
 * (aws/callerIdentity.ts); the answer stands in the incidents table, which nobody but our functions writes, before what waits for it is woken.
 */
import { z } from "zod";
import { keepHeldMessages, answerPermissions, startExecution, startPermissions, wake } from "./aws/applyFinding";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { callerOf } from "./aws/callerIdentity";
import { needs } from "./aws/environment";
import { log, step } from "./aws/handler";
import { useIncidents, markStarted, readIncident, unholdIncident, updateIncident } from "./aws/incidentsTable";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { answeredBy, approvalQuestion } from "./domain/approvalQuestion";
import { answerStatement, callerProofSchema } from "./domain/callerProof";
import { incidentSchema, untrustedText, type ApprovalAnswer } from "./domain/containers";
import { receivedMessage } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs("FORENSICS_ACCOUNT_ID", "INCIDENTS_TABLE", "STATE_MACHINE_ARN", "EVIDENCE_BUCKET");

export const permissions: Permissions = (names) => [
    ...useIncidents("GetItem", "UpdateItem")(names),
    ...startPermissions(names),
    ...answerPermissions(names),
    ...readEvidence(receivedMessage("*"))(names),
    ...writeEvidence(receivedMessage("*"))(names),
    ...appendCustodyPermissions(names),
];

/** Incidents in one call: the tool asks in parts. */
export const mostAnswers = 25;

const requestSchema = z.strictObject({
    incidentIds: z.array(incidentSchema.shape.incidentId).min(1).max(mostAnswers),
    approved: z.boolean(),
    reason: untrustedText(512).nullable(),
    proof: callerProofSchema,
});
export type AnswerRequest = z.infer<typeof requestSchema>;

const outputSchema = z.object({
    by: z.string(),
    answers: z.array(z.object({ incidentId: z.string(), taken: z.boolean(), why: z.string() })),
});
export type AnswerOutcome = z.infer<typeof outputSchema>;

/** @returns why it was not taken; null when it was */
async function answerOne(incidentId: string, answer: ApprovalAnswer, now: Date): Promise<string | null> {
    const first = approvalQuestion(incidentId, await readIncident(incidentId), now, answer);
    if ("reason" in first) return first.reason;
    // On the latest reading: of two answers at the same moment one is taken.
    let question = first as ReturnType<typeof approvalQuestion>;
    let stood: ApprovalAnswer | null = null;
    const record = await updateIncident(incidentId, (read) => {
        question = approvalQuestion(incidentId, read, now, answer);
        if ("reason" in question) return null;
        // The same answer stands already where the first time broke off before it woke what waits.
        stood = read.approval?.answer ?? null;
        if (question.kind === "asked" && stood) return null;
        const approval = { ...(read.approval ?? { taskToken: null, expiresAt: now.toISOString() }), answer };
        return { ...read, approval, status: question.kind === "held" && !answer.approved ? "observed" : read.status };
    });
    if ("reason" in question) return question.reason;
    if (question.kind === "asked") {
        if (await wake(question.taskToken, answer)) return null;
        if (stood !== null) return `${incidentId} was ${answeredBy(stood)}, and nothing waits for an answer any more.`;
        return `Nothing waits for an answer about ${incidentId} any more: the same answer was taken a moment ago, or the time was over. The next message about the incident says what was decided.`;
    }
    if (!answer.approved) {
        await unholdIncident(incidentId);
        return null;
    }
    await startExecution(record.incident);
    await markStarted(incidentId);
    await keepHeldMessages(record);
    return null;
}

export const handler = step({
    name: "AnswerApproval",
    input: requestSchema,
    output: outputSchema,
    run: async ({ proof, ...request }) => {
        const { arn } = await callerOf(proof, answerStatement(request));
        const answer: ApprovalAnswer = { approved: request.approved, by: arn, reason: request.reason, via: "person" };
        const answers = [];
        for (const incidentId of request.incidentIds) {
            const why = await answerOne(incidentId, answer, new Date());
            log(why === null ? "answer taken" : "answer not taken", { incidentId, by: arn, approved: request.approved });
            answers.push({ incidentId, taken: why === null, why: why ?? "" });
        }
        return { by: arn, answers };
    },
});
