/**
 * Whether an analysis is complete and its evidence intact: a pure judgement over what was read, in full sentences.
 * "Nothing could be looked at" is never complete, and what cannot be checked is never intact.
 */
import { severities, type AnalysisSummary } from "../analysisOutputs";
import type { Custody, ObjectRef } from "../containers";
import type { VerifiedObject } from "../manifest";
import type { Moment } from "../metadata/readMoment";
import { analysesOf, missingOnHosts, type FailedRound } from "../planRounds";
import { count } from "./format";
import type { Edition } from "./edition";
import type { FindingsRead } from "./findingLines";
import type { TimelineRead } from "./timelineLines";

/** Everything the page is made of. */
export interface ReportInput {
    custody: Custody;
    /** Null when summary.json is missing, altered beyond reading, or not a summary. */
    summary: AnalysisSummary | null;
    /** Null when findings.jsonl could not be read. */
    findings: FindingsRead | null;
    /** Null when timesketch.jsonl.gz could not be read. */
    timeline: TimelineRead | null;
    /** What AWS said of the instance beside its disks; null or left out where nothing of it was kept. */
    moment?: Moment | null;
    /** Rounds of the analysis that left no results, where there were several. */
    failedRounds?: readonly FailedRound[];
    /** What is new since the report before; left out in the first. */
    edition?: Edition;
    /** `further`: of later rounds. */
    manifest: { ref: ObjectRef; further?: readonly ObjectRef[]; objects: VerifiedObject[]; problems: string[] };
    /** ISO 8601. */
    generatedAt: string;
}

/** A file system whose journal holds changes that were not applied: the newest files may be missing from the analysis. */
export interface UnreplayedJournal {
    volumeId: string;
    type: string;
    label: string | null;
    reason: string | null;
}

export interface Assessment {
    complete: boolean;
    /** Why it is not complete; empty when it is. */
    incomplete: string[];
    intact: boolean;
    /** Why it is not intact; empty when it is. */
    altered: string[];
    unreplayed: UnreplayedJournal[];
    lookedAt: {
        volumes: number;
        fileSystems: number;
        files: number;
        checks: number;
        /** Objects of the manifest whose SHA-256 matched. */
        objects: number;
        /** Evidence volumes that were hashed and not changed by the analysis. */
        hashedVolumes: number;
    };
}

type Volume = AnalysisSummary["volumes"][number];

/** Without a journal there is nothing to replay. Everything else is taken to have one. */
export const withoutJournal = /^(v?fat(12|16|32)?|fat(12|16|32)|exfat|msdos|ext2|swap|iso9660|squashfs|none|unknown)$/i;

const wasRead = (volume: Volume) => volume.fileSystems.filter((fileSystem) => fileSystem.method !== "none");

function unreplayedJournals(summary: AnalysisSummary): UnreplayedJournal[] {
    return summary.volumes.flatMap((volume) =>
        wasRead(volume)
            .filter(({ journalReplayed, type }) => !journalReplayed && !withoutJournal.test(type))
            .map(({ type, label, reason }) => ({ volumeId: volume.volumeId, type, label, reason })),
    );
}

function incompleteReasons({ custody, summary, findings, timeline, failedRounds: failed = [] }: ReportInput): string[] {
    const named = new Set(failed.flatMap(({ volumeIds }) => volumeIds));
    const reasons: string[] = [];
    for (const { volumeId, device, why } of custody.evidence.missing)
        reasons.push(`Volume ${volumeId} (${device}) is not preserved: ${why}`);
    for (const { round, of, volumeIds } of failed)
        reasons.push(
            `Round ${round} of ${of} of the analysis left no results, so ${count(volumeIds.length, "volume")} of it ${volumeIds.length === 1 ? "was" : "were"} not looked at: ${volumeIds.join(", ")}.`,
        );
    for (const { sourceVolumeId, purpose, why } of missingOnHosts(analysesOf(custody)))
        reasons.push(`The ${purpose} volume of ${sourceVolumeId} is missing on the forensic instance: ${why}`);
    reasons.push(...custody.evidence.anomalies.filter((anomaly) => anomaly.includes("taken later")));
    if (!findings) reasons.push("findings.jsonl could not be read, so findings are missing from this report.");
    if (findings?.malformed) reasons.push(`${count(findings.malformed, "line")} of findings.jsonl could not be understood.`);
    if (!timeline) reasons.push("timesketch.jsonl.gz could not be read, so the timeline has no events from the disks.");
    if (timeline?.malformed) reasons.push(`${count(timeline.malformed, "line")} of timesketch.jsonl.gz could not be understood.`);
    if (!summary) return [...reasons, "summary.json could not be read, so it is not known what was looked at."];

    if (!summary.complete) reasons.push("The analysis itself says that it did not finish everything it set out to do.");
    for (const { volumeId, device, evidenceSnapshotId } of custody.evidence.snapshots) {
        const volume = summary.volumes.find((each) => each.volumeId === volumeId || each.snapshotId === evidenceSnapshotId);
        if (!volume && named.has(volumeId)) continue;
        if (!volume) reasons.push(`Volume ${volumeId} (${device}) was not looked at.`);
        else if (wasRead(volume).length === 0) reasons.push(`No file system of volume ${volumeId} (${device}) could be read.`);
        else if (wasRead(volume).every(({ filesSeen }) => filesSeen === 0))
            reasons.push(`No file was seen on volume ${volumeId} (${device}).`);
    }
    if (summary.checks.length === 0) reasons.push("No check ran.");
    for (const { check, error } of summary.checks) {
        if (error !== null) reasons.push(`The check “${check}” failed: ${error}`);
    }
    if (findings) {
        const differing = severities.filter((severity) => (summary.findingsBySeverity[severity] ?? 0) !== findings.counts[severity]);
        if (differing.length > 0)
            reasons.push(`summary.json and findings.jsonl disagree about the number of ${differing.join(", ")} findings.`);
    }
    const unreplayed = unreplayedJournals(summary).length;
    if (unreplayed > 0)
        reasons.push(`The journal of ${count(unreplayed, "file system")} was not replayed, so the newest files may be missing.`);
    return reasons;
}

/** Hash and what shows that nothing was written, or why the volume cannot be called unchanged; null when it can. */
function volumeProblem({ volumeId, evidenceSha256Before: before, evidenceSha256After: after, intact, unchangedBy }: Volume): string | null {
    if (unchangedBy === "write-counters" && after === null) {
        if (before === null) return `The evidence volume of ${volumeId} was not hashed.`;
        return intact ? null : `The evidence volume of ${volumeId} changed during the analysis: its write counters moved.`;
    }
    if (before === null || after === null) return `The evidence volume of ${volumeId} was not hashed both before and after the analysis.`;
    if (before !== after) return `The evidence volume of ${volumeId} changed during the analysis: its SHA-256 before and after differ.`;
    return intact ? null : `The analysis says that the evidence volume of ${volumeId} is not intact, although its hashes agree.`;
}

function integrityProblems({ custody, summary, manifest }: ReportInput): string[] {
    const problems = [...manifest.problems, ...manifest.objects.flatMap(({ problem }) => problem ?? [])];
    if (manifest.objects.length === 0) problems.push("No object could be checked against the manifest.");
    if (!summary) return [...problems, "The hashes of the evidence volumes are not known, because summary.json could not be read."];
    if (summary.incidentId !== custody.incident.incidentId) {
        problems.push(`summary.json belongs to another incident (${summary.incidentId}).`);
    }
    return [...problems, ...summary.volumes.flatMap((volume) => volumeProblem(volume) ?? [])];
}

/** Judges an analysis. Complete and intact are independent: an unfinished analysis may still be untampered. */
export function assess(input: ReportInput): Assessment {
    const incomplete = incompleteReasons(input);
    const altered = integrityProblems(input);
    const volumes = input.summary?.volumes ?? [];
    const fileSystems = volumes.flatMap(wasRead);
    return {
        complete: incomplete.length === 0,
        incomplete,
        intact: altered.length === 0,
        altered,
        unreplayed: input.summary ? unreplayedJournals(input.summary) : [],
        lookedAt: {
            volumes: volumes.filter((volume) => wasRead(volume).length > 0).length,
            fileSystems: fileSystems.length,
            files: fileSystems.reduce((sum, { filesSeen }) => sum + filesSeen, 0),
            checks: (input.summary?.checks ?? []).filter(({ error }) => error === null).length,
            objects: input.manifest.objects.filter(({ state }) => state === "match").length,
            hashedVolumes: volumes.filter((volume) => volumeProblem(volume) === null).length,
        },
    };
}
