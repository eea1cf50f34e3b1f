import { createHash } from "node:crypto";
import { expect } from "chai";
import { isNotFound } from "../../../functions/aws/errors";
import { readLines } from "../../../functions/aws/objectLines";
import { startNotifyingAws, type NotifyingAws } from "../../support/aws/notifyingAws";

describe("readLines", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
    });
    afterEach(() => fake.stop());

    async function read(content: Buffer): Promise<string[]> {
        fake.objects.set("k", content.toString("utf8"));
        const lines: string[] = [];
        const { sha256, bytes } = await readLines("k", (text) => lines.push(text));
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

    it("tells a missing object from a failure", async () => {
        const missing = await readLines("absent", () => undefined).catch((error: unknown) => error);
        expect(isNotFound(missing)).to.equal(true);
    });
});
