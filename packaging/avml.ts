/** Where the AVML lies that `npm run avml` made, and whether it is still what was made then. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";

export type Architecture = "x86_64" | "arm64";

/** The crate as crates.io has it; its own Cargo.lock pins what it is built from. */
export const AVML = {
    version: "0.21.0",
    crate: {
        name: "avml-0.21.0.crate",
        urls: ["https://static.crates.io/crates/avml/avml-0.21.0.crate"],
        sha256: "5751a5d05eae6fa638c30a41c736c86495f660cc61ec1e046015c0e184de7e98",
    },
} as const;

const recordSchema = z.object({
    version: z.string(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** How it came here, for people. */
    origin: z.string(),
});
export type AvmlRecord = z.infer<typeof recordSchema>;

const folder = path.resolve(__dirname, "..", ".cache", "acquisition");
const fileOf = (architecture: Architecture): string => path.join(folder, `avml-${AVML.version}-${architecture}`);
const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** The processor an ELF file is for, when it runs without a loader of the victim's; otherwise why not. */
export function staticElf(content: Buffer): { readonly architecture: Architecture } | { readonly refused: string } {
    if (content.length < 64 || content.toString("latin1", 0, 4) !== "\x7fELF" || content[4] !== 2 || content[5] !== 1) {
        return { refused: "it is no 64-bit little-endian ELF program" };
    }
    const start = Number(content.readBigUInt64LE(32));
    const [entryBytes, entries] = [content.readUInt16LE(54), content.readUInt16LE(56)];
    for (let index = 0; index < entries; index += 1) {
        const at = start + index * entryBytes;
        if (at + 4 > content.length || content.readUInt32LE(at) === 3) {
            return { refused: "it is linked dynamically: on the victim it would load the victim's libraries" };
        }
    }
    const machine = content.readUInt16LE(18);
    return machine === 62
        ? { architecture: "x86_64" }
        : machine === 183
          ? { architecture: "arm64" }
          : { refused: `its processor (${machine}) is not known` };
}

/** Keeps a program as the AVML of later deployments. @throws Error when it is not static, or for another processor. */
export async function keepAvml(architecture: Architecture, content: Buffer, origin: string): Promise<AvmlRecord> {
    const seen = staticElf(content);
    if ("refused" in seen || seen.architecture !== architecture) {
        throw new Error(
            `This AVML cannot be used for ${architecture}: ${"refused" in seen ? seen.refused : `it is for ${seen.architecture}`}.`,
        );
    }
    await mkdir(folder, { recursive: true });
    const record: AvmlRecord = { version: AVML.version, sha256: sha256(content), origin };
    await writeFile(`${fileOf(architecture)}.partial`, content, { mode: 0o755 });
    await rename(`${fileOf(architecture)}.partial`, fileOf(architecture));
    await writeFile(`${fileOf(architecture)}.json`, `${JSON.stringify(record, null, 2)}\n`);
    return record;
}

/** @throws Error when `npm run avml` has not been run here for this processor, or what it left has changed since. */
export async function keptAvml(architecture: Architecture): Promise<{ readonly content: Buffer; readonly record: AvmlRecord }> {
    const file = fileOf(architecture);
    const found = await Promise.all([readFile(file), readFile(`${file}.json`, "utf8")]).catch(() => undefined);
    if (found === undefined) {
        throw new Error(
            `memory.mode is "full", and AVML ${AVML.version} for ${architecture} is not here: run npm run avml -- --architecture ${architecture}`,
        );
    }
    const [content, text] = found;
    const record = recordSchema.parse(JSON.parse(text));
    if (sha256(content) !== record.sha256) {
        throw new Error(
            `${file} is not what npm run avml left (SHA-256 ${record.sha256}): run npm run avml -- --architecture ${architecture} again`,
        );
    }
    return { content, record };
}
