import { readFileSync } from "node:fs";
import { expect } from "chai";
import { staticElf } from "../../packaging/avml";
import { arMember } from "../../packaging/debianPackage";

/** A 64-bit little-endian ELF file with program headers of these types. */
function elf(machine: number, ...types: number[]): Buffer {
    const out = Buffer.alloc(64 + 56 * types.length);
    out.write("\x7fELF\x02\x01\x01", 0, "latin1");
    out.writeUInt16LE(machine, 18);
    out.writeBigUInt64LE(64n, 32);
    out.writeUInt16LE(56, 54);
    out.writeUInt16LE(types.length, 56);
    types.forEach((type, index) => out.writeUInt32LE(type, 64 + 56 * index));
    return out;
}

describe("the programs of the acquisition volume", () => {
    it("are refused when they would load libraries of the victim's, or are for another processor", () => {
        expect(staticElf(elf(62, 1, 1))).to.deep.equal({ architecture: "x86_64" });
        expect(staticElf(elf(183, 1))).to.deep.equal({ architecture: "arm64" });
        expect(staticElf(elf(62, 1, 3)))
            .to.have.property("refused")
            .that.includes("linked dynamically");
        expect(staticElf(elf(8, 1)))
            .to.have.property("refused")
            .that.includes("not known");
        expect(staticElf(Buffer.from("#!/bin/sh\n")))
            .to.have.property("refused")
            .that.includes("no 64-bit");
        if (process.platform === "linux") {
            expect(staticElf(readFileSync(process.execPath)), "Node itself").to.have.property("refused");
        }
    });

    it("are looked for in the package by its members, and a package that is cut short is said to be", () => {
        const member = (name: string, content: string): string =>
            `${name.padEnd(16)}${"0".padEnd(32)}${String(content.length).padEnd(10)}\`\n${content}${content.length % 2 ? "\n" : ""}`;
        const archive = Buffer.from(`!<arch>\n${member("debian-binary", "2.0")}${member("data.tar.xz", "content")}`, "latin1");
        expect(arMember(archive, "data.tar").content.toString()).to.equal("content");
        expect(() => arMember(archive.subarray(0, archive.length - 4), "data.tar")).to.throw("cut short");
    });
});
