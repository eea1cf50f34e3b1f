/** `npm run bench:analysis`: measures the analysis against bare SHA-256 and one YARA pass (see analysis/bench.py for its options). */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureVenv } from "../packaging/python";
import { command } from "./command";

const root = path.resolve(__dirname, "..");

async function measure(args: readonly string[]): Promise<number> {
    const { python } = await ensureVenv({ name: "analysis-dev", lockFile: path.join(root, "analysis/requirements-dev.lock") });
    const child = spawn(python, [path.join(root, "analysis/bench.py"), ...args], { stdio: "inherit" });
    return new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

export const benchAnalysis = command(
    {
        name: "bench:analysis",
        summary: "Measures the analysis against bare SHA-256 and one YARA pass, over an image made of generated files. Prints JSON.",
        arguments: "[--tree DIR] [--files N] [--mebibytes N] [--scratch DIR]",
        options: {},
        passesOn: true,
        examples: ["npm run bench:analysis", "npm run bench:analysis -- --files 50000 --mebibytes 2000 --scratch /mnt/fast"],
        exitCodes: { 0: "it was measured", 1: "the analysis failed", 2: "wrong usage" },
        run: (_, args) => measure(args),
    },
    module,
);
