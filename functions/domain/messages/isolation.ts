/** The message of the isolation: what was done, what could not be cut, what to do now. Pure. */
import type { Containment, Incident, SeenFinding } from "../containers";
import { credentialsLeft, cutByHand } from "../credentialsLeft";
import { objectNames } from "../evidenceKeys";
import { memoryLines } from "../memoryWords";
import { stepWords } from "../stepWords";
import { containmentSentence } from "../report/reportVerdict";
import { findingLink, instanceLink, securityGroupLink } from "./consoleLinks";
import { drill, incidentFacts, otherFindingsSection, seenSection, uncutSection, where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

const outcomes: Record<Containment["steps"][number]["outcome"], string> = {
    done: "Done",
    "already-done": "Already done",
    "not-needed": "Not needed",
    failed: "FAILED",
    planned: "Not done, planned",
};

/** How the title of an isolation message begins. */
function isolationTitle(containment: Containment | null): string {
    if (containment?.contained) return credentialsLeft(containment).length > 0 ? "Contained, credentials NOT cut" : "Contained";
    return containment?.outcome === "observed" ? "Observed, not contained, as configured" : "NOT contained";
}

const ordinal = (number: number): string => {
    const ending = number % 100 >= 11 && number % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
    return `${number}${ending}`;
};

/** An Auto Scaling group whose replacements are found again and again is one story; null where this is the first of its group. */
function groupStory(containment: Containment | null): { sentence: string; whatNow: string; items: string[] } | null {
    const { autoScalingGroup, sameGroup } = containment ?? {};
    if (!autoScalingGroup || sameGroup === undefined) return null;
    const { total, instances } = sameGroup;
    return {
        sentence: `It is the ${ordinal(total + 1)} instance of the Auto Scaling group ${autoScalingGroup} that stands contained, the first since ${instances[0]!.since}: what replaces them is found again.`,
        whatNow: `Keep ${autoScalingGroup} from starting more of them before its image, launch template or application is mended: suspend its process Launch, or take its capacity down.`,
        items: [
            ...(total > instances.length ? [`${total - instances.length} before those`] : []),
            ...instances.map(({ instanceId, incidentId, since }) => `${instanceId} since ${since}: ${incidentId}`),
        ],
    };
}

/**
 * Tells of the isolation. Says "contained" only when every interface was read back so.
 *
 * @param containment null when containment failed before it could say what it did
 * @param findings all findings of the incident
 */
export function isolationMessage(incident: Incident, containment: Containment | null, findings: readonly SeenFinding[] = []): Message {
    const { instance, finding } = incident;
    const contained = containment?.contained ?? false;
    const observed = containment?.outcome === "observed";
    const line = ({ name, outcome, detail }: Containment["steps"][number]) =>
        `${outcomes[outcome]}: ${stepWords(name)}${detail ? ` – ${detail}` : ""}`;
    const isFailed = ({ outcome }: Containment["steps"][number]) => outcome === "failed";
    const steps = containment?.steps ?? [];
    const others = finding.instances.filter((each) => each.instanceId !== instance.instanceId);
    const story = groupStory(containment);
    const left = credentialsLeft(containment).length > 0;
    const place = { partition: finding.partition, region: instance.region };
    return {
        tone: "danger",
        title: `${drill(incident)}${isolationTitle(containment)}: ${where(instance)}`,
        summary: [finding.title, ...(story === null ? [] : [story.sentence])].join(" "),
        whatWeDid: containmentSentence(containment),
        whatNow: [
            ...(contained || observed
                ? []
                : ["Contain it by hand now: attach a security group without rules to every network interface, alone."]),
            ...(left ? cutByHand(instance, finding.partition) : []),
            ...(observed ? [`To contain it after all, send {"instanceId","accountId","region","reason"} to the findings topic.`] : []),
            ...(story === null ? [] : [story.whatNow]),
            "Do not stop, reboot or terminate the instance: its memory is evidence too.",
            "Wait for the report in this channel: snapshots of every volume are being taken.",
        ],
        runbook: runbookHeadings[contained ? (left ? "credentialsLeft" : "contained") : observed ? "observed" : "notContained"],
        facts: [...incidentFacts(incident), ...(containment ? [{ label: "VPC", value: containment.vpcId }] : [])],
        sections: [
            { heading: "What failed: do it by hand now", items: steps.filter(isFailed).map(line) },
            { heading: "Contained before it, of the same Auto Scaling group", items: story?.items ?? [] },
            { heading: "What lives only in memory", items: memoryLines(containment) },
            uncutSection(containment),
            { heading: "The same finding also names", items: others.map((each) => where(each)) },
            seenSection(incident),
            otherFindingsSection(incident, findings),
            { heading: "Who decided", items: containment?.decision ? [containment.decision.reason] : [] },
            {
                heading: observed ? "What containment would change" : "What was done",
                items: steps.filter((step) => !isFailed(step)).map(line),
                detail: true,
            },
            {
                heading: "Network interfaces",
                items: (containment?.interfaces ?? []).map(
                    (each) =>
                        `${each.networkInterfaceId}: ${each.groupsBefore.join(", ") || "no group"} → ${each.groupsAfter.join(", ") || "no group"}`,
                ),
                detail: true,
            },
        ],
        whole: `in ${incident.prefix}${objectNames.containment} in the evidence bucket`,
        links: [
            instanceLink(place, instance.accountId, instance.instanceId),
            ...(containment?.isolationGroupId ? [securityGroupLink(place, instance.accountId, containment.isolationGroupId)] : []),
            ...(finding.origin === "guardduty" ? [findingLink(place, instance.accountId, finding.id)] : []),
        ],
    };
}
