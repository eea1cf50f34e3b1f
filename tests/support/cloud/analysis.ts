/** What an analysis that went well leaves in the bucket, of the volumes that it was given: a first look, results, the manifest last. */
import * as plain from "../../fixtures/analysis/plain";

/** Objects in the order in which they are written. @param prefix as the command's OutputPrefix */
export function analysisObjects(incidentId: string, sourceVolumes: { volumeId: string; snapshotId: string }[]): Record<string, string> {
    const summary = {
        ...plain.summary,
        incidentId,
        volumes: sourceVolumes.map((volume, index) => ({ ...plain.summary.volumes[index % 2]!, ...volume })),
    };
    const look = {
        schemaVersion: 1,
        stage: "first-look",
        incidentId,
        startedAt: summary.startedAt,
        at: "2026-11-20T03:49:44Z",
        seconds: 43,
        operatingSystem: summary.operatingSystem,
        findingsBySeverity: summary.findingsBySeverity,
        findings: plain.findings,
        notLookedAt: [],
    };
    const outputs: Record<string, string> = {
        "findings.jsonl": plain.lines(plain.findings),
        "bodyfile.gz": plain.packed("0|vol:/etc/passwd|1\n"),
        "timeline.csv.gz": plain.packed("datetime\r\n"),
        "timesketch.jsonl.gz": plain.packed(plain.lines(plain.timesketch)),
        "summary.json": JSON.stringify(summary),
    };
    return { "first-look.json": JSON.stringify(look), ...outputs, "manifest.sha256": plain.manifestOf(outputs) };
}
