/** `npm run bootstrap`: writes bootstrap/, the roles that deploy, preview and operate, from what the program declares and its commands ask for. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { commandsWithRights } from "./bootstrap/commandRights";
import { chatActionsTemplate } from "./bootstrap/chatActions";
import { accountKinds, declaredTypes, type DeclaredTypes } from "./bootstrap/estates";
import { scpExemption } from "./bootstrap/exemption";
import { bootstrapTemplate, guardDutyReaderTemplate, operatorsTemplate } from "./bootstrap/templates";
import { command } from "./command";

const folder = path.resolve(__dirname, "../bootstrap");

/** JSON with a statement a line: CloudFormation takes 51,200 characters without a bucket. */
function laidOut(value: unknown, margin = ""): string {
    const inline = JSON.stringify(value);
    if (inline.length <= 160 || (margin.length >= 6 && !inline.startsWith("[")) || typeof value !== "object" || value === null)
        return inline;
    const inner = `${margin} `;
    const lines = (open: string, parts: string[], close: string) =>
        `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${margin}${close}`;
    if (Array.isArray(value))
        return value.every((each) => typeof each === "string")
            ? inline
            : lines(
                  "[",
                  value.map((each) => laidOut(each, inner)),
                  "]",
              );
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    return lines(
        "{",
        entries.map(([key, each]) => `${JSON.stringify(key)}: ${laidOut(each, inner)}`),
        "}",
    );
}

/** Texts of the generated files, by their names. */
export function bootstrapTexts(types: DeclaredTypes["types"]): Record<string, string> {
    const commands = commandsWithRights();
    const templates = accountKinds.map((kind): [string, string] => [
        `${kind}.json`,
        `${laidOut(bootstrapTemplate(kind, types, commands))}\n`,
    ]);
    return {
        ...Object.fromEntries(templates),
        "chat-actions.json": `${laidOut(chatActionsTemplate())}\n`,
        "operators.json": `${laidOut(operatorsTemplate(commands))}\n`,
        "guardduty-administrator.json": `${laidOut(guardDutyReaderTemplate(commands))}\n`,
        "scp-exemption.json": `${laidOut(scpExemption())}\n`,
    };
}

async function generate(check: boolean): Promise<number> {
    const files = bootstrapTexts((await declaredTypes()).types);
    const old: string[] = [];
    for (const [name, text] of Object.entries(files))
        if ((await readFile(path.join(folder, name), "utf8").catch(() => null)) !== text) old.push(name);
    if (check) {
        for (const name of old) console.error(`bootstrap/${name} is not what the program needs now. Write it anew: npm run bootstrap`);
        return old.length > 0 ? 1 : 0;
    }
    await mkdir(folder, { recursive: true });
    for (const name of old) await writeFile(path.join(folder, name), files[name]!);
    console.log(
        old.length > 0 ? `Written: ${old.map((name) => `bootstrap/${name}`).join(", ")}` : "All files of bootstrap/ are up to date.",
    );
    return 0;
}

export const bootstrap = command(
    {
        name: "bootstrap",
        summary:
            "Writes bootstrap/: CloudFormation templates of the roles that deploy, preview and operate, from the resource types that the program declares\nand the rights that its commands need, and what service control policies must leave to the responder. AWS is not asked.",
        arguments: "[--check]",
        options: { check: { type: "boolean", description: "write nothing, and say which files are not up to date" } },
        examples: ["npm run bootstrap", "npm run bootstrap -- --check"],
        exitCodes: { 0: "the files are up to date", 1: "with --check: some are not", 2: "wrong usage, or the program could not be read" },
        run: ({ check }) => generate(check),
    },
    module,
);
