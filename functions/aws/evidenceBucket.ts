/** Reading and writing the evidence bucket. Every write carries its SHA-256, as Object Lock asks and custody needs. */
import { createHash } from "node:crypto";
import { GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { z } from "zod";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { errorCode, isNotFound, StepError, TransientError } from "./errors";
import { readStored } from "./stored";
import type { ObjectRef } from "../domain/containers";

const s3 = () => forensicsClient(S3Client);

/** Larger JSON objects than this are refused when read: nothing we write comes near. */
const largestJsonBytes = 16 * 1024 * 1024;

export interface PutOptions {
    contentType?: string;
    /** Write only when the key is free. When it is taken, the object that stands there is returned instead. */
    onlyIfAbsent?: boolean;
}

/** Writes bytes under a key. @returns where it lies, its SHA-256, and whether this call wrote it. */
export async function putObject(
    key: string,
    body: string | Uint8Array,
    options: PutOptions = {},
): Promise<{ ref: ObjectRef; written: boolean }> {
    const bucket = environment("EVIDENCE_BUCKET");
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : Buffer.from(body);
    const digest = createHash("sha256").update(bytes).digest();
    try {
        await s3().send(
            new PutObjectCommand({
                Bucket: bucket,
                Key: key,
                Body: bytes,
                ContentType: options.contentType ?? "application/octet-stream",
                ChecksumSHA256: digest.toString("base64"),
                IfNoneMatch: options.onlyIfAbsent ? "*" : undefined,
            }),
        );
        return { ref: { bucket, key, sha256: digest.toString("hex") }, written: true };
    } catch (error) {
        if (!options.onlyIfAbsent || errorCode(error) !== "PreconditionFailed") throw error;
        const standing = await getObject(key);
        return { ref: standing.ref, written: false };
    }
}

/** Writes a value as JSON. See {@link putObject}. */
export async function putJson(key: string, value: unknown, options: PutOptions = {}): Promise<{ ref: ObjectRef; written: boolean }> {
    return putObject(key, JSON.stringify(value, null, 2), { contentType: "application/json", ...options });
}

/** Reads a whole object of at most `largest` bytes. @throws StepError when it is larger. */
export async function getObject(key: string, largest = largestJsonBytes): Promise<{ ref: ObjectRef; body: Buffer }> {
    const bucket = environment("EVIDENCE_BUCKET");
    const response = await s3().send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if ((response.ContentLength ?? 0) > largest) {
        throw new StepError(`The object is larger than ${largest} bytes`, `s3://${bucket}/${key}`, "Read it with the AWS CLI instead.");
    }
    const body = Buffer.from(await response.Body!.transformToByteArray());
    // Half an answer is none: asked again, S3 gives the whole.
    if (response.ContentLength !== undefined && response.ContentLength !== body.length)
        throw new TransientError(`s3://${bucket}/${key} ended after ${body.length} of ${response.ContentLength} bytes`);
    return { ref: { bucket, key, sha256: createHash("sha256").update(body).digest("hex") }, body };
}

/** Reads and parses a JSON object. @returns null when there is no such object. @throws when it does not match the schema. */
export async function getJson<S extends z.ZodType>(key: string, schema: S): Promise<{ ref: ObjectRef; value: z.infer<S> } | null> {
    try {
        const { ref, body } = await getObject(key);
        return { ref, value: readStored(`s3://${ref.bucket}/${key}`, body, schema) };
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** All keys under a prefix. */
export async function listKeys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3() }, { Bucket: environment("EVIDENCE_BUCKET"), Prefix: prefix }))
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key!));
    return keys;
}

/** Whether an object stands under the key. */
export async function objectExists(key: string): Promise<boolean> {
    try {
        await s3().send(new HeadObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key: key }));
        return true;
    } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
    }
}

/** Streams an object through SHA-256 without holding it. @returns null when it is not there. */
export async function hashObject(key: string): Promise<{ sha256: string; bytes: number } | null> {
    try {
        const response = await s3().send(new GetObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key: key }));
        const hash = createHash("sha256");
        let bytes = 0;
        for await (const chunk of response.Body as AsyncIterable<Uint8Array>) {
            hash.update(chunk);
            bytes += chunk.length;
        }
        return { sha256: hash.digest("hex"), bytes };
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}
