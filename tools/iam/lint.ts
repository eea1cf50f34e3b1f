/** Lints policies with parliament, in a virtual environment of its own. */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureVenv } from "../../packaging/python";
import type { NamedPolicy } from "./policies";

/** @returns a sentence each; @throws when the linter itself failed or looked at less than it was given */
export async function lint(policies: readonly NamedPolicy[]): Promise<string[]> {
    const { python } = await ensureVenv({ name: "iam", lockFile: path.join(__dirname, "requirements.lock") });
    const child = spawn(python, [path.join(__dirname, "lint.py")], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(JSON.stringify(policies));
    let output = "";
    for await (const chunk of child.stdout) output += String(chunk);
    const { policies: looked, findings } = JSON.parse(output || "{}") as { policies?: number; findings?: string[] };
    if (looked !== policies.length || findings === undefined)
        throw new Error(`parliament was given ${policies.length} policies and looked at ${looked ?? 0}.`);
    return findings;
}
