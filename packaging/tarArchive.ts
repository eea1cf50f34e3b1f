/** Deterministic tar.gz: the same files give the same bytes, so that an archive can be known by its SHA-256. POSIX ustar. */
import { gzipSync } from "node:zlib";

export interface TarFile {
    /** Path inside the archive, with forward slashes, at most 255 bytes. */
    readonly name: string;
    readonly content: Buffer;
}

const block = 512;

/** ustar keeps up to 100 bytes of a name, and up to 155 of directories before it. */
function splitName(name: string): { readonly name: string; readonly prefix: string } {
    if (Buffer.byteLength(name) <= 100) {
        return { name, prefix: "" };
    }
    for (let slash = name.indexOf("/"); slash !== -1; slash = name.indexOf("/", slash + 1)) {
        const parts = { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
        if (Buffer.byteLength(parts.name) <= 100 && Buffer.byteLength(parts.prefix) <= 155) {
            return parts;
        }
    }
    throw new Error(`${name} is too long for a tar archive: shorten it to 100 bytes after a directory of at most 155`);
}

function header(file: TarFile): Buffer {
    const { name, prefix } = splitName(file.name);
    const bytes = Buffer.alloc(block);
    const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
    bytes.write(name, 0);
    bytes.write(octal(0o644, 8), 100);
    bytes.write(octal(0, 8) + octal(0, 8), 108); // owner and group: root
    bytes.write(octal(file.content.length, 12), 124);
    bytes.write(octal(0, 12), 136); // modified: 1970, the content alone counts
    bytes.write("        ", 148); // the checksum counts as blanks while it is computed
    bytes.write("0", 156);
    bytes.write("ustar\x0000", 257, "latin1");
    bytes.write(prefix, 345);
    const checksum = bytes.reduce((sum, byte) => sum + byte, 0);
    bytes.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148);
    return bytes;
}

/** The files as one tar.gz, in the order of their names. */
export function tarGz(files: readonly TarFile[]): Buffer {
    const parts: Buffer[] = [];
    for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
        parts.push(header(file), file.content, Buffer.alloc((block - (file.content.length % block)) % block));
    }
    parts.push(Buffer.alloc(2 * block));
    return gzipSync(Buffer.concat(parts), { level: 9 });
}
