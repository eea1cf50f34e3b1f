/** Is a file a raw disk image? Asked before `--disk FILE` becomes the victim's root volume; reads a few hundred kibibytes and never writes. */
import * as fs from "node:fs";
import { crc32 } from "node:zlib";
import { sectorBytes } from "./layout";

export type PartitionTable = "gpt" | "mbr" | "none";
export type DiskInspection =
    | {
          readonly ok: true;
          readonly sizeBytes: number;
          readonly partitionTable: PartitionTable;
          /** Of the whole disk, when it has no partition table. */ readonly fileSystem: string | null;
      }
    | { readonly ok: false; readonly reason: string };

/** The part that holds every signature looked for here; Btrfs's lies deepest, at 65,600. */
const headBytes = 128 * 1024;
/** Nothing with a file system of interest is smaller. */
const smallestDiskBytes = 1024 * 1024;

interface Signature {
    readonly name: string;
    readonly offset: number;
    readonly magic: Buffer;
}
const signature = (name: string, offset: number, magic: string | Buffer): Signature => ({
    name,
    offset,
    magic: typeof magic === "string" ? Buffer.from(magic, "latin1") : magic,
});

/** File systems and containers that may take a whole disk. */
const fileSystems: readonly Signature[] = [
    signature("xfs", 0, "XFSB"),
    signature("ext4", 1080, Buffer.from([0x53, 0xef])),
    signature("btrfs", 65_600, "_BHRfS_M"),
    signature("lvm2", 536, "LVM2 001"),
    signature("luks", 0, Buffer.from("4c554b53babe", "hex")),
    signature("ntfs", 3, "NTFS    "),
    signature("vfat", 82, "FAT32   "),
    signature("vfat", 54, "FAT16   "),
    signature("vfat", 54, "FAT12   "),
];

/** What people give by mistake, and what to do then. */
const otherFormats: readonly (Signature & { readonly advice: string })[] = [
    { ...signature("a QEMU (qcow2) image", 0, Buffer.from("514649fb", "hex")), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("a VMware (VMDK) image", 0, "KDMV"), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("a VMware (VMDK) descriptor", 0, "# Disk DescriptorFile"), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("a Hyper-V (VHDX) image", 0, "vhdxfile"), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("a Hyper-V (VHD) image", 0, "conectix"), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("a VirtualBox (VDI) image", 64, Buffer.from("7f10dabe", "hex")), advice: 'convert it with "qemu-img convert -O raw"' },
    { ...signature("an EnCase (E01) image", 0, "EVF\x09\x0d\x0a\xff\x00"), advice: 'export it with "ewfexport -f raw"' },
    { ...signature("gzip-compressed", 0, Buffer.from("1f8b", "hex")), advice: 'unpack it with "gunzip" first' },
    { ...signature("xz-compressed", 0, Buffer.from("fd377a585a00", "hex")), advice: 'unpack it with "unxz" first' },
    { ...signature("zstd-compressed", 0, Buffer.from("28b52ffd", "hex")), advice: 'unpack it with "unzstd" first' },
    { ...signature("bzip2-compressed", 0, "BZh"), advice: 'unpack it with "bunzip2" first' },
    { ...signature("a zip archive", 0, "PK\x03\x04"), advice: "unpack it first" },
    { ...signature("a tar archive", 257, "ustar"), advice: "unpack it and give the image inside" },
];

const matches = (head: Buffer, candidate: Signature): boolean =>
    head.subarray(candidate.offset, candidate.offset + candidate.magic.length).equals(candidate.magic);

/** A GPT header in the second sector (512-byte or 4,096-byte sectors) whose own checksum is right. */
function hasGpt(head: Buffer): boolean {
    return [sectorBytes, 4096].some((offset) => {
        if (head.length < offset + sectorBytes || !head.subarray(offset, offset + 8).equals(Buffer.from("EFI PART"))) {
            return false;
        }
        const size = head.readUInt32LE(offset + 12);
        if (size < 92 || size > sectorBytes) {
            return false;
        }
        const header = Buffer.from(head.subarray(offset, offset + size));
        const expected = header.readUInt32LE(16);
        header.writeUInt32LE(0, 16);
        return crc32(header) === expected;
    });
}

/** A boot signature and at least one partition that lies on the disk; a boot sector of FAT or NTFS has the signature alone. */
function hasMbr(head: Buffer, sizeBytes: number): boolean {
    if (head.length < sectorBytes || head.readUInt16LE(510) !== 0xaa55) {
        return false;
    }
    const entries = [446, 462, 478, 494].map((offset) => ({
        status: head[offset] ?? 1,
        type: head[offset + 4] ?? 0,
        start: head.readUInt32LE(offset + 8),
        sectors: head.readUInt32LE(offset + 12),
    }));
    return (
        entries.every((entry) => entry.status === 0 || entry.status === 0x80) &&
        entries.some(
            (entry) => entry.type !== 0 && entry.start > 0 && entry.sectors > 0 && (entry.start + entry.sectors) * sectorBytes <= sizeBytes,
        )
    );
}

/** @param head the first `headBytes` of the disk, or all of it */
function classify(file: string, head: Buffer, sizeBytes: number): DiskInspection {
    const other = otherFormats.find((candidate) => matches(head, candidate));
    if (other !== undefined) {
        return { ok: false, reason: `${file} is ${other.name}, not a raw disk: ${other.advice}.` };
    }
    if (sizeBytes < smallestDiskBytes) {
        return {
            ok: false,
            reason: `${file} has ${sizeBytes} bytes, too few for a disk: give a raw image of a whole disk or file system.`,
        };
    }
    const fileSystem = fileSystems.find((candidate) => matches(head, candidate))?.name ?? null;
    if (hasGpt(head)) {
        return { ok: true, sizeBytes, partitionTable: "gpt", fileSystem: null };
    }
    if (fileSystem !== null) {
        return { ok: true, sizeBytes, partitionTable: "none", fileSystem };
    }
    if (hasMbr(head, sizeBytes)) {
        return { ok: true, sizeBytes, partitionTable: "mbr", fileSystem: null };
    }
    return {
        ok: false,
        reason: `${file} has no partition table (GPT, MBR) and no file system known here at its start: give a raw image of a whole disk, as "dd" or "qemu-img convert -O raw" makes it.`,
    };
}

/**
 * Looks at the start of a file. The reason of a refusal names the file and says what to do.
 * @param file a regular file; block devices are refused, an image of one is wanted
 */
export async function inspectRawDisk(file: string): Promise<DiskInspection> {
    try {
        const status = await fs.promises.stat(file); // before opening: a fifo would block for ever
        if (!status.isFile()) {
            return { ok: false, reason: `${file} is not a regular file: give a raw disk image.` };
        }
        if (status.size === 0) {
            return { ok: false, reason: `${file} is empty: give a raw disk image.` };
        }
        const handle = await fs.promises.open(file, "r");
        try {
            const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
            return classify(file, buffer.subarray(0, bytesRead), status.size);
        } finally {
            await handle.close();
        }
    } catch (error) {
        return {
            ok: false,
            reason: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}): check the path and its permissions.`,
        };
    }
}
