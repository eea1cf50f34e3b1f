/** Turns a Pulumi archive into the zip that Pulumi would upload. */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { zipSync, type Zippable } from "fflate";

/** Fixed, as Pulumi fixes it, so that the same code gives the same zip. */
const modified = new Date("1980-01-01T12:00:00");

/** @returns the files of a folder, by path below it, in a stable order. */
async function folderFiles(folder: string, below = ""): Promise<[string, Uint8Array][]> {
    const files: [string, Uint8Array][] = [];
    for (const name of (await readdir(path.join(folder, below))).sort()) {
        const relative = path.posix.join(below, name);
        const full = path.join(folder, relative);
        if ((await stat(full)).isDirectory()) files.push(...(await folderFiles(folder, relative)));
        else files.push([relative, await readFile(full)]);
    }
    return files;
}

async function assetFiles(name: string, asset: pulumi.asset.Asset | pulumi.asset.Archive): Promise<[string, Uint8Array][]> {
    if (asset instanceof pulumi.asset.StringAsset) return [[name, Buffer.from(await asset.text, "utf8")]];
    if (asset instanceof pulumi.asset.FileAsset) return [[name, await readFile(await asset.path)]];
    if (asset instanceof pulumi.asset.FileArchive) {
        return (await folderFiles(await asset.path)).map(([file, bytes]) => [path.posix.join(name, file), bytes]);
    }
    if (asset instanceof pulumi.asset.AssetArchive) {
        const nested = await Promise.all(
            Object.entries(await asset.assets).map(([below, one]) => assetFiles(path.posix.join(name, below), one)),
        );
        return nested.flat();
    }
    throw new Error(`the archive member ${name} is neither a file, a folder nor text: the rehearsal cannot upload it`);
}

/** Zips an archive of a function's code. @throws on a remote asset or archive. */
export async function zipArchive(archive: pulumi.asset.Archive): Promise<Uint8Array> {
    const files: Zippable = Object.fromEntries(await assetFiles("", archive));
    return zipSync(files, { level: 9, mtime: modified });
}
