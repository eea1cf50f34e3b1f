/** System programs the build needs, loop devices and mounts. Everything attached here is detached again, failure or not. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Program to Debian package (the names are the same on Fedora, except that sfdisk comes with util-linux there). */
const programs: Record<string, string> = {
    "mkfs.xfs": "xfsprogs",
    xfs_io: "xfsprogs",
    xfs_repair: "xfsprogs",
    "mkfs.ext4": "e2fsprogs",
    e2fsck: "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    sfdisk: "fdisk",
    losetup: "mount",
    mount: "mount",
    umount: "mount",
    mkfifo: "coreutils",
};

/** Runs a program to its end and gives its standard output. @throws with the command and what it wrote to standard error */
export function run(program: string, args: readonly string[], input?: string, environment: NodeJS.ProcessEnv = {}): string {
    try {
        return execFileSync(program, args, {
            encoding: "utf8",
            input: input ?? "",
            env: { ...process.env, ...environment },
            stdio: ["pipe", "pipe", "pipe"],
        });
    } catch (error) {
        const stderr = (error as { stderr?: string }).stderr?.trim();
        throw new Error(`"${program} ${args.join(" ")}" failed: ${stderr || String(error)}`, { cause: error });
    }
}

/** What the build asks of its host. */
export interface Host {
    readonly platform: string;
    /** Undefined where there are no user ids. */
    readonly uid: number | undefined;
    /** Directories that programs are looked for in. */
    readonly programDirectories: readonly string[];
}

const thisHost = (): Host => ({
    platform: process.platform,
    uid: process.getuid?.(),
    programDirectories: [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"],
});

/** @throws an error that names everything missing and how to get it */
export function checkHost(host: Host = thisHost()): void {
    const problems: string[] = [];
    if (host.platform !== "linux") {
        problems.push(`this is ${host.platform}, and only Linux mounts XFS and ext4`);
    } else if (host.uid !== 0) {
        problems.push("this is not root, and mounting needs root: run it with sudo");
    }
    const missing = Object.entries(programs).filter(
        ([program]) => !host.programDirectories.some((directory) => fs.existsSync(path.join(directory, program))),
    );
    if (missing.length > 0) {
        const names = missing.map(([program]) => program).join(", ");
        problems.push(
            `${names} missing: apt-get install ${[...new Set(missing.map(([, name]) => name))].join(" ")} (or dnf install xfsprogs e2fsprogs dosfstools util-linux)`,
        );
    }
    if (problems.length > 0) {
        throw new Error(
            `The victim's disks cannot be built here: ${problems.join("; ")}. A rehearsal does not need this: it uses the committed images.`,
        );
    }
}

/** Attaches part of an image as a block device for as long as `use` takes. */
export function withLoopDevice<T>(image: string, part: { offsetBytes: number; sizeBytes: number }, use: (device: string) => T): T {
    const device = run("losetup", [
        "--find",
        "--show",
        "--offset",
        String(part.offsetBytes),
        "--sizelimit",
        String(part.sizeBytes),
        image,
    ]).trim();
    try {
        return use(device);
    } finally {
        run("losetup", ["--detach", device]);
    }
}

/** Mounts a device for as long as `use` takes; the mount point is given to it. */
export function withMount<T>(device: string, type: "xfs" | "ext4", options: string, use: (mountPoint: string) => T): T {
    const mountPoint = fs.mkdtempSync(path.join(os.tmpdir(), "victim-disk-"));
    try {
        run("mount", ["-t", type, "-o", options, device, mountPoint]);
        try {
            return use(mountPoint);
        } finally {
            run("umount", [mountPoint]);
        }
    } finally {
        fs.rmdirSync(mountPoint);
    }
}
