import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { strFromU8, unzipSync } from "fflate";
import { zipArchive } from "../../../rehearsal/deploy/zipArchive";

describe("a function's archive", () => {
    let folder: string;
    before(async () => {
        folder = await mkdtemp(path.join(tmpdir(), "zip-"));
        await mkdir(path.join(folder, "below"));
        await writeFile(path.join(folder, "handler.js"), "exports.handler = 1;");
        await writeFile(path.join(folder, "below", "data.json"), "{}");
    });
    after(() => rm(folder, { recursive: true }));
    const archive = () =>
        new pulumi.asset.AssetArchive({
            "__index.js": new pulumi.asset.StringAsset("exports.handler = 2;"),
            bundle: new pulumi.asset.FileArchive(folder),
            "one.txt": new pulumi.asset.FileAsset(path.join(folder, "handler.js")),
        });

    it("holds text, files and folders under their names", async () => {
        const files = unzipSync(await zipArchive(archive()));
        expect(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, strFromU8(bytes)]))).to.deep.equal({
            "__index.js": "exports.handler = 2;",
            "bundle/handler.js": "exports.handler = 1;",
            "bundle/below/data.json": "{}",
            "one.txt": "exports.handler = 1;",
        });
    });

    it("is the same for the same code", async () => {
        expect(await zipArchive(archive())).to.deep.equal(await zipArchive(archive()));
    });

    it("is refused when a member would have to be fetched", async () => {
        const remote = new pulumi.asset.AssetArchive({ "x.js": new pulumi.asset.RemoteAsset("https://example.com/x.js") });
        await zipArchive(remote).then(
            () => expect.fail("was zipped"),
            (error: Error) => expect(error.message).to.match(/x\.js/),
        );
    });
});
