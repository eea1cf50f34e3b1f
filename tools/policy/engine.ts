import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/** The Pulumi engine that previews run on. */
export interface Engine {
    /** How it is called in output. */
    label: string;
    /** Whether its AWS provider is a stand-in: an update on it touches no account, so it may be run to know every value. */
    standIn: boolean;
    /** Command and arguments for `pulumi ARGS` on a stack of the project in `directory`, with the pack where one is given. */
    command(request: { directory: string; stack: string; packDirectory?: string; args: string[] }): string[];
}

/**
 * The `pulumi` CLI of the machine, else the wrapper that the environment variable PULUMI_LOCAL names, called as
 * `WRAPPER PROJECT_DIR STACK [--pack DIR] -- ARGS…`, which brings an engine with a stand-in for AWS and keeps its state in the
 * folder that PULUMI_LOCAL_STATE names.
 *
 * @throws when there is neither: a check without an engine would look at nothing.
 */
export function findEngine(env: NodeJS.ProcessEnv = process.env): Engine {
    const version = spawnSync("pulumi", ["version"], { env, encoding: "utf8" });
    if (version.status === 0) {
        return {
            label: `pulumi ${version.stdout.trim()}`,
            standIn: false,
            command: ({ directory, stack, packDirectory, args }) => [
                "pulumi",
                ...args,
                "--cwd",
                directory,
                "--stack",
                stack,
                ...(packDirectory ? ["--policy-pack", packDirectory] : []),
            ],
        };
    }
    const wrapper = env.PULUMI_LOCAL;
    if (wrapper === undefined || wrapper === "") {
        throw new Error(
            "No Pulumi engine found: there is no `pulumi` on PATH and PULUMI_LOCAL is not set. Install the Pulumi CLI (https://www.pulumi.com/docs/install/) and run this again.",
        );
    }
    if (!existsSync(wrapper)) {
        throw new Error(
            `PULUMI_LOCAL is "${wrapper}", which does not exist. Set it to a wrapper called as WRAPPER PROJECT_DIR STACK [--pack DIR] -- ARGS, or install the Pulumi CLI.`,
        );
    }
    return {
        label: `${path.basename(wrapper)} (AWS stand-in)`,
        standIn: true,
        command: ({ directory, stack, packDirectory, args }) => [
            wrapper,
            directory,
            stack,
            ...(packDirectory ? ["--pack", packDirectory] : []),
            "--",
            ...args,
        ],
    };
}

/** Runs a command to its end. Its output is kept, not shown: the engine's event log says what happened, this says why it could not. */
export async function run(command: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
    return new Promise((resolve, reject) => {
        const child = spawn(command[0], command.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] });
        let output = "";
        const keep = (chunk: Buffer): void => void (output += chunk.toString());
        child.stdout.on("data", keep);
        child.stderr.on("data", keep);
        child.on("error", reject);
        child.on("close", (code) => resolve({ code: code ?? 1, output }));
    });
}
