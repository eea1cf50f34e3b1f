/** Writes entries into a mounted file system. */
import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "./host";
import { type Entry, pathBytes } from "../tree/entry";

/** Where an entry lies under the mount point, as bytes, since not every name is UTF-8. */
function locate(mountPoint: string, entryPath: string): Buffer {
    return Buffer.concat([Buffer.from(mountPoint), pathBytes(path.posix.normalize(entryPath))]);
}

/** All directories above an entry, outermost first, the root directory left out. */
function parents(entryPath: string): string[] {
    const names = entryPath.split("/").slice(1, -1);
    return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

function writeInode(mountPoint: string, entry: Exclude<Entry, { kind: "directory" }>): void {
    const target = locate(mountPoint, entry.path);
    fs.rmSync(target, { force: true });
    switch (entry.kind) {
        case "file":
            fs.writeFileSync(target, entry.content);
            if (entry.sparseBytes !== undefined) {
                fs.truncateSync(target, entry.sparseBytes);
            }
            break;
        case "symlink":
            fs.symlinkSync(entry.target, target);
            break;
        case "hardlink":
            fs.linkSync(locate(mountPoint, entry.target), target);
            break;
        case "fifo":
            run("mkfifo", [target.toString("utf8")]);
            break;
    }
}

function setAttributes(mountPoint: string, entry: Entry): void {
    const target = locate(mountPoint, entry.path);
    const time = new Date(entry.modified);
    fs.lchownSync(target, entry.uid, entry.gid);
    if (entry.kind === "symlink") {
        fs.lutimesSync(target, time, time);
        return;
    }
    fs.chmodSync(target, entry.mode); // after the owner: a change of owner clears set-user-id
    fs.utimesSync(target, time, time);
}

/**
 * Writes the entries in order; a later one replaces an earlier one at the same path. Parents that no entry describes are
 * root's, 0755. Times of directories are set last, since every new name changes them; a directory that no entry
 * describes gets the time of the newest entry in it.
 */
export function populate(mountPoint: string, entries: readonly Entry[]): void {
    const directories = new Map<string, Entry>();
    for (const entry of entries) {
        for (const parent of parents(entry.path)) {
            const known = directories.get(parent);
            if (known === undefined) {
                const attributes = fs.existsSync(locate(mountPoint, parent))
                    ? fs.statSync(locate(mountPoint, parent))
                    : { mode: 0o755, uid: 0, gid: 0 };
                directories.set(parent, {
                    kind: "directory",
                    path: parent,
                    mode: attributes.mode & 0o7777,
                    uid: attributes.uid,
                    gid: attributes.gid,
                    modified: entry.modified,
                });
                fs.mkdirSync(locate(mountPoint, parent), { recursive: true });
            } else if (entry.kind !== "hardlink" && entry.modified > known.modified) {
                directories.set(parent, { ...known, modified: entry.modified });
            }
        }
        if (entry.kind === "directory") {
            fs.mkdirSync(locate(mountPoint, entry.path), { recursive: true });
            const known = directories.get(entry.path);
            directories.set(entry.path, {
                ...entry,
                modified: known !== undefined && known.modified > entry.modified ? known.modified : entry.modified,
            });
        } else {
            writeInode(mountPoint, entry);
            setAttributes(mountPoint, entry);
        }
    }
    const deepestFirst = [...directories.values()].sort((left, right) => right.path.length - left.path.length);
    deepestFirst.forEach((entry) => setAttributes(mountPoint, entry));
}

/** Forces an inode, its data and everything logged before it to the disk. */
export function synchronise(mountPoint: string, entryPath: string): void {
    const descriptor = fs.openSync(locate(mountPoint, entryPath), "r");
    try {
        fs.fsyncSync(descriptor);
    } finally {
        fs.closeSync(descriptor);
    }
}

/** Whether something of that name is there, links not followed. */
export function exists(mountPoint: string, entryPath: string): boolean {
    return fs.lstatSync(locate(mountPoint, entryPath), { throwIfNoEntry: false }) !== undefined;
}

/** Deletes what was written. */
export function remove(mountPoint: string, entryPath: string): void {
    fs.rmSync(locate(mountPoint, entryPath), { recursive: true });
}

/** Inodes by name below the mount point, the root directory left out. */
export function countNames(mountPoint: string): number {
    const walk = (directory: Buffer): number =>
        fs
            .readdirSync(directory, { withFileTypes: true, encoding: "buffer" })
            .reduce(
                (total, child) => total + 1 + (child.isDirectory() ? walk(Buffer.concat([directory, Buffer.from("/"), child.name])) : 0),
                0,
            );
    return walk(Buffer.from(mountPoint));
}
