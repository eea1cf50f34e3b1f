import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureVenv } from "../../packaging/python";
import { junitCounts, type Counts } from "./counts";

const root = path.resolve(__dirname, "../..");
const bin = (name: string): string => path.join(root, "node_modules/.bin", name);

/** Specs that run on a local AWS: they take as long as everything else together. */
const REHEARSALS = ["tests/rehearsal/**/*.spec.ts", "tests/localemu-plugin/**/*.spec.ts"];
/** Whole rehearsals of minutes each: a part of its own, which continuous integration runs after the others. */
const LONG = ["tests/rehearsal/long/*.spec.ts"];
/** The other specs: tests mirror the tree, and each policy has its spec beside it. */
const SPECS = ["tests/**/*.spec.ts", "policies/*.spec.ts", ...without(REHEARSALS)];

function without(specs: string[]): string[] {
    return specs.flatMap((each) => ["--ignore", each]);
}

export interface Result {
    part: string;
    ok: boolean;
    seconds: number;
    /** Absent for parts that check rather than test. */
    counts?: Counts;
}

/** One part of the test run. */
export interface Part {
    name: string;
    /** Runs only when it is named: it takes minutes. */
    onlyNamed?: true;
    /** @param args passed through to the tool @param live show its output as it comes instead of in one piece at the end */
    run(args: string[], live: boolean): Promise<Result>;
}

export const parts: Part[] = [
    checkPart("typecheck", [
        [bin("tsc"), "--noEmit", "-p", root],
        [bin("tsc"), "--noEmit", "-p", path.join(root, "policies")],
        [bin("tsc"), "--noEmit", "-p", path.join(root, "report-page")],
    ]),
    checkPart("lint", [[bin("eslint"), root]]),
    checkPart("layout", [[process.execPath, "-r", "tsx/cjs", path.join(root, "tools/format.ts"), "--check"]]),
    mochaPart("mocha", SPECS),
    mochaPart("rehearsals", [...REHEARSALS, ...without(LONG)]),
    { ...mochaPart("long", LONG), onlyNamed: true },
    {
        name: "pytest",
        run: (args, live) =>
            testPart("pytest", live, async (file, execute) => {
                const { python } = await ensureVenv({ name: "analysis-dev", lockFile: path.join(root, "analysis/requirements-dev.lock") });
                const code = await execute(
                    [python, "-m", "pytest", "tests", "--quiet", `--junitxml=${file}`, ...args],
                    {},
                    path.join(root, "analysis"),
                );
                return { code, counts: existsSync(file) ? junitCounts(readFileSync(file, "utf8")) : undefined };
            }),
    },
];

type Execute = (command: string[], env?: NodeJS.ProcessEnv, cwd?: string) => Promise<number>;

function checkPart(name: string, commands: string[][]): Part {
    return {
        name,
        run: (args, live) =>
            timed(name, live, async (execute) => {
                let ok = true;
                for (const command of commands) {
                    ok = (await execute([...command, ...args])) === 0 && ok;
                }
                return { ok };
            }),
    };
}

/** @param specs what to run when the arguments name no file */
function mochaPart(name: string, specs: string[]): Part {
    return {
        name,
        run: (args, live) =>
            testPart(name, live, async (file, execute) => {
                const named = args.some((arg) => arg.endsWith(".ts"));
                const code = await execute(
                    [bin("mocha"), "--reporter", path.join(__dirname, "mochaReporter.ts"), ...args, ...(named ? [] : specs)],
                    // Node keeps what it compiled of Pulumi and the AWS SDK, which many specs load in a process of their own.
                    { TEST_COUNTS_FILE: file, NODE_COMPILE_CACHE: path.join(root, "build/compile-cache") },
                );
                return { code, counts: existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Counts) : undefined };
            }),
    };
}

/** A part fails when its tool fails, when it ran no test, and when it skipped one: a skipped test shows nothing. */
function testPart(
    name: string,
    live: boolean,
    body: (countsFile: string, execute: Execute) => Promise<{ code: number; counts?: Counts }>,
): Promise<Result> {
    return timed(name, live, async (execute) => {
        const folder = mkdtempSync(path.join(tmpdir(), "test-counts-"));
        try {
            const { code, counts } = await body(path.join(folder, "counts"), execute);
            return { ok: code === 0 && counts !== undefined && counts.passed > 0 && counts.skipped === 0, counts };
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    });
}

async function timed(part: string, live: boolean, body: (execute: Execute) => Promise<{ ok: boolean; counts?: Counts }>): Promise<Result> {
    const start = performance.now();
    let output = "";
    if (live) {
        console.log(`=== ${part}`);
    }
    const execute: Execute = (command, env = {}, cwd = root) =>
        new Promise((resolve, reject) => {
            const child = spawn(command[0], command.slice(1), {
                cwd,
                env: { ...process.env, ...env },
                stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"],
            });
            for (const stream of [child.stdout, child.stderr]) {
                stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
            }
            child.on("error", reject);
            child.on("close", (code) => resolve(code ?? 1));
        });
    let result: { ok: boolean; counts?: Counts };
    try {
        result = await body(execute);
    } catch (error) {
        output += `${part} could not be run: ${error instanceof Error ? error.message : String(error)}\n`;
        result = { ok: false };
    }
    const seconds = (performance.now() - start) / 1000;
    console.log(`${live ? "" : `=== ${part}\n`}${output}=== ${part}: ${result.ok ? "ok" : "FAILED"}, ${seconds.toFixed(1)} s`);
    return { part, seconds, ...result };
}
