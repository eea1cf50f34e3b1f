/** `npm run disks`: builds the victim's two volumes and their ground truth. Needs root on Linux; a rehearsal needs only the results. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { artefacts, deletedFiles, oddities } from "./artefacts";
import { command } from "../../tools/command";
import { checkHost, run, withLoopDevice } from "./builder/host";
import { fillVolume, findDeleted, verifyVolume, type VolumePlan } from "./builder/volume";
import { type GroundTruth, groundTruthSchema, type ImageTruth } from "./groundTruth";
import { type Partition, rootPartitions, sectorBytes, type VolumeName, volumes } from "./layout";
import { dataTree } from "./tree/dataVolume";
import { etcTree } from "./tree/etc";
import { homeTree } from "./tree/homes";
import { logTree } from "./tree/logs";
import { softwareTree } from "./tree/software";
import { story } from "./tree/story";

const largestCompressedBytes = 8 * 1024 * 1024;

/** Partition table, firmware partitions and an empty XFS. @returns where the XFS lies */
function formatRoot(image: string): Pick<VolumePlan, "offsetBytes" | "sizeBytes"> {
    fs.truncateSync(image, volumes.root.sizeBytes);
    const line = (partition: Partition): string =>
        `${partition.number} : start=${partition.offsetBytes / sectorBytes}, size=${partition.sizeBytes / sectorBytes}, ` +
        `type=${partition.typeGuid}, uuid=${partition.guid}, name="${partition.name}"`;
    run(
        "sfdisk",
        ["--quiet", "--no-reread", image],
        ["label: gpt", `label-id: ${volumes.root.diskGuid}`, "first-lba: 34", ...rootPartitions.map(line), ""].join("\n"),
    );
    const find = (type: "xfs" | "vfat"): Partition => {
        const partition = rootPartitions.find((candidate) => candidate.fileSystem === type);
        if (partition === undefined) {
            throw new Error(`layout.ts has no ${type} partition on the root volume.`);
        }
        return partition;
    };
    withLoopDevice(image, find("vfat"), (device) => run("mkfs.vfat", ["--invariant", "-i", volumes.efiVolumeId.replace("-", ""), device]));
    withLoopDevice(image, find("xfs"), (device) =>
        run("mkfs.xfs", ["-q", "-K", "-L", volumes.root.label, "-m", `uuid=${volumes.root.uuid}`, device]),
    );
    return find("xfs");
}

/** An empty ext4 over the whole disk, with the features Amazon Linux 2023's e2fsprogs 1.46 gives. */
function formatData(image: string): Pick<VolumePlan, "offsetBytes" | "sizeBytes"> {
    fs.truncateSync(image, volumes.data.sizeBytes);
    run(
        "mkfs.ext4",
        [
            "-q",
            "-F",
            "-L",
            volumes.data.label,
            "-U",
            volumes.data.uuid,
            "-O",
            "^orphan_file,^metadata_csum_seed",
            "-E",
            `nodiscard,lazy_itable_init=0,lazy_journal_init=0,hash_seed=${volumes.data.uuid}`,
            image,
        ],
        "",
        { E2FSPROGS_FAKE_TIME: String(Date.parse(story.deployed) / 1000) },
    );
    return { offsetBytes: 0, sizeBytes: volumes.data.sizeBytes };
}

/** Builds one volume in the working directory and writes its compressed image to the output directory. */
function buildVolume(
    name: VolumeName,
    workDirectory: string,
    outputDirectory: string,
): { image: ImageTruth; notLookedAt: GroundTruth["notLookedAt"] } {
    const image = path.join(workDirectory, `${name}.img`);
    fs.writeFileSync(image, "");
    const plan: VolumePlan = {
        image,
        type: name === "root" ? "xfs" : "ext4",
        ...(name === "root" ? formatRoot(image) : formatData(image)),
        tree: name === "root" ? [...etcTree, ...softwareTree, ...homeTree, ...logTree] : dataTree,
        artefacts: artefacts.filter((artefact) => artefact.volume === name),
        oddities: oddities.filter((oddity) => oddity.volume === name),
        deleted: deletedFiles.filter((deleted) => deleted.volume === name),
    };
    fillVolume(plan);
    const filesTotal = verifyVolume(plan);
    const raw = fs.readFileSync(image);
    const compressed = brotliCompressSync(raw, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
    });
    if (compressed.length > largestCompressedBytes) {
        throw new Error(
            `${name}.img compresses to ${compressed.length} bytes, more than the ${largestCompressedBytes} that may be committed: plant less incompressible filler.`,
        );
    }
    fs.writeFileSync(path.join(outputDirectory, `${name}.img.br`), compressed);
    console.log(
        `${name}: ${filesTotal} names, ${raw.length} bytes raw, ${compressed.length} compressed, ${plan.artefacts.length} artefacts`,
    );
    return {
        image: {
            name,
            file: `${name}.img.br`,
            sha256: createHash("sha256").update(raw).digest("hex"),
            sizeBytes: raw.length,
            mountPoint: volumes[name].mountPoint,
            partitions: name === "root" ? [...rootPartitions] : [],
            fileSystem: { type: plan.type, label: volumes[name].label, uuid: volumes[name].uuid, offsetBytes: plan.offsetBytes },
            filesTotal,
        },
        notLookedAt: plan.deleted.map((deleted) => ({
            id: deleted.id,
            volume: name,
            deletedPath: deleted.entry.path,
            marker: deleted.marker,
            offsetBytes: findDeleted(raw, deleted),
            note: deleted.note,
        })),
    };
}

function build(): void {
    checkHost();
    const workDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "victim-disks-"));
    try {
        const built = (["root", "data"] as const).map((name) => buildVolume(name, workDirectory, __dirname));
        const truth = groundTruthSchema.parse({
            schemaVersion: 1,
            images: built.map(({ image }) => image),
            artefacts: artefacts.map(({ entries: _entries, ...artefact }) => artefact),
            oddities: oddities.map(({ entry, ...oddity }) => ({ ...oddity, path: entry.path })),
            notLookedAt: built.flatMap(({ notLookedAt }) => notLookedAt),
        });
        fs.writeFileSync(path.join(__dirname, "ground-truth.json"), `${JSON.stringify(truth, null, 2)}\n`);
    } finally {
        fs.rmSync(workDirectory, { recursive: true });
    }
}

export const disks = command(
    {
        name: "disks",
        summary:
            "Builds the victim's two volumes of the rehearsal and their ground truth, into rehearsal/disks. Needs root on Linux; a rehearsal does not.",
        arguments: "",
        options: {},
        examples: ["sudo npm run disks"],
        exitCodes: { 0: "they were built", 2: "they could not be, and why" },
        run: () => {
            build();
            return 0;
        },
    },
    module,
);
