import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { artefacts, oddities } from "../../../rehearsal/disks/artefacts";
import type { GroundTruth, ImageTruth } from "../../../rehearsal/disks/groundTruth";
import { inspectRawDisk, materialise, readGroundTruth } from "../../../rehearsal/disks/images";
import { ext4Journal, RawImage, readGpt, unpackXfsLog, xfsLog, type Part } from "./rawImage";

const imagesDirectory = path.join(__dirname, "../../../rehearsal/disks");

/** The last name of a path: what a directory entry holds. */
const baseName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

describe("the victim's disk images", function () {
    this.timeout(60_000);
    let directory: string;
    let truth: GroundTruth;
    const raw = {} as Record<"root" | "data", RawImage>;

    before(async () => {
        directory = fs.mkdtempSync(path.join(os.tmpdir(), "disk-images-spec-"));
        truth = readGroundTruth();
        for (const name of ["root", "data"] as const) {
            raw[name] = new RawImage((await materialise(name, directory)).path);
        }
    });
    after(() => fs.rmSync(directory, { recursive: true }));

    const image = (name: "root" | "data"): ImageTruth => {
        const found = truth.images.find((candidate) => candidate.name === name);
        if (found === undefined) throw new Error(`The ground truth has no image ${name}.`);
        return found;
    };

    for (const name of ["root", "data"] as const) {
        it(`${name}: unpacks to what the ground truth says, as a sparse file`, () => {
            const file = path.join(directory, `${name}.img`);
            expect(createHash("sha256").update(fs.readFileSync(file)).digest("hex")).to.equal(image(name).sha256);
            const status = fs.statSync(file);
            expect(status.size).to.equal(image(name).sizeBytes);
            expect(status.blocks * 512).to.be.below(status.size / 4);
        });

        it(`${name}: is at most 8 MB in the repository`, () => {
            expect(fs.statSync(path.join(imagesDirectory, image(name).file)).size).to.be.within(1, 8_000_000);
        });

        it(`${name}: is taken for a raw disk`, async () => {
            const expected = name === "root" ? { partitionTable: "gpt", fileSystem: null } : { partitionTable: "none", fileSystem: "ext4" };
            expect(await inspectRawDisk(path.join(directory, `${name}.img`))).to.deep.equal({
                ok: true,
                sizeBytes: image(name).sizeBytes,
                ...expected,
            });
        });
    }

    it("root: has a protective MBR and the partitions of the ground truth", () => {
        expect(raw.root.read(446 + 4, 1)[0]).to.equal(0xee);
        expect(readGpt(raw.root)).to.deep.equal(image("root").partitions.map(({ fileSystem: _fileSystem, ...partition }) => partition));
    });

    it('root: has an XFS labelled "/" where the ground truth says, as large as its partition', () => {
        const { offsetBytes, uuid, label } = image("root").fileSystem;
        const superblock = raw.root.read(offsetBytes, 512);
        expect(superblock.toString("latin1", 0, 4)).to.equal("XFSB");
        expect(superblock.toString("hex", 32, 48)).to.equal(uuid.replaceAll("-", ""));
        expect(superblock.toString("latin1", 108, 120).replace(/\0+$/, "")).to.equal(label);
        const partition = image("root").partitions.find((candidate) => candidate.fileSystem === "xfs");
        expect(superblock.readUInt32BE(4) * Number(superblock.readBigUInt64BE(8))).to.equal(partition?.sizeBytes);
    });

    it("data: has an ext4 over the whole disk that asks for recovery", () => {
        const superblock = raw.data.read(1024, 1024);
        expect(superblock.readUInt16LE(56)).to.equal(0xef53);
        expect(superblock.readUInt32LE(96) & 0x4, "needs_recovery").to.equal(0x4);
        expect(superblock.toString("hex", 104, 120)).to.equal(image("data").fileSystem.uuid.replaceAll("-", ""));
        expect(ext4Journal(raw.data).replayFrom).to.be.above(0);
    });

    it("has the newest artefacts of both disks in the journal alone", () => {
        const log = xfsLog(raw.root, image("root").fileSystem.offsetBytes);
        const journal = ext4Journal(raw.data);
        const journals: Record<"root" | "data", { place: Part; content: Buffer }> = {
            root: { place: log, content: unpackXfsLog(raw.root, log) },
            data: { place: journal, content: raw.data.read(journal.start, journal.end - journal.start) },
        };
        // A name that other directories use too ("authorized_keys") says nothing about where its entry is.
        const newest = truth.artefacts.filter(
            (artefact) =>
                artefact.needsJournalReplay && artefacts.filter((other) => baseName(other.path) === baseName(artefact.path)).length === 1,
        );
        expect(newest.map((artefact) => artefact.volume)).to.include.members(["root", "data"]);
        for (const artefact of newest) {
            const { place, content } = journals[artefact.volume];
            expect(content.includes(baseName(artefact.path)), `${artefact.id} is in the journal`).to.equal(true);
            const elsewhere = raw[artefact.volume]
                .occurrences(baseName(artefact.path))
                .filter((offset) => offset < place.start || offset >= place.end);
            expect(elsewhere, `${artefact.id} is nowhere else`).to.deep.equal([]);
        }
    });

    it("holds the content of every planted file", () => {
        for (const artefact of artefacts) {
            for (const entry of artefact.entries) {
                if (entry.kind === "file") {
                    expect(
                        raw[artefact.volume].occurrences(entry.content.subarray(0, 512)).length,
                        `${artefact.id} ${entry.path}`,
                    ).to.be.above(0);
                }
            }
        }
    });

    it("holds deleted content where the ground truth says", () => {
        expect(truth.notLookedAt.map((deleted) => deleted.volume)).to.have.members(["root", "data"]);
        for (const deleted of truth.notLookedAt) {
            expect(raw[deleted.volume].read(deleted.offsetBytes, deleted.marker.length).toString("latin1")).to.equal(deleted.marker);
        }
    });

    it("was built from the artefacts and oddities in the sources", () => {
        const rebuild = 'build the images again with "npm run disks"';
        expect(truth.artefacts, rebuild).to.deep.equal(artefacts.map(({ entries: _entries, ...artefact }) => artefact));
        expect(truth.oddities, rebuild).to.deep.equal(oddities.map(({ entry, ...oddity }) => ({ ...oddity, path: entry.path })));
    });

    it("plants at least twelve kinds, markup in names and content, and a newline in a name", () => {
        expect(new Set(truth.artefacts.map((artefact) => artefact.check)).size).to.be.at.least(12);
        expect(new Set(truth.artefacts.map((artefact) => artefact.id)).size).to.equal(truth.artefacts.length);
        const hostile = truth.artefacts.filter((artefact) => artefact.hostileText).map((artefact) => artefact.path);
        expect(hostile).to.include("/tmp/<script>document.title='owned'</script>");
        expect(hostile.some((name) => name.includes('"><img src=x onerror='))).to.equal(true);
        expect(hostile.some((name) => name.includes("\n"))).to.equal(true);
    });

    describe("that were damaged", () => {
        /** A directory with the ground truth and an image that is not the one it describes. */
        function damaged(content: (original: Buffer) => Buffer): string {
            const source = fs.mkdtempSync(path.join(directory, "damaged-"));
            fs.copyFileSync(path.join(imagesDirectory, "ground-truth.json"), path.join(source, "ground-truth.json"));
            fs.writeFileSync(
                path.join(source, image("data").file),
                content(fs.readFileSync(path.join(imagesDirectory, image("data").file))),
            );
            return source;
        }

        async function refusal(source: string): Promise<string> {
            const target = path.join(source, "unpacked");
            const error = await materialise("data", target, source).then(
                () => null,
                (reason: Error) => reason,
            );
            expect(fs.readdirSync(target), "nothing half-made stays").to.deep.equal([]);
            return error?.message ?? "unpacked";
        }

        it("are refused when they were cut off", async () => {
            expect(await refusal(damaged((original) => original.subarray(0, original.length / 2)))).to.match(/unexpected end of file/);
        });

        it("are refused when they hold something else, with what to do", async () => {
            const { brotliCompressSync } = await import("node:zlib");
            expect(await refusal(damaged(() => brotliCompressSync("another disk")))).to.match(
                /unpacks to 12 bytes with SHA-256 .*npm run disks/,
            );
        });
    });
});
