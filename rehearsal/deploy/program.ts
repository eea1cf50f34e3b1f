/** Runs the production Pulumi program in this process, against the local AWS. */
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { creatingMocks, type DeployLog } from "./creatingMocks";
import type { LocalClients, Target } from "./localClients";

/** Project name of Pulumi.yaml: the namespace of the program's configuration. */
const project = "ec2-clean-room-forensics";
const repository = path.resolve(__dirname, "../..");

export interface Deployment extends Omit<DeployLog, "failures"> {
    /** What index.ts exports, with every output known. */
    outputs: Record<string, unknown>;
    milliseconds: number;
}

export interface DeployOptions {
    clients: LocalClients;
    /** Account and Region of the default provider: the forensics account. */
    defaults: Target;
    /** The program's configuration: values by key, without the project's name. */
    config: Record<string, string>;
    /** Keys of `config` that are secrets. */
    secretKeys: string[];
    /** The program; the repository's index.ts when left out. */
    program?: string;
}

/** Loads the program anew, even where a test of the same process has already loaded it. */
function loadFresh(program: string): unknown {
    const own = [path.join(repository, "infra") + path.sep, program];
    for (const file of Object.keys(require.cache)) if (own.some((prefix) => file.startsWith(prefix))) delete require.cache[file];
    return require(program);
}

/**
 * Deploys the program and waits until every resource stands.
 *
 * @throws with one line for each resource that could not be made.
 */
export async function deployProgram(options: DeployOptions): Promise<Deployment> {
    const startedAt = Date.now();
    const program = options.program ?? path.join(repository, "index.ts");
    const { mocks, log } = creatingMocks(options.clients, options.defaults);
    await pulumi.runtime.setMocks(mocks, project, "rehearsal", false);
    const namespaced = (key: string) => `${project}:${key}`;
    pulumi.runtime.setAllConfig(
        Object.fromEntries(Object.entries(options.config).map(([key, value]) => [namespaced(key), value])),
        options.secretKeys.map(namespaced),
    );

    // A resource that fails also rejects everything that waits for it, mostly where nobody listens. The log has the cause.
    const rejections: unknown[] = [];
    const collect = (reason: unknown) => rejections.push(reason);
    process.on("unhandledRejection", collect);
    let outputs: Record<string, unknown> = {};
    try {
        outputs = (await pulumi.runtime.runInPulumiStack(async () => loadFresh(program))) ?? {};
    } catch (error) {
        rejections.push(error);
    }
    await pulumi.runtime.disconnect();
    // Rejections are reported after the promises' own turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", collect);

    const failures =
        log.failures.length > 0 ? log.failures : rejections.map((reason) => (reason instanceof Error ? reason.message : String(reason)));
    if (failures.length > 0) {
        throw new Error(
            `The program could not be deployed onto the local AWS:\n${[...new Set(failures)].map((line) => `  ${line}`).join("\n")}`,
            { cause: rejections[0] },
        );
    }
    return { outputs, resources: log.resources, functions: log.functions, milliseconds: Date.now() - startedAt };
}
