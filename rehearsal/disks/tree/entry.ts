/** The vocabulary in which the victim's file trees are written: plain values, written to a mounted file system by `builder/populate.ts`. */

interface Attributes {
    /** Permission bits, set-user-id included, such as 0o4755. */
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    /** Modification time (and access time), ISO 8601 in UTC. */
    readonly modified: string;
}

interface Common extends Attributes {
    /**
     * Absolute inside its volume. Bytes that are not UTF-8 are written as Python's surrogateescape does (0xE9 as "\udce9"),
     * so that the ground truth, which is JSON, can name them too.
     */
    readonly path: string;
}

export type Entry =
    | (Common & {
          readonly kind: "file";
          readonly content: Buffer;
          /** Apparent size; the rest is a hole. */ readonly sparseBytes?: number;
      })
    | (Common & { readonly kind: "directory" })
    | (Common & { readonly kind: "symlink"; readonly target: string })
    | (Common & { readonly kind: "hardlink"; readonly target: string })
    | (Common & { readonly kind: "fifo" });

type Options = Partial<Attributes> & Pick<Attributes, "modified">;

/** A regular file, 0644 and root's unless told otherwise. Lines are joined and ended with a newline. */
export function file(path: string, content: Buffer | string | readonly string[], options: Options): Entry {
    const bytes = Buffer.isBuffer(content)
        ? content
        : Buffer.from(typeof content === "string" ? content : `${content.join("\n")}\n`, "utf8");
    return { kind: "file", path, content: bytes, mode: 0o644, uid: 0, gid: 0, ...options };
}

/** A directory, 0755 and root's unless told otherwise. Missing parents are made by the builder. */
export function directory(path: string, options: Options): Entry {
    return { kind: "directory", path, mode: 0o755, uid: 0, gid: 0, ...options };
}

/** A symbolic link; the target is stored as given. */
export function symlink(path: string, target: string, options: Options): Entry {
    return { kind: "symlink", path, target, mode: 0o777, uid: 0, gid: 0, ...options };
}

/** The bytes of a path under the surrogateescape convention of `Entry.path`. */
export function pathBytes(path: string): Buffer {
    return Buffer.concat(
        [...path].map((character) => {
            const code = character.codePointAt(0) ?? 0;
            return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, "utf8");
        }),
    );
}
