/** Fetches files that are known by their SHA-256, so that it does not matter where they came from. */
import { createHash } from "node:crypto";

export interface PinnedFile {
    /** File name, for messages. */
    readonly name: string;
    /** Where it is fetched from, the first that answers. */
    readonly urls: readonly string[];
    /** Hexadecimal: what does not have it is refused, wherever it came from. */
    readonly sha256: string;
}

const FETCH_TIMEOUT_MS = 60_000;

/** @throws Error that says where it was looked for, and what each place answered. */
export async function fetchPinned(wanted: PinnedFile): Promise<Buffer> {
    const tried: string[] = [];
    for (const url of wanted.urls) {
        try {
            const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
            if (!answer.ok) {
                tried.push(`${url}: HTTP ${answer.status}`);
                continue;
            }
            const content = Buffer.from(await answer.arrayBuffer());
            const sha256 = createHash("sha256").update(content).digest("hex");
            if (sha256 === wanted.sha256) {
                return content;
            }
            tried.push(`${url}: SHA-256 ${sha256} instead of ${wanted.sha256}`);
        } catch (error) {
            // Node says "fetch failed", and why in the cause.
            const { message, cause } = error as Error;
            tried.push(`${url}: ${message}${cause instanceof Error ? ` (${cause.message})` : ""}`);
        }
    }
    throw new Error(
        `${wanted.name} could not be fetched: ${tried.join("; ")}. Check the network of this machine; where a proxy signs with a certificate of its own, name it in NODE_EXTRA_CA_CERTS.`,
    );
}
