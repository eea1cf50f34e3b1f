/** Streams a text object of any size line by line, hashing every byte on the way: what was read is what was hashed. */
import { createHash } from "node:crypto";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { forensicsClient } from "./clients";
import { environment } from "./environment";

/** A longer line is handed on cut, which no parser takes for a whole one: it is counted as malformed. */
const longestLineBytes = 256 * 1024;
const newline = 0x0a;

/**
 * @param key in the evidence bucket
 * @param line gets each line in UTF-8 without its newline; must not throw
 * @returns SHA-256 and size of the whole object
 * @throws what GetObject throws; isNotFound tells a missing object
 */
export async function readLines(key: string, line: (text: string) => void): Promise<{ sha256: string; bytes: number }> {
    const response = await forensicsClient(S3Client).send(new GetObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key: key }));
    const hash = createHash("sha256");
    let bytes = 0;
    let parts: Buffer[] = [];
    let held = 0;
    const keep = (part: Buffer) => {
        const room = longestLineBytes - held;
        if (room > 0) parts.push(part.subarray(0, room));
        held += Math.min(part.length, Math.max(0, room));
    };
    const end = () => {
        line(Buffer.concat(parts).toString("utf8"));
        parts = [];
        held = 0;
    };
    for await (const chunk of response.Body as AsyncIterable<Uint8Array>) {
        const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        hash.update(buffer);
        bytes += buffer.length;
        let start = 0;
        for (let at = buffer.indexOf(newline); at >= 0; at = buffer.indexOf(newline, start)) {
            keep(buffer.subarray(start, at));
            end();
            start = at + 1;
        }
        keep(buffer.subarray(start));
    }
    if (held > 0) end();
    return { sha256: hash.digest("hex"), bytes };
}
