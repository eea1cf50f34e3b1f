/**
 * Writes a small ext4 file system, as the acquisition volume begins with. The same files give the same bytes (mke2fs stamps times and
 * a random id), and a deployment needs no e2fsprogs. One block group, one directory, one extent a file, no journal: it is only ever mounted
 * read-only. The layout is that of the kernel's Documentation/filesystems/ext4.
 */
import { createHash } from "node:crypto";

export interface ImageFile {
    /** Of the root directory: letters, digits, dot, dash and underscore. */
    readonly name: string;
    readonly content: Buffer;
    /** Whether it may be executed. @default false */
    readonly executable?: boolean;
}

export interface Ext4Image {
    /** What the image holds from its start on; all that follows is zero. */
    readonly content: Buffer;
    /** Size of the file system in bytes. */
    readonly size: number;
}

const BLOCK = 4096;
/** 32 MiB, well below the 128 MiB of one block group. */
const BLOCKS = 8192;
const INODES = 32;
const INODE_BYTES = 256;
const FIRST_FREE_INODE = 11;
const ROOT_INODE = 2;
const AT = { blockBitmap: 2, inodeBitmap: 3, inodeTable: 4, root: 6, lostAndFound: 7, files: 8 };
const MODE = { directory: 0o040755, file: 0o100444, program: 0o100555 };
const INCOMPATIBLE = { fileType: 0x2, extents: 0x40 };
const READ_ONLY_COMPATIBLE = { sparseSuper: 0x1, largeFile: 0x2 };
const EXTENTS_FLAG = 0x80000;

/** An inode whose content lies in one run of blocks. */
function inode(mode: number, bytes: number, firstBlock: number, links: number): Buffer {
    const blocks = Math.ceil(bytes / BLOCK);
    const out = Buffer.alloc(INODE_BYTES);
    out.writeUInt16LE(mode, 0);
    out.writeUInt32LE(bytes, 4);
    out.writeUInt16LE(links, 26);
    out.writeUInt32LE((blocks * BLOCK) / 512, 28);
    out.writeUInt32LE(EXTENTS_FLAG, 32);
    out.writeUInt16LE(0xf30a, 40); // the head of the extents: magic, entries, room for four, depth 0
    out.writeUInt16LE(blocks > 0 ? 1 : 0, 42);
    out.writeUInt16LE(4, 44);
    if (blocks > 0) {
        out.writeUInt16LE(blocks, 56); // the extent: from block 0 of the file on, at most 32,768 blocks
        out.writeUInt32LE(firstBlock, 60);
    }
    out.writeUInt16LE(32, 128); // extra size of the inode
    return out;
}

function directory(entries: readonly { readonly name: string; readonly inode: number; readonly type: 1 | 2 }[]): Buffer {
    const out = Buffer.alloc(BLOCK);
    let at = 0;
    entries.forEach((entry, index) => {
        const needed = 8 + Math.ceil(entry.name.length / 4) * 4;
        const length = index === entries.length - 1 ? BLOCK - at : needed; // the last one reaches to the block's end
        if (at + needed > BLOCK) {
            throw new Error(`The tools' directory holds more names than one block of ${BLOCK} bytes: put fewer files on the volume`);
        }
        out.writeUInt32LE(entry.inode, at);
        out.writeUInt16LE(length, at + 4);
        out.writeUInt8(entry.name.length, at + 6);
        out.writeUInt8(entry.type, at + 7);
        out.write(entry.name, at + 8, "latin1");
        at += length;
    });
    return out;
}

/** A bitmap of one block: the given numbers and everything from `count` on are taken. */
function bitmap(taken: number, count: number): Buffer {
    const out = Buffer.alloc(BLOCK);
    for (let bit = 0; bit < BLOCK * 8; bit += 1) {
        if (bit < taken || bit >= count) {
            out[bit >> 3] = (out[bit >> 3] as number) | (1 << (bit & 7));
        }
    }
    return out;
}

function superblock(usedBlocks: number, usedInodes: number, id: Buffer): Buffer {
    const out = Buffer.alloc(1024);
    out.writeUInt32LE(INODES, 0);
    out.writeUInt32LE(BLOCKS, 4);
    out.writeUInt32LE(BLOCKS - usedBlocks, 12);
    out.writeUInt32LE(INODES - usedInodes, 16);
    out.writeUInt32LE(2, 24); // block size: 1024 << 2
    out.writeUInt32LE(2, 28); // cluster size, the same
    out.writeUInt32LE(BLOCK * 8, 32);
    out.writeUInt32LE(BLOCK * 8, 36);
    out.writeUInt32LE(INODES, 40);
    out.writeInt16LE(-1, 54); // never checked for having been mounted often
    out.writeUInt16LE(0xef53, 56);
    out.writeUInt16LE(1, 58); // unmounted cleanly
    out.writeUInt16LE(1, 60); // after an error: go on
    out.writeUInt32LE(1, 76); // revision with the fields below
    out.writeUInt32LE(FIRST_FREE_INODE, 84);
    out.writeUInt16LE(INODE_BYTES, 88);
    out.writeUInt32LE(INCOMPATIBLE.fileType | INCOMPATIBLE.extents, 96);
    out.writeUInt32LE(READ_ONLY_COMPATIBLE.sparseSuper | READ_ONLY_COMPATIBLE.largeFile, 100);
    id.copy(out, 104, 0, 16);
    out.write("clean-room-acq", 120, "latin1");
    out.writeUInt16LE(32, 348);
    out.writeUInt16LE(32, 350);
    return out;
}

/**
 * @returns the file system with these files in its root directory, all owned by root, of 1970
 * @throws Error when a name is not plain, or the files do not fit
 */
export function ext4Image(files: readonly ImageFile[]): Ext4Image {
    const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name } of sorted) {
        if (!/^[A-Za-z0-9._-]{1,60}$/.test(name)) {
            throw new Error(`${JSON.stringify(name)} is no plain file name for the acquisition volume`);
        }
    }
    if (sorted.length > INODES - FIRST_FREE_INODE) {
        throw new Error(`${sorted.length} files do not fit: the acquisition volume holds at most ${INODES - FIRST_FREE_INODE}`);
    }
    let next = AT.files;
    const placed = sorted.map((file, index) => {
        const at = next;
        next += Math.ceil(file.content.length / BLOCK);
        return { ...file, at, inode: FIRST_FREE_INODE + 1 + index };
    });
    if (next > BLOCKS) {
        throw new Error(
            `The tools need ${next * BLOCK} bytes, more than the ${BLOCKS * BLOCK} of their file system on the acquisition volume`,
        );
    }
    const usedInodes = FIRST_FREE_INODE + placed.length;
    const content = Buffer.alloc(next * BLOCK);
    const id = createHash("sha256")
        .update(JSON.stringify(sorted.map((file) => [file.name, createHash("sha256").update(file.content).digest("hex")])))
        .digest();
    superblock(next, usedInodes, id).copy(content, 1024);
    const group = content.subarray(BLOCK, BLOCK + 32);
    group.writeUInt32LE(AT.blockBitmap, 0);
    group.writeUInt32LE(AT.inodeBitmap, 4);
    group.writeUInt32LE(AT.inodeTable, 8);
    group.writeUInt16LE(BLOCKS - next, 12);
    group.writeUInt16LE(INODES - usedInodes, 14);
    group.writeUInt16LE(2, 16); // directories
    bitmap(next, BLOCKS).copy(content, AT.blockBitmap * BLOCK);
    bitmap(usedInodes, INODES).copy(content, AT.inodeBitmap * BLOCK);
    const put = (number: number, what: Buffer): number => what.copy(content, AT.inodeTable * BLOCK + (number - 1) * INODE_BYTES);
    put(ROOT_INODE, inode(MODE.directory, BLOCK, AT.root, 3));
    put(FIRST_FREE_INODE, inode(MODE.directory, BLOCK, AT.lostAndFound, 2));
    const dots = [
        { name: ".", inode: ROOT_INODE, type: 2 as const },
        { name: "..", inode: ROOT_INODE, type: 2 as const },
    ];
    directory([
        ...dots,
        { name: "lost+found", inode: FIRST_FREE_INODE, type: 2 },
        ...placed.map((file) => ({ name: file.name, inode: file.inode, type: 1 as const })),
    ]).copy(content, AT.root * BLOCK);
    directory([{ name: ".", inode: FIRST_FREE_INODE, type: 2 }, dots[1] as (typeof dots)[1]]).copy(content, AT.lostAndFound * BLOCK);
    for (const file of placed) {
        put(file.inode, inode(file.executable === true ? MODE.program : MODE.file, file.content.length, file.at, 1));
        file.content.copy(content, file.at * BLOCK);
    }
    return { content, size: BLOCKS * BLOCK };
}
