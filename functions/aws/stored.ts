/**
 * Reads what our functions stored: a record that was cut off or changed is named with its place, and is never taken for a whole one. What a schema lets
 * through and somebody changed all the same is found by the custody log and its seals.
 */
import type { z } from "zod";
import { StepError } from "./errors";

const whatToDo =
    "Nothing of ours writes such a record. Look who changed it in CloudTrail; an object's earlier versions are in the evidence bucket (aws s3api list-object-versions), and the incidents table has point-in-time recovery.";

/** What stands there is no whole record of ours. */
export class DamagedRecordError extends StepError {}

const damaged = (where: string, why: string, cause?: unknown) =>
    new DamagedRecordError(`A stored record cannot be read (${why.slice(0, 500)})`, where, whatToDo, { cause });

/** @param where the record's place, as `s3://bucket/key` or a table's item @throws DamagedRecordError when it is no JSON in UTF-8 */
export function parseStored(where: string, stored: string | Uint8Array | undefined): unknown {
    if (stored === undefined) throw damaged(where, "it is missing");
    try {
        const text = typeof stored === "string" ? stored : new TextDecoder("utf-8", { fatal: true }).decode(stored);
        return JSON.parse(text) as unknown;
    } catch (error) {
        throw damaged(where, `${stored.length} long, and no whole JSON: ${error instanceof Error ? error.message : String(error)}`, error);
    }
}

/** @throws DamagedRecordError when it is not as the schema says */
export function checkStored<S extends z.ZodType>(where: string, value: unknown, schema: S): z.output<S> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [first] = parsed.error.issues;
    throw damaged(where, `${first!.path.join(".") || "the whole"}: ${first!.message}`, parsed.error);
}

/** Both. */
export const readStored = <S extends z.ZodType>(where: string, stored: string | Uint8Array | undefined, schema: S): z.output<S> =>
    checkStored(where, parseStored(where, stored), schema);

/** The place of an item of the incidents table, for errors. */
export const itemOf = (key: string): string => `the item ${key} of the incidents table`;

/** What can be read of several records. @param setAside gets what is wrong with one that cannot; without it, that is thrown */
export function readEach<Item, Value>(items: readonly Item[], read: (item: Item) => Value, setAside?: (error: Error) => void): Value[] {
    return items.flatMap((item) => {
        try {
            return [read(item)];
        } catch (error) {
            if (!setAside) throw error;
            setAside(error as Error);
            return [];
        }
    });
}
