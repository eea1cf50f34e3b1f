/** Checks the case as counsel would: copied, verified, and then tampered with in every way, to see that each is found. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { createPublicKey } from "node:crypto";
import { fingerprintOf } from "../functions/domain/custody/seal";
import { verifyCase, type Anchor } from "../functions/domain/custody/verifyCase";
import { custodyKeyAlias } from "../infra/names";
import { copyCase } from "../tools/custody/copyCase";
import { folderSource } from "../tools/custody/folderSource";
import type { LocalClients, Target } from "./deploy/localClients";

/** What the check of a case came to. */
export interface CustodyFacts {
    /** The first thing wrong with the case as it lies; null: intact. */
    wrong: string | null;
    lookedAt: string[];
    proves: string;
    /** Each tampering, with what the check then said; null where it was not found. */
    tamperings: { what: string; found: string | null }[];
}

async function anchorOf(kms: KMSClient): Promise<Anchor> {
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: custodyKeyAlias }));
    const der = Buffer.from(PublicKey!);
    const pem = createPublicKey({ key: der, format: "der", type: "spki" }).export({ type: "spki", format: "pem" }).toString();
    return { from: "KMS", fingerprint: fingerprintOf(der), pem };
}

/** One file of each kind: of the folder's top, and of each folder below it. */
async function kinds(folder: string): Promise<string[]> {
    const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
        .sort();
    return files.filter(
        (file, index) => !file.includes("/") || files.findIndex((other) => path.dirname(other) === path.dirname(file)) === index,
    );
}

/** Copies the case to a folder that is removed again, and checks it. */
export async function checkCustody(clients: LocalClients, forensics: Target, bucket: string, incidentId: string): Promise<CustodyFacts> {
    const folder = await mkdtemp(path.join(tmpdir(), "rehearsal-case-"));
    try {
        const { failed } = await copyCase(clients(S3Client, forensics), bucket, incidentId, folder);
        const anchor = await anchorOf(clients(KMSClient, forensics));
        const check = async () => verifyCase(await folderSource(folder), anchor, Date.now());
        const words = (wrong: { what: string; where: string } | null) => wrong && `${wrong.what}: ${wrong.where}`;
        const whole = await check();
        const tamperings: CustodyFacts["tamperings"] = [];
        const tamper = async (what: string, file: string, edit: (body: Buffer) => Buffer | null) => {
            const at = path.join(folder, file);
            const body = await readFile(at).catch(() => null);
            const changed = edit(body ?? Buffer.alloc(0));
            await (changed === null ? rm(at) : writeFile(at, changed));
            tamperings.push({ what: `${what} ${file}`, found: words((await check()).wrong) });
            await (body === null ? rm(at) : writeFile(at, body));
        };
        for (const file of await kinds(folder)) await tamper("a flipped bit in", file, flipped);
        const [segment] = (await readdir(path.join(folder, "custody/log"))).sort().slice(1);
        const log = `custody/log/${segment}`;
        const lines = (body: Buffer) => body.toString("utf8").trimEnd().split("\n");
        const text = (all: string[]) => Buffer.from(all.map((line) => `${line}\n`).join(""));
        await tamper("an entry dropped from", log, (body) => text(lines(body).slice(1)));
        await tamper("an entry doubled in", log, (body) => text([lines(body)[0]!, ...lines(body)]));
        await tamper("the log without", log, () => null);
        await tamper("an object put in,", "put-in.json", () => Buffer.from("{}"));
        await tamper("the case without", "custody.json", () => null);
        return {
            wrong: failed.length > 0 ? failed.join("; ") : words(whole.wrong),
            lookedAt: whole.lookedAt,
            proves: whole.proves,
            tamperings,
        };
    } catch (error) {
        return { wrong: String(error), lookedAt: [], proves: "nothing", tamperings: [] };
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

function flipped(body: Buffer): Buffer {
    const bytes = Buffer.from(body);
    if (bytes.length > 0) bytes[Math.floor(bytes.length / 2)]! ^= 1;
    return bytes.length > 0 ? bytes : Buffer.from("x");
}
