/** The message of a containment that is not as it was left. Pure. */
import { incidentPrefix, objectPrefixes } from "../evidenceKeys";
import type { StandingContainment, StandingDrift } from "../standingContainment";
import { instanceLink, securityGroupLink } from "./consoleLinks";
import { where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

export interface DriftNews {
    standing: StandingContainment;
    /** What people have not been told of yet, or of which there is news. */
    drifts: readonly StandingDrift[];
    /** Keys of those that open the instance, or give its credentials back. */
    opens: ReadonlySet<string>;
    /** Whether what can be put back is put back without asking anybody. */
    automatic: boolean;
    /** What went wrong while it was put back, as sentences. */
    failed: readonly string[];
}

const line = ({ what, by }: StandingDrift) =>
    `${what}. ${by === null ? "CloudTrail does not say who did it, or not yet" : `Done by ${by}`}`;

/** Tells of drift: what is still so, what was put back, and who did it. */
export function driftMessage({ standing, drifts, opens, automatic, failed }: DriftNews, partition: string): Message {
    const { instance, incidentIds, groups } = standing;
    const stands = drifts.filter(({ outcome }) => outcome === "stands");
    const isOpen = stands.some(({ key }) => opens.has(key));
    const putBack = drifts.filter(({ outcome }) => outcome === "put-back");
    const place = { partition, region: instance.region };
    const summary = [
        `${drifts.length === 1 ? "One thing is" : `${drifts.length} things are`} not as containment left ${drifts.length === 1 ? "it" : "them"}.`,
        ...(isOpen ? ["What is still so opens the instance or gives its credentials back."] : []),
    ].join(" ");
    const whatWeDid = [
        putBack.length > 0 ? `${putBack.length} put back, and read back so.` : "Nothing was put back.",
        ...(stands.length > 0 && !automatic ? ["The rules ask a person about this instance before anything is."] : []),
        ...(failed.length > 0 ? [`${failed.length} could not be.`] : []),
    ].join(" ");
    return {
        tone: isOpen ? "danger" : "warning",
        title: `${isOpen ? "Containment is undone" : putBack.length > 0 && stands.length === 0 ? "Containment drifted and was put back" : "Containment drifted"}: ${where(instance)}`,
        summary,
        whatWeDid,
        whatNow: [
            ...(stands.length > 0 && !automatic
                ? [
                      `To have it put back, now and whenever it drifts again, send {"instanceId","accountId","region","reason"} to the findings topic: a person who asks for containment has decided.`,
                  ]
                : []),
            ...(isOpen && automatic
                ? ["Put it back by hand now: give every interface the isolation group alone, and look at the list below."]
                : []),
            "Ask who did it. When nobody of yours did, somebody has rights in the account: take those away.",
            `To connect the instance again, release it instead: npm run release -- ${incidentIds.at(-1)}`,
        ],
        runbook: runbookHeadings.drift,
        facts: [
            { label: "Instance", value: instance.instanceId },
            { label: "Account", value: instance.accountId },
            { label: "Region", value: instance.region },
            { label: "Incident", value: incidentIds.at(-1)! },
            { label: "Contained since", value: standing.begunAt },
            ...(standing.check === null ? [] : [{ label: "Seen at", value: standing.check.at }]),
        ],
        sections: [
            { heading: "Still so", items: stands.map(line) },
            { heading: "Why it could not be put back", items: failed },
            { heading: "Put back", items: putBack.map(line) },
            { heading: "Was so, and is over", items: drifts.filter(({ outcome }) => outcome === "ended").map(line) },
        ],
        whole: `in the newest object under ${incidentPrefix(incidentIds.at(-1)!)}${objectPrefixes.watch} in the evidence bucket`,
        links: [
            instanceLink(place, instance.accountId, instance.instanceId),
            ...(groups.isolation === null ? [] : [securityGroupLink(place, instance.accountId, groups.isolation)]),
        ],
    };
}
