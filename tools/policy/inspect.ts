import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packName } from "../../policies/pack";
import { run, type Engine } from "./engine";
import { readEventLog, type Inspection } from "./eventLog";

/** The checkout. */
export const root = path.resolve(__dirname, "../..");

export interface Request {
    engine: Engine;
    /** Folder with Pulumi.yaml. */
    project: string;
    stack: string;
    operation: "preview" | "update";
    /** A back end of its own, thrown away afterwards, instead of the one the machine is logged in to. */
    throwAwayState: boolean;
}

/**
 * Runs the engine with the pack on one stack and says what it saw.
 *
 * @throws when the engine failed for another reason than a violation; the message ends with its output.
 */
export async function inspect({ engine, project, stack, operation, throwAwayState }: Request): Promise<Inspection> {
    const work = mkdtempSync(path.join(tmpdir(), "policy-check-"));
    try {
        const eventLog = path.join(work, "events.jsonl");
        const env: NodeJS.ProcessEnv = { ...process.env, PULUMI_DEBUG_COMMANDS: "true", PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_NODEJS_TRANSPILE_ONLY: "true", NO_COLOR: "1" };
        let directory = project;
        if (engine.standIn || throwAwayState) {
            directory = mirror(project, path.join(work, "project"));
            mkdirSync(path.join(work, "state"));
            // So is the state file, which is thrown away.
            Object.assign(env, { PULUMI_BACKEND_URL: `file://${path.join(work, "state")}`, PULUMI_CONFIG_PASSPHRASE: "throw-away", PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" });
        }
        if (throwAwayState && !engine.standIn) {
            await run(["pulumi", "stack", "init", stack, "--cwd", directory], env);
        }
        // The display is written anew for each of thousands of resources, and nobody reads it: the event log says what happened.
        const args = [...(operation === "preview" ? ["preview"] : ["up", "--yes", "--skip-preview"]), "--non-interactive", "--suppress-progress", "--suppress-outputs", "--diff", "--event-log", eventLog];
        const { code, output } = await run(engine.command({ directory, stack, packDirectory: path.join(root, "policies"), args }), env);
        if (!existsSync(eventLog)) {
            throw new Error(`The ${operation} of stack "${stack}" in ${path.relative(root, project) || "."} did not start:\n${tail(output)}`);
        }
        const inspection = readEventLog(eventLog, packName);
        if (code !== 0 && inspection.violations.length === 0) {
            throw new Error(`The ${operation} of stack "${stack}" in ${path.relative(root, project) || "."} failed, and not by a policy:\n${tail(output)}`);
        }
        return inspection;
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}

/**
 * A folder that stands for the project: everything a link but the Pulumi files, because selecting a stack in a throw-away back end
 * writes an encryption salt into Pulumi.<stack>.yaml, and that file is the user's.
 */
function mirror(project: string, target: string): string {
    mkdirSync(target);
    if (project === root) {
        // The program bundles its functions into this folder beside its sources, and names it relative to the project's.
        mkdirSync(path.join(root, "build"), { recursive: true });
    }
    for (const entry of readdirSync(project)) {
        const [from, to] = [path.join(project, entry), path.join(target, entry)];
        if (/^Pulumi(\..+)?\.yaml$/.test(entry)) {
            copyFileSync(from, to);
        } else {
            symlinkSync(from, to);
        }
    }
    if (!existsSync(path.join(target, "node_modules"))) {
        symlinkSync(path.join(root, "node_modules"), path.join(target, "node_modules"));
    }
    return target;
}

function tail(output: string): string {
    return output.trimEnd().split("\n").slice(-60).join("\n");
}
