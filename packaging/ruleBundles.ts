/**
 * YARA rules that a deployment adds to the analysis: fetched from S3 when the program runs, held to their SHA-256, compiled, and packed
 * into the analysis archive, whose own SHA-256 then covers them. The forensic instance reads nothing more than it did.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { ensureVenv } from "./python";
import type { TarFile } from "./tarArchive";

/** One S3 object: YARA source, or a zip of `.yar` and `.yara` files. */
export interface RuleBundle {
    /** s3://bucket/key */
    readonly uri: string;
    /** Of the object, hexadecimal. */
    readonly sha256: string;
}

export interface RuleBundleTools {
    /** The content of an object, by whatever may read it. */
    readonly read: (bucket: string, key: string) => Promise<Uint8Array>;
    /** Compiles the rules of files. @throws with the compiler's words @default the compiler that the analysis uses */
    readonly compile?: (files: readonly string[]) => Promise<void>;
    /** Folder that keeps what was fetched, by its SHA-256. */
    readonly cache?: string;
}

const repository = path.resolve(__dirname, "..");
const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/**
 * Fetches, checks and compiles bundles; what was fetched before is not fetched again.
 *
 * @returns the files of the archive that hold them
 * @throws Error that names the bundle: it cannot be read, is not what its SHA-256 says, or does not compile
 */
export async function ruleBundleFiles(bundles: readonly RuleBundle[], tools: RuleBundleTools): Promise<TarFile[]> {
    if (bundles.length === 0) {
        return [];
    }
    const cache = tools.cache ?? path.join(repository, ".cache", "rules");
    await mkdir(cache, { recursive: true });
    return Promise.all(
        bundles.map(async ({ uri, sha256: wanted }) => {
            const file = path.join(cache, wanted);
            const kept = await readFile(file).catch(() => undefined);
            const content = kept !== undefined && sha256(kept) === wanted ? kept : await fetched(uri, wanted, file, tools.read);
            await (tools.compile ?? compileByYara)([file]).catch((error: unknown) => {
                throw new Error(
                    `analysis.ruleBundles: the rules of ${uri} do not compile, so nothing is deployed with them. Mend or leave out the bundle.\n${(error as Error).message}`,
                    { cause: error },
                );
            });
            return { name: `rules/bundles/${wanted}`, content };
        }),
    );
}

async function fetched(uri: string, wanted: string, file: string, read: RuleBundleTools["read"]): Promise<Buffer> {
    const [bucket = "", ...key] = uri.slice("s3://".length).split("/");
    const content = Buffer.from(
        await read(bucket, key.join("/")).catch((error: unknown) => {
            throw new Error(
                `analysis.ruleBundles: ${uri} cannot be read: ${(error as Error).message}. Whoever deploys needs s3:GetObject on it.`,
                { cause: error },
            );
        }),
    );
    if (sha256(content) !== wanted) {
        throw new Error(
            `analysis.ruleBundles: ${uri} has the SHA-256 ${sha256(content)}, and ${wanted} is expected. Look at what changed, then put the new one into the configuration.`,
        );
    }
    const partial = `${file}.${process.pid}.partial`;
    await writeFile(partial, content);
    await rename(partial, file);
    return content;
}

/** By the pinned YARA-X that the forensic instance uses, in an environment of its own. */
async function compileByYara(files: readonly string[]): Promise<void> {
    const { python } = await ensureVenv({ name: "analysis", lockFile: path.join(repository, "analysis/requirements.lock") });
    await promisify(execFile)(python, ["-m", "clean_room_analysis.rule_bundle", ...files], {
        cwd: path.join(repository, "analysis"),
        timeout: 5 * 60_000,
        maxBuffer: 16 * 1024 * 1024,
    }).catch((error: unknown) => {
        throw new Error((error as { stderr?: string }).stderr?.trim().slice(-4000) || (error as Error).message, { cause: error });
    });
}
