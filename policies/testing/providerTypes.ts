import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * Every resource type of the installed `@pulumi/aws`, with the paths of all its arguments (`networkConfiguration.subnets`), read from the
 * package's declarations: what the provider's schema says, for the tests that hold the catalogue to it. Reads some 1,700 files, about two seconds.
 */
export function providerTypes(): Map<string, string[]> {
    const root = path.dirname(require.resolve("@pulumi/aws/package.json"));
    const nested = nestedInterfaces(readFileSync(path.join(root, "types/input.d.ts"), "utf8"));
    const types = new Map<string, string[]>();
    for (const folder of readdirSync(root, { withFileTypes: true })) {
        if (!folder.isDirectory() || folder.name === "types" || folder.name === "node_modules") {
            continue;
        }
        for (const file of readdirSync(path.join(root, folder.name)).filter((name) => name.endsWith(".js"))) {
            const type = /static __pulumiType = '([^']+)'/.exec(readFileSync(path.join(root, folder.name, file), "utf8"))?.[1];
            if (type === undefined) {
                continue;
            }
            const declaration = readFileSync(path.join(root, folder.name, file.replace(/\.js$/, ".d.ts")), "utf8");
            const body = /\nexport interface \w+Args \{\n([\s\S]*?)\n\}/.exec(declaration)?.[1] ?? "";
            types.set(type, pathsOf(members(body, "    "), nested, []));
        }
    }
    return types;
}

type Members = [name: string, declared: string][];

function members(body: string, indent: string): Members {
    return [...body.matchAll(new RegExp(`^${indent}(\\w+)\\??: (.*);$`, "gm"))].map(([, name, declared]) => [name, declared]);
}

/** The interfaces of input.d.ts by qualified name: `ec2.InstanceRootBlockDevice`. */
function nestedInterfaces(text: string): Map<string, Members> {
    const found = new Map<string, Members>();
    for (const [, namespace, body] of text.matchAll(/^export declare namespace (\w+) \{\n([\s\S]*?)^\}/gm)) {
        for (const [, name, inner] of body.matchAll(/^ {4}interface (\w+) \{\n([\s\S]*?)^ {4}\}/gm)) {
            found.set(`${namespace}.${name}`, members(inner, "        "));
        }
    }
    return found;
}

/** @param above interfaces on the way, since some contain themselves */
function pathsOf(list: Members, nested: Map<string, Members>, above: string[]): string[] {
    return list.flatMap(([name, declared]) => {
        const inner = [...declared.matchAll(/inputs\.([\w.]+)/g)].map(([, each]) => each).find((each) => nested.has(each));
        return inner === undefined || above.includes(inner) || above.length > 4
            ? [name]
            : [name, ...pathsOf(nested.get(inner) ?? [], nested, [...above, inner]).map((each) => `${name}.${each}`)];
    });
}
