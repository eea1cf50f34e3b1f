/**
 * The chain of custody of an incident: who did what to its evidence, when. Each entry is a line of JSON that holds the SHA-256 of the line
 * before it, so that none can be changed, dropped, moved or put in without every later one being wrong. Pure; functions/aws/custody/ keeps it.
 *
 * A segment is what one step appended: an object under the log's prefix, written only when its number is free (S3's If-None-Match), so that
 * of two steps at the same moment one takes the number and the other goes on behind it.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { timestampSchema, untrustedText } from "../containers";

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** What was done, without its place in the chain. */
export const custodyActionSchema = z.object({
    incidentId: z.string().min(1),
    at: timestampSchema,
    /** ARN of the AWS principal, as STS names it; null where nobody recorded the write and only the seal found the object. */
    who: z.string().max(2048).nullable(),
    /** The step, function or command that did it. */
    step: z.string().max(64),
    /** The AWS action, such as `ec2:LockSnapshot`; `custody:…` for what the chain itself says. */
    what: z.string().max(128),
    /** AWS's id of the request, by which CloudTrail finds it. */
    requestId: z.string().max(128).nullable(),
    /** The object of the evidence bucket that was written. */
    object: z
        .object({
            key: z.string(),
            versionId: z.string().nullable(),
            sha256: sha256Schema.nullable(),
            bytes: z.number().int().nonnegative(),
        })
        .nullable(),
    /** Ids and ARNs that the call named or was answered with. */
    resources: z.array(z.string().max(2048)).max(64),
    /** AWS's code where the call failed; null where it did what it says. */
    error: z.string().max(256).nullable(),
    note: untrustedText(1024).nullable(),
});
export type CustodyAction = z.infer<typeof custodyActionSchema>;

export const custodyEntrySchema = z.strictObject({
    schemaVersion: z.literal(1),
    /** 1 for the first of the incident. */
    sequence: z.number().int().positive(),
    /** SHA-256 of the line before, without its newline; of the first, zeros. */
    previous: sha256Schema,
    ...custodyActionSchema.shape,
});
export type CustodyEntry = z.infer<typeof custodyEntrySchema>;

/** Where the next entry goes. */
export interface ChainHead {
    /** Segments so far. */
    segments: number;
    /** Entries so far. */
    entries: number;
    /** SHA-256 of the last entry's line; zeros where there is none. */
    sha256: string;
}
export const emptyChain: ChainHead = { segments: 0, entries: 0, sha256: "0".repeat(64) };

export const sha256Of = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** The entries' text as the next segment, and the head behind it. */
export function nextSegment(head: ChainHead, actions: readonly CustodyAction[]): { text: string; head: ChainHead } {
    let { entries, sha256 } = head;
    const lines = actions.map((action) => {
        const entry: CustodyEntry = { schemaVersion: 1, sequence: ++entries, previous: sha256, ...action };
        const line = JSON.stringify(entry);
        sha256 = sha256Of(line);
        return `${line}\n`;
    });
    return { text: lines.join(""), head: { segments: head.segments + 1, entries, sha256 } };
}

/** A chain as it was read, as far as it holds. */
export interface ReadChain {
    entries: CustodyEntry[];
    head: ChainHead;
    /** Head behind each segment. */
    heads: ChainHead[];
    /** The first thing wrong, and where; null when the chain holds. */
    problem: { segment: string; what: string } | null;
}

/**
 * Follows a chain through its segments, in the order of their names.
 *
 * @param name of a segment by its number, 1 for the first
 */
export function readChain(
    segments: readonly { name: string; text: string }[],
    incidentId: string,
    name: (number: number) => string,
): ReadChain {
    const entries: CustodyEntry[] = [];
    const heads: ChainHead[] = [];
    let head = emptyChain;
    for (const [index, segment] of [...segments].sort((left, right) => left.name.localeCompare(right.name)).entries()) {
        const broken = (what: string): ReadChain => ({ entries, head, heads, problem: { segment: segment.name, what } });
        if (segment.name !== name(index + 1)) return broken(`${name(index + 1)} is missing: a part of the log was taken out`);
        if (!segment.text.endsWith("\n")) return broken("its end is cut off");
        const lines = segment.text.slice(0, -1).split("\n");
        for (const line of lines) {
            const at = `entry ${head.entries + 1}`;
            let entry: CustodyEntry;
            try {
                entry = custodyEntrySchema.parse(JSON.parse(line));
            } catch {
                return broken(`${at} is no entry of a custody log`);
            }
            if (entry.sequence !== head.entries + 1) return broken(`entry ${entry.sequence} stands where ${at} should`);
            if (entry.previous !== head.sha256)
                return broken(`${at} does not follow from the one before it, which was changed or replaced`);
            if (entry.incidentId !== incidentId) return broken(`${at} is of incident ${entry.incidentId}`);
            entries.push(entry);
            head = { ...head, entries: head.entries + 1, sha256: sha256Of(line) };
        }
        head = { ...head, segments: head.segments + 1 };
        heads.push(head);
    }
    return { entries, head, heads, problem: null };
}
