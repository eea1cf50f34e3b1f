import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * Every resource type of the installed `@pulumi/aws`, with the paths of all its arguments (`networkConfiguration.subnets`), read from the
 * package's declarations: what the provider's schema says, for the tests that hold the catalogue to it. Reads some 1,700 files, about two seconds.
 */
export function providerTypes(): Map<string, string[]> {
    const nested = nestedInterfaces(readFileSync(path.join(providerRoot(), "types/input.d.ts"), "utf8"));
    return new Map(declaredArguments().map(([type, body]) => [type, pathsOf(members(body, "    "), nested, [])]));
}

/** The types that take a map of tags, in alphabetical order. */
export function taggableTypes(): string[] {
    const takesTags = /^ {4}tags\?: pulumi\.Input<\{\n {8}\[key: string\]: pulumi\.Input<string>/m;
    return declaredArguments()
        .filter(([, body]) => takesTags.test(body))
        .map(([type]) => type)
        .sort();
}

const providerRoot = (): string => path.dirname(require.resolve("@pulumi/aws/package.json"));

/** Each type of the provider with the text of its arguments' declaration. */
function declaredArguments(): [type: string, body: string][] {
    const found: [string, string][] = [];
    for (const folder of readdirSync(providerRoot(), { withFileTypes: true })) {
        if (!folder.isDirectory() || folder.name === "types" || folder.name === "node_modules") {
            continue;
        }
        const directory = path.join(providerRoot(), folder.name);
        for (const file of readdirSync(directory).filter((name) => name.endsWith(".js"))) {
            const type = /static __pulumiType = '([^']+)'/.exec(readFileSync(path.join(directory, file), "utf8"))?.[1];
            if (type === undefined) {
                continue;
            }
            const declaration = readFileSync(path.join(directory, file.replace(/\.js$/, ".d.ts")), "utf8");
            found.push([type, /\nexport interface \w+Args \{\n([\s\S]*?)\n\}/.exec(declaration)?.[1] ?? ""]);
        }
    }
    return found;
}

type Members = [name: string, declared: string][];

/** A map's declaration goes on over further lines, which are not read. */
function members(body: string, indent: string): Members {
    return [...body.matchAll(new RegExp(`^${indent}(\\w+)\\??: (.*)[;{]$`, "gm"))].map(([, name, declared]) => [name, declared]);
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
