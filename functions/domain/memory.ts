/** What the workflow does about an instance's memory before the last cut, and what came of it. Pure. */
import { z } from "zod";
import { containmentStepSchema } from "./containmentStep";
import { untrustedText } from "./findingFacts";

/** ISO 8601 in UTC. */
const timestampSchema = z.iso.datetime();

/** `off`: the instance is cut at once; `volatile`: what lives only while it runs; `full`: that, and an image of its memory. */
export const memoryModes = ["off", "volatile", "full"] as const;
export type MemoryMode = (typeof memoryModes)[number];

/** `quarantine`: only where the instance can be quarantined; `before`: elsewhere before anything is cut. */
export const memoryPaths = ["quarantine", "before"] as const;
export type MemoryPath = (typeof memoryPaths)[number];

/** Seconds within which an instance is contained, whatever became of its memory. */
export const defaultSeconds = { volatile: 90, full: 600 } as const;
/** The longest: acquiring is one call of a function, which Lambda ends after 900 s. */
export const longestSeconds = 840;
/** Seconds of those that the last cut is left with, and those that acquiring has to tidy up and answer. */
export const cutSeconds = 15;
export const tidySeconds = 6;
/** The shortest that leaves the acquisition time to be worth its while. */
export const shortestSeconds = 60;

/**
 * - `ready`: it may be acquired now
 * - `skipped`: nothing was acquired, on purpose
 * - `complete`, `partial`, `failed`: how the acquisition ended
 */
export const memoryOutcomes = ["ready", "skipped", "complete", "partial", "failed"] as const;

/** What a step before the last cut hands on. */
export const memorySchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    mode: z.enum(["volatile", "full"]),
    /** How the instance stood meanwhile; null where nothing was acquired. */
    path: z.enum(memoryPaths).nullable(),
    outcome: z.enum(memoryOutcomes),
    /** Why it is not complete, as a sentence without its full stop; null where it is. */
    reason: untrustedText(1024).nullable(),
    /** When the incident's containment began. */
    beganAt: timestampSchema,
    /** Since when the quarantine was read back; null where there was none. */
    quarantinedAt: timestampSchema.nullable().default(null),
    /** When acquiring ends, finished or not. */
    deadline: timestampSchema,
    /** Seconds that the acquiring step may take, tidying up and answering among it: the state machine's own limit. */
    taskSeconds: z.number().int().min(1),
    zone: z.string(),
    /** Such as m5.large: its memory says how large the volume is. */
    instanceType: z.string(),
    /** What the quarantine changed: steps of the containment. */
    steps: z.array(containmentStepSchema).default([]),
    /** The acquisition volume, in the member account; null where none was made. */
    volumeId: z.string().nullable().default(null),
    commandId: z.string().nullable().default(null),
    /** When the command was sent, and when it was known to have ended. */
    commandSentAt: timestampSchema.nullable().default(null),
    endedAt: timestampSchema.nullable().default(null),
    /** What the collector says it wrote; a hostile system may say anything. */
    files: z.number().int().nonnegative().nullable().default(null),
    bytes: z.number().int().nonnegative().nullable().default(null),
});
export type Memory = z.infer<typeof memorySchema>;

/** Of an acquisition that was not begun. */
export const notBegun = {
    path: null,
    quarantinedAt: null,
    steps: [],
    volumeId: null,
    commandId: null,
    commandSentAt: null,
    endedAt: null,
    files: null,
    bytes: null,
} satisfies Partial<Memory>;

/** The snapshot of one processor's acquisition volume, in the forensics account. */
export const acquisitionImageSchema = z.object({
    snapshotId: z.string().regex(/^snap-[0-9a-f]{8,17}$/),
    sizeGiB: z.number().int().min(1),
    /** SHA-256 of the list of hashes that lies on it: by it the command knows the tools. */
    toolsSha256: z.string().regex(/^[0-9a-f]{64}$/),
});
/** By processor, as EC2 names it. */
export const acquisitionImagesSchema = z.object({ x86_64: acquisitionImageSchema.optional(), arm64: acquisitionImageSchema.optional() });
export type AcquisitionImages = z.infer<typeof acquisitionImagesSchema>;

/** Where the acquisition volume is attached: a name that is free, from the end that people use last. */
export function freeDevice(taken: readonly string[]): string | null {
    const letters = "ponmlkjihgf".split("");
    const used = new Set(taken.map((each) => each.replace(/^\/dev\/(sd|xvd|hd)/, "").replace(/\d+$/, "")));
    const letter = letters.find((each) => !used.has(each));
    return letter === undefined ? null : `/dev/sd${letter}`;
}

/**
 * GiB of the acquisition volume: of the image that it is made of at least, and with `full` room for all of the memory beside it,
 * since what does not compress is written as it is.
 */
export function volumeSize(mode: "volatile" | "full", imageGiB: number, memoryMiB: number | null): number {
    if (mode === "volatile") return Math.max(imageGiB, 2);
    return imageGiB + Math.ceil(((memoryMiB ?? 0) / 1024) * 1.1) + 2;
}

/** The last line that the script prints. Whoever owns the instance may print it too: it is told as what the instance said. */
const lastLineSchema = z.object({
    acquisition: z.enum(["complete", "partial", "failed"]),
    reason: z.string().nullable().optional(),
    files: z.number().int().nonnegative().nullable().optional(),
    bytes: z.number().int().nonnegative().nullable().optional(),
});

/** Reads the script's output. @returns a failure where it does not end as it should */
export function readOutput(output: string): Pick<Memory, "outcome" | "reason" | "files" | "bytes"> {
    const last = output.trimEnd().split("\n").at(-1) ?? "";
    const parsed = (() => {
        try {
            return lastLineSchema.safeParse(JSON.parse(last));
        } catch {
            return null;
        }
    })();
    if (!parsed?.success)
        return { outcome: "failed", reason: "the command ended without saying what it collected", files: null, bytes: null };
    const { acquisition, reason, files = null, bytes = null } = parsed.data;
    // Its words, which may be an intruder's, are told as its words.
    return { outcome: acquisition, reason: reason ? `the instance says: ${reason.slice(0, 512)}` : null, files, bytes };
}
