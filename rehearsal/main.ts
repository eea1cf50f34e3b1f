/** `npm run rehearse`: one incident, end to end, on this machine. */
import path from "node:path";
import { CleanUp } from "./cleanUp";
import { readInput } from "./input";
import { InputError, parseOptions, usage, type Options } from "./options";
import { Progress } from "./progress";
import { WaitError } from "./waitError";

/** As a shell reports a process that a signal ended. */
const interrupted = { SIGINT: 130, SIGTERM: 143 } as const;

function endOnSignals(cleanUp: CleanUp): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
            process.stderr.write(`\n${signal}: stopping the local AWS and removing what was made.\n`);
            void cleanUp.run().finally(() => process.exit(interrupted[signal]));
        });
    }
}

async function run(options: Options): Promise<number> {
    const finding = await readInput(options);
    // Only now: loading Pulumi takes seconds, and a wrong input should be told at once.
    const rehearse = options.estate ? (await import("./estate/run")).rehearseEstate : (await import("./run")).rehearse;
    const cleanUp = new CleanUp();
    endOnSignals(cleanUp);
    try {
        const { passed, record } = await rehearse(finding, options, new Progress(process.stdout), cleanUp);
        if (options.json) process.stdout.write(`${JSON.stringify(record)}\n`);
        return passed ? 0 : 1;
    } finally {
        await cleanUp.run();
    }
}

async function main(): Promise<number> {
    try {
        const options = parseOptions(process.argv.slice(2), path.join(__dirname, "out"));
        if (options.help) {
            process.stdout.write(`${usage}\n`);
            return 0;
        }
        return await run(options);
    } catch (error) {
        // A message of ours says it all; the stack of anything else is the only way to find out.
        const ours = error instanceof InputError || error instanceof WaitError;
        process.stderr.write(`${ours ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        return error instanceof InputError ? 2 : 1;
    }
}

// A kept local AWS and warm connections would hold the process; everything that must be written is written.
void main().then((code) => process.exit(code));
