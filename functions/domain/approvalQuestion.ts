/** Whether people are being asked about an incident, and what they read when they are not. Pure. */
import type { ApprovalAnswer } from "./containers";
import type { IncidentRecord } from "./incidentRecord";
import { visible } from "./visibleText";

/** `asked`: an execution waits by the token; `held`: nothing was begun, as the brake holds; or why there is nothing to answer. */
export type ApprovalQuestion = { kind: "asked"; taskToken: string } | { kind: "held" } | { reason: string };

const states: Record<IncidentRecord["status"], string> = {
    open: "Its containment is under way, or failed: the messages about it say which.",
    contained: "It is contained.",
    observed: "It was observed and left as it is.",
    released: "It was released.",
};

/** Such as `approved by arn:… (why)`. */
export const answeredBy = ({ approved, by, reason }: ApprovalAnswer) =>
    `${approved ? "approved" : "denied"} by ${visible(by)}${reason ? ` (${visible(reason)})` : ""}`;

/**
 * @param record null when the table has no such incident
 * @param mine the answer that is given: the same person's same answer a second time wakes what waits once more, since the first may have been
 * written without waking it
 */
export function approvalQuestion(
    incidentId: string,
    record: IncidentRecord | null,
    now: Date,
    mine: Pick<ApprovalAnswer, "approved" | "by"> | null = null,
): ApprovalQuestion {
    if (record === null)
        return {
            reason: `There is no incident ${incidentId} in this account and Region. Copy the id from the message that asks; --region is the Region of the instance.`,
        };
    const { approval, status, heldSince, startedAt } = record;
    const isHeld = Boolean(heldSince) && startedAt === null && status === "open";
    // An approval that broke off before the start is gone on with.
    if (isHeld && approval?.answer?.approved !== false) return { kind: "held" };
    if (approval === null) return { reason: `Nobody is asked about ${incidentId}. ${states[status]}` };
    const expired = Date.parse(approval.expiresAt) <= now.getTime();
    const again = approval.answer?.via === "person" && approval.answer.by === mine?.by && approval.answer.approved === mine.approved;
    if (again && status === "open" && !expired && approval.taskToken !== null) return { kind: "asked", taskToken: approval.taskToken };
    if (approval.answer !== null) return { reason: `${incidentId} was ${answeredBy(approval.answer)}. ${states[status]}` };
    if (expired || approval.taskToken === null)
        return { reason: `The time to answer was over at ${approval.expiresAt}; silence decided. ${states[status]}` };
    return { kind: "asked", taskToken: approval.taskToken };
}
