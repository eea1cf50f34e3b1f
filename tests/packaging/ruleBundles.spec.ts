import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ruleBundleFiles } from "../../packaging/ruleBundles";

const rejection = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
        () => "nothing was refused",
        (error: Error) => error.message,
    );

describe("ruleBundles", () => {
    const rules = Buffer.from("rule a { condition: true }");
    const bundle = { uri: "s3://my-rules/2026/rules.yar", sha256: createHash("sha256").update(rules).digest("hex") };
    let cache: string;
    beforeEach(() => {
        cache = mkdtempSync(path.join(tmpdir(), "rule-bundles-"));
    });
    afterEach(() => rmSync(cache, { recursive: true, force: true }));
    const compiles = () => Promise.resolve();

    it("packs a bundle under its SHA-256, and reads it once", async () => {
        const read: string[] = [];
        const tools = {
            cache,
            compile: compiles,
            read: (bucket: string, key: string) => {
                read.push(`${bucket} ${key}`);
                return Promise.resolve(rules);
            },
        };
        for (let time = 0; time < 2; time++) {
            expect(await ruleBundleFiles([bundle], tools)).to.deep.equal([{ name: `rules/bundles/${bundle.sha256}`, content: rules }]);
        }
        expect(read).to.deep.equal(["my-rules 2026/rules.yar"]);
    });

    it("takes nothing from a cache that somebody changed", async () => {
        writeFileSync(path.join(cache, bundle.sha256), "rule b { condition: false }");
        const [file] = await ruleBundleFiles([bundle], { cache, compile: compiles, read: () => Promise.resolve(rules) });
        expect(file?.content.equals(rules)).to.equal(true);
    });

    it("refuses an object that is not what its SHA-256 says, and keeps nothing of it", async () => {
        const message = await rejection(
            ruleBundleFiles([bundle], { cache, compile: compiles, read: () => Promise.resolve(Buffer.from("other")) }),
        );
        expect(message).to.include(bundle.uri).and.to.include(`${bundle.sha256} is expected`);
        expect(readdirSync(cache)).to.deep.equal([]);
    });

    it("says which object cannot be read, and what it needs", async () => {
        const message = await rejection(
            ruleBundleFiles([bundle], { cache, compile: compiles, read: () => Promise.reject(new Error("Access Denied")) }),
        );
        expect(message).to.include("Access Denied").and.to.include("s3:GetObject");
    });

    it("says of rules that do not compile which they are, with the compiler's words", async () => {
        const message = await rejection(
            ruleBundleFiles([bundle], {
                cache,
                compile: () => Promise.reject(new Error("error[E009]: unknown identifier `b`")),
                read: () => Promise.resolve(rules),
            }),
        );
        expect(message).to.include(bundle.uri).and.to.include("do not compile").and.to.include("E009");
    });
});
