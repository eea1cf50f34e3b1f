/** What became of an instance's memory, in the order it happened: for messages and the report. Pure. */
import type { Containment } from "./containers";

const seconds = (from: string, to: string) => Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));

/** What could change while memory was taken: said beside it, since the cut waited for that. */
const meanwhile = {
    quarantine:
        "What could change meanwhile: processes went on and could end, hide or destroy; the endpoints of Systems Manager could be reached, and through them its API with any credentials but the instance's, which could make the agent's own calls alone",
    before: "What could change meanwhile: everything. The instance was not cut, and its credentials were not denied",
};

/**
 * Empty where the deployment takes none.
 *
 * @param containment null where it failed before it could say what it did
 */
export function memoryLines(containment: Pick<Containment, "memory" | "containedAt"> | null): string[] {
    const memory = containment?.memory;
    if (memory === undefined) return [];
    const { mode, outcome, path, reason, beganAt, quarantinedAt, volumeId, commandSentAt, endedAt, files, bytes } = memory;
    const what = mode === "full" ? "Memory and volatile state" : "Volatile state";
    const because = reason === null ? "" : `: ${reason}`;
    if (path === null) return [`${what} ${outcome === "failed" ? "FAILED to be taken" : "not taken"}${because}.`];
    const at = (text: string, time: string | null) =>
        time === null ? [] : [`${text} at ${time}, ${seconds(beganAt, time)} s after containment began.`];
    const cut = containment?.containedAt ?? null;
    const words = {
        complete: "taken, by the instance's own word: whether it is whole, the analysis of the volume says",
        partial: "taken IN PART",
        failed: "FAILED to be taken",
        skipped: "not taken",
        ready: "not taken",
    };
    return [
        `${what} ${words[outcome]}${because}.`,
        ...at("Quarantined", quarantinedAt),
        ...at("Collecting began", commandSentAt),
        ...at("Collecting ended", endedAt),
        ...at("Isolated", cut),
        ...(quarantinedAt !== null && cut !== null ? [`It stood ${seconds(quarantinedAt, cut)} s in quarantine.`] : []),
        ...(files === null || bytes === null
            ? []
            : [`The instance says that it wrote ${files} files, ${bytes} bytes; a hostile system may say anything.`]),
        ...(volumeId === null ? [] : [`It lies on ${volumeId}, which is preserved and locked like the instance's own volumes.`]),
        `${meanwhile[path]}.`,
        "Order: what lives in memory first, then the disks, whose snapshots are later than the cut.",
    ];
}
