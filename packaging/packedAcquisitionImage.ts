/** Packs an acquisition image for its way to the Region that it is written into a snapshot in: almost all of it is zero. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { buildAcquisitionImage, type AcquisitionImageOptions } from "./acquisitionImage";

export interface PackedAcquisitionImage {
    /** Path of the gzip file. */
    readonly file: string;
    /** SHA-256 of the image, unpacked. */
    readonly sha256: string;
    /** SHA-256 of the list of hashes on it: by it the command on the victim knows its tools. */
    readonly toolsSha256: string;
}

/** Builds and packs it. @throws Error when a tool cannot be fetched, or AVML is wanted and not here */
export async function packAcquisitionImage(options: AcquisitionImageOptions): Promise<PackedAcquisitionImage> {
    const { path, toolHashes } = await buildAcquisitionImage(options);
    const image = await readFile(path);
    const file = `${path}.gz`;
    await writeFile(file, gzipSync(image));
    return { file, sha256: createHash("sha256").update(image).digest("hex"), toolsSha256: toolHashes.SHA256SUMS! };
}
