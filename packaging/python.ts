/** Finds a Python and keeps virtual environments inside the clone that hold exactly what a lock file pins. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(__dirname, "..");
const OLDEST_MINOR = 12;
const PIP_TIMEOUT_MS = 15 * 60_000;

/** An interpreter that can make virtual environments. */
export interface Python {
    /** Absolute path of the interpreter itself, not of a shim. */
    readonly path: string;
    /** Such as 3.12.1. */
    readonly version: string;
}

export interface VenvOptions {
    /** Folder below `.venv`. */
    readonly name: string;
    /** Requirements with hashes. */
    readonly lockFile: string;
    /**
     * Folders of Python projects to install on top, without dependencies; the lock file must pin setuptools. A call
     * without them leaves those that an earlier call installed.
     */
    readonly localPackages?: readonly string[];
    /** Told before anything slow starts. @default a line on standard error */
    readonly log?: (line: string) => void;
}

export interface Venv {
    /** The environment's interpreter. */
    readonly python: string;
    /** The folder with the environment's commands. */
    readonly bin: string;
}

/** @returns where pyenv keeps interpreters that its shims may not be set to. */
async function pyenvInterpreters(): Promise<string[]> {
    const versions = path.join(process.env.PYENV_ROOT ?? path.join(homedir(), ".pyenv"), "versions");
    const names = await readdir(versions).catch(() => []);
    return names
        .filter((name) => /^3\.\d+/.test(name))
        .sort()
        .reverse()
        .map((name) => path.join(versions, name, "bin/python3"));
}

/**
 * Looks at $PYTHON, python3.13, python3.12, python3 and pyenv's versions, in this order.
 *
 * @throws Error that lists what was tried when none is Python 3.12 or newer with venv and pip.
 */
export async function findPython(): Promise<Python> {
    const candidates = [process.env.PYTHON, "python3.13", "python3.12", "python3", ...(await pyenvInterpreters())];
    const question = "import ensurepip, sys, venv; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3])";
    const tried: string[] = [];
    for (const candidate of candidates.filter((each) => each !== undefined && each !== "") as string[]) {
        const answer = await run(candidate, ["-c", question], { timeout: 20_000 }).then(
            ({ stdout }) => stdout.trim().split("\n"),
            (error: Error) => error,
        );
        if (answer instanceof Error) {
            tried.push(
                `${candidate}: ${(answer as NodeJS.ErrnoException).code === "ENOENT" ? "not found" : (answer.message.trim().split("\n").at(-1) ?? "")}`,
            );
            continue;
        }
        const [executable, version] = answer as [string, string];
        const [major, minor] = version.split(".").map(Number) as [number, number];
        if (major === 3 && minor >= OLDEST_MINOR) {
            return { path: executable, version };
        }
        tried.push(`${candidate}: Python ${version}`);
    }
    throw new Error(
        `Python 3.${OLDEST_MINOR} or newer with its venv and ensurepip modules was not found. Install one (for example python3.12 and python3.12-venv) ` +
            `or set $PYTHON to its path. Tried:\n  ${tried.join("\n  ")}`,
    );
}

/**
 * Makes the environment, or refreshes it when the lock file, a local package or the interpreter has changed. Safe when several
 * processes call it at once. Takes minutes the first time and a tenth of a second when nothing changed.
 *
 * @throws Error with pip's last lines when a package cannot be installed.
 */
export async function ensureVenv(options: VenvOptions): Promise<Venv> {
    const base = await findPython();
    const folder = path.join(root, ".venv", options.name);
    const venv: Venv = { python: path.join(folder, "bin/python"), bin: path.join(folder, "bin") };
    const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
    await mkdir(path.dirname(folder), { recursive: true });
    await withLock(base.path, `${folder}.lock`, async () => {
        await ensurePinned(base, folder, venv, options, log);
        for (const source of options.localPackages ?? []) {
            await ensureLocalPackage(folder, venv, source);
        }
    });
    return venv;
}

async function ensurePinned(base: Python, folder: string, venv: Venv, options: VenvOptions, log: (line: string) => void): Promise<void> {
    const lock = await readFile(options.lockFile);
    const stamp = sha256(lock, base.path, base.version);
    const stampFile = path.join(folder, "lock.stamp");
    if ((await readFile(stampFile, "utf8").catch(() => "")) === stamp) {
        return;
    }
    log(`Setting up the Python environment ${path.relative(root, folder)} (Python ${base.version}); this takes a few minutes, once.`);
    await rm(folder, { recursive: true, force: true });
    await run(base.path, ["-m", "venv", folder]);
    await pip(
        venv,
        ["install", "--require-hashes", "-r", options.lockFile],
        `the packages pinned in ${path.relative(root, options.lockFile)}`,
    );
    await writeFile(stampFile, stamp);
}

async function ensureLocalPackage(folder: string, venv: Venv, source: string): Promise<void> {
    const stamp = await hashOfSources(source);
    const stampFile = path.join(folder, `${path.basename(source)}.stamp`);
    if ((await readFile(stampFile, "utf8").catch(() => "")) === stamp) {
        return;
    }
    // From a copy: a build leaves files beside the sources.
    const scratch = await mkdtemp(path.join(tmpdir(), "local-package-"));
    try {
        await cp(source, scratch, { recursive: true });
        await pip(
            venv,
            ["install", "--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall", scratch],
            `the local package ${path.relative(root, source)}`,
        );
    } finally {
        await rm(scratch, { recursive: true, force: true });
    }
    await writeFile(stampFile, stamp);
}

async function pip(venv: Venv, args: string[], what: string): Promise<void> {
    try {
        await run(venv.python, ["-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", ...args], {
            timeout: PIP_TIMEOUT_MS,
            maxBuffer: 64 * 1024 * 1024,
        });
    } catch (error) {
        const output = String((error as { stderr?: string }).stderr ?? error)
            .trim()
            .split("\n")
            .slice(-12)
            .join("\n");
        throw new Error(`pip could not install ${what}. Check that the package index is reachable.\n${output}`, { cause: error });
    }
}

function sha256(...parts: (string | Buffer)[]): string {
    const hash = createHash("sha256");
    for (const part of parts) {
        hash.update(`${part.length}:`).update(part);
    }
    return hash.digest("hex");
}

async function hashOfSources(folder: string): Promise<string> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
        .filter((entry) => entry.isFile() && !/__pycache__|\.egg-info/.test(entry.parentPath))
        .map((entry) => path.join(entry.parentPath, entry.name))
        .sort();
    return sha256(...(await Promise.all(files.flatMap((file) => [Promise.resolve(path.relative(folder, file)), readFile(file)]))));
}

/** Holds the lock in a process of its own, so that the kernel lets go of it however this one ends. */
async function withLock<T>(python: string, file: string, body: () => Promise<T>): Promise<T> {
    const program =
        "import fcntl, sys\nwith open(sys.argv[1], 'w') as file:\n    fcntl.flock(file, fcntl.LOCK_EX)\n    print('locked', flush=True)\n    sys.stdin.read()";
    const holder = spawn(python, ["-c", program, file], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
    try {
        await new Promise<void>((resolve, reject) => {
            holder.stdout.once("data", () => resolve());
            holder.once("error", reject);
            holder.once("close", () => reject(new Error(`The lock ${file} could not be taken. Check that its folder is writable.`)));
        });
        return await body();
    } finally {
        holder.stdin.end();
        await ended;
    }
}
