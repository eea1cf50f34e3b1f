/** What the code of a function or a command can ask of AWS: the SDK commands that are left in its bundle when what it never reaches is shaken off. */
import path from "node:path";
import { buildSync } from "esbuild";

const repository = path.resolve(__dirname, "../..");

/** One operation of a service, as `{ client: "ec2", operation: "DescribeInstances" }`. */
export interface Reached {
    /** The SDK's package without `@aws-sdk/client-`. */
    client: string;
    operation: string;
}

/**
 * Bundles a function as it is deployed, but with the SDK left outside: the imports that remain are what its code can reach.
 *
 * It says too much rather than too little: a helper that two functions share is reached by both with all that it does.
 */
export function reachedBy(handler: string): Reached[] {
    const found = reachedFrom(`functions/${handler}.ts`);
    if (found.length === 0) throw new Error(`functions/${handler}.ts reaches no call of AWS: tools/iam/reach.ts does not see its imports.`);
    return found;
}

/**
 * As reachedBy, of any file that is started; none where it asks AWS nothing.
 *
 * @param entryPoint such as tools/approve.ts
 */
export function reachedFrom(entryPoint: string): Reached[] {
    const [output] = buildSync({
        absWorkingDir: repository,
        entryPoints: [entryPoint],
        bundle: true,
        write: false,
        format: "esm",
        platform: "node",
        target: "node22",
        // A command loads native packages too, which a function does not.
        external: ["@aws-sdk/*", "@smithy/*", "@pulumi/*", "esbuild"],
        define: { REPORT_PROGRAM: '""' },
        logLevel: "error",
    }).outputFiles;
    const imports = /^import \{([^}]*)\} from "@aws-sdk\/client-([a-z0-9-]+)";$/gm;
    const body = output!.text.replace(imports, "");
    const mentioned = new Set(body.match(/\b\w+\b/g));
    const found = new Map<string, Reached>();
    for (const [, names, client] of output!.text.matchAll(imports)) {
        for (const each of names!.split(",")) {
            const [name, alias = name] = each.trim().split(" as ") as [string, string?];
            // esbuild keeps the imports of a file of which anything is left.
            if (!mentioned.has(alias)) continue;
            // A waiter is named after a state and not after what it calls.
            if (name.startsWith("waitUntil")) throw new Error(`${entryPoint} waits by ${name}: say in tools/iam/reach.ts what it calls.`);
            const [, operation] = /^(?:paginate(\w+)|(\w+)Command)$/.exec(name)?.filter(Boolean) ?? [];
            if (operation) found.set(`${client}:${operation}`, { client: client!, operation });
        }
    }
    return [...found.values()];
}
