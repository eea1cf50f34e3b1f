/** `npm run format`: lays out all TypeScript with Prettier and all Python with ruff, both pinned by the lock files. */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureVenv } from "../packaging/python";
import { command } from "./command";

const root = path.resolve(__dirname, "..");

function execute(command: string, args: string[]): Promise<number> {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
        child.on("error", reject);
        child.on("close", (code) => resolve(code ?? 1));
    });
}

async function layOut(check: boolean): Promise<number> {
    const { bin } = await ensureVenv({ name: "analysis-dev", lockFile: path.join(root, "analysis/requirements-dev.lock") });
    const typeScript = await execute(path.join(root, "node_modules/.bin/prettier"), [
        check ? "--check" : "--write",
        "--log-level",
        "warn",
        ".",
    ]);
    const python = await execute(path.join(bin, "ruff"), ["format", ...(check ? ["--check"] : ["--quiet"]), "."]);
    if (check && (typeScript !== 0 || python !== 0)) console.error("Lay them out with: npm run format");
    return typeScript !== 0 || python !== 0 ? 1 : 0;
}

export const format = command(
    {
        name: "format",
        summary: "Lays out all TypeScript with Prettier and all Python with ruff, both pinned by the lock files.",
        arguments: "[--check]",
        options: { check: { type: "boolean", description: "write nothing, and say which files are not laid out so" } },
        examples: ["npm run format", "npm run format -- --check"],
        exitCodes: { 0: "all is laid out", 1: "something is not", 2: "wrong usage, or a tool did not start" },
        run: ({ check }) => layOut(check),
    },
    module,
);
