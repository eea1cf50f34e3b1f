/** A case as a copied folder: files by their names below the incident's prefix, and earlier versions below `.versions/<version id>/`. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { CaseObject, CaseSource } from "../../functions/domain/custody/verifyCase";

/** Where a copy keeps what is not the newest. */
export const versionsFolder = ".versions";

/** SHA-256 of a file, read once in pieces. */
export async function sha256OfFile(file: string): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return hash.digest("hex");
}

/** @throws Error that says what is wrong with the folder */
export async function folderSource(folder: string): Promise<CaseSource> {
    const found = await stat(folder).catch(() => null);
    if (!found?.isDirectory())
        throw new Error(`${folder} is no folder. Give the folder that holds custody/, or s3://bucket/incidents/<incident>/.`);
    const files = new Map<CaseObject, string>();
    const objects = async (): Promise<CaseObject[]> => {
        files.clear();
        for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
            if (entry.isDirectory()) continue;
            const file = path.join(entry.parentPath, entry.name);
            const name = path.relative(folder, file).split(path.sep).join("/");
            const [first, version, ...rest] = name.split("/");
            const earlier = first === versionsFolder && rest.length > 0;
            // Whatever is no plain file counts as an object of no bytes: it is in no manifest.
            const bytes = entry.isFile() ? (await stat(file)).size : 0;
            files.set({ name: earlier ? rest.join("/") : name, versionId: earlier ? version! : null, latest: !earlier, bytes }, file);
        }
        return [...files.keys()];
    };
    return {
        where: folder,
        allVersions: false,
        objects,
        digest: (object) => sha256OfFile(files.get(object)!),
        text: (object) => readFile(files.get(object)!, "utf8"),
    };
}
