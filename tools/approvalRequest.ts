/** Whether an incident can be answered, and what an operator reads about it. Pure. */
import type { ApprovalAnswer } from "../functions/domain/containers";
import type { IncidentRecord } from "../functions/domain/incidentRecord";
import { visible } from "../functions/domain/visibleText";

/** A token to answer by, or why there is nothing to answer. */
export type ApprovalRequest = { taskToken: string } | { reason: string };

const states: Record<IncidentRecord["status"], string> = {
    open: "Its containment is under way, or failed: the messages about it say which.",
    contained: "It is contained.",
    observed: "It was observed and left as it is.",
    released: "It was released.",
};

const answeredBy = ({ approved, by, reason }: ApprovalAnswer) =>
    `${approved ? "approved" : "denied"} by ${visible(by)}${reason ? ` (${visible(reason)})` : ""}`;

/** @param record null when the table has no such incident */
export function approvalRequest(incidentId: string, record: IncidentRecord | null, now: Date): ApprovalRequest {
    if (record === null)
        return {
            reason: `There is no incident ${incidentId} in this account and Region. Copy the id from the message that asks; --region is the Region of the instance.`,
        };
    const { approval, status } = record;
    if (approval === null) return { reason: `Nobody is asked about ${incidentId}. ${states[status]}` };
    if (approval.answer !== null) return { reason: `${incidentId} was ${answeredBy(approval.answer)}. ${states[status]}` };
    if (Date.parse(approval.expiresAt) <= now.getTime())
        return { reason: `The time to answer was over at ${approval.expiresAt}; silence decided. ${states[status]}` };
    return { taskToken: approval.taskToken };
}
