/** What a case about an incident says, with AWS Support or with AWS Security Incident Response. Pure. */
import { createHash } from "node:crypto";
import type { Incident, TicketKind } from "./containers";
import { shortened, visible } from "./visibleText";

/** Support's own limit is 8,000 characters; a summary needs less. */
const longestBody = 4000;

export interface TicketText {
    /** Holds the incident id, by which an open case is found again. */
    subject: string;
    body: string;
}

/** Text of a case. What the finding says is shown as data: in one line each, with control characters made visible. */
export function ticketText({ incidentId, openedAt, finding, instance, prefix }: Incident): TicketText {
    const lines = [
        "An EC2 instance is the subject of an automated incident response. This case was opened by that automation.",
        "",
        `Incident: ${incidentId}`,
        `Opened at: ${openedAt}`,
        `Instance: ${instance.instanceId}`,
        `Account: ${instance.accountId}`,
        `Region: ${instance.region}`,
        `Finding: ${visible(finding.id)} (${finding.origin})`,
        `Type: ${visible(finding.type)}`,
        `Severity: ${finding.severity}`,
        `Title: ${visible(finding.title)}`,
        ...(finding.sample ? ["This is a sample finding: a drill, no real incident."] : []),
        "",
        `Evidence is kept in the forensics account under ${prefix}. The instance is under investigation and must not be stopped or terminated.`,
    ];
    return { subject: `Security incident ${incidentId} (EC2 instance)`, body: shortened(lines.join("\n"), longestBody) };
}

/** What AWS calls a case of a kind, for messages. */
export const caseWords: Record<TicketKind, string> = {
    "support-case": "Support case",
    "security-incident-response": "AWS Security Incident Response case",
};

/** A token by which a repeated call makes no second case or comment. @param what tells several calls about one incident apart */
const tokenOf = (...what: string[]): string => createHash("sha256").update(what.join("/")).digest("hex");

/** AWS Security Incident Response takes 12,000 characters of a comment. */
const longestComment = 11_500;

/** A comment of a case, once however often it is sent. */
export const caseComment = (caseId: string, text: string) => ({
    caseId,
    clientToken: tokenOf(caseId, text),
    body: shortened(text, longestComment),
});

/**
 * A case with AWS Security Incident Response. The engineers of AWS are asked at once, but for a drill, which the account's own people have.
 *
 * @param watchers e-mail addresses
 */
export function incidentCase(incident: Incident, watchers: readonly string[]) {
    const { finding, instance, incidentId, openedAt } = incident;
    const { subject, body } = ticketText(incident);
    const began = Date.parse(finding.createdAt ?? "");
    return {
        clientToken: tokenOf(incidentId),
        resolverType: finding.sample ? ("Self" as const) : ("AWS" as const),
        title: subject,
        description: body,
        engagementType: finding.sample ? ("Investigation" as const) : ("Security Incident" as const),
        reportedIncidentStartDate: Math.floor((Number.isNaN(began) ? Date.parse(openedAt) : Math.min(began, Date.parse(openedAt))) / 1000),
        impactedAccounts: [instance.accountId],
        impactedAwsRegions: [{ region: instance.region }],
        impactedServices: ["Amazon EC2"],
        watchers: watchers.map((email) => ({ email })),
    };
}

/** The incident's case among those that AWS Security Incident Response lists. @returns null when there is none that is open */
export const findIncidentCase = (
    incidentId: string,
    cases: readonly { caseId: string; title?: string; caseStatus?: string }[],
): string | null => cases.find(({ title, caseStatus }) => title?.includes(incidentId) && caseStatus !== "Closed")?.caseId ?? null;

/** The case of the incident among open ones. @returns null when there is none */
export function findCase(
    incidentId: string,
    cases: readonly { caseId?: string; displayId?: string; subject?: string; status?: string }[],
): { caseId: string; displayId: string | null } | null {
    const found = cases.find((one) => one.subject?.includes(incidentId) && one.status !== "resolved");
    return found?.caseId ? { caseId: found.caseId, displayId: found.displayId ?? null } : null;
}

/** AWS Support is one service for each partition, with its API in this Region. */
export function supportRegion(partition: string): string {
    if (partition === "aws-us-gov") return "us-gov-west-1";
    return partition === "aws-cn" ? "cn-north-1" : "us-east-1";
}
