/** What is known to be on the victim's disks: the schema of ground-truth.json, against which an analysis is measured. */
import { z } from "zod";

/** Check names as the analysis program reports them. */
export const checks = [
    "cron",
    "systemd",
    "ld-preload",
    "ssh",
    "suid",
    "shell-history",
    "logins",
    "accounts",
    "temporary-executables",
    "startup",
    "web-shell",
    "yara",
] as const;
export type CheckName = (typeof checks)[number];

const volumeName = z.enum(["root", "data"]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const imageSchema = z.strictObject({
    name: volumeName,
    /** Compressed image beside ground-truth.json. */
    file: z.string(),
    /** Of the raw image. */
    sha256,
    /** Of the raw image. */
    sizeBytes: z.number().int().positive(),
    mountPoint: z.string(),
    /** Empty when the file system takes the whole disk. */
    partitions: z.array(
        z.strictObject({
            number: z.number().int().positive(),
            name: z.string(),
            typeGuid: z.string(),
            guid: z.string(),
            offsetBytes: z.number().int().nonnegative(),
            sizeBytes: z.number().int().positive(),
            fileSystem: z.enum(["xfs", "vfat"]).nullable(),
        }),
    ),
    /** The file system the artefacts are in. */
    fileSystem: z.strictObject({
        type: z.enum(["xfs", "ext4"]),
        label: z.string(),
        uuid: z.string(),
        offsetBytes: z.number().int().nonnegative(),
    }),
    /** Inodes reachable by name after journal replay, the root directory left out; hard links count once a name. */
    filesTotal: z.number().int().positive(),
});

const artefactSchema = z.strictObject({
    id: z.string(),
    volume: volumeName,
    check: z.enum(checks),
    /** Absolute inside the volume; bytes that are not UTF-8 are lone surrogates, as Python's surrogateescape has them. */
    path: z.string(),
    severityAtLeast: z.enum(["low", "medium", "high", "critical"]),
    /** ATT&CK techniques the finding should name; empty where place and name alone say nothing about the technique. */
    attack: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)),
    /** Only there once the journal has been replayed. */
    needsJournalReplay: z.boolean(),
    /** Name or content carries markup that a report must escape. */
    hostileText: z.boolean(),
    note: z.string(),
});
export type ArtefactTruth = z.infer<typeof artefactSchema>;

export const groundTruthSchema = z.strictObject({
    schemaVersion: z.literal(1),
    images: z.array(imageSchema),
    artefacts: z.array(artefactSchema),
    /** Harmless things an analysis has to survive: none of them is a finding. */
    oddities: z.array(z.strictObject({ id: z.string(), volume: volumeName, path: z.string(), note: z.string() })),
    /** Evidence in free space alone: nothing reads it yet, so a report has to say that free space was not looked at. */
    notLookedAt: z.array(
        z.strictObject({
            id: z.string(),
            volume: volumeName,
            deletedPath: z.string(),
            marker: z.string(),
            offsetBytes: z.number().int().nonnegative(),
            note: z.string(),
        }),
    ),
});
export type GroundTruth = z.infer<typeof groundTruthSchema>;
export type ImageTruth = GroundTruth["images"][number];
