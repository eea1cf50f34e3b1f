/** What an AWS Support case about an incident says. */
import type { Incident } from "./containers";
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

/** The case of the incident among open ones. @returns null when there is none */
export function findCase(incidentId: string, cases: readonly { caseId?: string; subject?: string; status?: string }[]): string | null {
    return cases.find((one) => one.subject?.includes(incidentId) && one.status !== "resolved")?.caseId ?? null;
}

/** AWS Support is one service for each partition, with its API in this Region. */
export function supportRegion(partition: string): string {
    if (partition === "aws-us-gov") return "us-gov-west-1";
    return partition === "aws-cn" ? "cn-north-1" : "us-east-1";
}
