/** Opens an AWS Support case about an incident, once. Nothing waits for it, and an account without the API goes on. */
import { CreateCaseCommand, paginateDescribeCases, SupportClient, type CaseDetails } from "@aws-sdk/client-support";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient } from "./aws/clients";
import { environment, needs } from "./aws/environment";
import { errorCode } from "./aws/errors";
import { log, step } from "./aws/handler";
import { putJson } from "./aws/evidenceBucket";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { writeEvidence, type Permissions } from "./aws/permissions";
import { incidentSchema, ticketSchema, type Incident, type Ticket } from "./domain/containers";
import { objectNames } from "./domain/evidenceKeys";
import { ticketMessage } from "./domain/messages/ticket";
import { findCase, supportRegion, ticketText } from "./domain/planTicket";

/** Given by the deployment. */
export const variables = needs(
    "EVIDENCE_BUCKET",
    ...tellVariables,
    "PARTITION",
    "SUPPORT_ENABLED",
    "SUPPORT_SEVERITY",
    "SUPPORT_LANGUAGE",
    "SUPPORT_CC",
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...writeEvidence(objectNames.ticket)(names),
    ...tellPermissions(names),
    { Sid: "OpenCase", Effect: "Allow", Action: ["support:DescribeCases", "support:CreateCase"], Resource: ["*"] },
];

async function openCases(support: SupportClient): Promise<CaseDetails[]> {
    const cases: CaseDetails[] = [];
    for await (const page of paginateDescribeCases(
        { client: support, pageSize: 100 },
        { includeResolvedCases: false, includeCommunications: false },
    )) {
        cases.push(...(page.cases ?? []));
    }
    return cases;
}

async function createCase(support: SupportClient, incident: Incident): Promise<string> {
    const { subject, body } = ticketText(incident);
    const { caseId } = await support.send(
        new CreateCaseCommand({
            subject,
            communicationBody: body,
            // Every language and support plan has these codes; the others differ between accounts.
            serviceCode: "general-info",
            categoryCode: "using-aws",
            issueType: "customer-service",
            severityCode: environment("SUPPORT_SEVERITY"),
            language: environment("SUPPORT_LANGUAGE"),
            ccEmailAddresses: environment("SUPPORT_CC"),
        }),
    );
    return caseId!;
}

async function openTicket(incident: Incident): Promise<Pick<Ticket, "outcome" | "caseId" | "reason">> {
    if (!environment("SUPPORT_ENABLED")) return { outcome: "off", caseId: null, reason: "Support cases are not configured" };
    const support = forensicsClient(SupportClient, supportRegion(environment("PARTITION")));
    try {
        const standing = findCase(incident.incidentId, await openCases(support));
        if (standing) return { outcome: "already-open", caseId: standing, reason: null };
        return { outcome: "opened", caseId: await createCase(support, incident), reason: null };
    } catch (error) {
        if (errorCode(error) !== "SubscriptionRequiredException") throw error;
        return {
            outcome: "unavailable",
            caseId: null,
            reason: "The forensics account has no support plan with an API (Business or higher)",
        };
    }
}

/**
 * @throws the AWS error's own name when Support refuses the case
 */
export const handler = step({
    name: "OpenTicket",
    input: z.object({ incident: incidentSchema }),
    output: ticketSchema,
    run: async ({ incident }) => {
        const ticket = await openTicket(incident);
        log("support case", { incidentId: incident.incidentId, ...ticket });
        const container = { schemaVersion: 1 as const, incidentId: incident.incidentId, ...ticket };
        if (ticket.outcome !== "off") await putJson(`${incident.prefix}${objectNames.ticket}`, container);
        // After a case was opened, nothing may fail this step: run again it would find the case and tell nobody of it.
        const message = ticketMessage(incident, ticket);
        if (message)
            await tell(message).catch((error: unknown) => log("people were not told of the support case", { error: String(error) }));
        return container;
    },
});
