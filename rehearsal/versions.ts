/** Versions of what a rehearsal ran on. */
import { readFile } from "node:fs/promises";
import path from "node:path";

const repository = path.resolve(__dirname, "..");

async function packageVersion(name: string): Promise<string> {
    const file = require.resolve(`${name}/package.json`, { paths: [repository] });
    return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

/** Read from what is installed and locked, never written by hand. */
export async function engineVersions(): Promise<Record<string, string>> {
    const lock = await readFile(path.join(__dirname, "requirements.lock"), "utf8");
    return {
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        pulumi: await packageVersion("@pulumi/pulumi"),
        pulumiAws: await packageVersion("@pulumi/aws"),
        localEmu: /^localemu==(\S+)/m.exec(lock)?.[1] ?? "unknown",
    };
}
