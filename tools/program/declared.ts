/** What the program declares for a configuration, found by running it under mocks in a process of its own. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";

export interface Declared {
    type: string;
    name: string;
    /** False for a component. */
    custom: boolean;
    /** Account that its provider is tied to; null without a provider of the program's. */
    accountId: string | null;
    /** The resource's own Region. */
    region: string | null;
    inputs: Record<string, unknown>;
    /** Properties whose changes an update leaves alone. */
    ignoreChanges: string[];
    /** Refuses to be deleted. */
    protect: boolean;
    /** Stays in AWS when it leaves the stack. */
    retainOnDelete: boolean;
    /** Such as { update: "6h" }. */
    customTimeouts: Record<string, string>;
    /** Names of the resources it waits for. */
    dependsOn: string[];
}

export interface Declaration {
    resources: Declared[];
    /** What stopped the program. */
    problems: string[];
    /** Processor time from the first resource to the last. */
    cpuMilliseconds: number;
    /** Most memory the process ever held. Pulumi's own loader, ts-node, takes some 40 MiB more than ours. */
    peakMiB: number;
}

/** What AWS would say of the accounts. */
export interface MockedAnswers {
    /** Regions by account. */
    switchedOn?: Record<string, string[]>;
    /** Detectors by `<account>/<Region>`, or only their status; none where it is left out. */
    detectors?: Record<string, string | { status: string; tags?: Record<string, string>; features?: { name: string; status: string }[] }>;
    /** Zones that offer the instance type, by Region, and that have an endpoint, by service. @default a, b and c of each Region */
    zones?: { offering?: Record<string, string[]>; endpoints?: Record<string, string[]> };
    /** VPCs that have an isolation group which no stack made. */
    isolationGroups?: string[];
}

const repository = path.resolve(__dirname, "../..");

/** What Pulumi gives to node when it runs the program: the `nodeargs` of Pulumi.yaml. */
function nodeArguments(): string[] {
    const project = parse(readFileSync(path.join(repository, "Pulumi.yaml"), "utf8")) as { runtime: { options: { nodeargs: string } } };
    return project.runtime.options.nodeargs.split(" ");
}

/**
 * @param limits heapMiB: what V8 may use, since a process with much memory collects its garbage late.
 * @throws when the process itself failed; what stopped the program is in `problems`.
 */
export async function declare(settings: object, answers: MockedAnswers = {}, limits: { heapMiB?: number } = {}): Promise<Declaration> {
    const flags = [...nodeArguments(), ...(limits.heapMiB ? [`--max-old-space-size=${limits.heapMiB}`] : [])];
    const child = spawn(process.execPath, [...flags, "-r", "tsx/cjs", path.join(__dirname, "programUnderMocks.ts")], {
        cwd: repository,
        stdio: ["pipe", "pipe", "pipe"],
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.stdin.end(JSON.stringify({ settings, answers }));
    const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    if (code !== 0) throw new Error(`The program's process ended with ${code}:\n${Buffer.concat(errors).toString().slice(-4000)}`);
    return JSON.parse(Buffer.concat(output).toString()) as Declaration;
}
