/**
 * `npm run verify -- DIR|s3://BUCKET/incidents/INCIDENT/ [--key FILE] [--fingerprint SHA256:…] [--json]`: checks a case against its seals.
 *
 * A folder is checked without a network. In the bucket the locks are read as they stand, by the operator's own credentials, and the public key
 * is asked of KMS unless one is given. Exit 0 when the case is intact, 1 when something is wrong or not covered by a seal (the first thing, and
 * where), 2 when it could not be checked.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { readPublicKey } from "../functions/domain/custody/seal";
import { verdictLines, verifyCase, type Anchor } from "../functions/domain/custody/verifyCase";
import { bucketSource, keyOfAccount, readAddress, regionOf } from "./custody/bucketSource";
import { folderSource } from "./custody/folderSource";

const usage = "Use: npm run verify -- DIR|s3://BUCKET/incidents/INCIDENT/ [--key FILE] [--fingerprint SHA256:...] [--json]";

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

async function main(args: string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { key: { type: "string" }, fingerprint: { type: "string" }, json: { type: "boolean", default: false } },
    });
    if (positionals.length !== 1) throw new Error(positionals.length === 0 ? "No case given." : "One case at a time.");
    const place = positionals[0]!;
    const given = await readAnchor(values.key, values.fingerprint);
    const address = readAddress(place);
    const region = address ? await regionOf(address.bucket) : null;
    const source = address && region ? bucketSource({ ...address, region }) : await folderSource(place);
    const anchor = given ?? (region ? await keyOfAccount(region) : null);
    const verdict = await verifyCase(source, anchor, Date.now());
    const { manifest: _, entries: __, ...said } = verdict;
    if (values.json) console.log(JSON.stringify(said, null, 2));
    else for (const line of verdictLines(verdict, source.where)) console.log(line);
    return verdict.wrong ? 1 : 0;
}

if (require.main === module)
    main(process.argv.slice(2)).then(
        (code) => (process.exitCode = code),
        (error: Error) => {
            console.error(`${error.name === "Error" ? "" : `${error.name}: `}${error.message}\n${usage}`);
            process.exitCode = 2;
        },
    );
