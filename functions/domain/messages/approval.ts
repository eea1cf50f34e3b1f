/** The message that asks people whether an instance shall be contained. Pure. */
import type { Containment, Incident, SeenFinding } from "../containers";
import type { ContainmentPolicy } from "../decideContainment";
import { stepWords } from "../stepWords";
import { time } from "../report/format";
import { findingLink, instanceLink } from "./consoleLinks";
import { drill, incidentFacts, otherFindingsSection, seenSection, where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/**
 * @param expiresAt ISO 8601: when silence decides
 * @param findings all findings of the incident
 */
export function approvalMessage(
    incident: Incident,
    containment: Containment,
    expiresAt: string,
    onTimeout: ContainmentPolicy["onApprovalTimeout"],
    findings: readonly SeenFinding[] = [],
): Message {
    const { instance, finding, incidentId } = incident;
    const place = { partition: finding.partition, region: instance.region };
    return {
        tone: "danger",
        title: `${drill(incident)}Your decision: contain ${where(instance)}?`,
        summary: `${finding.title} Without an answer by ${time(expiresAt)} it ${onTimeout === "contain" ? "is contained" : "is left as it is"}.`,
        whatWeDid: "Nothing was changed yet. Its evidence is being preserved meanwhile.",
        whatNow: [
            `To contain it: npm run approve -- ${incidentId} --region ${instance.region}`,
            `To leave it as it is: npm run deny -- ${incidentId} --region ${instance.region} --reason "why"`,
            "Both need credentials of the forensics account.",
        ],
        runbook: runbookHeadings.approval,
        facts: incidentFacts(incident),
        sections: [
            { heading: "Why you are asked", items: containment.decision ? [containment.decision.reason] : [] },
            seenSection(incident),
            otherFindingsSection(incident, findings),
            {
                heading: "What containment would change",
                items: containment.steps.map(({ name, detail }) => `${stepWords(name)} – ${detail}`),
                detail: true,
            },
        ],
        offers: ["approve", "deny"],
        whole: `under ${incident.prefix} in the evidence bucket`,
        links: [
            instanceLink(place, instance.accountId, instance.instanceId),
            ...(finding.origin === "guardduty" ? [findingLink(place, instance.accountId, finding.id)] : []),
        ],
    };
}
