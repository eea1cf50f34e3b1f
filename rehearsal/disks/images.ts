/** The committed disk images of the rehearsal's victim, unpacked without root and without system packages. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { type GroundTruth, groundTruthSchema } from "./groundTruth";
import { type VolumeName } from "./layout";

export { inspectRawDisk } from "./inspectRawDisk";

/** A raw image on this machine. */
export interface MaterialisedImage {
    readonly path: string;
    readonly sha256: string;
    readonly sizeBytes: number;
}

const blockBytes = 64 * 1024;
const zeroBlock = Buffer.alloc(blockBytes);

/** What is known to be on the images. @throws when ground-truth.json does not follow its schema */
export function readGroundTruth(source = __dirname): GroundTruth {
    return groundTruthSchema.parse(JSON.parse(fs.readFileSync(path.join(source, "ground-truth.json"), "utf8")));
}

/** Writes what it is given to a file, leaves aligned blocks of zeros out as holes, and hashes all of it. */
class SparseImageWriter extends Writable {
    readonly hash = createHash("sha256");
    sizeBytes = 0;
    private pending: Buffer[] = [];
    private pendingBytes = 0;

    constructor(private readonly descriptor: number) {
        super({ highWaterMark: 1024 * 1024 });
    }

    private writeBlock(block: Buffer): void {
        this.hash.update(block);
        if (!block.equals(zeroBlock.subarray(0, block.length))) {
            for (let written = 0; written < block.length;) {
                written += fs.writeSync(this.descriptor, block, written, block.length - written, this.sizeBytes + written);
            }
        }
        this.sizeBytes += block.length;
    }

    private writeBlocks(bytes: Buffer): Buffer {
        let offset = 0;
        for (; bytes.length - offset >= blockBytes; offset += blockBytes) {
            this.writeBlock(bytes.subarray(offset, offset + blockBytes));
        }
        return bytes.subarray(offset);
    }

    override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
        try {
            this.pending.push(chunk);
            this.pendingBytes += chunk.length;
            if (this.pendingBytes >= blockBytes) {
                const rest = this.writeBlocks(Buffer.concat(this.pending));
                this.pending = [rest];
                this.pendingBytes = rest.length;
            }
            done();
        } catch (error) {
            done(error as Error);
        }
    }

    override _final(done: (error?: Error | null) => void): void {
        try {
            this.writeBlock(Buffer.concat(this.pending));
            fs.ftruncateSync(this.descriptor, this.sizeBytes); // the last block may be a hole
            done();
        } catch (error) {
            done(error as Error);
        }
    }
}

/**
 * Unpacks a committed image into `<directory>/<name>.img`, sparse, and checks it against the ground truth. The file appears
 * under its name only when it is whole and right.
 * @param directory made when it is missing
 * @param source where the compressed images and ground-truth.json lie
 * @throws when the image is not in the ground truth, or its content is not what the ground truth says
 */
export async function materialise(name: VolumeName, directory: string, source = __dirname): Promise<MaterialisedImage> {
    const truth = readGroundTruth(source).images.find((image) => image.name === name);
    if (truth === undefined) {
        throw new Error(`ground-truth.json describes no image "${name}". Build the images again with "npm run disks".`);
    }
    await fs.promises.mkdir(directory, { recursive: true });
    const target = path.join(directory, `${name}.img`);
    const partial = `${target}.${process.pid}.partial`;
    const descriptor = fs.openSync(partial, "wx", 0o600);
    try {
        const writer = new SparseImageWriter(descriptor);
        await pipeline(fs.createReadStream(path.join(source, truth.file)), createBrotliDecompress({ chunkSize: 1024 * 1024 }), writer);
        const sha256 = writer.hash.digest("hex");
        if (sha256 !== truth.sha256 || writer.sizeBytes !== truth.sizeBytes) {
            throw new Error(
                `${truth.file} unpacks to ${writer.sizeBytes} bytes with SHA-256 ${sha256}; ground-truth.json says ${truth.sizeBytes} and ${truth.sha256}. ` +
                    'Check both files out again, or build them again with "npm run disks".',
            );
        }
        await fs.promises.rename(partial, target);
        return { path: target, sha256, sizeBytes: writer.sizeBytes };
    } catch (error) {
        await fs.promises.rm(partial, { force: true });
        throw error;
    } finally {
        fs.closeSync(descriptor);
    }
}
