import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
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
    /** A back end of its own, thrown away afterwards, instead of the one the machine is logged in to. A stand-in always has one. */
    throwAwayState: boolean;
    /** File with the configuration of the pack. @default none */
    packConfig?: string;
}

/** How the engine is called for each operation, and whether the pack has its say. */
const operations = {
    preview: { args: ["preview"], withPack: true },
    update: { args: ["up", "--yes", "--skip-preview"], withPack: true },
    // The pack has judged the same resources with all their values by then.
    "second preview": { args: ["preview"], withPack: false },
    destroy: { args: ["destroy", "--yes", "--skip-preview"], withPack: false },
} as const;

export type Operation = keyof typeof operations;

/** A stack on an engine: several operations see the state that the ones before have left. */
export interface OpenStack {
    /** @throws when the engine failed for another reason than a violation; the message ends with its output. */
    inspect(operation: Operation): Promise<Inspection>;
    /** URNs of everything the state holds, the stack itself and providers included. */
    inState(): Promise<string[]>;
    /** Lets the engine delete what it protects. @returns URNs of what was protected */
    unprotect(): Promise<string[]>;
}

/** Hands an open stack to `use`, and removes afterwards whatever was made for it. */
export async function withStack<T>(
    { engine, project, stack, throwAwayState, packConfig }: Request,
    use: (open: OpenStack) => Promise<T>,
): Promise<T> {
    const work = mkdtempSync(path.join(tmpdir(), "policy-check-"));
    const where = `stack "${stack}" in ${path.relative(root, project) || "."}`;
    const env: NodeJS.ProcessEnv = {
        ...process.env,
        PULUMI_DEBUG_COMMANDS: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_NODEJS_TRANSPILE_ONLY: "true",
        NO_COLOR: "1",
    };
    let directory = project;
    const call = (args: string[], withPack = false): Promise<{ code: number; output: string }> =>
        run(engine.command({ directory, stack, packDirectory: withPack ? path.join(root, "policies") : undefined, args }), env);
    try {
        if (engine.standIn || throwAwayState) {
            directory = mirror(project, path.join(work, "project"));
            const state = path.join(work, "state");
            mkdirSync(state);
            // Writing the whole state after each of thousands of steps would take most of the time, and it is thrown away.
            Object.assign(env, {
                PULUMI_BACKEND_URL: `file://${state}`,
                PULUMI_LOCAL_STATE: state,
                PULUMI_CONFIG_PASSPHRASE: "throw-away",
                PULUMI_EXPERIMENTAL: "true",
                PULUMI_SKIP_CHECKPOINTS: "true",
            });
        }
        if (throwAwayState && !engine.standIn) {
            await run(["pulumi", "stack", "init", stack, "--cwd", directory], env);
        }
        const exported = async (): Promise<{ urn: string; protect?: boolean }[]> => {
            const file = path.join(work, "state.json");
            const { code, output } = await call(["stack", "export", "--file", file]);
            if (code !== 0) {
                throw new Error(`The state of ${where} could not be read:\n${tail(output)}`);
            }
            const { deployment } = JSON.parse(readFileSync(file, "utf8")) as {
                deployment: { resources?: { urn: string; protect?: boolean }[] };
            };
            return deployment.resources ?? [];
        };
        return await use({
            inspect: async (operation) => {
                const { args, withPack } = operations[operation];
                if (args[0] !== "preview" && !engine.standIn) {
                    throw new Error(`The ${operation} of ${where} would change real accounts, and this check never does that.`);
                }
                const eventLog = path.join(work, `${operation.replace(" ", "-")}.jsonl`);
                // The display is written anew for each of thousands of resources, and nobody reads it: the event log says what happened.
                const { code, output } = await call(
                    [
                        ...args,
                        ...["--non-interactive", "--suppress-progress", "--suppress-outputs", "--diff", "--event-log", eventLog],
                        ...(withPack && packConfig !== undefined ? ["--policy-pack-config", packConfig] : []),
                    ],
                    withPack,
                );
                if (!existsSync(eventLog)) {
                    throw new Error(`The ${operation} of ${where} did not start:\n${tail(output)}`);
                }
                const inspection = readEventLog(eventLog, packName);
                if (code !== 0 && inspection.violations.length === 0) {
                    throw new Error(`The ${operation} of ${where} failed, and not by a policy:\n${tail(output)}`);
                }
                return inspection;
            },
            inState: async () => (await exported()).map(({ urn }) => urn),
            unprotect: async () => {
                if (!engine.standIn) {
                    throw new Error(`To unprotect ${where} is for somebody who knows why, and this check never does that.`);
                }
                const kept = (await exported()).filter(({ protect }) => protect).map(({ urn }) => urn);
                if (kept.length > 0) {
                    const { code, output } = await call(["state", "unprotect", "--all", "--yes"]);
                    if (code !== 0) {
                        throw new Error(`The resources of ${where} could not be unprotected:\n${tail(output)}`);
                    }
                }
                return kept;
            },
        });
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
