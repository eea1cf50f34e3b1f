/** The message of the case with AWS, once there is one, or that there can be none. Pure. */
import type { Incident, Ticket } from "../containers";
import { objectNames } from "../evidenceKeys";
import { caseWords, supportRegion } from "../planTicket";
import { caseLink, instanceLink } from "./consoleLinks";
import { drill, incidentFacts, where } from "./incidentFacts";
import type { Fact, Link, Message } from "./message";
import { runbookHeadings } from "./runbook";

/** The link to a case, where the number is known that the console has for it. */
export const caseLinks = (ticket: Pick<Ticket, "displayId"> | null, partition: string): Link[] =>
    ticket?.displayId ? [caseLink(partition, supportRegion(partition), ticket.displayId)] : [];

/** The case's number among a message's facts. */
export const caseFacts = (ticket: Pick<Ticket, "kind" | "caseId"> | null): Fact[] =>
    ticket?.caseId ? [{ label: caseWords[ticket.kind ?? "support-case"], value: ticket.caseId }] : [];

/** @returns null where people need not be told: support cases are off, or they were told of this one before */
export function ticketMessage(
    incident: Incident,
    ticket: Pick<Ticket, "kind" | "outcome" | "caseId" | "displayId" | "reason">,
): Message | null {
    if (ticket.outcome === "off" || ticket.outcome === "already-open") return null;
    const opened = ticket.outcome === "opened";
    const kind = ticket.kind ?? "support-case";
    const words = caseWords[kind];
    const ofSupport = kind === "support-case";
    return {
        tone: opened ? "neutral" : "warning",
        title: `${drill(incident)}${opened ? `${words} opened` : `No ${ofSupport ? "support case" : words}`}: ${where(incident.instance)}`,
        summary: opened
            ? `${ofSupport ? "AWS Support" : "AWS Security Incident Response"} knows of the incident as case ${ticket.caseId}.`
            : `${ticket.reason ?? `No ${words} could be opened`}.`,
        whatWeDid: opened
            ? "The case holds the incident's id, the finding and no secrets; the report is added to it."
            : "The response goes on without a case.",
        whatNow: opened
            ? [
                  ofSupport
                      ? "Answer AWS Support's questions in the case."
                      : "Answer the questions of AWS's responders in the case: in the console of the forensics account, under Security Incident Response.",
              ]
            : [
                  ofSupport
                      ? "Set support.enabled to false, or give the forensics account a support plan with an API (Business or higher)."
                      : "Set support.kind to support-case, or make the forensics account a member of AWS Security Incident Response, and support.region its Region.",
              ],
        runbook: runbookHeadings.ticket,
        facts: [...incidentFacts(incident), ...caseFacts(ticket)],
        sections: [],
        whole: `in ${incident.prefix}${objectNames.ticket} in the evidence bucket`,
        links: [
            instanceLink(
                { partition: incident.finding.partition, region: incident.instance.region },
                incident.instance.accountId,
                incident.instance.instanceId,
            ),
            ...caseLinks(ticket, incident.finding.partition),
        ],
    };
}
