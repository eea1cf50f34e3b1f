/** Pins: the ids of the snapshots that we made, as EC2 answered them, kept in the evidence bucket and in the incidents table. Pure. */
import { z } from "zod";
import { timestampSchema } from "./containers";
import { stages } from "./preservation";

export const pinSchema = z.object({
    volumeId: z.string(),
    stage: z.enum(stages),
    /** 1 for the first; a later one was made in place of the one before. */
    generation: z.number().int().positive(),
    /** What became of the one before: EC2 failed to make it. @default it was lost, or there was none */
    replaces: z.literal("failed").optional(),
    snapshotId: z.string().regex(/^snap-[0-9a-f]+$/),
    /** ISO 8601: when EC2 was asked for it. */
    madeAt: timestampSchema,
    /** The incident that it was made for, where this one took it over (domain/planInheritance.ts). @default this one */
    from: z.string().optional(),
});
export type Pin = z.infer<typeof pinSchema>;

/** What a pin is known by in an incident. */
export const pinName = ({ volumeId, stage, generation }: Pick<Pin, "volumeId" | "stage" | "generation">): string =>
    `${volumeId}/${stage}.${generation}`;

export interface JoinedPins {
    /** Every pin, once. */
    pins: Pin[];
    /** What one of the two places lacks: an interrupted step wrote the other one alone. */
    lacking: { bucket: Pin[]; table: Pin[] };
    /** Where the two say different things, as sentences. The bucket's stands: its objects are locked. */
    anomalies: string[];
}

/** Holds the pins of bucket and table against each other: what stands in either was answered by EC2. */
export function joinPins(inBucket: readonly Pin[], inTable: readonly Pin[]): JoinedPins {
    const [bucket, table] = [inBucket, inTable].map((pins) => new Map(pins.map((pin) => [pinName(pin), pin]))) as [
        Map<string, Pin>,
        Map<string, Pin>,
    ];
    const onlyIn = (one: Map<string, Pin>, other: Map<string, Pin>) => [...one].filter(([name]) => !other.has(name)).map(([, pin]) => pin);
    const differing = [...bucket].filter(([name, { snapshotId }]) => (table.get(name)?.snapshotId ?? snapshotId) !== snapshotId);
    return {
        pins: [...bucket.values(), ...onlyIn(table, bucket)],
        lacking: { bucket: onlyIn(table, bucket), table: onlyIn(bucket, table) },
        anomalies: differing.map(
            ([name, { snapshotId }]) =>
                `The evidence bucket says that ${snapshotId} was made as ${name}, and the incidents table says ${table.get(name)!.snapshotId}: somebody changed one of them. The bucket's, which is locked, was used.`,
        ),
    };
}
