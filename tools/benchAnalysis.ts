/** `npm run bench:analysis`: measures the analysis against bare SHA-256 and one YARA pass (see analysis/bench.py for its options). */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureVenv } from "../packaging/python";

const root = path.resolve(__dirname, "..");

async function main(): Promise<number> {
    const { python } = await ensureVenv({ name: "analysis-dev", lockFile: path.join(root, "analysis/requirements-dev.lock") });
    const child = spawn(python, [path.join(root, "analysis/bench.py"), ...process.argv.slice(2)], { stdio: "inherit" });
    return new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

main().then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
    },
);
