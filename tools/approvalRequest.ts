/** Whether an incident can be answered, and what an operator reads about it. Pure. */
import { approvalQuestion } from "../functions/domain/approvalQuestion";
import type { IncidentRecord } from "../functions/domain/incidentRecord";

/** A token to answer by, or why there is nothing to answer. */
export type ApprovalRequest = { taskToken: string } | { reason: string };

/** @param record null when the table has no such incident */
export function approvalRequest(incidentId: string, record: IncidentRecord | null, now: Date): ApprovalRequest {
    const question = approvalQuestion(incidentId, record, now);
    if ("reason" in question) return question;
    return question.kind === "asked"
        ? { taskToken: question.taskToken }
        : { reason: `${incidentId} waits before its start, as the brake holds.` };
}
