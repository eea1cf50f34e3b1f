/**
 * Bytes that look like something and do nothing: ELF files that no kernel can start, keys nobody holds, reproducible filler.
 * Nothing on the disks works as an attack; detection rests on headers, places and marker strings alone.
 */
import { createHash } from "node:crypto";

/** Reproducible bytes without structure. @param size in bytes */
export function filler(seed: string, size: number): Buffer {
    const blocks: Buffer[] = [];
    for (let index = 0; index * 32 < size; index++) {
        blocks.push(createHash("sha256").update(`${seed}:${index}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, size);
}

/**
 * A file with a well-formed ELF64 header (x86-64, shared object) and no program headers: `file` calls it ELF, execve refuses it.
 * @param strings what `strings` finds in it
 * @param size whole size in bytes, at least the header and the strings
 */
export function inertElf(name: string, strings: readonly string[] = [], size = 1024): Buffer {
    const header = Buffer.alloc(64);
    header.write("\x7fELF", 0, "latin1");
    header.set([2, 1, 1, 0], 4); // 64-bit, little-endian, version 1, System V
    header.write("\nexit\n", 9, "latin1"); // padding: execvp and dash take what the kernel refuses for a script, which ends here
    header.writeUInt16LE(3, 16); // ET_DYN
    header.writeUInt16LE(62, 18); // EM_X86_64
    header.writeUInt32LE(1, 20);
    header.writeUInt16LE(64, 52); // e_ehsize; e_phnum and e_shnum stay 0
    const text = Buffer.from(["inert rehearsal file, not a program", name, ...strings, ""].join("\0"), "utf8");
    const rest = Math.max(0, size - header.length - text.length);
    return Buffer.concat([header, text, filler(name, rest)]);
}

/** An OpenSSH public key line whose private half nobody holds: the 32 key bytes are a hash of the comment. */
export function orphanPublicKey(comment: string): string {
    const field = (bytes: Buffer): Buffer => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(bytes.length);
        return Buffer.concat([length, bytes]);
    };
    const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(filler(`key:${comment}`, 32))]);
    return `ssh-ed25519 ${blob.toString("base64")} ${comment}`;
}
