import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { tarGz } from "../../packaging/tarArchive";

describe("tarArchive", () => {
    let directory: string;
    beforeEach(() => {
        directory = mkdtempSync(path.join(tmpdir(), "tar-archive-"));
    });
    afterEach(() => rmSync(directory, { recursive: true, force: true }));

    it("makes archives that tar unpacks to the same content, long names too", () => {
        const long = `${"directory/".repeat(12)}${"n".repeat(90)}.py`;
        const files = [
            { name: "package/__init__.py", content: Buffer.from("x = 1\n") },
            { name: "empty", content: Buffer.alloc(0) },
            { name: "block", content: Buffer.alloc(512, 7) },
            { name: long, content: Buffer.alloc(100_000, 9) },
        ];
        writeFileSync(path.join(directory, "a.tar.gz"), tarGz(files));
        execFileSync("tar", ["-xzf", "a.tar.gz"], { cwd: directory });
        for (const file of files) {
            expect(readFileSync(path.join(directory, file.name)).equals(file.content), file.name).to.equal(true);
        }
        expect(statSync(path.join(directory, "empty")).mode & 0o777).to.equal(0o644);
    });

    it("gives the same bytes for the same files in any order", () => {
        const file = fc.record({
            name: fc.stringMatching(/^[a-z]{1,20}$/),
            content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
        });
        fc.assert(
            fc.property(fc.uniqueArray(file, { selector: (one) => one.name, maxLength: 8 }), (files) => {
                expect(tarGz([...files].reverse()).equals(tarGz(files))).to.equal(true);
            }),
            { numRuns: 30 },
        );
    });

    it("refuses a name that does not fit, by name", () => {
        expect(() => tarGz([{ name: `a/${"b".repeat(101)}`, content: Buffer.alloc(0) }])).to.throw("too long for a tar archive");
    });
});
