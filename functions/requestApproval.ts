/**
 * Asks people whether the instance shall be contained. The task that called it waits for the answer: `npm run approve` or
 * `npm run deny` send it, by the token that is kept in the incidents table, or a graver finding does that joins meanwhile.
 */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { needs } from "./aws/environment";
import { deployedPolicy } from "./aws/containmentPolicy";
import { step } from "./aws/handler";
import { answerForPeople, answerPermissions } from "./aws/applyFinding";
import { useIncidents, updateIncident } from "./aws/incidentsTable";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import type { Permissions } from "./aws/permissions";
import { approvalMessage } from "./domain/messages/approval";
import { containmentSchema, incidentSchema, type Containment } from "./domain/containers";
import { answersItself } from "./domain/incidentRecord";
import { stepWords } from "./domain/stepWords";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "DRILL", "INCIDENTS_TABLE", "CONTAINMENT_POLICY", ...tellVariables);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...useIncidents("GetItem", "UpdateItem")(names),
    ...answerPermissions(names),
    ...tellPermissions(names),
];

/** Steps that the table keeps of what containment would change. */
const mostChanges = 99;

/** What containment would change, as `npm run approve` shows it before it acts. */
function planned({ steps }: Containment): string[] {
    const words = steps.map(({ name, detail }) => `${stepWords(name)}${detail ? ` – ${detail}` : ""}`.slice(0, 300));
    return words.length <= mostChanges
        ? words
        : [...words.slice(0, mostChanges), `and ${words.length - mostChanges} more, which the message lists`];
}

/**
 * Keeps the token, then tells people how to answer. What it returns is not the task's result; the answer is.
 *
 * @throws StepFailed when the table does not know the incident; Transient when people may be told in a moment
 */
export const handler = step({
    name: "RequestApproval",
    input: z.object({
        incident: incidentSchema,
        containment: containmentSchema,
        taskToken: z.string().min(1).max(2048),
        /** Seconds after which silence decides. */
        timeoutSeconds: z.number().int().positive(),
    }),
    output: z.object({ told: z.array(z.string()) }),
    run: async ({ incident, containment, taskToken, timeoutSeconds }) => {
        const now = Date.now();
        const expiresAt = new Date(now + timeoutSeconds * 1000).toISOString();
        const { onApprovalTimeout } = deployedPolicy().policy;
        const asked = {
            at: new Date(now).toISOString(),
            why: containment.decision?.reason ?? null,
            changes: planned(containment),
            onTimeout: onApprovalTimeout,
        };
        const record = await updateIncident(incident.incidentId, (read) => ({
            ...read,
            approval: { taskToken, expiresAt, answer: null, asked },
        }));
        // Where the brake holds, it is a person who decides, whatever the findings ask for.
        if (containment.decision?.braked !== true && answersItself(record)) {
            await answerForPeople(record);
            return { told: [] };
        }
        return { told: await tell(approvalMessage(incident, containment, expiresAt, onApprovalTimeout, record.findings)) };
    },
});
