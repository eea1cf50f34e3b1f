/** Reads S3's event notification at the edge of a function. */
import { z } from "zod";

const eventSchema = z.object({
    Records: z
        .array(
            z.object({
                s3: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
            }),
        )
        .min(1),
});

/**
 * The keys that an S3 notification names and that match `pattern`.
 *
 * @param bucket the bucket expected; a record about another one is refused
 * @returns keys as GetObject takes them: S3 writes them form-encoded into events
 * @throws when the event is not an S3 notification
 */
export function eventKeys(event: unknown, bucket: string, pattern: RegExp): string[] {
    const { Records } = eventSchema.parse(event);
    const keys = Records.filter(({ s3 }) => s3.bucket.name === bucket).map(({ s3 }) =>
        decodeURIComponent(s3.object.key.replaceAll("+", " ")),
    );
    return [...new Set(keys.filter((key) => pattern.test(key)))];
}
