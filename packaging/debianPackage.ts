/** Takes one file out of a Debian package that is known by its SHA-256. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fetchPinned, type PinnedFile } from "./pinnedFile";
import { findPython } from "./python";

const MOST_BYTES = 64 * 1024 * 1024;

/** The member of an ar archive (a .deb is one) whose name begins with `prefix`. */
export function arMember(archive: Buffer, prefix: string): { readonly name: string; readonly content: Buffer } {
    for (let at = 8; at + 60 <= archive.length;) {
        const name = archive.toString("latin1", at, at + 16).replace(/[/ ]+$/, "");
        const size = Number(archive.toString("latin1", at + 48, at + 58).trim());
        if (!Number.isInteger(size) || size < 0 || at + 60 + size > archive.length) {
            break;
        }
        if (name.startsWith(prefix)) {
            return { name, content: archive.subarray(at + 60, at + 60 + size) };
        }
        at += 60 + size + (size % 2);
    }
    throw new Error(`The package holds no ${prefix}: it is no Debian package, or cut short`);
}

/** Python's standard library reads xz, which Node's does not; a deployment has a Python anyway. */
const TAKE =
    "import sys, tarfile\nwith tarfile.open(fileobj=sys.stdin.buffer, mode='r|*') as t:\n for m in t:\n  if m.name.lstrip('./') == sys.argv[1]: sys.stdout.buffer.write(t.extractfile(m).read()); break\n else: sys.exit('the package holds no ' + sys.argv[1])";

/**
 * @param file path inside the package, without a slash at its start
 * @throws Error when it cannot be fetched, has another hash, or lacks the file
 */
export async function fileOfPackage(wanted: PinnedFile, file: string): Promise<Buffer> {
    const { content } = arMember(await fetchPinned(wanted), "data.tar");
    const python = await findPython();
    const running = promisify(execFile)(python.path, ["-I", "-c", TAKE, file], { encoding: "buffer", maxBuffer: MOST_BYTES });
    running.child.stdin?.on("error", () => undefined); // it stops reading once it has the file
    running.child.stdin?.end(content);
    try {
        return (await running).stdout;
    } catch (error) {
        throw new Error(
            `${file} could not be taken out of ${wanted.name}: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`,
            {
                cause: error,
            },
        );
    }
}
