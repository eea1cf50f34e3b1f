/** The message that asks people whether an instance shall be contained. Pure. */
import type { Containment, Incident } from "../containers";
import type { ContainmentPolicy } from "../decideContainment";
import { findingSeverity, time } from "../report/format";
import { findingLink, instanceLink } from "./consoleLinks";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** @param expiresAt ISO 8601: when silence decides */
export function approvalMessage(
    incident: Incident,
    containment: Containment,
    expiresAt: string,
    onTimeout: ContainmentPolicy["onApprovalTimeout"],
): Message {
    const { instance, finding, incidentId } = incident;
    const place = { partition: finding.partition, region: instance.region };
    return {
        tone: "danger",
        title: `${finding.sample ? "[Drill] " : ""}Your decision: contain ${instance.instanceId} in account ${instance.accountId}, ${instance.region}?`,
        summary: `Nothing was changed yet. Without an answer by ${time(expiresAt)} it ${onTimeout === "contain" ? "is contained" : "is left as it is"}. Its evidence is being preserved meanwhile. ${finding.title}`,
        runbook: runbookHeadings.approval,
        facts: [
            { label: "Instance", value: instance.instanceId },
            { label: "Account", value: instance.accountId },
            { label: "Region", value: instance.region },
            { label: "Severity", value: `${findingSeverity(finding.severity)} (${finding.severity})` },
            { label: "Finding", value: finding.type },
            { label: "Incident", value: incidentId },
        ],
        sections: [
            {
                heading: "How to answer, with credentials of the forensics account",
                items: [
                    `npm run approve -- ${incidentId} --region ${instance.region}`,
                    `npm run deny -- ${incidentId} --region ${instance.region} --reason "why"`,
                ],
            },
            { heading: "Why you are asked", items: containment.decision ? [containment.decision.reason] : [] },
            { heading: "What containment would change", items: containment.steps.map(({ name, detail }) => `${name} – ${detail}`) },
        ],
        links: [instanceLink(place, instance.instanceId), ...(finding.origin === "guardduty" ? [findingLink(place, finding.id)] : [])],
    };
}
