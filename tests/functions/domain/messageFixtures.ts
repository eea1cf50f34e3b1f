/** The messages under tests/fixtures/messages: written for this project in every form that AWS delivers findings in. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const fixturesFolder = join(__dirname, "..", "..", "fixtures", "messages");

/** What the instance fixtures are about. */
export const victim = { instanceId: "i-0a1b2c3d4e5f60718", accountId: "222222222222", region: "eu-west-1" };
export const victimFindingId = "9ec6a1b0d2f34c5e8a7b6c5d4e3f2a10";

export function fixtureText(name: string): string {
    return readFileSync(join(fixturesFolder, `${name}.json`), "utf8");
}

/** A fresh copy, for a test to change. */
export function fixture(name: string): Record<string, unknown> {
    return JSON.parse(fixtureText(name)) as Record<string, unknown>;
}

export function fixtureNames(): string[] {
    return readdirSync(fixturesFolder)
        .map((name) => name.replace(/\.json$/, ""))
        .sort();
}

/** Writes a value at a path of a document. */
export function put(document: unknown, path: string, value: unknown): void {
    const names = path.split(".");
    const last = names.pop() as string;
    const parent = names.reduce<Record<string, unknown>>(
        (inner, name) => inner[name] as Record<string, unknown>,
        document as Record<string, unknown>,
    );
    if (value === undefined) delete parent[last];
    else parent[last] = value;
}

/** A camelCase finding with some of its fields changed; undefined takes a field away. */
export function findingWith(changes: Record<string, unknown>): Record<string, unknown> {
    const finding = fixture("finding-camel");
    for (const [path, value] of Object.entries(changes)) put(finding, path, value);
    return finding;
}
