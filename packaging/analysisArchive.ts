/**
 * Packs the analysis program with its pinned dependencies into one archive, as the forensic instance fetches it: an importable
 * tree, needing nothing but the interpreter. The instance has no internet, so nothing is installed there.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { type TarFile, tarGz } from "./tarArchive";

export interface AnalysisArchiveOptions {
    /** Python on the forensic instance, such as "3.12": compiled dependencies are for this version alone. */
    readonly pythonVersion: string;
    /** Processor of the forensic instance (Linux); "host" packs for this machine, whatever it is. */
    readonly architecture: "x86_64" | "arm64" | "host";
    /** Files with YARA rules that the deployment adds (ruleBundles.ts). @default none */
    readonly ruleBundles?: readonly TarFile[];
    /** An interpreter with pip, of any version; of `pythonVersion` when the architecture is "host". */
    readonly python: string;
}

export interface AnalysisArchive {
    readonly file: string;
    /** Hexadecimal. */
    readonly sha256: string;
    readonly bytes: number;
}

const repository = path.resolve(__dirname, "..");
const source = path.join(repository, "analysis");
/** Amazon Linux 2023 has glibc 2.34, so wheels for that or anything older run there. */
const glibcMinors = [34, 31, 28, 26, 24, 17, 12, 5];
const pipTimeoutMs = 10 * 60_000;
const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** Regular files below a directory, in a fixed order, as paths relative to it. */
async function filesBelow(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { withFileTypes: true, recursive: true });
    return entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
        .sort();
}

/** The program itself: package, rules and licence. */
async function programFiles(): Promise<TarFile[]> {
    const named = [
        ...(await filesBelow(path.join(source, "clean_room_analysis")))
            .filter((name) => name.endsWith(".py"))
            .map((name) => `clean_room_analysis/${name}`),
        ...(await filesBelow(path.join(source, "rules"))).filter((name) => name.endsWith(".yar")).map((name) => `rules/${name}`),
        "LICENSE",
    ];
    return Promise.all(named.map(async (name) => ({ name, content: await readFile(path.join(source, name)) })));
}

/** What pip installs and nobody imports. Licences and METADATA stay: the first must travel along, the second tells versions. */
function isNeeded(name: string): boolean {
    const parts = name.split("/");
    return (
        !parts.includes("__pycache__") &&
        !parts.includes("tests") &&
        parts[0] !== "bin" &&
        !/\.dist-info\/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json)$/.test(name) &&
        !name.endsWith(".pyi")
    );
}

function pipArguments(options: AnalysisArchiveOptions, target: string): string[] {
    const machine = options.architecture === "arm64" ? "aarch64" : "x86_64";
    const platform =
        options.architecture === "host"
            ? []
            : [
                  "--implementation",
                  "cp",
                  "--python-version",
                  options.pythonVersion,
                  ...glibcMinors.flatMap((minor) => ["--platform", `manylinux_2_${minor}_${machine}`]),
                  "--platform",
                  `manylinux2014_${machine}`,
              ];
    return [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        ...platform,
        "--target",
        target,
        "--requirement",
        path.join(source, "requirements.lock"),
    ];
}

/** The dependencies, unpacked once for a lock file and platform. @returns the directory */
async function dependencies(options: AnalysisArchiveOptions, cache: string, key: string): Promise<string> {
    const directory = path.join(cache, `site-${key}`);
    if (existsSync(directory)) {
        return directory;
    }
    const partial = await mkdtemp(path.join(cache, "installing-"));
    try {
        await promisify(execFile)(options.python, pipArguments(options, partial), { timeout: pipTimeoutMs, maxBuffer: 16 * 1024 * 1024 });
        await rename(partial, directory).catch((error: unknown) => {
            // Another process was faster: the same key means the same content.
            if (!existsSync(directory)) {
                throw error;
            }
        });
    } catch (error) {
        const output = (error as { stderr?: string }).stderr?.trim().split("\n").slice(-5).join("\n");
        throw new Error(
            `The dependencies of the analysis program could not be fetched for Python ${options.pythonVersion} on ${options.architecture}: ` +
                `${output || (error as Error).message}. Check that ${options.python} has pip and that the package index is reachable.`,
            { cause: error },
        );
    } finally {
        await rm(partial, { recursive: true, force: true });
    }
    return directory;
}

/**
 * Builds `build/analysis/clean-room-analysis-<python>-<architecture>.tar.gz`. The same sources, lock file and options give the
 * same bytes; the result is kept under `.cache/analysis` by the hash of all of them.
 */
export async function buildAnalysisArchive(options: AnalysisArchiveOptions): Promise<AnalysisArchive> {
    const cache = path.join(repository, ".cache", "analysis");
    await mkdir(cache, { recursive: true });
    const lock = await readFile(path.join(source, "requirements.lock"));
    const host = options.architecture === "host" ? `${process.platform}-${process.arch}` : "linux";
    const lockKey = sha256(JSON.stringify([sha256(lock), options.pythonVersion, options.architecture, host, glibcMinors])).slice(0, 16);
    const program = [...(await programFiles()), ...(options.ruleBundles ?? [])];
    const builder = await Promise.all(
        [__filename, path.join(__dirname, "tarArchive.ts")].map(async (file) => sha256(await readFile(file))),
    );
    const key = sha256(JSON.stringify([lockKey, builder, program.map((file) => [file.name, sha256(file.content)])])).slice(0, 16);
    const cached = path.join(cache, `${key}.tar.gz`);
    if (!existsSync(cached)) {
        const site = await dependencies(options, cache, lockKey);
        const installed = (await filesBelow(site)).filter(isNeeded);
        const files = await Promise.all(installed.map(async (name) => ({ name, content: await readFile(path.join(site, name)) })));
        await writeWhole(cached, tarGz([...program, ...files]));
    }
    const content = await readFile(cached);
    const file = path.join(repository, "build", "analysis", `clean-room-analysis-${options.pythonVersion}-${options.architecture}.tar.gz`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeWhole(file, content);
    return { file, sha256: sha256(content), bytes: content.length };
}

/** Written beside and renamed, so that a reader never sees half a file. */
async function writeWhole(file: string, content: Buffer): Promise<void> {
    const partial = `${file}.${process.pid}.partial`;
    await writeFile(partial, content);
    await rename(partial, file);
}
