/** A link that opens an object of the evidence bucket without signing in, for some hours. Off unless a stack asks for it. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { ObjectRef } from "../domain/containers";
import type { SharedLink } from "../domain/messages/report";
import { forensicsClient } from "./clients";
import { log } from "./handler";

/** Seconds: what SigV4 takes. */
const longest = 7 * 24 * 3600;

/**
 * Signs a GET of the object with this function's session. AWS refuses it when that session has ended, whatever the signature says
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html); Lambda does not tell a function when that is.
 *
 * @param hours 0: nothing is signed
 * @returns null where nothing was; a link is never worth a report that people are not told of
 */
export async function shareReport({ bucket, key }: ObjectRef, hours: number): Promise<SharedLink | null> {
    if (hours === 0) return null;
    try {
        const client = forensicsClient(S3Client);
        const { expiration } = await client.config.credentials();
        const now = Date.now();
        const end = Math.min(now + Math.min(hours * 3600, longest) * 1000, expiration?.getTime() ?? Infinity);
        const expiresIn = Math.floor((end - now) / 1000);
        if (expiresIn < 60) return null;
        // As a page: a browser shows it. It is shown under S3's own name, and loads nothing (its CSP).
        const command = new GetObjectCommand({ Bucket: bucket, Key: key, ResponseContentType: "text/html; charset=utf-8" });
        const url = await getSignedUrl(client, command, { expiresIn });
        return { url, until: new Date(now + expiresIn * 1000).toISOString(), atLatest: expiration === undefined };
    } catch (error) {
        log("no link to the report was signed", { key, error: String(error) });
        return null;
    }
}
