import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { CleanUp } from "../../rehearsal/cleanUp";
import { writeResult } from "../../rehearsal/record";

describe("the result of a rehearsal", () => {
    let out: string;
    beforeEach(async () => {
        out = await mkdtemp(path.join(tmpdir(), "result-"));
    });
    afterEach(() => rm(out, { recursive: true }));
    const files = (name: string) => ({
        name,
        record: { outcome: "passed" },
        originalMessage: "{}",
        reportHtml: Buffer.from("<p>"),
        findingsJsonl: Buffer.from("{}\n"),
        slack: [{ receivedAt: "2026-11-24T12:00:00Z", payload: { text: "x" }, violations: [] }],
    });

    it("is one folder with everything in it", async () => {
        const folder = await writeResult(out, files("i-1"));
        expect((await readdir(folder)).sort()).to.deep.equal([
            "finding.original.json",
            "findings.jsonl",
            "incident.json",
            "report.html",
            "slack",
        ]);
        expect(JSON.parse(await readFile(path.join(folder, "incident.json"), "utf8"))).to.deep.equal({ outcome: "passed" });
        expect(await readdir(path.join(folder, "slack"))).to.deep.equal(["01.json"]);
    });

    it("is pointed at by latest, the newest one", async () => {
        await writeResult(out, files("i-1"));
        await writeResult(out, files("i-2"));
        expect(await readlink(path.join(out, "latest"))).to.equal("i-2");
        expect((await readdir(out)).sort()).to.deep.equal(["i-1", "i-2", "latest"]);
    });

    it("leaves nothing of an older result of the same incident", async () => {
        await writeResult(out, files("i-1"));
        const folder = await writeResult(out, { ...files("i-1"), reportHtml: null, findingsJsonl: null });
        expect(await readdir(folder)).to.not.include("report.html");
    });
});

describe("cleaning up", () => {
    it("undoes everything once, the last first, also when something fails", async () => {
        const done: string[] = [];
        const cleanUp = new CleanUp();
        cleanUp.add("first", async () => {
            done.push("first");
        });
        cleanUp.add("second", async () => {
            throw new Error("is stuck");
        });
        cleanUp.add("third", async () => {
            done.push("third");
        });
        const written: string[] = [];
        const write = process.stderr.write.bind(process.stderr);
        process.stderr.write = ((text: string) => {
            written.push(text);
            return true;
        }) as typeof process.stderr.write;
        try {
            await Promise.all([cleanUp.run(), cleanUp.run()]);
        } finally {
            process.stderr.write = write;
        }
        expect(done).to.deep.equal(["third", "first"]);
        expect(written.join("")).to.equal("Could not clean up second: is stuck\n");
    });
});
