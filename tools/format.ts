/**
 * Lays out all TypeScript with Prettier and all Python with ruff, both pinned by the lock files.
 *
 *     npm run format               writes
 *     npm run format -- --check    only says which files are not laid out so; fails when there is one
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureVenv } from "../packaging/python";

const root = path.resolve(__dirname, "..");

function execute(command: string, args: string[]): Promise<number> {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
        child.on("error", reject);
        child.on("close", (code) => resolve(code ?? 1));
    });
}

async function main(argv: string[]): Promise<number> {
    const unknown = argv.find((arg) => arg !== "--check");
    if (unknown !== undefined) {
        console.error(`There is no option ${JSON.stringify(unknown)}.\nnpm run format [-- --check]`);
        return 2;
    }
    const check = argv.includes("--check");
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

main(process.argv.slice(2)).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
        console.error(error);
        process.exitCode = 1;
    },
);
