import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ext4Image } from "../../packaging/ext4Image";

const tool = (name: string): string | undefined =>
    [`/usr/sbin/${name}`, `/sbin/${name}`].find((file) => {
        try {
            readFileSync(file);
            return true;
        } catch {
            return false;
        }
    });

describe("ext4Image", () => {
    let directory: string;
    beforeEach(() => {
        directory = mkdtempSync(path.join(tmpdir(), "ext4-image-"));
    });
    afterEach(() => rmSync(directory, { recursive: true, force: true }));
    const files = [
        { name: "busybox", content: randomBytes(1_982_256), executable: true },
        { name: "empty", content: Buffer.alloc(0) },
        { name: "block", content: Buffer.alloc(4096, 7) },
        { name: "SHA256SUMS", content: Buffer.from("x\n") },
    ];

    it("gives the same bytes for the same files, in whatever order, and another id for others", () => {
        const digest = (list: typeof files): string => createHash("sha256").update(ext4Image(list).content).digest("hex");
        expect(digest(files)).to.equal(digest([...files].reverse()));
        expect(digest(files)).not.to.equal(digest(files.slice(1)));
    });

    it("is a file system that e2fsck has no complaint about and that gives back what was put in", function () {
        const [e2fsck, debugfs] = [tool("e2fsck"), tool("debugfs")];
        if (e2fsck === undefined || debugfs === undefined) {
            // A machine without e2fsprogs: the acquisition's spec mounts the image where it can.
            return;
        }
        this.timeout(20_000);
        const image = ext4Image(files);
        const file = path.join(directory, "image");
        writeFileSync(file, image.content);
        truncateSync(file, image.size);
        execFileSync(e2fsck, ["-fn", file], { stdio: "pipe" });
        for (const { name, content } of files) {
            const out = execFileSync(debugfs, ["-R", `cat /${name}`, file], { maxBuffer: 1 << 24, stdio: ["ignore", "pipe", "ignore"] });
            expect(out.equals(content), name).to.equal(true);
        }
    });

    it("refuses what does not fit, and names that are none", () => {
        expect(() => ext4Image([{ name: "a", content: Buffer.alloc(40 * 1024 * 1024) }])).to.throw("more than the 33554432");
        expect(() => ext4Image([{ name: "../a", content: Buffer.alloc(1) }])).to.throw("no plain file name");
        const many = Array.from({ length: 30 }, (_, index) => ({ name: `f${index}`, content: Buffer.alloc(1) }));
        expect(() => ext4Image(many)).to.throw("at most 21");
    });
});
