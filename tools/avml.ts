/**
 * `npm run avml`: makes the AVML that `memory.mode: full` puts onto the acquisition volume. Built by cargo from the crate that crates.io has at the
 * pinned version and hash, with the crate's own Cargo.lock; or a binary that you bring, such as the one of Microsoft's release.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { type Architecture, AVML, keepAvml } from "../packaging/avml";
import { fetchPinned } from "../packaging/pinnedFile";
import { command, UsageError } from "./command";

const run = promisify(execFile);

/** A target that gives a program without libraries: musl's, or glibc's linked statically. */
async function staticTarget(architecture: Architecture): Promise<string> {
    const machine = architecture === "arm64" ? "aarch64" : "x86_64";
    const targets = [`${machine}-unknown-linux-musl`, `${machine}-unknown-linux-gnu`];
    for (const target of targets) {
        const { stdout } = await run("rustc", ["--print", "target-libdir", "--target", target]).catch(() => ({ stdout: "" }));
        if (stdout !== "" && existsSync(stdout.trim())) return target;
    }
    throw new Error(
        `Rust for ${architecture} is not here: install Rust 1.89 or newer (https://rustup.rs) and run rustup target add ${targets[0]}, or bring a binary with --binary and --sha256.`,
    );
}

/** @returns the program. What cargo says is shown as it says it. */
async function build(architecture: Architecture): Promise<Buffer> {
    const target = await staticTarget(architecture);
    const folder = await mkdtemp(path.join(tmpdir(), "avml-"));
    try {
        await writeFile(path.join(folder, AVML.crate.name), await fetchPinned(AVML.crate));
        await run("tar", ["-xzf", AVML.crate.name], { cwd: folder });
        const source = path.join(folder, `avml-${AVML.version}`);
        // Without its features it knows no network: it can write files and nothing else.
        const parts = ["build", "--release", "--locked", "--no-default-features", "--bin", "avml", "--target", target];
        const linker = target.endsWith("musl") ? { [`CARGO_TARGET_${target.toUpperCase().replaceAll("-", "_")}_LINKER`]: "rust-lld" } : {};
        const code = await new Promise<number | null>((resolve, reject) => {
            const cargo = spawn("cargo", parts, {
                cwd: source,
                stdio: ["ignore", "inherit", "inherit"],
                env: {
                    ...process.env,
                    ...linker,
                    RUSTFLAGS: "-C target-feature=+crt-static",
                    CARGO_TARGET_DIR: path.join(folder, "target"),
                },
            });
            cargo.on("error", reject).on("close", resolve);
        });
        if (code !== 0) throw new Error(`cargo could not build AVML ${AVML.version} for ${target}: what it said stands above.`);
        return await readFile(path.join(folder, "target", target, "release", "avml"));
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

async function brought(file: string, wanted: string | undefined): Promise<Buffer> {
    if (wanted === undefined || !/^[0-9a-fA-F]{64}$/.test(wanted)) throw new UsageError("--binary needs --sha256, 64 hexadecimal digits.");
    const content = await readFile(file);
    const found = createHash("sha256").update(content).digest("hex");
    if (found !== wanted.toLowerCase()) throw new Error(`${file} has the SHA-256 ${found}, not ${wanted}: it is not used.`);
    return content;
}

export const avml = command(
    {
        name: "avml",
        summary: `Makes AVML ${AVML.version}, which memory.mode full takes the memory with, and keeps it with its SHA-256 for the deployments from this clone.\nBuilt by cargo from the published crate (SHA-256 ${AVML.crate.sha256}), or a binary of your own.`,
        arguments: "[--architecture x86_64|arm64] [--binary FILE --sha256 HEX]",
        options: {
            architecture: { type: "string", description: "processor of the victims; x86_64 when left out" },
            binary: { type: "string", description: "a static AVML to use instead of building one" },
            sha256: { type: "string", description: "what that binary must have, from where you trust it" },
        },
        examples: ["npm run avml", "npm run avml -- --architecture arm64", "npm run avml -- --binary ./avml --sha256 0123..."],
        exitCodes: { 0: "it is there", 2: "it is not; what was there before still is" },
        run: async ({ architecture = "x86_64", binary, sha256 }) => {
            if (architecture !== "x86_64" && architecture !== "arm64") throw new UsageError("--architecture is x86_64 or arm64.");
            if (binary === undefined && sha256 !== undefined) throw new UsageError("--sha256 goes with --binary.");
            const content = binary === undefined ? await build(architecture) : await brought(binary, sha256);
            const record = await keepAvml(
                architecture,
                content,
                binary === undefined
                    ? `built from ${AVML.crate.name}, SHA-256 ${AVML.crate.sha256}`
                    : `brought as ${path.basename(binary)}`,
            );
            console.log(`AVML ${AVML.version} for ${architecture}: ${content.length} bytes, SHA-256 ${record.sha256}, ${record.origin}.`);
            return 0;
        },
    },
    module,
);
