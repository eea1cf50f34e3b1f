/**
 * `npm run test:faults`: a whole incident for every operation and everything that can go wrong with it, in two processes. Broken off, it goes on
 * where it was; `--short` tries some of all, `--only TEXT` those whose name holds it (one process, and says all of it), `--anew` forgets what was done.
 */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { kinds } from "../support/cloud/faults";
import { command, type CommandSpec } from "../../tools/command";
import { allCases, nameOf, shortCases, type Case } from "./cases";
import { judge, type Verdict } from "./judge";
import { live, type Life } from "./scenario";
import { scenarioNames, type ScenarioName } from "./scenarios";
import { tableOf } from "./table";

export interface Result extends Verdict {
    name: string;
    fault: Case;
    /** Problems that people were told of, and alarms. */
    told: string[];
}

const root = join(__dirname, "..", "..");
const folder = join(root, "node_modules", ".cache", "faults");
/** Whole incidents are work for the processor alone. */
const processes = Math.max(2, availableParallelism());
/**
 * What a third of the time goes into otherwise: promises that are followed by hooks, which Node 24 does no more, and short-lived objects that are looked at
 * too often.
 */
const swifter = ["--experimental-async-context-frame"]
    .filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
    .concat("--max-semi-space-size=64");
const leastShort = 110;

async function work(faults: Case[], take: (result: Result) => void): Promise<void> {
    // The first life loads what functions load late, and so is not measured by.
    await live(null, null);
    const lives = new Map<ScenarioName, Life>();
    for (const fault of faults) {
        const good = lives.get(fault.scenario) ?? (await live(null, null, fault.scenario));
        lives.set(fault.scenario, good);
        const life = await live(fault, good, fault.scenario);
        take({
            name: nameOf(fault),
            fault,
            ...judge(fault, life, good),
            told: [...new Set([...life.response.told, ...life.released.told])],
        });
    }
}

/** What the program is made of: results of another one do not count. */
function programHash(): string {
    const hash = createHash("sha256");
    for (const name of ["functions", "infra/workflow", "tests/support", "tests/faults"]) hash.update(treeOf(join(root, name)));
    return hash.digest("hex").slice(0, 16);
}
function treeOf(folder: string): string {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((each) => each.isFile() && each.name.endsWith(".ts"))
        .map((each) =>
            createHash("sha256")
                .update(readFileSync(join(each.parentPath, each.name)))
                .digest("hex"),
        )
        .sort()
        .join();
}

async function main(only: string | null, short: boolean, anew: boolean): Promise<number> {
    const begun = Date.now();
    await live(null, null);
    const every: Case[] = [];
    for (const scenario of scenarioNames) every.push(...allCases(await live(null, null, scenario)));
    const cases = only !== null ? every.filter((each) => nameOf(each).includes(only)) : short ? shortCases(every, leastShort) : every;
    if (cases.length === 0) throw new Error(`No fault has ${only} in its name.`);

    mkdirSync(folder, { recursive: true });
    const kept = join(folder, `${programHash()}.jsonl`);
    if (anew) rmSync(kept, { force: true });
    const done = new Map<string, Result>();
    if (only === null && !short && existsSync(kept))
        for (const line of readFileSync(kept, "utf8").split("\n").filter(Boolean))
            done.set((JSON.parse(line) as Result).name, JSON.parse(line) as Result);
    const todo = cases.filter((each) => !done.has(nameOf(each)));
    if (todo.length < cases.length)
        console.log(`${cases.length - todo.length} of ${cases.length} were done before; --anew does them again.`);

    let finished = 0;
    const worked = Date.now();
    const take = (result: Result) => {
        done.set(result.name, result);
        // A command that installs packages may have taken the folder away.
        if (!short) mkdirSync(folder, { recursive: true });
        if (!short) appendFileSync(kept, `${JSON.stringify(result)}\n`);
        for (const wrong of result.wrong) console.log(`WRONG ${result.name}: ${wrong}`);
        if (only !== null) console.log(JSON.stringify(result, null, 1));
        if (++finished % 100 === 0) console.log(progress(finished, todo.length, (Date.now() - worked) / 1000));
    };
    if (only !== null) await work(todo, take);
    else
        await Promise.all(
            Array.from({ length: processes }, (_, index) =>
                inProcess(
                    todo.filter((_each, at) => at % processes === index),
                    take,
                ),
            ),
        );

    const results = cases.map((each) => done.get(nameOf(each))!);
    if (only === null && !short) writeFileSync(join(root, "docs", "faults.md"), tableOf(results));
    const wrong = results.filter((each) => each.wrong.length > 0).length;
    const absorbed = results.filter((each) => each.absorbed).length;
    const operations = new Set(results.map(({ fault }) => fault.operation)).size;
    console.log(
        `${results.length} faults (${scenarioNames.length} scenarios, ${operations} operations, ${Object.keys(kinds).length} kinds): ${absorbed} absorbed, ${results.length - absorbed - wrong} told and mended, ${wrong} wrong; ${Math.round((Date.now() - begun) / 1000)} s`,
    );
    return wrong === 0 ? 0 : 1;
}

const progress = (finished: number, all: number, seconds: number): string =>
    `${finished} of ${all}, ${Math.round(seconds)} s, about ${Math.ceil((seconds / finished) * (all - finished))} s left`;

function inProcess(faults: Case[], take: (result: Result) => void): Promise<void> {
    return new Promise((resolve, reject) => {
        const child = fork(__filename, ["--worker"], { execArgv: [...swifter, ...process.execArgv] });
        child.on("message", (result) => take(result as Result));
        child.on("error", reject);
        child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`A process ended with ${code}`))));
        child.send(faults);
    });
}

const isWorker = require.main === module && process.argv[2] === "--worker";
if (isWorker)
    process.once("message", (faults) => {
        void work(faults as Case[], (result) => process.send!(result)).then(
            () => process.exit(0),
            (error: unknown) => {
                console.error(error);
                process.exit(1);
            },
        );
    });

const spec: CommandSpec<{
    short: { type: "boolean"; description: string };
    only: { type: "string"; description: string };
    anew: { type: "boolean"; description: string };
}> = {
    name: "test:faults",
    summary:
        "Plays a whole incident in memory for every operation and everything that can go wrong with it, in each course that it takes, in two processes. Broken off, it goes on where it was.",
    arguments: "[--short | --only TEXT] [--anew]",
    options: {
        short: { type: "boolean", description: "some of every course, operation, function and kind, in a minute" },
        only: { type: "string", description: "those whose name holds the text, in one process, with all that is known of each" },
        anew: { type: "boolean", description: "do again what was done before" },
    },
    examples: ["npm run test:faults", "npm run test:faults -- --short", "npm run test:faults -- --only ec2:CreateSnapshots"],
    exitCodes: { 0: "each fault was absorbed, or told and mended", 1: "one was not, each in a line", 2: "wrong usage, or it did not run" },
    run: ({ short, only, anew }) => main(only ?? null, short, anew),
};
export const faults = isWorker ? spec : command(spec, module);
