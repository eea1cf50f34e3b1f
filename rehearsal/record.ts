/** Writes the result of a rehearsal to its folder, and points `latest` at it. */
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SlackMessage } from "./slackServer";

export interface ResultFiles {
    /** Name of the folder below `out`. */
    name: string;
    /** incident.json. */
    record: unknown;
    /** The message as it was given. */
    originalMessage: string;
    reportHtml: Buffer | null;
    findingsJsonl: Buffer | null;
    slack: readonly SlackMessage[];
}

/** Keeps what the terminal showed, beside the result. */
export async function writeTranscript(folder: string, transcript: string): Promise<void> {
    await writeFile(path.join(folder, "terminal.txt"), transcript);
}

/** Replaces the link in one step, so that a reader never finds none. */
async function pointLatestAt(out: string, name: string): Promise<void> {
    const next = path.join(out, `.latest-${process.pid}`);
    await rm(next, { force: true });
    await symlink(name, next);
    await rename(next, path.join(out, "latest"));
}

/** @returns the folder written, as an absolute path. An older result of the same incident is replaced. */
export async function writeResult(out: string, files: ResultFiles): Promise<string> {
    const folder = path.resolve(out, files.name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.join(folder, "slack"), { recursive: true });
    await writeFile(path.join(folder, "incident.json"), `${JSON.stringify(files.record, null, 4)}\n`);
    await writeFile(path.join(folder, "finding.original.json"), files.originalMessage);
    if (files.reportHtml) await writeFile(path.join(folder, "report.html"), files.reportHtml);
    if (files.findingsJsonl) await writeFile(path.join(folder, "findings.jsonl"), files.findingsJsonl);
    for (const [index, message] of files.slack.entries()) {
        await writeFile(path.join(folder, "slack", `${String(index + 1).padStart(2, "0")}.json`), `${JSON.stringify(message, null, 4)}\n`);
    }
    await pointLatestAt(path.resolve(out), files.name);
    return folder;
}
