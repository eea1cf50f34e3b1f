/** Sizes, identifiers and partitions of the victim's two volumes. Fixed, so that two builds differ only where the kernel writes its own times. */

const mebibyte = 1024 * 1024;
export const sectorBytes = 512;

export interface Partition {
    readonly number: number;
    readonly name: string;
    readonly typeGuid: string;
    readonly guid: string;
    /** From the start of the disk. */
    readonly offsetBytes: number;
    readonly sizeBytes: number;
    readonly fileSystem: "xfs" | "vfat" | null;
}

/** The partitions of an Amazon Linux 2023 AMI: root is number 1 and lies last, firmware's come before it. */
export const rootPartitions: readonly Partition[] = [
    {
        number: 1,
        name: "Linux",
        typeGuid: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
        guid: "6D1A5A2E-0C1E-4A2F-90DC-A5E003000001",
        offsetBytes: 12 * mebibyte,
        sizeBytes: 320 * mebibyte,
        fileSystem: "xfs",
    },
    {
        number: 127,
        name: "BIOS Boot Partition",
        typeGuid: "21686148-6449-6E6F-744E-656564454649",
        guid: "6D1A5A2E-0C1E-4A2F-90DC-A5E003000127",
        offsetBytes: mebibyte,
        sizeBytes: mebibyte,
        fileSystem: null,
    },
    {
        number: 128,
        name: "EFI System Partition",
        typeGuid: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        guid: "6D1A5A2E-0C1E-4A2F-90DC-A5E003000128",
        offsetBytes: 2 * mebibyte,
        sizeBytes: 10 * mebibyte,
        fileSystem: "vfat",
    },
];

/** mkfs.xfs refuses less than 300 MiB; the last mebibyte holds the backup GPT. */
export const volumes = {
    root: {
        sizeBytes: 333 * mebibyte,
        diskGuid: "6D1A5A2E-0C1E-4A2F-90DC-A5E003000000",
        uuid: "0c1ea2f0-0dca-4e5e-8003-a5e0030000aa",
        label: "/",
        mountPoint: "/",
    },
    data: { sizeBytes: 64 * mebibyte, uuid: "0c1ea2f0-0dca-4e5e-8003-a5e0030000da", label: "srv", mountPoint: "/srv" },
    efiVolumeId: "A5E0-0301",
} as const;

export type VolumeName = "root" | "data";
