/** Looks into a raw image by itself: where bytes lie, what the partition table and the superblocks say. */
import * as fs from "node:fs";

const blockBytes = 4096;

/** A run of blocks that are not all zeros. */
interface Extent {
    readonly offset: number;
    readonly bytes: Buffer;
}

export class RawImage {
    private readonly extents: Extent[] = [];

    constructor(private readonly file: string) {
        const content = fs.readFileSync(file);
        const zeros = Buffer.alloc(blockBytes);
        let start = -1;
        for (let offset = 0; offset <= content.length; offset += blockBytes) {
            const block = content.subarray(offset, offset + blockBytes);
            const empty = block.length === 0 || block.equals(zeros.subarray(0, block.length));
            if (!empty && start < 0) {
                start = offset;
            } else if (empty && start >= 0) {
                this.extents.push({ offset: start, bytes: Buffer.from(content.subarray(start, offset)) });
                start = -1;
            }
        }
    }

    read(offset: number, length: number): Buffer {
        const descriptor = fs.openSync(this.file, "r");
        try {
            const bytes = Buffer.alloc(length);
            fs.readSync(descriptor, bytes, 0, length, offset);
            return bytes;
        } finally {
            fs.closeSync(descriptor);
        }
    }

    /** Every offset at which these bytes lie, in bytes from the start of the disk. */
    occurrences(bytes: Buffer | string): number[] {
        return this.extents.flatMap((extent) => {
            const found: number[] = [];
            for (let at = extent.bytes.indexOf(bytes); at >= 0; at = extent.bytes.indexOf(bytes, at + 1)) {
                found.push(extent.offset + at);
            }
            return found;
        });
    }
}

/** The used entries of a GPT with 512-byte sectors. */
export function readGpt(
    image: RawImage,
): { number: number; name: string; typeGuid: string; guid: string; offsetBytes: number; sizeBytes: number }[] {
    const header = image.read(512, 512);
    const count = header.readUInt32LE(80);
    const size = header.readUInt32LE(84);
    const table = image.read(Number(header.readBigUInt64LE(72)) * 512, count * size);
    const guid = (bytes: Buffer): string =>
        [
            Buffer.from(bytes.subarray(0, 4)).reverse(),
            Buffer.from(bytes.subarray(4, 6)).reverse(),
            Buffer.from(bytes.subarray(6, 8)).reverse(),
            bytes.subarray(8, 10),
            bytes.subarray(10, 16),
        ]
            .map((part) => part.toString("hex").toUpperCase())
            .join("-");
    return Array.from({ length: count }, (_, index) => ({ number: index + 1, entry: table.subarray(index * size, (index + 1) * size) }))
        .filter(({ entry }) => !entry.subarray(0, 16).equals(Buffer.alloc(16)))
        .map(({ number, entry }) => {
            const first = Number(entry.readBigUInt64LE(32));
            const last = Number(entry.readBigUInt64LE(40));
            return {
                number,
                name: entry.subarray(56, 128).toString("utf16le").replace(/\0+$/, ""),
                typeGuid: guid(entry.subarray(0, 16)),
                guid: guid(entry.subarray(16, 32)),
                offsetBytes: first * 512,
                sizeBytes: (last - first + 1) * 512,
            };
        });
}

/** A part of the disk, in bytes; `end` is the first byte after it. */
export interface Part {
    readonly start: number;
    readonly end: number;
}

/** Where the internal log of the XFS at this offset lies. */
export function xfsLog(image: RawImage, offset: number): Part {
    const superblock = image.read(offset, 512);
    const block = superblock.readUInt32BE(4);
    const logStart = superblock.readBigUInt64BE(48);
    const bits = BigInt(superblock[124] ?? 0);
    const group = Number(logStart >> bits);
    const start = offset + (group * superblock.readUInt32BE(84) + Number(logStart & ((1n << bits) - 1n))) * block;
    return { start, end: start + superblock.readUInt32BE(96) * block };
}

/** Where the journal of the ext4 on the whole disk lies, and the block its replay starts at (0: nothing to replay). */
export function ext4Journal(image: RawImage): Part & { readonly replayFrom: number } {
    // JBD2 magic, block type 4: a version 2 journal superblock. It occurs once; journal blocks that look like it are escaped.
    const [start] = image.occurrences(Buffer.from("c03b399800000004", "hex"));
    if (start === undefined) {
        throw new Error("The image holds no JBD2 journal superblock.");
    }
    const superblock = image.read(start, 1024);
    return { start, end: start + superblock.readUInt32BE(12) * superblock.readUInt32BE(16), replayFrom: superblock.readUInt32BE(28) };
}

/**
 * The content of an XFS log. On the disk the first four bytes of every sector are the log's cycle number; the originals are
 * in the header of the sector's record, and are put back here, so that a name across two sectors is whole again.
 */
export function unpackXfsLog(image: RawImage, log: Part): Buffer {
    const content = image.read(log.start, log.end - log.start);
    const sectorBytes = 512;
    for (let header = 0; header < content.length; header += sectorBytes) {
        if (content.readUInt32BE(header) !== 0xfeedbabe) continue;
        const sectors = Math.min(64, Math.ceil(content.readUInt32BE(header + 12) / sectorBytes));
        for (let sector = 0; sector < sectors; sector++) {
            const target = header + (sector + 1) * sectorBytes;
            if (target < content.length) content.copy(content, target, header + 44 + sector * 4, header + 48 + sector * 4);
        }
    }
    return content;
}
