import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { inspectRawDisk } from "../../../rehearsal/disks/images";

const mebibyte = 1024 * 1024;

/** A disk of one mebibyte of zeros with some bytes put into it. */
function disk(...parts: readonly (readonly [number, Buffer | string])[]): Buffer {
    const bytes = Buffer.alloc(mebibyte);
    parts.forEach(([offset, content]) => (typeof content === "string" ? Buffer.from(content, "latin1") : content).copy(bytes, offset));
    return bytes;
}

/** A partition entry of an MBR. */
function mbrEntry(status: number, type: number, start: number, sectors: number): Buffer {
    const entry = Buffer.alloc(16);
    entry[0] = status;
    entry[4] = type;
    entry.writeUInt32LE(start, 8);
    entry.writeUInt32LE(sectors, 12);
    return entry;
}
const bootSignature = [510, Buffer.from([0x55, 0xaa])] as const;

describe("inspectRawDisk", () => {
    let directory: string;
    before(() => {
        directory = fs.mkdtempSync(path.join(os.tmpdir(), "inspect-raw-disk-"));
    });
    after(() => fs.rmSync(directory, { recursive: true }));

    const inspect = (name: string, content: Buffer | string) => {
        const file = path.join(directory, name);
        fs.writeFileSync(file, content);
        return inspectRawDisk(file);
    };

    const refused: readonly (readonly [string, Buffer | string, RegExp])[] = [
        ["an empty file", "", /is empty: give a raw disk image/],
        ["a text file", "hello\n", /6 bytes, too few for a disk/],
        ["a large text file", "all work and no play\n".repeat(60_000), /no partition table .*dd/],
        ["zeros", disk(), /no partition table/],
        ["a qcow2 image", disk([0, Buffer.from("514649fb", "hex")]), /qcow2.*qemu-img convert -O raw/],
        ["a VMDK image", disk([0, "KDMV"]), /VMDK.*qemu-img convert -O raw/],
        ["an EnCase image", disk([0, "EVF\x09\x0d\x0a\xff\x00"]), /EnCase/],
        ["a gzip file, however small", gzipSync("disk"), /gzip-compressed.*gunzip/],
        ["a zstd file", disk([0, Buffer.from("28b52ffd", "hex")]), /zstd-compressed/],
        ["a tar archive", disk([257, "ustar"]), /tar archive/],
        ["a GPT header whose checksum is wrong", disk([512, "EFI PART\0\0\x01\0\x5c\0\0\0"]), /no partition table/],
        ["a boot signature without a partition", disk(bootSignature), /no partition table/],
        ["a partition beyond the end of the disk", disk([446, mbrEntry(0x80, 0x83, 1, 1_000_000)], bootSignature), /no partition table/],
        ["an impossible partition status", disk([446, mbrEntry(0x41, 0x83, 1, 100)], bootSignature), /no partition table/],
    ];
    for (const [what, content, reason] of refused) {
        it(`refuses ${what}`, async () => {
            const result = await inspect("refused.img", content);
            expect(result).to.have.property("ok", false);
            expect(result).to.have.property("reason").that.matches(reason).and.includes("refused.img");
        });
    }

    const taken: readonly (readonly [string, Buffer, string, string | null])[] = [
        ["an MBR with one partition", disk([446, mbrEntry(0x80, 0x83, 8, 1000)], bootSignature), "mbr", null],
        ["an XFS over the whole disk", disk([0, "XFSB"]), "none", "xfs"],
        ["an ext4 over the whole disk", disk([1080, Buffer.from([0x53, 0xef])]), "none", "ext4"],
        ["a Btrfs over the whole disk", disk([65_600, "_BHRfS_M"]), "none", "btrfs"],
        ["a FAT boot sector, which carries the MBR's signature", disk([82, "FAT32   "], bootSignature), "none", "vfat"],
    ];
    for (const [what, content, partitionTable, fileSystem] of taken) {
        it(`takes ${what}`, async () => {
            expect(await inspect("taken.img", content)).to.deep.equal({ ok: true, sizeBytes: mebibyte, partitionTable, fileSystem });
        });
    }

    it("refuses a directory, a missing file and a FIFO, which it never opens", async () => {
        const fifo = path.join(directory, "pipe");
        execFileSync("mkfifo", [fifo]);
        expect(await inspectRawDisk(directory))
            .to.have.property("reason")
            .that.matches(/not a regular file/);
        expect(await inspectRawDisk(fifo))
            .to.have.property("reason")
            .that.matches(/not a regular file/);
        expect(await inspectRawDisk(path.join(directory, "missing.img")))
            .to.have.property("reason")
            .that.matches(/missing\.img cannot be read \(ENOENT\)/);
    });

    it("leaves the file as it was", async () => {
        const content = disk([0, "XFSB"]);
        await inspect("kept.img", content);
        expect(fs.readFileSync(path.join(directory, "kept.img")).equals(content)).to.equal(true);
    });
});
