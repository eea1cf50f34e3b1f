/** The message of the support case, once there is one, or that there can be none. Pure. */
import type { Incident, Ticket } from "../containers";
import { objectNames } from "../evidenceKeys";
import { instanceLink } from "./consoleLinks";
import { drill, incidentFacts, where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** @returns null where people need not be told: support cases are off, or they were told of this one before */
export function ticketMessage(incident: Incident, ticket: Pick<Ticket, "outcome" | "caseId" | "reason">): Message | null {
    if (ticket.outcome === "off" || ticket.outcome === "already-open") return null;
    const opened = ticket.outcome === "opened";
    return {
        tone: opened ? "neutral" : "warning",
        title: `${drill(incident)}${opened ? "Support case opened" : "No support case"}: ${where(incident.instance)}`,
        summary: opened
            ? `AWS Support knows of the incident as case ${ticket.caseId}.`
            : `${ticket.reason ?? "No support case could be opened"}. The response goes on without one.`,
        whatNow: opened
            ? ["Answer AWS Support's questions in the case; it holds the incident's id and no secrets."]
            : ["Set support.enabled to false, or give the forensics account a support plan with an API (Business or higher)."],
        runbook: runbookHeadings.ticket,
        facts: [...incidentFacts(incident), ...(ticket.caseId === null ? [] : [{ label: "Support case", value: ticket.caseId }])],
        sections: [],
        whole: `in ${incident.prefix}${objectNames.ticket} in the evidence bucket`,
        links: [instanceLink({ partition: incident.finding.partition, region: incident.instance.region }, incident.instance.instanceId)],
    };
}
