/** Copies a case out of the evidence bucket: the newest versions under their names, earlier ones below `.versions/<version id>/`. */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { listVersions } from "../../functions/aws/custody/caseObjects";
import { mapConcurrently } from "../../functions/aws/mapConcurrently";
import { incidentPrefix } from "../../functions/domain/evidenceKeys";
import { versionsFolder } from "./folderSource";

/** The file of an object below a folder; null where its name leads out of it or is not one a file can have. */
export function fileOf(folder: string, name: string): string | null {
    const parts = name.split("/");
    if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0") || Buffer.byteLength(part) > 255))
        return null;
    const file = path.resolve(folder, ...parts);
    return file.startsWith(`${path.resolve(folder)}${path.sep}`) ? file : null;
}

/**
 * Copies every version. A name is the writer's, who may be hostile: one that leads out of the folder is not followed.
 *
 * @returns how many objects were copied, and those that could not be, with the reason
 */
export async function copyCase(
    s3: S3Client,
    bucket: string,
    incidentId: string,
    folder: string,
): Promise<{ copied: number; bytes: number; failed: string[] }> {
    const { versions } = await listVersions(s3, bucket, incidentId);
    if (versions.length === 0) throw new Error(`There is no case ${incidentId} in s3://${bucket}.`);
    const failed: string[] = [];
    let copied = 0;
    let bytes = 0;
    await mapConcurrently(versions, 8, async ({ name, versionId, latest, bytes: size }) => {
        const file = fileOf(folder, latest ? name : `${versionsFolder}/${versionId}/${name}`);
        if (file === null || (latest && name.startsWith(`${versionsFolder}/`)))
            return void failed.push(`${JSON.stringify(name)}: it is no name that a file below the folder can have`);
        try {
            await mkdir(path.dirname(file), { recursive: true });
            const { Body } = await s3.send(
                new GetObjectCommand({ Bucket: bucket, Key: `${incidentPrefix(incidentId)}${name}`, VersionId: versionId ?? undefined }),
            );
            // Never over a file that is there: a copy holds one case, and a link in it is not followed.
            await pipeline(Body as Readable, createWriteStream(file, { flags: "wx" }));
            copied++;
            bytes += size;
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rm(file, { force: true }).catch(() => undefined);
            failed.push(`${JSON.stringify(name)}: ${(error as Error).message}`);
        }
    });
    return { copied, bytes, failed };
}
