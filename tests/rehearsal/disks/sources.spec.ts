import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { checkHost } from "../../../rehearsal/disks/builder/host";
import { dataTree } from "../../../rehearsal/disks/tree/dataVolume";
import { pathBytes } from "../../../rehearsal/disks/tree/entry";
import { etcTree } from "../../../rehearsal/disks/tree/etc";
import { homeTree } from "../../../rehearsal/disks/tree/homes";
import { inertElf, orphanPublicKey } from "../../../rehearsal/disks/tree/inert";
import { logTree, wtmpRecords } from "../../../rehearsal/disks/tree/logs";
import { softwareTree } from "../../../rehearsal/disks/tree/software";
import { encodeLoginRecord } from "../../../rehearsal/disks/tree/utmp";

describe("the sources of the disk images", () => {
    it("write paths as bytes: UTF-8, and surrogate escapes as the bytes they stand for", () => {
        expect(pathBytes("/opt/caf\udce9").toString("hex")).to.equal(Buffer.from("/opt/caf\xe9", "latin1").toString("hex"));
        fc.assert(fc.property(fc.string({ unit: "grapheme" }), (name) => pathBytes(name).equals(Buffer.from(name, "utf8"))));
    });

    it("have every ordinary path once per volume, absolute and normal", () => {
        for (const tree of [[...etcTree, ...softwareTree, ...homeTree, ...logTree], dataTree]) {
            const paths = tree.map((entry) => entry.path);
            expect(paths.filter((name, index) => paths.indexOf(name) !== index)).to.deep.equal([]);
            expect(paths.filter((name) => !name.startsWith("/") || path.posix.normalize(name) !== name)).to.deep.equal([]);
        }
    });

    it("make ELF files that neither the kernel nor a shell runs", () => {
        const directory = fs.mkdtempSync(path.join(os.tmpdir(), "inert-elf-"));
        try {
            const program = path.join(directory, "program");
            const marker = path.join(directory, "marker");
            const content = inertElf("program", ["xmrig", `\ntouch ${marker}\n`]);
            fs.writeFileSync(program, content, { mode: 0o755 });
            // execvp, which Node uses, gives a file the kernel refuses to /bin/sh.
            expect(() => execFileSync(program, { stdio: "pipe" })).to.throw();
            expect(() => execFileSync("sh", [program], { stdio: "pipe" })).to.throw();
            expect(fs.existsSync(marker)).to.equal(false);
            expect(content.subarray(0, 4).toString("latin1")).to.equal("\x7fELF");
            expect(content.includes("xmrig")).to.equal(true);
        } finally {
            fs.rmSync(directory, { recursive: true });
        }
    });

    it("make public keys of the right shape", () => {
        const [type, blob, comment] = orphanPublicKey("somebody").split(" ");
        expect([type, comment]).to.deep.equal(["ssh-ed25519", "somebody"]);
        const bytes = Buffer.from(blob ?? "", "base64");
        expect(bytes.readUInt32BE(0)).to.equal(11);
        expect(bytes.subarray(4, 15).toString()).to.equal("ssh-ed25519");
        expect(bytes.readUInt32BE(15)).to.equal(32);
        expect(bytes.length).to.equal(19 + 32);
    });

    it("write log-in records as utmp(5) lays them out", () => {
        const bytes = encodeLoginRecord({
            type: "user",
            pid: 20177,
            line: "pts/1",
            user: "deploy",
            host: "203.0.113.66",
            at: "2026-11-20T03:15:02Z",
        });
        expect(bytes.length).to.equal(384);
        expect(bytes.readInt16LE(0)).to.equal(7);
        expect(bytes.readInt32LE(4)).to.equal(20177);
        expect(bytes.subarray(8, 13).toString()).to.equal("pts/1");
        expect(bytes.subarray(40, 44).toString()).to.equal("1\0\0\0");
        expect(bytes.subarray(44, 50).toString()).to.equal("deploy");
        expect(bytes.readInt32LE(340)).to.equal(Date.UTC(2026, 10, 20, 3, 15, 2) / 1000);
        expect([...bytes.subarray(348, 352)]).to.deep.equal([203, 0, 113, 66]);
        const times = wtmpRecords.map((record) => Date.parse(record.at));
        expect(times).to.deep.equal([...times].sort((left, right) => left - right));
    });

    it("say what the build needs and how to get it", () => {
        const nothing = { platform: "linux", uid: 1000, programDirectories: [] };
        expect(() => checkHost(nothing)).to.throw(
            /not root.*mkfs\.xfs.*apt-get install xfsprogs e2fsprogs dosfstools fdisk mount coreutils/,
        );
        expect(() => checkHost({ ...nothing, platform: "darwin", uid: 501 })).to.throw(
            /this is darwin, and only Linux mounts XFS and ext4/,
        );
    });
});
