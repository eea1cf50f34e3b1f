/** The key that a case's seals are checked with, as the reader has it from elsewhere. */
import { readFile } from "node:fs/promises";
import { readPublicKey } from "../../functions/domain/custody/seal";
import type { Anchor } from "../../functions/domain/custody/verifyCase";

/** Options of the commands that check a case. */
export const anchorOptions = {
    key: { type: "string", description: "file with the public key, in PEM, as you have it from elsewhere" },
    fingerprint: { type: "string", description: "SHA256:… of that key, in its place or beside it" },
} as const;

/** The key or fingerprint that the reader has from elsewhere. @throws when it is none */
export async function readAnchor(key: string | undefined, fingerprint: string | undefined): Promise<Anchor | null> {
    const wanted = fingerprint
        ?.trim()
        .toLowerCase()
        .replace(/^sha256:/, "");
    if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted))
        throw new Error("A fingerprint is SHA256: and 64 hexadecimal digits, the SHA-256 of the public key in DER.");
    if (key === undefined)
        return wanted === undefined ? null : { from: "the fingerprint you gave", fingerprint: `SHA256:${wanted}`, pem: null };
    let read;
    try {
        read = readPublicKey(await readFile(key, "utf8"));
    } catch (error) {
        throw new Error(`${key} is no public key in PEM: ${(error as Error).message}`, { cause: error });
    }
    if (wanted !== undefined && read.fingerprint !== `SHA256:${wanted}`)
        throw new Error(`${key} has the fingerprint ${read.fingerprint}, not the one you gave.`);
    return { from: key, ...read };
}
