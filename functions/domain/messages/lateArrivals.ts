/** The message of evidence that came after a case was sealed. Pure. */
import type { CaseManifest } from "../custody/seal";
import { incidentPrefix } from "../evidenceKeys";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** Tells what the newest seal covers that the one before did not. @param objects names below the incident's prefix */
export function lateArrivalsMessage(
    { incidentId, seal, sealedAt, sealedBy, key, log }: Pick<CaseManifest, "incidentId" | "seal" | "sealedAt" | "sealedBy" | "key" | "log">,
    objects: readonly string[],
): Message {
    return {
        tone: "neutral",
        title: `Sealed again: case ${incidentId}`,
        summary: `${objects.length === 0 ? "Entries of the custody log" : `${objects.length} ${objects.length === 1 ? "object" : "objects"}`} came after seal ${seal - 1} of the case.`,
        whatWeDid: `Seal ${seal} covers everything that stands now; the earlier seal stays as it is.`,
        whatNow: [
            "Look whether you know of what came: a release, a hold, a joined finding and a report that was late are ordinary. For anything else, custody/log/ says who wrote it.",
        ],
        runbook: runbookHeadings.sealedAgain,
        facts: [
            { label: "Incident", value: incidentId },
            { label: "Seal", value: String(seal) },
            { label: "Entries of the log", value: String(log.entries) },
            { label: "Sealed by", value: sealedBy },
            { label: "Key", value: key.fingerprint },
            { label: "At", value: sealedAt },
        ],
        sections: [{ heading: "What came after the seal before", items: objects, detail: true }],
        whole: `in the newest seal under ${incidentPrefix(incidentId)}custody/seals/ in the evidence bucket`,
        links: [],
    };
}
