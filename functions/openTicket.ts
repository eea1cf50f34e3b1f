/** Opens a case with AWS about an incident, once: with AWS Support or AWS Security Incident Response. Nothing waits for it, and an account without either goes on. */
import { CreateCaseCommand, DescribeCasesCommand, paginateDescribeCases, SupportClient, type CaseDetails } from "@aws-sdk/client-support";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient } from "./aws/clients";
import { environment, needs } from "./aws/environment";
import { errorCode } from "./aws/errors";
import { log, step } from "./aws/handler";
import { putJson } from "./aws/evidenceBucket";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { writeEvidence, type Permissions } from "./aws/permissions";
import {
    CreateCaseCommand as CreateIncidentCaseCommand,
    incidentCaseArn,
    ListCasesCommand,
    SecurityIRClient,
} from "./aws/securityIncidentResponse";
import { incidentSchema, ticketSchema, type Incident, type Ticket } from "./domain/containers";
import { objectNames } from "./domain/evidenceKeys";
import { ticketMessage } from "./domain/messages/ticket";
import { findCase, findIncidentCase, incidentCase, supportRegion, ticketText } from "./domain/planTicket";

/** Given by the deployment. */
export const variables = needs(
    "EVIDENCE_BUCKET",
    ...tellVariables,
    "PARTITION",
    "SUPPORT_ENABLED",
    "SUPPORT_KIND",
    "SUPPORT_REGION",
    "SUPPORT_SEVERITY",
    "SUPPORT_LANGUAGE",
    "SUPPORT_CC",
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...writeEvidence(objectNames.ticket)(names),
    ...tellPermissions(names),
    { Sid: "OpenCase", Effect: "Allow", Action: ["support:DescribeCases", "support:CreateCase"], Resource: ["*"] },
    { Sid: "ListIncidentCases", Effect: "Allow", Action: ["security-ir:ListCases"], Resource: ["*"] },
    { Sid: "OpenIncidentCase", Effect: "Allow", Action: ["security-ir:CreateCase"], Resource: [incidentCaseArn(names)] },
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

type Outcome = Pick<Ticket, "outcome" | "caseId" | "displayId" | "reason">;

/** The number that people find the case by. A case without one is a case all the same. */
async function displayIdOf(support: SupportClient, caseId: string): Promise<string | null> {
    try {
        const { cases = [] } = await support.send(new DescribeCasesCommand({ caseIdList: [caseId], includeCommunications: false }));
        return cases[0]?.displayId ?? null;
    } catch (error) {
        log("the case's number could not be read", { caseId, error: errorCode(error) });
        return null;
    }
}

async function openSupportCase(incident: Incident): Promise<Outcome> {
    const support = forensicsClient(SupportClient, supportRegion(environment("PARTITION")));
    try {
        const standing = findCase(incident.incidentId, await openCases(support));
        if (standing) return { outcome: "already-open", ...standing, reason: null };
        const caseId = await createCase(support, incident);
        return { outcome: "opened", caseId, displayId: await displayIdOf(support, caseId), reason: null };
    } catch (error) {
        if (errorCode(error) !== "SubscriptionRequiredException") throw error;
        return {
            outcome: "unavailable",
            caseId: null,
            displayId: null,
            reason: "The forensics account has no support plan with an API (Business or higher)",
        };
    }
}

async function openIncidentCase(incident: Incident): Promise<Outcome> {
    const region = environment("SUPPORT_REGION");
    const client = forensicsClient(SecurityIRClient, region);
    try {
        let nextToken: string | undefined;
        do {
            const page = await client.send(new ListCasesCommand({ maxResults: 25, ...(nextToken ? { nextToken } : {}) }));
            const standing = findIncidentCase(incident.incidentId, page.items ?? []);
            if (standing) return { outcome: "already-open", caseId: standing, displayId: null, reason: null };
            nextToken = page.nextToken;
        } while (nextToken);
        const { caseId } = await client.send(new CreateIncidentCaseCommand(incidentCase(incident, environment("SUPPORT_CC"))));
        return { outcome: "opened", caseId, displayId: null, reason: null };
    } catch (error) {
        if (errorCode(error) !== "SecurityIncidentResponseNotActiveException") throw error;
        return {
            outcome: "unavailable",
            caseId: null,
            displayId: null,
            reason: `The forensics account is no member of AWS Security Incident Response in ${region}`,
        };
    }
}

async function openTicket(incident: Incident): Promise<Outcome & Pick<Ticket, "kind">> {
    if (!environment("SUPPORT_ENABLED"))
        return { outcome: "off", caseId: null, displayId: null, reason: "Support cases are not configured" };
    const kind = environment("SUPPORT_KIND");
    if (kind === "support-case") return openSupportCase(incident);
    return { kind, ...(await openIncidentCase(incident)) };
}

/**
 * @throws the AWS error's own name when the case is refused
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
