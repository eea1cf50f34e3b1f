/**
 * `npm run --silent parse -- FILE…`: what a message would do, without doing it. `-` reads standard input.
 *
 * One JSON line a file on stdout, in the order given. Exit 0 when every file was understood (a refusal is understood),
 * 2 when one cannot be read, which stderr then names.
 */
import { readFileSync } from "node:fs";
import { joinReasons, parseMessage } from "../functions/domain/parseMessage";
import type { Finding } from "../functions/domain/containers";

function summary({ id, type, accountId, region, severity, sample, instances }: Finding) {
    return { id, type, accountId, region, severity, sample, instances };
}

function lineOf(file: string, text: string): string {
    const result = parseMessage(text);
    const reason = result.outcome === "refused" ? result.reason : joinReasons(result.refusals) || null;
    return JSON.stringify({ file, outcome: result.outcome, reason, findings: result.findings.map(summary) });
}

function main(files: readonly string[]): number {
    if (files.length === 0) {
        process.stderr.write("No file given. Use: npm run --silent parse -- FILE… (- reads standard input)\n");
        return 2;
    }
    let exitCode = 0;
    for (const file of files) {
        let text: string;
        try {
            text = readFileSync(file === "-" ? 0 : file, "utf8");
        } catch (error) {
            process.stderr.write(`${file} cannot be read: ${(error as Error).message}. Check the path and its permissions.\n`);
            exitCode = 2;
            continue;
        }
        process.stdout.write(`${lineOf(file, text)}\n`);
    }
    return exitCode;
}

// A reader that closes the pipe early (head) has seen what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.exitCode = main(process.argv.slice(2));
