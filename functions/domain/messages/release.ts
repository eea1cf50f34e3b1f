/** The message of a release. Pure. */
import { incidentPrefix, releaseRecord } from "../evidenceKeys";
import { stepWords } from "../stepWords";
import type { Release } from "../containers";
import { instanceLink } from "./consoleLinks";
import { where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** Tells of a release: what was put back, and what was left alone because somebody had changed it. */
export function releaseMessage(release: Release, partition: string): Message {
    const {
        incidentId,
        instance,
        forced,
        conflicts,
        steps,
        releasedAt,
        leftInPlace = [],
        unknownBefore = [],
        retired = null,
        by,
        ended,
    } = release;
    const putBack = steps.filter(({ outcome }) => outcome === "done");
    const failed = steps.filter(({ outcome }) => outcome === "failed");
    const others = ended.filter((each) => each !== incidentId);
    return {
        tone: "warning",
        title: `${retired !== null ? "Retired, stays isolated" : leftInPlace.length > 0 ? "Network released" : "Released"}: ${where(instance)}`,
        summary:
            retired !== null
                ? `${by ?? "Somebody"} decided that the instance stays isolated for good: ${retired}.`
                : `${by ?? "Somebody"} asked for the release of the instance${forced ? ", whatever was changed since its containment" : ""}.`,
        whatWeDid:
            retired !== null
                ? "Nothing was put back and nothing ended; its evidence stays, and the watch goes on."
                : `${putBack.length === 0 ? "Nothing was left to put back: the instance is as it was before containment." : leftInPlace.length > 0 ? "The network is as it was before containment, read back; the rest stays as containment left it, and the watch goes on with the credentials that stay denied." : unknownBefore.length > 0 ? "The instance is as it was before containment, read back, but for what nobody could read then." : "The instance is as it was before containment, read back."}${forced ? " What was changed since was left alone." : ""} Its evidence stays.`,
        whatNow:
            retired !== null
                ? ["Terminate the instance by hand when nobody needs its disks any more; its protection has to be taken off for that."]
                : [
                      "Watch the instance: it is connected again, and what made the finding may come back.",
                      ...(unknownBefore.length > 0 || failed.length > 0
                          ? ["Look at what stays, below, and put it right by hand if it should be as before."]
                          : []),
                      ...(conflicts.length > 0
                          ? ["Look at what was left alone, below, and put it right by hand if it should be as before."]
                          : []),
                  ],
        runbook: retired !== null ? runbookHeadings.retired : runbookHeadings.released,
        facts: [
            { label: "Instance", value: instance.instanceId },
            { label: "Account", value: instance.accountId },
            { label: "Region", value: instance.region },
            { label: "Incident", value: incidentId },
            ...(others.length > 0 && retired === null ? [{ label: "Also ends", value: others.join(", ") }] : []),
            { label: "At", value: releasedAt },
        ],
        sections: [
            { heading: "What was put back", items: putBack.map(({ name, detail }) => `${stepWords(name)} – ${detail}`), detail: true },
            { heading: "What was changed since, and left alone", items: conflicts },
            { heading: "What stays as containment left it", items: [...leftInPlace, ...unknownBefore] },
            { heading: "What did not work", items: failed.map(({ name, detail }) => `${stepWords(name)} – ${detail}`) },
        ],
        whole: `in ${incidentPrefix(incidentId)}${releaseRecord(releasedAt)} in the evidence bucket`,
        links: [instanceLink({ partition, region: instance.region }, instance.accountId, instance.instanceId)],
    };
}
