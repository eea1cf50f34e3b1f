/** `npm run parse`: what a message would do, without doing it. */
import { readFileSync } from "node:fs";
import type { Finding } from "../functions/domain/containers";
import { joinReasons, parseMessage } from "../functions/domain/parseMessage";
import type { Settings } from "../infra/config";
import type * as StackSettings from "./coverage/stackSettings";
import type * as Ruling from "./parse/ruling";
import { command } from "./command";

function summary({ id, type, accountId, region, severity, sample, instances }: Finding) {
    return { id, type, accountId, region, severity, sample, instances };
}

/** @param stack whose rules decide; null: how the message is read, alone */
function lineOf(file: string, text: string, stack: { name: string; settings: Settings } | null): string {
    // Loaded only for a stack: its settings bring Pulumi along, which takes a second.
    const rules = stack ? (require("./parse/ruling") as typeof Ruling) : null;
    const result = parseMessage(text, stack && rules ? { follows: rules.followsIn(stack.settings) } : undefined);
    const reason = result.outcome === "refused" ? result.reason : joinReasons(result.refusals) || null;
    const decided = stack && rules ? { stack: stack.name, decisions: rules.decidedBy(stack.settings, result.findings, new Date()) } : {};
    return JSON.stringify({ file, outcome: result.outcome, reason, findings: result.findings.map(summary), ...decided });
}

function settingsOf(stack: string): { name: string; settings: Settings } {
    const { stackSettings } = require("./coverage/stackSettings") as typeof StackSettings;
    return { name: stack, settings: stackSettings(stack) };
}

function parseAll(files: readonly string[], stackName: string | undefined): number {
    const stack = stackName === undefined ? null : settingsOf(stackName);
    let exitCode = 0;
    for (const file of files) {
        let text: string;
        try {
            text = readFileSync(file === "-" ? 0 : file, "utf8");
        } catch (error) {
            process.stderr.write(`parse: ${file} cannot be read: ${(error as Error).message}. Check the path and its permissions.\n`);
            exitCode = 2;
            continue;
        }
        process.stdout.write(`${lineOf(file, text, stack)}\n`);
    }
    return exitCode;
}

// A reader that closes the pipe early (head) has seen what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

export const parse = command(
    {
        name: "parse",
        summary:
            "Says what a message would do, without doing it: one JSON line a file, in the order given. With --stack also what that stack's configuration\ndecides about each instance: refused, or the mode of containment.rules, and why. AWS is not asked.",
        arguments: "FILE… [--stack NAME]",
        options: { stack: { type: "string", description: "the stack whose rules decide, as in Pulumi.NAME.yaml" } },
        positionals: { what: "file", least: 1, most: Infinity },
        examples: [
            "npm run --silent parse -- finding.json",
            "npm run --silent parse -- finding.json --stack prod | jq .decisions",
            "aws sqs receive-message … | npm run --silent parse -- -    (- reads standard input)",
        ],
        exitCodes: { 0: "every file was understood (a refusal is understood)", 2: "one cannot be read, which stderr names" },
        run: ({ stack }, files) => parseAll(files, stack),
    },
    module,
);
