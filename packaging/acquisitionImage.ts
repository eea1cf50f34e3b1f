/**
 * Builds what the acquisition volume begins with: a small ext4 file system with the collector and the programs that it runs by. The volume
 * made from it is larger; on the victim the tools move into memory, and the volume becomes one file system for what is collected
 * (docs/memory.md says why). The same sources give the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, truncate, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { type Architecture, keptAvml } from "./avml";
import { fileOfPackage } from "./debianPackage";
import { ext4Image, type ImageFile } from "./ext4Image";
import { type PinnedFile } from "./pinnedFile";

export interface AcquisitionImageOptions {
    /** Processor of the victim (Linux). */
    readonly architecture: Architecture;
    /** Whether AVML lies on it, for memory.mode full; `npm run avml` must have been run. */
    readonly memory: boolean;
}

export interface AcquisitionImage {
    /** A raw, sparse disk image. */
    readonly path: string;
    /** Its size; what is not zero is a few MiB at its start. */
    readonly bytes: number;
    /** SHA-256 of each file on it. That of SHA256SUMS, which lists the others, is the TOOLS_SHA256 of bootstrap.sh. */
    readonly toolHashes: Record<string, string>;
}

const repository = path.resolve(__dirname, "..");
const cache = path.join(repository, ".cache", "acquisition");
const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

const BUSYBOX_VERSION = "1.35.0-4+deb12u1+b1";
/** Debian 12's busybox-static. Pools drop what a security update replaces; snapshot.debian.org keeps every file by its SHA-1. */
const busyboxPackage = (machine: string, sha1: string, hash: string): PinnedFile => ({
    name: `busybox-static_${BUSYBOX_VERSION}_${machine}.deb`,
    urls: [
        `https://deb.debian.org/debian/pool/main/b/busybox/busybox-static_${BUSYBOX_VERSION}_${machine}.deb`,
        `https://snapshot.debian.org/file/${sha1}`,
    ],
    sha256: hash,
});
const BUSYBOX: Record<Architecture, PinnedFile> = {
    x86_64: busyboxPackage(
        "amd64",
        "388095e72f44cefd025b869d917e45108d124655",
        "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744",
    ),
    arm64: busyboxPackage(
        "arm64",
        "87bf504541e6583e6fef6ec0bc67537f53c327f2",
        "732c9135564fc71337e0e05fb4da4d11e6c28c1834bce3e405e575afef2a52f5",
    ),
};

/** Scripts that go onto the volume; bootstrap.sh does not, it is the command. */
const SCRIPTS = ["acquire.sh", "parts.sh", "supervise.sh"];

/** Path of the busybox that lies on the volume, fetched where it is not kept. @throws Error when it cannot be fetched */
export async function keptBusybox(architecture: Architecture): Promise<string> {
    await busybox(architecture);
    return busyboxFile(architecture);
}

const busyboxFile = (architecture: Architecture): string => path.join(cache, `busybox-${BUSYBOX[architecture].sha256.slice(0, 16)}`);

/** Kept by the package's hash, so that a second deployment needs no network. */
async function busybox(architecture: Architecture): Promise<Buffer> {
    const wanted = BUSYBOX[architecture];
    const file = busyboxFile(architecture);
    const kept = await Promise.all([readFile(file), readFile(`${file}.sha256`, "utf8")]).catch(() => undefined);
    if (kept !== undefined && sha256(kept[0]) === kept[1]) {
        return kept[0];
    }
    const content = await fileOfPackage(wanted, "bin/busybox");
    await mkdir(cache, { recursive: true });
    await writeWhole(file, content);
    await writeWhole(`${file}.sha256`, Buffer.from(sha256(content)));
    return content;
}

/**
 * Builds `build/acquisition/<processor>-<mode>.img`.
 *
 * @throws Error when busybox cannot be fetched, or AVML is wanted and not here
 */
export async function buildAcquisitionImage(options: AcquisitionImageOptions): Promise<AcquisitionImage> {
    const files: ImageFile[] = [
        { name: "busybox", content: await busybox(options.architecture), executable: true },
        ...(await Promise.all(
            SCRIPTS.map(async (name) => ({ name, content: await readFile(path.join(repository, "acquisition", name)), executable: true })),
        )),
        ...(options.memory ? [{ name: "avml", content: (await keptAvml(options.architecture)).content, executable: true }] : []),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
    const sums = Buffer.from(files.map((file) => `${sha256(file.content)}  ${file.name}\n`).join(""));
    const image = ext4Image([...files, { name: "SHA256SUMS", content: sums }]);
    const target = path.join(repository, "build", "acquisition", `${options.architecture}-${options.memory ? "full" : "volatile"}.img`);
    await mkdir(path.dirname(target), { recursive: true });
    await writeWhole(target, image.content, image.size);
    return {
        path: target,
        bytes: image.size,
        toolHashes: Object.fromEntries([...files, { name: "SHA256SUMS", content: sums }].map((file) => [file.name, sha256(file.content)])),
    };
}

/** Written beside and renamed, so that a reader never sees half a file. `size` beyond the content is a hole. */
async function writeWhole(file: string, content: Buffer, size = content.length): Promise<void> {
    const partial = `${file}.${process.pid}.partial`;
    await writeFile(partial, content);
    await truncate(partial, size);
    await rename(partial, file);
}
