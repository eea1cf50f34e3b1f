/** The messages of the daily look at the evidence of open cases. Pure. */
import { incidentPrefix } from "../evidenceKeys";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

export type Upkeep =
    /** ISO 8601: when the first lock ends. */
    | { kind: "expires"; at: string }
    /** Preserved after the workflow had given up on it; volumes that are still missing, as sentences. */
    | { kind: "late"; preserved: readonly string[]; missing: readonly string[] }
    /** The preservation cannot be brought on, and why. */
    | { kind: "stuck"; why: string }
    /** Snapshots that are gone or not locked any more, as sentences. */
    | { kind: "unprotected"; what: readonly string[] }
    /** What could not be un-shared or deleted in the member account, as sentences. */
    | { kind: "left-over"; what: readonly string[] }
    /** Acquisition volumes in the member account that hold what is not preserved, as sentences. */
    | { kind: "left-volume"; what: readonly string[] };

const texts = (upkeep: Upkeep, incidentId: string): Pick<Message, "tone" | "title" | "summary" | "whatWeDid" | "whatNow" | "sections"> => {
    switch (upkeep.kind) {
        case "expires":
            return {
                tone: "warning",
                title: `Evidence expires soon: case ${incidentId}`,
                summary: `The case is open, and the first lock on its evidence ends at ${upkeep.at}. From then on it can be deleted.`,
                whatWeDid: "Nothing: how long evidence is kept is a person's decision.",
                whatNow: [`Keep it: npm run hold -- ${incidentId} --until DATE. Or end the case: npm run close -- ${incidentId}.`],
                sections: [],
            };
        case "late":
            return {
                tone: upkeep.missing.length === 0 ? "neutral" : "warning",
                title: `Evidence completed late: case ${incidentId}`,
                summary: `The workflow had given up on volumes of this case. ${upkeep.missing.length} are still missing.`,
                whatWeDid: `Copies of ${upkeep.preserved.length} are complete and locked now. The case is sealed again.`,
                whatNow: [
                    `They were not analysed by then: npm run resume -- ${incidentId} --late analyses them, and nothing a second time; the report gets a newer edition.`,
                ],
                sections: [
                    { heading: "Preserved", items: upkeep.preserved, detail: true },
                    ...(upkeep.missing.length === 0 ? [] : [{ heading: "Missing", items: upkeep.missing }]),
                ],
            };
        case "stuck":
            return {
                tone: "warning",
                title: `Evidence is still missing: case ${incidentId}`,
                summary: `Volumes of this case are not preserved, and the daily look could not bring them on: ${upkeep.why}`,
                whatWeDid: "It was tried again, and is every day while the case is open. Whatever else was preserved stays locked.",
                whatNow: ["Mend the cause."],
                sections: [],
            };
        case "unprotected":
            return {
                tone: "danger",
                title: `Evidence is not protected any more: case ${incidentId}`,
                summary: `${upkeep.what.length} evidence ${upkeep.what.length === 1 ? "snapshot is" : "snapshots are"} not as the case left them.`,
                whatWeDid: "Nothing: what is gone cannot be brought back, and whoever unlocked it may have had a right to.",
                whatNow: [
                    `Lock what stands: npm run hold -- ${incidentId} --until DATE. CloudTrail of the forensics account says who called UnlockSnapshot or DeleteSnapshot.`,
                ],
                sections: [{ heading: "What is different", items: upkeep.what }],
            };
        case "left-over":
            return {
                tone: "neutral",
                title: `Copies are left in the member account: case ${incidentId}`,
                summary: "The evidence is complete and locked. What was made on the way to it could not be taken back.",
                whatWeDid: "It was tried again, and is every day while the case is open.",
                whatNow: ["Look what stands in the way: an organisation's policy, or a lock that somebody extended."],
                sections: [{ heading: "Left over", items: upkeep.what }],
            };
        case "left-volume":
            return {
                tone: "warning",
                title: `What was taken of memory is not preserved: case ${incidentId}`,
                summary: "The workflow broke off before it could preserve the volume that memory was written to.",
                whatWeDid: "Nothing: the volume stands as it is in the member account.",
                whatNow: [
                    `npm run resume -- ${incidentId} goes on from where it failed, and preserves the volume. Until then anybody in the member account may delete it.`,
                ],
                sections: [{ heading: "Left over", items: upkeep.what }],
            };
    }
};

/** Tells of the evidence of one open case. */
export function upkeepMessage(upkeep: Upkeep, incidentId: string, at: string): Message {
    return {
        ...texts(upkeep, incidentId),
        runbook: runbookHeadings.evidenceUpkeep,
        facts: [
            { label: "Incident", value: incidentId },
            { label: "Looked at", value: at },
        ],
        whole: `in what lies under ${incidentPrefix(incidentId)} in the evidence bucket`,
        links: [],
    };
}
