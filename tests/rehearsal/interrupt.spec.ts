import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";

const repository = path.resolve(__dirname, "../..");

describe("a rehearsal that is interrupted", function () {
    this.timeout(600_000);
    let folder: string;
    before(async () => {
        folder = await mkdtemp(path.join(tmpdir(), "interrupt-"));
    });
    after(() => rm(folder, { recursive: true }));

    it("stops the local AWS, removes what it made, and ends as a shell expects", async () => {
        const child = spawn(
            process.execPath,
            ["-r", "ts-node/register/transpile-only", "rehearsal/main.ts", "--out", path.join(folder, "out")],
            {
                cwd: repository,
                env: { ...process.env, TMPDIR: folder },
                stdio: ["ignore", "pipe", "pipe"],
            },
        );
        let output = "";
        let endpoint: string | undefined;
        for (const stream of [child.stdout, child.stderr]) {
            stream.on("data", (chunk: Buffer) => {
                output += chunk.toString("utf8");
                const up = /Local AWS up at (\S+)/.exec(output)?.[1];
                // Once, while the victim is being made.
                if (up && !endpoint) child.kill("SIGINT");
                endpoint ??= up;
            });
        }
        const code = await new Promise<number | null>((resolve) => {
            child.once("close", resolve);
        });
        expect(code, output).to.equal(130);
        expect(await fetch(`${endpoint}/_localemu/health`).catch(() => "nobody answers")).to.equal("nobody answers");
        expect((await readdir(folder)).filter((name) => /^(localemu|rehearsal)-/.test(name))).to.deep.equal([]);
    });
});
