import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { isNotFound } from "../../../functions/aws/errors";
import { readLines, type Bounds } from "../../../functions/aws/objectLines";
import { startNotifyingAws, type NotifyingAws } from "../../support/aws/notifyingAws";

describe("readLines", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
    });
    afterEach(() => fake.stop());

    async function read(content: Buffer, key = "k", bounds?: Bounds): Promise<string[]> {
        fake.objects.set(key, content.toString(key.endsWith(".gz") ? "latin1" : "utf8"));
        const lines: string[] = [];
        const { sha256, bytes } = await readLines(key, (text) => lines.push(text), bounds);
        expect(sha256).to.equal(createHash("sha256").update(content).digest("hex"));
        expect(bytes).to.equal(content.length);
        return lines;
    }

    it("hands on each line, with and without a last newline, and nothing of an empty object", async () => {
        expect(await read(Buffer.from("a\n\nb\n"))).to.deep.equal(["a", "", "b"]);
        expect(await read(Buffer.from("a\nb"))).to.deep.equal(["a", "b"]);
        expect(await read(Buffer.alloc(0))).to.deep.equal([]);
    });

    it("keeps characters and lines whole over the chunks of a large object", async () => {
        const lines = Array.from({ length: 30_000 }, (_, index) => `${index} – Zürich 日本 😀`);
        expect(await read(Buffer.from(lines.join("\n")))).to.deep.equal(lines);
    });

    it("cuts an endless line, and reads the one after it", async () => {
        const [long, next] = await read(Buffer.concat([Buffer.alloc(5_000_000, "x"), Buffer.from("\nnext\n")]));
        expect(long).to.have.length(256 * 1024);
        expect(next).to.equal("next");
    });

    it("unpacks gzip, hashing what lies in the bucket", async () => {
        const lines = Array.from({ length: 30_000 }, (_, index) => `${index} – Zürich 日本 😀`);
        expect(await read(gzipSync(lines.join("\n")), "k.gz")).to.deep.equal(lines);
        expect(await read(gzipSync(""), "k.gz")).to.deep.equal([]);
    });

    it("hands on what there is of a damaged or cut gzip, then a line that no parser takes", async () => {
        const noise = Array.from({ length: 30_000 }, (_, index) => createHash("sha256").update(`${index}`).digest("hex"));
        const packed = gzipSync(noise.join("\n"));
        const cut = await read(packed.subarray(0, packed.length / 2), "k.gz");
        expect(cut.length).to.be.within(10_000, 20_000);
        expect(cut.slice(0, 10_000)).to.deep.equal(noise.slice(0, 10_000));
        expect(cut.at(-1)).to.equal("(the rest could not be read)");
        const damaged = Buffer.from(packed);
        damaged.fill(0xff, packed.length / 2, packed.length / 2 + 1000);
        expect((await read(damaged, "k.gz")).at(-1)).to.equal("(the rest could not be read)");
        expect(await read(Buffer.from("no gzip at all"), "k.gz")).to.deep.equal(["(the rest could not be read)"]);
    });

    it("stops at a bomb of bytes or of lines, and hashes the object to its end", async () => {
        const bounds = { bytes: 1_000_000, lines: 1000 };
        const bomb = await read(gzipSync(Buffer.alloc(200_000_000, "x")), "k.gz", bounds);
        expect(bomb.map(({ length }) => length)).to.deep.equal([256 * 1024, 28]);
        for (const [key, content] of [
            ["k.gz", gzipSync(Buffer.alloc(20_000_000, "\n"))],
            ["k", Buffer.alloc(2_000_000, "\n")],
        ] as const)
            expect(await read(content, key, bounds)).to.deep.equal([...Array<string>(1000).fill(""), "(the rest could not be read)"]);
    });

    it("says that S3 broke off, in a packed object as in any other", async () => {
        fake.s3.breaksOff.add("k.gz");
        fake.objects.set("k.gz", gzipSync("a\nb\n").toString("latin1"));
        const error = await readLines("k.gz", () => undefined).catch((one: unknown) => one);
        expect(error).to.be.instanceOf(Error).with.property("message", "aborted");
    });

    it("tells a missing object from a failure", async () => {
        const missing = await readLines("absent", () => undefined).catch((error: unknown) => error);
        expect(isNotFound(missing)).to.equal(true);
    });
});
