/**
 * What the analysis program writes (see analysis/README.md), as this side reads it. Everything in these files comes
 * from a hostile disk: it is parsed strictly, bounded, and escaped wherever it is shown.
 */
import { z } from "zod";
import { severities, type Severity } from "./severity";

export { severities, type Severity };

/** One line of findings.jsonl. */
export const diskFindingSchema = z.object({
    schemaVersion: z.literal(1),
    id: z.string().max(128),
    check: z.string().max(64),
    severity: z.enum(severities),
    title: z.string().max(1024),
    path: z.string().max(8192).nullable(),
    volumeId: z.string().max(64),
    evidence: z.string().max(4096),
    /** MITRE ATT&CK technique ids, such as T1053.003. */
    attack: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)).max(16),
    modified: z.string().max(64).nullable(),
    sha256: z.string().max(64).nullable(),
    rule: z.string().max(256).nullable(),
});
export type DiskFinding = z.infer<typeof diskFindingSchema>;

/** summary.json. */
export const analysisSummarySchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    tool: z.object({ name: z.string(), version: z.string() }).catchall(z.unknown()),
    startedAt: z.string(),
    finishedAt: z.string(),
    /** Seconds from the start until first-look.json was there. */
    firstLookSeconds: z.number().nonnegative().nullable().optional(),
    complete: z.boolean(),
    volumes: z.array(
        z.object({
            volumeId: z.string(),
            snapshotId: z.string().nullable(),
            role: z.string(),
            device: z.string(),
            sizeBytes: z.number().int().nonnegative(),
            evidenceSha256Before: z.string().nullable(),
            /** Null unless the evidence was hashed twice. */
            evidenceSha256After: z.string().nullable(),
            intact: z.boolean(),
            /** What `intact` rests on beside the first hash: a second one, or the device's read-only flag and write counters. */
            unchangedBy: z.enum(["second-hash", "write-counters"]).optional(),
            stateBefore: z.string().max(1024).nullable().optional(),
            stateAfter: z.string().max(1024).nullable().optional(),
            /** Name of the output with the SHA-256 of every block of `blockBytes`, 32 bytes each. */
            blockHashes: z.string().max(256).nullable().optional(),
            blockBytes: z.number().int().positive().optional(),
            /** Whether every byte was read or is known to hold no files. */
            accounted: z.boolean().optional(),
            /** The whole device in order. */
            regions: z
                .array(
                    z.object({
                        offsetBytes: z.number().int().nonnegative(),
                        sizeBytes: z.number().int().nonnegative(),
                        state: z.enum(["read", "empty", "unread"]),
                        what: z.string().max(1024),
                    }),
                )
                .optional(),
            fileSystems: z.array(
                z.object({
                    type: z.string(),
                    label: z.string().nullable(),
                    offsetBytes: z.number().int().nonnegative(),
                    method: z.enum(["kernel-mount", "dissect", "none"]),
                    journalReplayed: z.boolean(),
                    filesSeen: z.number().int().nonnegative(),
                    reason: z.string().nullable(),
                    /** Where the victim mounted it; null when nothing tells. */
                    mountPoint: z.string().nullable().optional(),
                    /** Whether its content alone, and no fstab, says so. */
                    mountPointGuessed: z.boolean().optional(),
                    /** Directories in it that are roots of their own: container layers, OSTree deployments, chroots. */
                    roots: z.array(z.string()).optional(),
                }),
            ),
        }),
    ),
    operatingSystem: z.object({ name: z.string().nullable(), version: z.string().nullable(), hostname: z.string().nullable() }).nullable(),
    findingsBySeverity: z.record(z.string(), z.number().int().nonnegative()),
    /** Findings that were made and not written, because a check reports so many of one severity at most. */
    findingsOverBound: z.record(z.string(), z.number().int().nonnegative()).optional(),
    checks: z.array(
        z.object({
            check: z.string(),
            itemsLookedAt: z.number().int().nonnegative(),
            findings: z.number().int().nonnegative(),
            error: z.string().nullable(),
        }),
    ),
    notLookedAt: z.array(z.object({ what: z.string(), why: z.string() })),
    timelineEvents: z.number().int().nonnegative(),
});
export type AnalysisSummary = z.infer<typeof analysisSummarySchema>;
