/** Streams a text object of any size line by line, hashing every byte on the way: what was read is what was hashed. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { forensicsClient } from "./clients";
import { environment } from "./environment";

/** A longer line is handed on cut, which no parser takes for a whole one: it is counted as malformed. */
const longestLineBytes = 256 * 1024;
const newline = 0x0a;

/** Where the reading ends. A forensic host that was taken over may write what unpacks without end. */
export interface Bounds {
    /** After unpacking. */
    bytes: number;
    lines: number;
}
/** A disk of three million files has nine million events of 300 bytes. */
const bounds: Bounds = { bytes: 8 * 1024 ** 3, lines: 30_000_000 };
/** What stands for all that was not read: no parser takes it for a line. */
const unreadRest = "(the rest could not be read)";

/**
 * @param key in the evidence bucket; what ends in .gz is unpacked
 * @param line gets each line in UTF-8 without its newline; must not throw. Where the object is damaged or beyond the bounds, a last line says so
 * @returns SHA-256 and size of the whole object as it lies in the bucket
 * @throws what GetObject throws; isNotFound tells a missing object
 */
export async function readLines(
    key: string,
    line: (text: string) => void,
    { bytes: mostBytes, lines: mostLines }: Bounds = bounds,
): Promise<{ sha256: string; bytes: number }> {
    const response = await forensicsClient(S3Client).send(new GetObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key: key }));
    const hash = createHash("sha256");
    let bytes = 0;
    const hashed = async function* () {
        for await (const chunk of response.Body as AsyncIterable<Uint8Array>) {
            hash.update(chunk);
            bytes += chunk.byteLength;
            yield chunk;
        }
    };
    let parts: Buffer[] = [];
    let held = 0;
    let lines = 0;
    let unpacked = 0;
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
    /** @returns whether there is room for more */
    const take = (chunk: Uint8Array): boolean => {
        const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        unpacked += buffer.length;
        let start = 0;
        for (let at = buffer.indexOf(newline); at >= 0 && lines < mostLines; at = buffer.indexOf(newline, start)) {
            // Nearly every line lies in one chunk whole: nothing of it is copied but its text.
            if (held === 0 && at - start <= longestLineBytes) line(buffer.toString("utf8", start, at));
            else {
                keep(buffer.subarray(start, at));
                end();
            }
            lines += 1;
            start = at + 1;
        }
        if (lines < mostLines) keep(buffer.subarray(start));
        return lines < mostLines && unpacked <= mostBytes;
    };

    let whole = true;
    if (key.endsWith(".gz")) whole = await unpack(hashed(), take);
    else for await (const chunk of hashed()) whole &&= take(chunk);
    if (held > 0) end();
    if (!whole) line(unreadRest);
    return { sha256: hash.digest("hex"), bytes };
}

/**
 * Unpacks gzip; all of `packed` is read, whatever comes of it.
 *
 * @param take gets each chunk; false ends the unpacking
 * @returns false where it ended early, or what is packed is damaged, or cut since the disk of the results was full
 */
async function unpack(packed: AsyncIterable<Uint8Array>, take: (chunk: Uint8Array) => boolean): Promise<boolean> {
    const source = Readable.from(packed);
    const gunzip = source.pipe(createGunzip({ chunkSize: 256 * 1024 }));
    source.once("error", () => gunzip.destroy());
    gunzip.on("data", (chunk: Buffer) => {
        if (!gunzip.destroyed && !take(chunk)) gunzip.destroy();
    });
    const whole = await finished(gunzip).then(
        () => true,
        () => false,
    );
    source.resume();
    await finished(source);
    return whole;
}
